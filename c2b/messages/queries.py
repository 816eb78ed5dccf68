"""Reading the delivery log."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from c2b.messages.models import Message
from c2b.messages.rules import CODES, MessageState


@dataclass(frozen=True)
class Delivery:
    """What became of one message; its text stays out, it may hold what only the recipient should read."""

    id: int
    event: str
    template: str
    channel: str
    recipient: str
    state: MessageState
    attempts: int
    created_at: datetime
    sent_at: datetime | None
    last_error: str

    @property
    def may_be_sent_again(self) -> bool:
        """Whether staff can put it back: it failed, and it isn't a code, which is worth nothing by now."""
        return self.state is MessageState.FAILED and self.template not in CODES


@dataclass(frozen=True)
class Filter:
    """Which messages of the log are looked at; what is empty doesn't matter. `recipient` is a part of an address, in any case."""

    state: MessageState | None = None
    template: str = ""
    channel: str = ""
    recipient: str = ""

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what the rows have to be."""
        found: list[ColumnElement[bool]] = []
        if self.state is not None:
            found.append(Message.state == self.state)
        if self.template:
            found.append(Message.template == self.template)
        if self.channel:
            found.append(Message.channel == self.channel)
        if self.recipient:
            found.append(func.lower(Message.recipient).contains(self.recipient.lower(), autoescape=True))
        return found


ALL = Filter()
_COLUMNS = [Message.__table__.c[name] for name in Delivery.__dataclass_fields__]


def deliveries(session: Session, which: Filter = ALL, *, older_than: int | None = None, limit: int = 50) -> list[Delivery]:
    """Return the newest messages first; the next page begins `older_than` the last one's id."""
    query = select(*_COLUMNS).where(*which.conditions()).order_by(Message.id.desc())
    if older_than is not None:
        query = query.where(Message.id < older_than)
    return [Delivery(**row) for row in session.execute(query.limit(limit)).mappings()]


def about(session: Session, order: str, *, limit: int = 100) -> list[Delivery]:
    """Return the messages about an order, named by its reference, the newest first."""
    query = select(*_COLUMNS).where(Message.about == order).order_by(Message.id.desc())
    return [Delivery(**row) for row in session.execute(query.limit(limit)).mappings()]


def counts(session: Session) -> Mapping[MessageState, int]:
    """Return how many messages are in each state."""
    return dict.fromkeys(MessageState, 0) | dict(session.execute(select(Message.state, func.count()).group_by(Message.state)).all())


def failed(session: Session) -> int:
    """Return how many messages wait for staff because they couldn't be delivered, codes to mistyped addresses aside."""
    waits = (Message.state == MessageState.FAILED) & Message.template.not_in(CODES)
    return session.scalar(select(func.count()).select_from(Message).where(waits)) or 0


def delivered(session: Session, event: str, recipient: str | None = None) -> datetime | None:
    """Return when an event's message was first delivered, to `recipient` if one is named; None if it never was.

    Delivered is what a mail server or provider has taken. What was refused, failed, dropped or still waits isn't: a deadline may
    have no consequence then.
    """
    at = select(func.min(Message.sent_at)).where(Message.event == event, Message.state == MessageState.SENT)
    return session.scalars(at if recipient is None else at.where(Message.recipient == recipient)).one()
