"""The candidates' counts, kept as votes come in: what changes them adds rows of its own, and the worker folds those in.

No ballot ever updates a counter: those who vote for a popular candidate would wait for each other, and two ballots of fifteen
votes would wait for each other for ever. Nor does the fold remember how far it came: the rows of a transaction that commits
late would be missed. It deletes what it counts. Drafts are not counted.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy import ColumnElement, Select, Subquery, delete, func, insert, literal, select, union_all
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.voting.models import Ballot, CandidateTally, Pick, TallyDelta
from c2b.voting.rules import BallotSource

_KEYS = ("campaign_id", "candidate_id", "source", "held")
_FOLDING = 0xC2B_F01D
"""The advisory lock of PostgreSQL that one fold at a time holds."""


def note(session: Session, which: ColumnElement[bool], *, sign: int) -> None:
    """Write down that the picks `which` (a condition on Pick and Ballot) came (+1) or will go (-1): one row a candidate at most."""
    columns = (Pick.campaign_id, Pick.candidate_id, Ballot.source, Ballot.held_at.is_not(None))
    picks = (
        select(*columns, literal(sign) * func.count())
        .join(Ballot, (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id))
        .where(which, Ballot.source != BallotSource.DRAFT)
        .group_by(*columns)
    )
    session.execute(insert(TallyDelta).from_select([*_KEYS, "votes"], picks))


@contextmanager
def changing(session: Session, which: ColumnElement[bool]) -> Iterator[None]:
    """Keep the counts right while the ballots `which` (a condition on Ballot), locked by the caller, change in any way."""
    note(session, which, sign=-1)
    yield
    note(session, which, sign=+1)


def standing(campaign_id: int) -> Subquery:
    """Return everything that is counted in the campaign (candidate_id, source, held, votes): folded in, and still waiting."""
    tables = (CandidateTally, TallyDelta)
    each = (select(of.candidate_id, of.source, of.held, of.votes).where(of.campaign_id == campaign_id) for of in tables)
    return union_all(*each).subquery("standing")


Tallies = Mapping[tuple[int, BallotSource, bool], int]
"""Numbers of picks by candidate, source, and whether the ballot is held."""


def tallies(session: Session, campaign_id: int) -> Tallies:
    """Return what was counted in the campaign, those of all sources apart."""
    each = standing(campaign_id)
    keys = (each.c.candidate_id, each.c.source, each.c.held)
    return {tuple(key): int(votes) for *key, votes in session.execute(select(*keys, func.sum(each.c.votes)).group_by(*keys))}


def recount(session: Session, campaign_id: int) -> Tallies:
    """Return what `tallies` should be, from every pick."""
    keys = (Pick.candidate_id, Ballot.source, Ballot.held_at.is_not(None))
    query = select(*keys, func.count()).join(Ballot, (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id))
    counted = query.where(Pick.campaign_id == campaign_id, Ballot.source != BallotSource.DRAFT).group_by(*keys)
    return {(candidate, source, bool(held)): votes for candidate, source, held, votes in session.execute(counted)}


def fold(session: Session) -> None:
    """Add all waiting changes to the tallies; a change is either waiting or folded in, never both, whoever looks meanwhile."""
    if session.get_bind().dialect.name == "sqlite":  # nobody else writes meanwhile
        _add(session, select(TallyDelta))
        session.execute(delete(TallyDelta))
        return
    session.execute(select(func.pg_advisory_xact_lock(_FOLDING)))
    gone = delete(TallyDelta).returning(TallyDelta).cte("gone")
    _add(session, select(gone))


def _add(session: Session, deltas: Select[tuple[TallyDelta]]) -> None:
    each = deltas.subquery("deltas")
    keys = [each.c[name] for name in _KEYS]
    sums = select(*keys, func.sum(each.c.votes)).group_by(*keys)
    new = insert_into(session, CandidateTally).from_select([*_KEYS, "votes"], sums)
    session.execute(new.on_conflict_do_update(index_elements=list(_KEYS), set_={"votes": CandidateTally.votes + new.excluded.votes}))
