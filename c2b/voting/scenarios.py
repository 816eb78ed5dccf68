"""What other rules would select: nothing is written, and only the frozen rules decide."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.voting import counting, queries, rules
from c2b.voting.models import Selection, SelectionLine
from c2b.voting.rules import Ranked, SelectionResult, SelectionRules, Tally
from c2b.voting.selecting import preview_seed


@dataclass(frozen=True)
class Scenario:
    """Rules to try, on counted votes alone or with those of held ballots too."""

    rules: SelectionRules
    count_held: bool = False


def frozen(campaign: Campaign) -> Scenario:
    """Return the campaign's own rules: the only ones that decide."""
    return Scenario(SelectionRules(campaign.places, campaign.min_votes, campaign.max_per_category))


@dataclass(frozen=True)
class Votes:
    """What every scenario starts from: the candidates' votes, and the seed of the lots."""

    tallies: tuple[Tally, ...]
    keys: dict[str, int]
    """Each candidate's key, by its code."""
    seed: bytes

    def ranked(self, scenario: Scenario) -> list[Ranked]:
        """Return every candidate's place, best first; `votes` of a tally are those that the scenario counts."""
        return rules.choose(_counted(self.tallies, scenario), scenario.rules, self.seed)


def _counted(tallies: Sequence[Tally], scenario: Scenario) -> Sequence[Tally]:
    if not scenario.count_held:
        return tallies
    return [replace(tally, votes=tally.votes + tally.held) for tally in tallies]


def votes(session: Session, campaign: Campaign) -> Votes:
    """Read the votes from their counters, and the seed that the selection drew; before it one that is for previews only.

    Few statements, however many ballots there are. Until voting closes only staff with `counts` may see what comes of it.
    """
    seed = session.scalars(select(Selection.seed).where(Selection.campaign_id == campaign.id)).one_or_none()
    found = _selected(session, campaign) if seed else _counting(session, campaign)
    keys = {tally.code: key for key, tally in found.items()}
    return Votes(tuple(found.values()), keys, bytes.fromhex(seed or preview_seed(campaign)))


def _counting(session: Session, campaign: Campaign) -> dict[int, Tally]:
    """Return each candidate's votes of now, by key."""
    counts = queries.counts(session, campaign.id)
    columns = (Candidate.id, Candidate.code, Candidate.category, Candidate.withdrawn_at.is_not(None))
    found = {}
    for key, code, category, gone in session.execute(select(*columns).where(Candidate.campaign_id == campaign.id)):
        count = counts.get(key, counting.NOTHING)
        found[key] = Tally(code, count.votes, count.held, category, gone)
    return found


def _selected(session: Session, campaign: Campaign) -> dict[int, Tally]:
    return {key: each.tally for key, each in stored(session, campaign).items()}


def stored(session: Session, campaign: Campaign) -> dict[int, Ranked]:
    """Return each candidate's place as the selection stored it, by key, best first; none before it."""
    line = SelectionLine
    columns = (Candidate.id, Candidate.code, line.votes, line.held, Candidate.category, line.result, line.rank, line.tie_key)
    query = select(*columns).join(line, line.candidate_id == Candidate.id).where(line.campaign_id == campaign.id).order_by(line.rank)
    found = {}
    for key, code, given, held, category, result, rank, tie_key in session.execute(query):
        tally = Tally(code, given, held, category, withdrawn=result is SelectionResult.WITHDRAWN)
        found[key] = Ranked(rank, tally, tie_key, result)
    return found
