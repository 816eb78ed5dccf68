"""Reading the delivery log."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.messages.models import Message
from c2b.messages.rules import MessageState


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


def deliveries(session: Session, *, state: MessageState | None = None, older_than: int | None = None, limit: int = 50) -> list[Delivery]:
    """Return the newest messages first, only those in `state` if one is given; the next page begins `older_than` the last one's id."""
    rows = Message.__table__.c
    query = select(*(rows[name] for name in Delivery.__dataclass_fields__)).order_by(rows.id.desc())
    if state is not None:
        query = query.where(rows.state == state)
    if older_than is not None:
        query = query.where(rows.id < older_than)
    return [Delivery(**row) for row in session.execute(query.limit(limit)).mappings()]


def count(session: Session, *, state: MessageState) -> int:
    """Return how many messages are in `state`: staff see the failed ones."""
    return session.scalar(select(func.count()).select_from(Message).where(Message.state == state)) or 0
