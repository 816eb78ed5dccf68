"""What happened to an order, in the order it happened, with the references that a customer may quote."""

import enum
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Money, Outcome, RefundReason
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState, RefundState


class Event(enum.StrEnum):
    """One kind of thing that happens to an order."""

    PLACED = "placed"
    PAYMENT_STARTED = "payment_started"
    PAID = "paid"
    PAYMENT_FAILED = "payment_failed"
    PAYMENT_HELD_UP = "payment_held_up"
    """The gateway's answer doesn't match; a person looks at it."""
    CANCEL_REQUESTED = "cancel_requested"
    CANCELLED = "cancelled"
    UNDELIVERED = "undelivered"
    """We can't deliver what was confirmed."""
    CONFIRMED = "confirmed"
    REMINDED = "reminded"
    """Of the balance; the message was delivered."""
    UNPAID = "unpaid"
    """It ended because nobody paid the balance; the deposit goes back."""
    MISSED = "missed"
    REFUND_QUEUED = "refund_queued"
    REFUNDED = "refunded"
    REFUND_REFUSED = "refund_refused"
    REFUND_WITHHELD = "refund_withheld"
    """The bank took the payment back before it was sent."""
    REFUND_BY_BANK = "refund_by_bank"
    """The bank's decision stands for it."""
    REFUND_BOUNCED = "refund_bounced"
    """It was settled, and then it came back to us."""
    REFUND_BY_HAND = "refund_by_hand"
    """It was paid out from our bank account, another way than the money came."""
    FORFEITED = "forfeited"
    DISPUTED = "disputed"
    DELAYED = "delayed"
    DELAY_AGREED = "delay_agreed"
    HANDED_OVER = "handed_over"
    WITHDRAWN = "withdrawn"
    """The customer left without giving a reason."""
    CAME_BACK = "came_back"


@dataclass(frozen=True)
class Entry:
    """One entry: `amount` in minor units where money is meant, `reference` of payment or refund, `about` a product's name, `why` it is.

    `cause`: for which money goes back.
    """

    at: datetime
    event: Event
    amount: int | None = None
    reference: str = ""
    about: str = ""
    why: str = ""
    cause: RefundReason | None = None


BY_HAND = "paid out by hand: "
"""What a refund's note begins with that was paid out another way; then the bank's reference."""
_LINE_ENDS = {Outcome.CANCELLED: Event.CANCELLED, Outcome.MISSED: Event.MISSED}
_MONEY_ENDS = {Money.FORFEITED: Event.FORFEITED, Money.DISPUTED: Event.DISPUTED}
_PAYMENT_ENDS = {
    PaymentState.CAPTURED: Event.PAID,
    PaymentState.FAILED: Event.PAYMENT_FAILED,
    PaymentState.MISMATCH: Event.PAYMENT_HELD_UP,
}
_REFUND_ENDS = {RefundState.SETTLED: Event.REFUNDED, RefundState.FAILED: Event.REFUND_REFUSED}


def timeline(
    order: Order,
    lines: Iterable[tuple[OrderLine, str, Money]],
    payments: Iterable[Payment],
    refunds: Mapping[Refund, RefundReason],
    more: Iterable[Entry] = (),
    *,
    undelivered: Mapping[int, str] = MappingProxyType({}),
) -> tuple[Entry, ...]:
    """Return an order's entries, oldest first; `lines` come with their product's name and where their money stands.

    `refunds`: with their causes; `more`: what happened after the decision; `undelivered`: of which lines (ids) we can't deliver the
    product, and why.
    """
    unpaid = {refund.queued_at for refund, cause in refunds.items() if cause is RefundReason.UNPAID}
    of_money = [*_of_payments(payments), *_of_refunds(refunds)]
    entries = [Entry(order.placed_at, Event.PLACED), *_of_lines(lines, undelivered, unpaid), *of_money, *more]
    rank = list(Event)
    return tuple(sorted(entries, key=lambda entry: (entry.at, rank.index(entry.event), entry.about)))


def _of_lines(
    lines: Iterable[tuple[OrderLine, str, Money]], undelivered: Mapping[int, str], unpaid: Container[datetime]
) -> Iterator[Entry]:
    """Tell how lines ended; the refund of a line that nobody paid is queued at the very instant at which it ends."""
    for line, code, money in lines:
        if line.cancel_requested_at is not None:
            yield Entry(line.cancel_requested_at, Event.CANCEL_REQUESTED, about=code)
        if line.ended_at is not None and line.outcome in _LINE_ENDS:
            kind = Event.UNPAID if line.ended_at in unpaid else _LINE_ENDS[line.outcome]
            ended = Entry(line.ended_at, _MONEY_ENDS.get(money, kind), about=code)
            yield _undelivered(ended, undelivered.get(line.id, ""))


def _undelivered(ended: Entry, why: str) -> Entry:
    return replace(ended, event=Event.UNDELIVERED, why=why) if why else ended


def _of_payments(payments: Iterable[Payment]) -> Iterator[Entry]:
    for payment in payments:
        yield Entry(payment.created_at, Event.PAYMENT_STARTED, payment.amount, payment.key)
        if payment.settled_at is not None and payment.state in _PAYMENT_ENDS:
            reference = payment.provider_reference or payment.key
            yield Entry(payment.settled_at, _PAYMENT_ENDS[payment.state], payment.amount, reference)


def _of_refunds(refunds: Mapping[Refund, RefundReason]) -> Iterator[Entry]:
    for refund, cause in refunds.items():
        yield Entry(refund.queued_at, Event.REFUND_QUEUED, refund.amount, refund.key, cause=cause)
        if refund.withheld_at is not None:
            yield _withheld(refund, refund.withheld_at)
        elif refund.state in _REFUND_ENDS:
            at = refund.settled_at or refund.next_attempt_at
            ended = Event.REFUNDED if refund.bounced_at else _REFUND_ENDS[refund.state]
            yield Entry(at, ended, refund.amount, refund.provider_reference or refund.key)
        if refund.bounced_at is not None:
            yield Entry(refund.bounced_at, Event.REFUND_BOUNCED, refund.amount, refund.key)
        if refund.resolved_at is not None and refund.last_error.startswith(BY_HAND):
            yield Entry(refund.resolved_at, Event.REFUND_BY_HAND, refund.amount, refund.last_error.removeprefix(BY_HAND))


def _withheld(refund: Refund, since: datetime) -> Entry:
    event = Event.REFUND_BY_BANK if refund.resolved_at else Event.REFUND_WITHHELD
    return Entry(refund.resolved_at or since, event, refund.amount, refund.key)
