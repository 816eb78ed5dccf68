"""What happens to orders after the decision, as customers see it: reminded, handed over, left, delayed. Three statements for any number."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.deposits.leaving import WayOut
from c2b.deposits.models import Delay, DelayAnswer, OrderLine, Withdrawal
from c2b.deposits.reminding import EVENT
from c2b.deposits.timeline import Entry, Event
from c2b.messages.models import Message
from c2b.messages.rules import MessageState


@dataclass(frozen=True)
class DelayView:
    """A product's newest delay; `answer_by` empty: nothing is asked. `agrees`: what the customer said, None: nothing yet."""

    id: int
    expected: date
    reason: str
    announced_at: datetime
    answer_by: datetime | None
    silence_agrees: bool
    agrees: bool | None
    answered_at: datetime | None


@dataclass(frozen=True)
class After:
    """What a line's customer can do, and did."""

    handed_over_at: datetime | None = None
    withdrawn_at: datetime | None = None
    came_back_at: datetime | None = None
    delay: DelayView | None = None
    way_out: WayOut | None = None
    undelivered: str = ""
    """Why we can't deliver it; empty: it didn't end so."""
    asked: bool = False
    """The customer can still say whether they wait."""

    @property
    def to_send_back(self) -> bool:
        """Whether the customer left and the goods are still on their way to us."""
        return self.withdrawn_at is not None and self.handed_over_at is not None and self.came_back_at is None


def withdrawals(session: Session, lines: Sequence[OrderLine]) -> dict[int, Withdrawal]:
    """Return which of these lines were left, by line id."""
    query = select(Withdrawal).where(Withdrawal.line_id.in_([line.id for line in lines]))
    return {each.line_id: each for each in session.scalars(query)}


def delays(session: Session, lines: Sequence[OrderLine]) -> dict[int, DelayView]:
    """Return the newest delay of each line's product with what its customer said, by line id."""
    newest = select(func.max(Delay.id)).group_by(Delay.candidate_id)
    said = (DelayAnswer.delay_id == Delay.id) & (DelayAnswer.line_id == OrderLine.id)
    rows = session.execute(
        select(OrderLine.id, Delay, DelayAnswer)
        .join(Delay, Delay.candidate_id == OrderLine.candidate_id)
        .outerjoin(DelayAnswer, said)
        .where(OrderLine.id.in_([line.id for line in lines]), Delay.id.in_(newest))
    )
    return {line: _delay(delay, answer) for line, delay, answer in rows}


def reminders(session: Session, orders: Sequence[str]) -> dict[str, list[Entry]]:
    """Return the reminders of balances that reached the customers of these orders (references), by order, each once."""
    delivered = (Message.state == MessageState.SENT) & Message.event.startswith(EVENT)
    query = select(Message.about, Message.event, Message.sent_at).where(Message.about.in_(orders), delivered)
    found: dict[str, dict[str, Entry]] = defaultdict(dict)
    for order, event, at in session.execute(query.order_by(Message.id.desc())):
        if at:
            found[order][event] = Entry(at, Event.REMINDED)
    return {order: list(entries.values()) for order, entries in found.items()}


def _delay(delay: Delay, answer: DelayAnswer | None) -> DelayView:
    return DelayView(
        id=delay.id,
        expected=delay.expected,
        reason=delay.reason,
        announced_at=delay.announced_at,
        answer_by=None if delay.settled_at else delay.answer_by,
        silence_agrees=delay.silence_agrees,
        agrees=answer.agrees if answer else None,
        answered_at=answer.at if answer else None,
    )


def entries(code: str, after: After) -> Iterator[Entry]:
    """Yield what a line's timeline says of it."""
    happened = {
        Event.HANDED_OVER: after.handed_over_at,
        Event.WITHDRAWN: after.withdrawn_at,
        Event.CAME_BACK: after.came_back_at,
        Event.DELAYED: after.delay.announced_at if after.delay else None,
        Event.DELAY_AGREED: after.delay.answered_at if after.delay and after.delay.agrees else None,
    }
    return (Entry(at, event, about=code) for event, at in happened.items() if at is not None)
