"""What one tap writes, as statements made once: on PostgreSQL all in one, on SQLite, where nothing travels, one after the other."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from sqlalchemy import Delete, Insert, Update, bindparam, delete, insert, update
from sqlalchemy.orm import Session

from c2b.db import Base
from c2b.voting.models import Ballot, Pick, TallyDelta, VoteEvent

_EVENT = ("campaign_id", "person_id", "candidate_id", "undo", "at", "device", "agent", "referrer")


def _values(table: type[Base], *names: str) -> dict[str, Any]:
    """Return a value for each column, filled in when it runs: `v_` and the column's name."""
    return {name: bindparam(f"v_{name}", type_=table.__table__.c[name].type) for name in names}


@cache
def _changes(*, undo: bool, counted: bool) -> tuple[Insert | Delete, ...]:
    """Return what comes before the ballot itself: the pick, the tap's event, and the change of the count."""
    keys = _values(Pick, "campaign_id", "person_id", "candidate_id")
    gone = delete(Pick).where(*(Pick.__table__.c[name] == value for name, value in keys.items()))
    given = insert(Pick).values(keys | _values(Pick, "slot", "votes_each"))
    event = insert(VoteEvent).values(_values(VoteEvent, *_EVENT))
    count = insert(TallyDelta).values(_values(TallyDelta, "campaign_id", "candidate_id", "source", "held", "votes"))
    return (gone if undo else given, event, *([count] if counted else []))


@cache
def bound() -> Update:
    """Return the change of the ballot: its next version and the commitment to it."""
    own = (Ballot.campaign_id == bindparam("v_campaign_id")) & (Ballot.person_id == bindparam("v_person_id"))
    return update(Ballot).where(own).values(_values(Ballot, "version", "commitment"))


@cache
def _at_once(*, undo: bool, counted: bool) -> Update:
    changes = _changes(undo=undo, counted=counted)
    return bound().add_cte(*(change.cte(f"change_{number}") for number, change in enumerate(changes)))


def write(session: Session, values: Mapping[str, Any], *, undo: bool, counted: bool) -> None:
    """Write a tap with these values of columns; `counted`: the ballot isn't a draft."""
    given = {f"v_{name}": value for name, value in values.items()}
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        connection.execute(_at_once(undo=undo, counted=counted), given)
        return
    for statement in (*_changes(undo=undo, counted=counted), bound()):
        connection.execute(statement, given)
