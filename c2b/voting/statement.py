"""What the hashes of a selection are taken of: whoever has the published bundle can write the same down again. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

from c2b.campaigns.models import Campaign
from c2b.voting import tree
from c2b.voting.rules import Ranked, SelectionRules, Tally


def rules_of(campaign: Campaign) -> dict[str, Any]:
    """Return the rules of the vote, as frozen when voting opens."""
    return {
        "version": campaign.rules_version,
        "votes_each": campaign.votes_each,
        "places": campaign.places,
        "min_votes": campaign.min_votes,
        "max_per_category": campaign.max_per_category,
        "count": sorted(campaign.count),
        "publish_ballots": campaign.publish_ballots,
    }


def deciding(rules: Mapping[str, Any]) -> SelectionRules:
    """Return those of the rules that decide who is selected."""
    return SelectionRules(rules["places"], rules["min_votes"], rules["max_per_category"])


def input_of(slug: str, rules: Mapping[str, Any], tallies: Iterable[Tally], seal: tree.Seal) -> dict[str, Any]:
    """Return everything that the selection is made of, besides the secret."""
    return {
        "campaign": slug,
        "rules": dict(rules),
        "candidates": [
            {"code": each.code, "category": each.category, "withdrawn": each.withdrawn, "votes": each.votes, "held": each.held}
            for each in sorted(tallies, key=lambda tally: tally.code)
        ],
        "ballot_root": seal.root.hex(),
        "ballots": seal.listed,
    }


def line(*, rank: int, code: str, votes: int, held: int, result: str, tie_key: str) -> dict[str, Any]:
    """Return a candidate's line as the output hash takes it."""
    return {"rank": rank, "code": code, "votes": votes, "held": held, "result": result, "tie_key": tie_key}


def line_of(ranked: Ranked) -> dict[str, Any]:
    """Return the line of a candidate's place."""
    tally = ranked.tally
    return line(rank=ranked.rank, code=tally.code, votes=tally.votes, held=tally.held, result=ranked.result.value, tie_key=ranked.tie_key)
