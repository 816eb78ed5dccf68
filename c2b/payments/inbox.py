"""The webhook inbox: an event is stored and committed before the gateway hears that we have it, and applied afterwards."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.payments.models import InboxEvent
from c2b.payments.protocol import About, Notice

PATIENCE = timedelta(days=7)
"""How long the reference of an event may be unknown to us, or its answer be missing; then it is a case for a person, see `waiting`."""
_LONGEST_WAIT = timedelta(hours=1)


@dataclass(frozen=True)
class Waiting:
    """An event that isn't applied yet."""

    id: int
    gateway: str
    about: About
    key: str
    received_at: datetime


def store(session: Session, *, gateway: str, notice: Notice, now: datetime) -> None:
    """Keep an event; one that is kept already stays as it is."""
    values = {"gateway": gateway, "event": notice.id, "kind": notice.kind, "about": notice.about, "key": notice.key}
    new = insert_into(session, InboxEvent).values(**values, received_at=now, next_attempt_at=now)
    session.execute(new.on_conflict_do_nothing(index_elements=["gateway", "event"]))


def due(session: Session, *, now: datetime, limit: int = 100) -> list[Waiting]:
    """Return events that wait to be applied and aren't a case for a person yet, the longest waiting first."""
    waiting = InboxEvent.applied_at.is_(None) & (InboxEvent.next_attempt_at <= now) & (InboxEvent.received_at > now - PATIENCE)
    query = select(InboxEvent.id, InboxEvent.gateway, InboxEvent.about, InboxEvent.key, InboxEvent.received_at).where(waiting)
    rows = session.execute(query.order_by(InboxEvent.next_attempt_at, InboxEvent.id).limit(limit))
    return [Waiting(*row) for row in rows]


def applied(session: Session, *, id: int, now: datetime) -> None:  # noqa: A002  the row's
    """Note that what an event was about has been asked for and applied."""
    session.execute(update(InboxEvent).where(InboxEvent.id == id).values(applied_at=now))


def later(session: Session, *, event: Waiting, now: datetime) -> None:
    """Put an event off whose reference nobody knows yet, or whose answer can't be had: longer each time, an hour at most."""
    wait = min(max(now - event.received_at, timedelta(seconds=5)), _LONGEST_WAIT)
    session.execute(update(InboxEvent).where(InboxEvent.id == event.id).values(next_attempt_at=now + wait))
