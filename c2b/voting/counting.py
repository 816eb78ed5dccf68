"""The counts, kept as votes come in: what changes them adds rows of its own, and the worker folds those in.

No ballot ever updates a counter: those who vote for a popular candidate would wait for each other, and two ballots of fifteen
votes would wait for each other for ever. Nor does the fold remember how far it came: the rows of a transaction that commits
late would be missed. It deletes what it counts. Drafts are not counted.

Two things are counted: each candidate's votes, and the votes and ballots of each hour in which ballots were begun. What says how many
there are in all adds up the hours, of which there are few, however many voters come.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Insert,
    Select,
    String,
    Subquery,
    cast,
    delete,
    extract,
    false,
    func,
    insert,
    literal,
    select,
    type_coerce,
    union_all,
)
from sqlalchemy.orm import Session, aliased

from c2b.db import insert_into
from c2b.voting.models import Ballot, CandidateTally, HourTally, Pick, TallyDelta
from c2b.voting.rules import BallotSource

_STATE = ("source", "held")
_OF_CANDIDATE = ("campaign_id", "candidate_id", *_STATE)
_OF_HOUR = ("campaign_id", "hour", *_STATE)
_HOUR = 3600
_FOLDING = 0xC2B_F01D
"""The advisory lock of PostgreSQL that one fold at a time holds."""


def hour_of(begun: datetime) -> int:
    """Return the hour in which a ballot was begun, as tallies name it."""
    return int(begun.timestamp()) // _HOUR * _HOUR


def _hour(session: Session) -> ColumnElement[int]:
    """Return what `hour_of` does, of the ballots of a statement."""
    if session.get_bind().dialect.name == "sqlite":  # which rounds the last microseconds of an hour up to the next
        begun = func.substr(type_coerce(Ballot.created_at, String), 1, len("2027-03-01 02"))
        return cast(func.strftime("%s", begun + ":00"), BigInteger)
    seconds = extract("epoch", Ballot.created_at)
    return cast(seconds - seconds % _HOUR, BigInteger)


def _first() -> ColumnElement[bool]:
    """Return whether a pick is the one of its ballot that has the lowest slot: so many ballots there are."""
    other = aliased(Pick)
    own = (other.campaign_id == Pick.campaign_id) & (other.person_id == Pick.person_id)
    return ~select(other.slot).where(own, other.slot < Pick.slot).correlate(Pick).exists()


def only_pick() -> ColumnElement[bool]:
    """Return whether a pick is alone on its ballot."""
    other = aliased(Pick)
    own = (other.campaign_id == Pick.campaign_id) & (other.person_id == Pick.person_id)
    return ~select(other.slot).where(own, other.slot != Pick.slot).correlate(Pick).exists()


def note(session: Session, which: ColumnElement[bool], *, sign: int, ballot: ColumnElement[bool] | None = None) -> None:
    """Write down that the picks `which` (a condition on Pick and Ballot) came (+1) or will go (-1).

    One row a candidate at most, and one an hour. `ballot` says which of the picks make their ballot come or go; without it `which`
    are whole ballots.
    """
    here = (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id)
    held, votes = Ballot.held_at.is_not(None), literal(sign) * func.count()
    ballots = literal(sign) * func.count().filter(_first() if ballot is None else ballot)
    kinds: tuple[tuple[str, Any, Any], ...] = (("candidate_id", Pick.candidate_id, literal(0)), ("hour", _hour(session), ballots))
    for name, key, came in kinds:
        columns = (Pick.campaign_id, key, Ballot.source, held)
        picks = select(*columns, votes, came).select_from(Pick).join(Ballot, here).where(which, Ballot.source != BallotSource.DRAFT)
        names = ["campaign_id", name, *_STATE, "votes", "ballots"]
        session.execute(insert(TallyDelta).from_select(names, picks.group_by(*columns)))


@contextmanager
def changing(session: Session, which: ColumnElement[bool]) -> Iterator[None]:
    """Keep the counts right while the ballots `which` (a condition on Ballot), locked by the caller, change in any way."""
    note(session, which, sign=-1)
    yield
    note(session, which, sign=+1)


def _standing(campaign_id: int, table: type[CandidateTally | HourTally], key: str, *numbers: str) -> Subquery:
    each = (
        select(*(getattr(of, name) for name in (key, *_STATE, *numbers))).where(
            of.campaign_id == campaign_id, getattr(of, key).is_not(None)
        )
        for of in (table, TallyDelta)
    )
    return union_all(*each).subquery("standing")


class Count(NamedTuple):
    """Votes of a candidate: counted ones, and those on held ballots."""

    votes: int
    held: int


NOTHING = Count(0, 0)


def counts(session: Session, campaign_id: int, sources: Collection[BallotSource]) -> dict[int, Count]:
    """Return what was counted of each candidate that has votes on ballots of `sources`, by its key; one statement."""
    each = _standing(campaign_id, CandidateTally, "candidate_id", "votes")
    sums = (cast(func.coalesce(func.sum(each.c.votes).filter(which), 0), BigInteger) for which in (~each.c.held, each.c.held))
    query = select(each.c.candidate_id, *sums).where(each.c.source.in_(sources)).group_by(each.c.candidate_id)
    return {candidate: Count(votes, held) for candidate, votes, held in session.execute(query) if votes or held}


Tallies = Mapping[tuple[int, BallotSource, bool], int]
"""Numbers of picks by candidate, source, and whether the ballot is held."""


def tallies(session: Session, campaign_id: int) -> Tallies:
    """Return what was counted in the campaign, those of all sources apart."""
    each = _standing(campaign_id, CandidateTally, "candidate_id", "votes")
    keys = (each.c.candidate_id, each.c.source, each.c.held)
    return {tuple(key): int(votes) for *key, votes in session.execute(select(*keys, func.sum(each.c.votes)).group_by(*keys))}


def recount(session: Session, campaign_id: int) -> Tallies:
    """Return what `tallies` should be, from every pick.

    Nearly all stand on ballots of verified voters that nobody holds. So all are counted as if they did, which needs no ballot, and those
    that don't are counted apart and taken off: a third of the time that it takes to ask every pick for its ballot.
    """
    keys = (Pick.candidate_id, Ballot.source, Ballot.held_at.is_not(None).label("held"))
    own = (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id)
    here, plain = Pick.campaign_id == campaign_id, (literal(BallotSource.VERIFIED, Ballot.source.type), false())
    apart = (
        select(*keys, func.count().label("votes")).join(Ballot, own).where(here, (Ballot.source != plain[0]) | Ballot.held_at.is_not(None))
    )
    others = apart.group_by(*keys).cte("others")
    every = select(Pick.candidate_id, plain[0].label("source"), plain[1].label("held"), func.count().label("votes")).where(here)
    each = union_all(every.group_by(Pick.candidate_id), select(others), select(others.c.candidate_id, *plain, -others.c.votes)).subquery(
        "each"
    )  # one statement: one moment
    columns, votes = (each.c.candidate_id, each.c.source, each.c.held), func.sum(each.c.votes)
    counted = select(*columns, cast(votes, BigInteger)).where(each.c.source != BallotSource.DRAFT).group_by(*columns).having(votes != 0)
    return {(candidate, source, bool(held)): votes for candidate, source, held, votes in session.execute(counted)}


class Cast(NamedTuple):
    """How many picks there are, and ballots that have some."""

    votes: int
    ballots: int


Hours = Mapping[tuple[int, BallotSource, bool], Cast]
"""What was cast on ballots begun in an hour, by source, and whether they are held."""


def hours(session: Session, campaign_id: int) -> Hours:
    """Return what was counted in the campaign, by the hour in which ballots were begun; one statement."""
    each = _standing(campaign_id, HourTally, "hour", "votes", "ballots")
    keys = (each.c.hour, each.c.source, each.c.held)
    query = select(*keys, func.sum(each.c.votes), func.sum(each.c.ballots)).group_by(*keys)
    found = {(hour, source, held): Cast(int(votes), int(ballots)) for hour, source, held, votes, ballots in session.execute(query)}
    return {key: cast for key, cast in found.items() if cast != (0, 0)}


def recount_hours(session: Session, campaign_id: int) -> Hours:
    """Return what `hours` should be, from every pick."""
    keys = (_hour(session), Ballot.source, Ballot.held_at.is_not(None))
    query = select(*keys, func.count(), func.count().filter(_first())).select_from(Pick)
    here = query.join(Ballot, (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id))
    counted = here.where(Pick.campaign_id == campaign_id, Ballot.source != BallotSource.DRAFT).group_by(*keys)
    return {(hour, source, bool(held)): Cast(votes, ballots) for hour, source, held, votes, ballots in session.execute(counted)}


def fold(session: Session) -> None:
    """Add all waiting changes to the tallies; a change is either waiting or folded in, never both, whoever looks meanwhile."""
    if session.get_bind().dialect.name == "sqlite":  # nobody else writes meanwhile
        for each in _additions(session, select(TallyDelta)):
            session.execute(each)
        session.execute(delete(TallyDelta))
        return
    session.execute(select(func.pg_advisory_xact_lock(_FOLDING)))
    gone = delete(TallyDelta).returning(TallyDelta).cte("gone")
    of_candidates, of_hours = _additions(session, select(gone))
    session.execute(of_hours.add_cte(of_candidates.cte("of_candidates")))


def _additions(session: Session, deltas: Select[tuple[TallyDelta]]) -> tuple[Insert, Insert]:
    """Return what adds `deltas` to the candidates' tallies, and to the hours'."""
    return (
        _addition(session, CandidateTally, deltas, _OF_CANDIDATE, ("votes",)),
        _addition(session, HourTally, deltas, _OF_HOUR, ("votes", "ballots")),
    )


def _addition(session: Session, table: Any, deltas: Select[Any], names: tuple[str, ...], numbers: tuple[str, ...]) -> Insert:
    each = deltas.subquery()
    keys = [each.c[name] for name in names]
    sums = select(*keys, *(func.sum(each.c[name]) for name in numbers)).where(each.c[names[1]].is_not(None)).group_by(*keys)
    new = insert_into(session, table).from_select([*names, *numbers], sums)
    more = {name: getattr(table, name) + new.excluded[name] for name in numbers}
    return new.on_conflict_do_update(index_elements=list(names), set_=more)
