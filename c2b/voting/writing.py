"""The change of a ballot, a tap's or a whole one's: what it leaves behind, as statements made once.

On PostgreSQL what is given goes all in one statement, and so does what is taken back; on SQLite, where nothing travels, one after
the other.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from itertools import repeat
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Delete, Insert, Row, Update, bindparam, column, delete, func, insert, select, update
from sqlalchemy.orm import Session

from c2b.db import Base
from c2b.voting import booth, counting, rules
from c2b.voting.models import Ballot, Pick, TallyDelta, VoteEvent
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource, Touch

_EVENT = ("campaign_id", "person_id", "candidate_id", "undo", "at", "device", "agent", "referrer")
_COUNT = ("campaign_id", "candidate_id", "hour", "source", "held", "votes", "ballots")
Columns = dict[str, ColumnElement[Any]]


def change(
    session: Session,
    place: Row[Any],
    locked: Row[Any],
    *,
    had: Mapping[int, int],
    wanted: Mapping[int, str],
    touch: Touch,
    now: datetime,
) -> BallotView:
    """Make `wanted`, candidates with their codes, the locked ballot's picks instead of `had`, candidates with their slots.

    What stays keeps its slot. Raises Refused when the ballot has fewer votes than are wanted, or is a draft that was left behind.
    """
    booth.must_be_theirs(session, locked)
    gone = {candidate: slot for candidate, slot in had.items() if candidate not in wanted}
    new = sorted(wanted.keys() - had.keys())
    if not gone and not new:
        return booth.view(locked, frozenset(had), locked.version, locked.source)
    given = dict(zip(new, rules.free_slots(set(had.values()) - set(gone.values()), locked.votes_each, len(new)), strict=True))
    source = _claimed(session, place, locked)
    values = {"campaign_id": place.campaign_id, "person_id": locked.person_id, "votes_each": locked.votes_each}
    counted = {"source": source, "held": locked.held_at is not None, "hour": counting.hour_of(locked.created_at)}
    values |= counted | vars(touch) | {"at": now} | booth.bound(locked, wanted.values())
    stays = len(had) > len(gone)  # a ballot that keeps a pick neither comes nor goes
    for sign, picks in ((-1, gone), (+1, given)):  # what is taken back first: its slots may be given again
        if picks:
            _write(session, values | {"undo": sign < 0, "votes": sign}, picks, ballots=0 if stays else sign)
    return booth.view(locked, frozenset(wanted), locked.version + 1, source)


def _claimed(session: Session, place: Row[Any], locked: Row[Any]) -> BallotSource:
    """Return whose ballot it is from now on: what its owner has touched is theirs, no later import or assistant replaces it."""
    if locked.source not in {BallotSource.IMPORTED, BallotSource.STORE}:
        return BallotSource(locked.source)
    own = (Ballot.campaign_id == place.campaign_id) & (Ballot.person_id == locked.person_id)
    with counting.changing(session, own):
        session.execute(update(Ballot).where(own).values(source=BallotSource.VERIFIED))
    return BallotSource.VERIFIED


def _write(session: Session, values: Mapping[str, Any], picks: Mapping[int, int], *, ballots: int) -> None:
    """Write that these candidates, with their slots, were given or taken back; `values` are those of columns.

    `ballots`: whether the ballot came (+1) or went (-1) with them; the first of them says so.
    """
    came = [ballots, *repeat(0, len(picks) - 1)]
    given = {f"v_{name}": value for name, value in values.items()}
    which = {"undo": values["undo"], "counted": values["source"] is not BallotSource.DRAFT}
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(_at_once(**which), given | {"v_candidates": list(picks), "v_slots": list(picks.values()), "v_came": came})
        return
    rows = zip(picks.items(), came, strict=True)
    each = [given | {"v_candidate_id": candidate, "v_slot": slot, "v_ballots": number} for (candidate, slot), number in rows]
    for statement in _one_by_one(**which):
        connection.execute(statement, each)
    connection.execute(_bound(), given)


def _values(table: type[Base], *names: str) -> Columns:
    """Return a value for each column, filled in when it runs: `v_` and the column's name."""
    return {name: bindparam(f"v_{name}", type_=table.__table__.c[name].type) for name in names}


def _put(table: type[Base], *names: str, own: Columns) -> Insert:
    return insert(table).from_select(names, select(*((_values(table, *names) | own)[name].label(name) for name in names)))


def _changes(own: Columns, *, undo: bool, counted: bool) -> tuple[Insert | Delete, ...]:
    """Return what comes before the ballot itself: the picks, the taps' events, and the changes of the counts."""
    keys = {name: own.get(name, value) for name, value in _values(Pick, "campaign_id", "person_id", "candidate_id").items()}
    gone = delete(Pick).where(*(Pick.__table__.c[name] == value for name, value in keys.items()))
    picks = gone if undo else _put(Pick, *keys, "slot", "votes_each", own=own)
    event = _put(VoteEvent, *_EVENT, own=own)
    return (picks, event, *([_put(TallyDelta, *_COUNT, own=own)] if counted else []))


@cache
def _one_by_one(*, undo: bool, counted: bool) -> tuple[Insert | Delete, ...]:
    return _changes({}, undo=undo, counted=counted)


@cache
def _at_once(*, undo: bool, counted: bool) -> Update:
    columns = [Pick.__table__.c.candidate_id, Pick.__table__.c.slot, TallyDelta.__table__.c.ballots]
    lists = (bindparam(name, type_=ARRAY(of.type)) for name, of in zip(("v_candidates", "v_slots", "v_came"), columns, strict=True))
    tapped = func.unnest(*lists).table_valued(*(column(of.name, of.type) for of in columns)).render_derived("tapped")
    changes = _changes(dict(tapped.c), undo=undo, counted=counted)
    return _bound().add_cte(*(change.cte(f"change_{number}") for number, change in enumerate(changes)))


@cache
def _bound() -> Update:
    """Return the change of the ballot: its next version and the commitment to it."""
    own = (Ballot.campaign_id == bindparam("v_campaign_id")) & (Ballot.person_id == bindparam("v_person_id"))
    return update(Ballot).where(own).values(_values(Ballot, "version", "commitment"))
