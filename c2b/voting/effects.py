"""What holding ballots does to the list: who would leave the selection, who would come in."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.voting import counting, queries, rules, tree
from c2b.voting.models import Ballot, Pick, SuspicionBallot
from c2b.voting.rules import Ranked, SelectionResult

MOST, LEAST = 8, 3
"""Candidates that an effect names: those that cross the line, and those helped most to fill up."""
_SELECTED = SelectionResult.SELECTED


@dataclass(frozen=True)
class Move:
    """A candidate's place with the ballots counted, and with them held."""

    candidate_id: int
    counted: Ranked
    held: Ranked

    @property
    def leaves(self) -> bool:
        """Holding takes its place in the selection away."""
        return self.counted.result is _SELECTED and self.held.result is not _SELECTED

    @property
    def enters(self) -> bool:
        """Holding lets it in."""
        return self.held.result is _SELECTED and self.counted.result is not _SELECTED

    @property
    def crosses(self) -> bool:
        """Tell whether holding moves it across the line."""
        return self.leaves or self.enters


@dataclass(frozen=True)
class Standing:
    """The candidates' tallies as they are now, by key, and what a selection would make of them; ties by a lot labelled preview."""

    tallies: Mapping[int, rules.Tally]
    by: rules.SelectionRules
    seed: bytes

    @cached_property
    def now(self) -> dict[int, Ranked]:
        """Everybody's place, by key."""
        return self.places({})

    def places(self, more: Mapping[int, int]) -> dict[int, Ranked]:
        """Return everybody's place if candidates had so many votes more (or fewer)."""
        keys = {tally.code: key for key, tally in self.tallies.items()}
        changed = (replace(tally, votes=tally.votes + more.get(key, 0)) for key, tally in self.tallies.items())
        return {keys[each.tally.code]: each for each in rules.choose(changed, self.by, self.seed)}

    def effect(self, *, counted: Mapping[int, int], held: Mapping[int, int]) -> list[Move]:
        """Return what it does to hold ballots that give these counted and these held votes, by candidate: against all of them counted.

        Who leaves comes first, then who enters, then whom the ballots help most; at most `MOST`, of those who stay where they are
        as many as make it `LEAST`.
        """
        before = self.places(held) if held else self.now
        after = self.places({key: -votes for key, votes in counted.items()}) if counted else self.now
        helped = Counter(counted) + Counter(held)
        told = [move for move in (Move(key, before[key], after[key]) for key in before) if move.crosses or helped[move.candidate_id]]
        told.sort(key=lambda move: (not move.leaves, not move.enters, -helped[move.candidate_id], move.counted.rank))
        return told[: min(MOST, max(LEAST, sum(move.crosses for move in told)))]


def standing(session: Session, campaign: Campaign) -> Standing:
    """Read the tallies; as many rows as the campaign has candidates."""
    columns = (Candidate.id, Candidate.code, Candidate.category, Candidate.withdrawn_at)
    counts = queries.counts(session, campaign.id)
    tallies = {}
    for key, code, category, withdrawn_at in session.execute(select(*columns).where(Candidate.campaign_id == campaign.id)):
        count = counts.get(key, counting.NOTHING)
        tallies[key] = rules.Tally(code, count.votes, count.held, category, withdrawn_at is not None)
    by = rules.SelectionRules(campaign.places, campaign.min_votes, campaign.max_per_category)
    return Standing(tallies, by, bytes.fromhex(tree.digest({"preview": campaign.slug})))


@dataclass
class Given:
    """Votes of some ballots by candidate's key: those that count now, and those that are held."""

    counted: dict[int, int]
    held: dict[int, int]

    @property
    def votes(self) -> int:
        """All of them."""
        return sum(self.counted.values()) + sum(self.held.values())


def of_groups(session: Session, campaign_id: int, groups: list[int]) -> dict[int, Given]:
    """Return what each group's ballots give, in one statement; only what can count."""
    query = _picks(session, campaign_id).add_columns(SuspicionBallot.suspicion_id)
    of = (SuspicionBallot.campaign_id == Ballot.campaign_id) & (SuspicionBallot.person_id == Ballot.person_id)
    found = {group: Given({}, {}) for group in groups}
    rows = query.join(SuspicionBallot, of).where(SuspicionBallot.suspicion_id.in_(groups)).group_by(SuspicionBallot.suspicion_id)
    for candidate, is_held, votes, group in session.execute(rows):
        (found[group].held if is_held else found[group].counted)[candidate] = votes
    return found


def of_all_waiting(session: Session, campaign_id: int) -> Given:
    """Return what the ballots give that wait for a decision, each counted once however many groups it is in."""
    waiting = select(SuspicionBallot.person_id).where(SuspicionBallot.campaign_id == campaign_id, SuspicionBallot.decided.is_(False))
    found = Given({}, {})
    for candidate, is_held, votes in session.execute(_picks(session, campaign_id).where(Ballot.person_id.in_(waiting))):
        (found.held if is_held else found.counted)[candidate] = votes
    return found


def _picks(session: Session, campaign_id: int) -> Select[int, bool, int]:
    """Return the statement that counts picks by candidate and by whether they are held."""
    is_held = Ballot.held_at.is_not(None)
    return (
        select(Pick.candidate_id, is_held, func.count())
        .join(Ballot, (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id))
        .where(Pick.campaign_id == campaign_id, Ballot.source.in_(queries.counted_sources(session, campaign_id)))
        .group_by(Pick.candidate_id, is_held)
    )
