"""The one place that applies what a gateway said; person, sweeper and webhook all come here. Applying it twice changes nothing."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits import places
from c2b.deposits.actions import end_lines
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.refunds import queue_owed
from c2b.deposits.rules import Arrival, ObligationState, RefundReason, arrives_in_time, refund_reason
from c2b.errors import N_, NotFound
from c2b.jobs.actions import enqueue
from c2b.ledger import actions as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import OPEN, PaymentState, RefundState

_NOTE = 300
"""Letters of a gateway's words that a payment keeps."""
Parts = Sequence[tuple[PaymentPart, Obligation, OrderLine]]
"""What a payment is for, line by line."""


def apply(session: Session, *, key: str, answer: Answer, now: datetime) -> PaymentState:
    """Apply an answer about the payment `key` and return its state.

    Captured money is never lost: it goes to its lines, or to what we owe the order and straight back. A captured payment stays captured;
    one that failed can only still turn out to be captured, as late money.
    """
    order = _locked_order(session, select(Payment.payer).where(Payment.key == key))
    payment = session.scalars(select(Payment).where(Payment.key == key).with_for_update().execution_options(populate_existing=True)).one()
    payment.checked_at = max(payment.checked_at, now)
    if payment.state in (PaymentState.CAPTURED, PaymentState.MISMATCH):
        return payment.state
    if answer.heard is Heard.DONE:
        _captured(session, order, payment, answer, now)
    elif payment.state in OPEN:
        _still_open(session, payment, answer, now)
    session.flush()
    return payment.state


def apply_refund(session: Session, *, key: str, answer: Answer, now: datetime) -> RefundState:
    """Apply an answer about the refund `key` and return its state: settled money left, refused money is owed to the customer."""
    order = _locked_order(session, select(Payment.payer).join(Refund, Refund.payment_id == Payment.id).where(Refund.key == key))
    refund = session.scalars(select(Refund).where(Refund.key == key).with_for_update().execution_options(populate_existing=True)).one()
    if refund.state in (RefundState.SETTLED, RefundState.FAILED):
        return refund.state
    payment, hold = refund.payment, accounts.hold(key)
    provider = accounts.provider(payment.gateway, payment.merchant)
    refund.state, refund.last_error = _became_of(refund, answer)
    if refund.state is RefundState.SETTLED:
        refund.settled_at, refund.provider_reference = now, answer.reference or None
        _book(session, order, payment, [Posting(f"ref:{key}", hold, provider, refund.amount, "refund_settled")], now)
        enqueue(session, kind="deposits.tell_refund", payload={"refund": refund.id}, key=f"deposits.tell_refund:{key}", now=now)
    elif refund.state is RefundState.FAILED:
        _book(session, order, payment, [Posting(f"fail:{key}", hold, accounts.owed(order.ref), refund.amount, "refund_refused")], now)
    session.flush()
    return refund.state


def _became_of(refund: Refund, answer: Answer) -> tuple[RefundState, str]:
    """Return a refund's next state and what to note of it: other money than was asked for settles nothing."""
    if answer.heard is Heard.FAILED:
        return RefundState.FAILED, answer.why or "refused"
    if answer.heard is not Heard.DONE:
        return RefundState.UNKNOWN, answer.heard.value
    if (answer.amount, answer.currency) != (refund.amount, refund.payment.currency):
        return RefundState.UNKNOWN, f"the gateway says {answer.amount} {answer.currency} went back"
    return RefundState.SETTLED, ""


def _captured(session: Session, order: Order, payment: Payment, answer: Answer, now: datetime) -> None:
    failed_before = payment.state is PaymentState.FAILED
    payment.settled_at, payment.provider_reference = now, answer.reference or None
    said, asked = (answer.amount, answer.currency, answer.merchant), (payment.amount, payment.currency, payment.merchant)
    if said != asked:
        payment.state, payment.note = PaymentState.MISMATCH, f"asked for {asked}, the gateway says {said}"[:_NOTE]
        session.flush()
        _close(session, _parts(session, payment), now)
        return
    payment.state, payment.captured, payment.note = PaymentState.CAPTURED, answer.amount, ""
    session.flush()
    in_time = arrives_in_time(order.campaign, started_at=payment.created_at, now=now) and not failed_before
    _distribute(session, order, payment, in_time=in_time, now=now)


def _distribute(session: Session, order: Order, payment: Payment, *, in_time: bool, now: datetime) -> None:
    """Book captured money to its lines; what they may not have any more is owed to the customer and goes straight back."""
    parts = _parts(session, payment)
    late = _accept(session, order, parts, in_time=in_time, now=now)
    provider, cap = accounts.provider(payment.gateway, payment.merchant), f"cap:{payment.key}"
    ours = [
        Posting(f"{cap}:{line.id}", provider, accounts.deposit(line.id), part.amount, "captured") for part, _, line in parts if part.applied
    ]
    back = [Posting(f"{cap}:{reason}", provider, accounts.owed(order.ref), amount, reason.value) for reason, amount in late.items()]
    _book(session, order, payment, ours + back, now)
    session.flush()
    _close(session, parts, now)
    if ours:
        enqueue(session, kind="deposits.tell_paid", payload={"payment": payment.id}, key=f"deposits.tell_paid:{payment.key}", now=now)
    for reason, amount in late.items():
        queue_owed(session, payment=payment, order=order, amount=amount, reason=reason, now=now)


def _accept(session: Session, order: Order, parts: Parts, *, in_time: bool, now: datetime) -> Counter[RefundReason]:
    """Give each line its money where it still may have it; returns what goes back, by reason."""
    candidates = {line.candidate_id for _, _, line in parts}
    places.lock(session, candidates)
    free = places.free(session, candidates, besides=order.id, now=now)
    late: Counter[RefundReason] = Counter()
    for part, owed, line in parts:
        has_place = free.get(line.candidate_id, line.units) >= line.units
        requested = line.cancel_requested_at is not None
        reason = refund_reason(
            Arrival(in_time=in_time, owed=owed.state, outcome=line.outcome, cancel_requested=requested, has_place=has_place)
        )
        if reason is not None:
            late[reason] += part.amount
            continue
        part.applied, owed.state, line.reserved_at = True, ObligationState.PAID, now
        if line.candidate_id in free:
            free[line.candidate_id] -= line.units
    return late


def _still_open(session: Session, payment: Payment, answer: Answer, now: datetime) -> None:
    if answer.heard is Heard.FAILED:
        payment.state, payment.settled_at, payment.note = PaymentState.FAILED, now, answer.why[:_NOTE]
        session.flush()
        _close(session, _parts(session, payment), now)
    elif answer.heard is Heard.PENDING:
        payment.state, payment.page = PaymentState.PENDING, answer.page
    elif answer.heard is Heard.UNKNOWN:
        payment.state = PaymentState.UNKNOWN


def _close(session: Session, parts: Parts, now: datetime) -> None:
    """Give the places back, and do the cancelling that waited for this answer."""
    lines = [line.id for _, _, line in parts]
    places.release(session, lines)
    waiting = select(OrderLine.id).where(OrderLine.id.in_(lines), OrderLine.cancel_requested_at.is_not(None))
    if session.scalars(waiting).first() is not None:
        end_lines(session, lines=waiting, reason=RefundReason.CANCELLED, now=now)


def _parts(session: Session, payment: Payment) -> Parts:
    rows = session.execute(
        select(PaymentPart, Obligation, OrderLine)
        .join(Obligation, Obligation.id == PaymentPart.obligation_id)
        .join(OrderLine, OrderLine.id == Obligation.line_id)
        .where(PaymentPart.payment_id == payment.id)
        .order_by(OrderLine.id)
        .execution_options(populate_existing=True)
    )
    return [(part, owed, line) for part, owed, line in rows]


def _locked_order(session: Session, payer: Select[str]) -> Order:
    ref = session.scalar(payer)
    if ref is None:
        raise NotFound(N_("There is no such payment"))
    campaign = (
        select(Campaign).join(Order, Order.campaign_id == Campaign.id).where(Order.ref == ref).execution_options(populate_existing=True)
    )
    session.scalars(campaign.with_for_update(of=Campaign, key_share=True, read=True)).one()
    return session.scalars(select(Order).where(Order.ref == ref).with_for_update().execution_options(populate_existing=True)).one()


def _book(session: Session, order: Order, payment: Payment, transfers: Sequence[Posting], now: datetime) -> None:
    ledger.post(session, transfers, campaign=order.campaign.slug, currency=payment.currency, now=now)
