"""What the hashes of a selection are taken of: whoever has the published bundle can write the same down again. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
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


# What is published

FORMAT = "c2b bundle 2"
FOLLOWING = ("overrides", "published", "published_hash")
"""What is told beside the document that is frozen with the selection: the overrides may follow it, each with a version of its own."""
MADE, DROPPED, UNDONE = "made", "dropped", "undone"
"""What a version changes: an override begins, or ends."""


def document_hash(document: Mapping[str, Any]) -> str:
    """Return the hash of everything that is published with the selection; whether opened ballots stand beside it isn't in it."""
    frozen = {name: value for name, value in document.items() if name not in FOLLOWING}
    return tree.digest({**frozen, "ballots": {name: value for name, value in document["ballots"].items() if name != "picks"}})


def change(*, code: str, change: str, reason: str) -> dict[str, Any]:
    """Return an override's beginning (`MADE` or `DROPPED`) or end (`UNDONE`), with its public reason."""
    return {"code": code, "change": change, "reason": reason}


def version(*, number: int, at: str, changes: list[dict[str, Any]], document: str, previous: str) -> dict[str, Any]:
    """Return a version of what is published: its hash binds the document's, its changes, and all versions before it by their last hash."""
    told = {"version": number, "at": at, "changes": changes}
    return {**told, "hash": tree.digest({**told, "document": document, "previous": previous})}


def versions(document: Mapping[str, Any], told: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the versions told of a document, oldest first, as they must be: numbered, and each with its hash."""
    made: list[dict[str, Any]] = []
    frozen = document_hash(document)
    for number, each in enumerate(told, start=1):
        previous = made[-1]["hash"] if made else ""
        made.append(version(number=number, at=each["at"], changes=each["changes"], document=frozen, previous=previous))
    return made


def changes(versions: Iterable[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Yield what the versions changed, the oldest first."""
    return chain.from_iterable(told["changes"] for told in versions)


def in_effect(versions: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the overrides that the versions' changes leave, by code."""
    found: dict[str, dict[str, Any]] = {}
    for each in changes(versions):
        found.pop(each["code"], None)
        if each["change"] != UNDONE:
            found[each["code"]] = {"code": each["code"], "made": each["change"] == MADE, "reason": each["reason"]}
    return [found[code] for code in sorted(found)]
