"""The one place that applies what a gateway said of a payment; person, sweeper and webhook all come here. Twice changes nothing."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b import money
from c2b.deposits import disputes, places
from c2b.deposits.actions import end_lines
from c2b.deposits.locking import book, order_of_payment
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.refunds import queue_owed
from c2b.deposits.rules import Arrival, ObligationKind, ObligationState, RefundReason, arrives_in_time, refund_reason
from c2b.jobs.actions import enqueue
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import OPEN, PaymentState

_NOTE = 300
"""Letters of a gateway's words that a payment keeps."""
Parts = Sequence[tuple[PaymentPart, Obligation, OrderLine | None]]
"""What a payment is for: a line's deposit or balance, or the order's shipping, which has no line."""


def apply(session: Session, *, key: str, answer: Answer, now: datetime) -> PaymentState:
    """Apply an answer about the payment `key` and return its state.

    Captured money is never lost: it goes to what it is for, or to what we owe the order and straight back. A captured payment stays
    captured, whatever is heard later, but for disputes; one that failed can only still turn out to be captured, as late money, unless
    what it brought was sent back by hand.
    """
    order = order_of_payment(session, key)
    payment = session.scalars(select(Payment).where(Payment.key == key).with_for_update().execution_options(populate_existing=True)).one()
    payment.checked_at = max(payment.checked_at, now)
    payment.handle = answer.handle or payment.handle
    if answer.heard is Heard.DONE and _may_come(session, payment):
        _captured(session, order, payment, answer, now)
    elif payment.state in OPEN:
        _still_open(session, payment, answer, now)
    if payment.state is PaymentState.CAPTURED and answer.disputes:
        disputes.apply(session, order, payment, answer.disputes, now)
    session.flush()
    return payment.state


def _may_come(session: Session, payment: Payment) -> bool:
    """Say whether a payment's money may still come: what was sent back at the gateway's own desk is called paid there for ever."""
    if payment.state is PaymentState.FAILED:
        return session.get(Transfer, accounts.sent_back(payment.key)) is None
    return payment.state not in (PaymentState.CAPTURED, PaymentState.MISMATCH)


def _captured(session: Session, order: Order, payment: Payment, answer: Answer, now: datetime) -> None:
    failed_before = payment.state is PaymentState.FAILED
    payment.settled_at, payment.provider_reference = now, answer.reference or None
    said, asked = (answer.amount, answer.currency, answer.merchant), (payment.amount, payment.currency, payment.merchant)
    if said != asked:
        payment.state = PaymentState.MISMATCH
        payment.note = f"asked for {_in_figures(*asked)}, the gateway says {_in_figures(*said)}"[:_NOTE]
        _set_aside(session, order, payment, answer, now)
        return
    payment.state, payment.captured, payment.note = PaymentState.CAPTURED, answer.amount, ""
    session.flush()
    in_time = arrives_in_time(order.campaign, started_at=payment.created_at, now=now) and not failed_before
    distribute(session, order, payment, in_time=in_time, now=now)


def _in_figures(amount: int, currency: str, merchant: str) -> str:
    """Write money for people who look into it: 59.80 CNY to main."""
    return f"{money.decimal(amount, currency)} {currency} to {merchant}"


def _set_aside(session: Session, order: Order, payment: Payment, answer: Answer, now: datetime) -> None:
    """Book money that isn't what was asked for where nothing can take it: a person decides, see `mismatches`."""
    provider, waiting = accounts.provider(payment.gateway, answer.merchant), accounts.suspense(payment.gateway)
    if answer.amount > 0:
        came = Posting(f"mis:{payment.key}", provider, waiting, answer.amount, "unmatched")
        book(session, order, answer.currency, [came], now)
    session.flush()
    _close(session, parts_of(session, payment), now)
    enqueue(session, kind="deposits.tell_held_up", payload={"payment": payment.id}, key=f"deposits.tell_held_up:{payment.key}", now=now)


def distribute(session: Session, order: Order, payment: Payment, *, in_time: bool, now: datetime) -> None:
    """Book captured money to what it is for; what may not have it any more is owed to the customer and goes straight back."""
    parts = parts_of(session, payment)
    late = _accept(session, order, parts, in_time=in_time, now=now)
    provider, cap = accounts.provider(payment.gateway, payment.merchant), f"cap:{payment.key}"
    ours = [_posting(cap, provider, order, part, line) for part, _, line in parts if part.applied]
    back = [Posting(f"{cap}:{reason}", provider, accounts.owed(order.ref), amount, reason.value) for reason, amount in late.items()]
    book(session, order, payment.currency, ours + back, now)
    session.flush()
    _close(session, parts, now)
    if ours:
        enqueue(session, kind="deposits.tell_paid", payload={"payment": payment.id}, key=f"deposits.tell_paid:{payment.key}", now=now)
    for reason, amount in late.items():
        payload = {"payment": payment.id, "amount": amount, "reason": reason.value}
        enqueue(session, kind="deposits.tell_late", payload=payload, key=f"deposits.tell_late:{payment.key}:{reason.value}", now=now)
        queue_owed(session, payment=payment, order=order, amount=amount, reason=reason, now=now)


def _posting(cap: str, provider: str, order: Order, part: PaymentPart, line: OrderLine | None) -> Posting:
    if line is None:
        return Posting(f"{cap}:shipping", provider, accounts.shipping(order.ref), part.amount, "shipping_captured")
    return Posting(f"{cap}:{line.id}", provider, accounts.deposit(line.id), part.amount, "captured")


def _accept(session: Session, order: Order, parts: Parts, *, in_time: bool, now: datetime) -> Counter[RefundReason]:
    """Give each obligation its money where it still may have it; returns what goes back, by reason."""
    candidates = {line.candidate_id for _, owed, line in parts if line and owed.kind is ObligationKind.DEPOSIT}
    places.lock(session, candidates)
    free = places.free(session, candidates, besides=order.id, now=now)
    late: Counter[RefundReason] = Counter()
    for part, owed, line in parts:
        reason = refund_reason(_arrival(owed, line, free, in_time=in_time))
        if reason is not None:
            late[reason] += part.amount
            continue
        part.applied, owed.state = True, ObligationState.PAID
        if line and owed.kind is ObligationKind.DEPOSIT:
            line.reserved_at = now
            if line.candidate_id in free:
                free[line.candidate_id] -= line.units
    return late


def _arrival(owed: Obligation, line: OrderLine | None, free: dict[int, int], *, in_time: bool) -> Arrival:
    return Arrival(
        in_time=in_time,
        kind=owed.kind,
        owed=owed.state,
        outcome=line.outcome if line else None,
        cancel_requested=line is not None and line.cancel_requested_at is not None,
        has_place=line is None or free.get(line.candidate_id, line.units) >= line.units,
    )


def _still_open(session: Session, payment: Payment, answer: Answer, now: datetime) -> None:
    if answer.heard is Heard.FAILED:
        payment.state, payment.settled_at, payment.note = PaymentState.FAILED, now, answer.why[:_NOTE]
        session.flush()
        _close(session, parts_of(session, payment), now)
    elif answer.heard is Heard.PENDING:
        payment.state, payment.page = PaymentState.PENDING, answer.page or payment.page
    elif answer.heard is Heard.UNKNOWN:
        payment.state = PaymentState.UNKNOWN


def _close(session: Session, parts: Parts, now: datetime) -> None:
    """Give the places back, and do the cancelling that waited for this answer."""
    lines = [line.id for _, _, line in parts if line]
    places.release(session, lines)
    waiting = select(OrderLine.id).where(OrderLine.id.in_(lines), OrderLine.cancel_requested_at.is_not(None))
    if session.scalars(waiting).first() is not None:
        end_lines(session, lines=waiting, reason=RefundReason.CANCELLED, now=now)


def parts_of(session: Session, payment: Payment) -> Parts:
    """Return what a payment is for, line by line, shipping last."""
    rows = session.execute(
        select(PaymentPart, Obligation, OrderLine)
        .join(Obligation, Obligation.id == PaymentPart.obligation_id)
        .outerjoin(OrderLine, OrderLine.id == Obligation.line_id)
        .where(PaymentPart.payment_id == payment.id)
        .order_by(Obligation.kind == ObligationKind.SHIPPING, OrderLine.id)
        .execution_options(populate_existing=True)
    )
    return [(part, owed, line) for part, owed, line in rows]
