"""What waits for a person whatever a statement says: mismatches, refused and bounced refunds, disputes, long silence."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from c2b.ledger import rules as accounts
from c2b.ledger.queries import balances
from c2b.payments.cases import Difference
from c2b.payments.inbox import PATIENCE
from c2b.payments.models import Dispute, InboxEvent, Payment, Refund
from c2b.payments.rules import PAYMENT_PATIENCE, REFUND_PATIENCE, UNHEARD, CaseKind, PaymentState, RefundState


def waiting(session: Session, *, now: datetime) -> Iterator[Difference]:
    """Yield everything that stands still until somebody does something about it."""
    yield from _mismatches(session)
    yield from _returned(session)
    yield from _disputed(session)
    yield from _silent(session, now)
    yield from _events(session, now)


def _mismatches(session: Session) -> Iterator[Difference]:
    for payment in session.scalars(select(Payment).where(Payment.state == PaymentState.MISMATCH).order_by(Payment.id)):
        yield _of(CaseKind.MISMATCH, payment, payment.key, {"amount": payment.amount, "why": payment.note})


def _returned(session: Session) -> Iterator[Difference]:
    """Yield refunds that were refused or came back, until they are sent anew or paid out, as long as the order is owed anything."""
    wanted = or_(Refund.state == RefundState.FAILED, Refund.bounced_at.is_not(None)) & Refund.resolved_at.is_(None)
    found = session.execute(select(Refund, Payment).join(Payment, Payment.id == Refund.payment_id).where(wanted).order_by(Refund.id)).all()
    owed = balances(session, {accounts.owed(payment.payer) for _, payment in found}) if found else {}
    for refund, payment in found:
        if owed[accounts.owed(payment.payer)] > 0:
            kind = CaseKind.REFUND_BOUNCED if refund.bounced_at else CaseKind.REFUND_FAILED
            yield _of(kind, payment, refund.key, {"amount": refund.amount, "why": refund.last_error})


def _disputed(session: Session) -> Iterator[Difference]:
    lost = select(Dispute, Payment).join(Payment, Payment.id == Dispute.payment_id).where(Dispute.won_at.is_(None))
    for dispute, payment in session.execute(lost.order_by(Dispute.id)):
        yield _of(CaseKind.DISPUTE_OPEN, payment, dispute.reference, {"amount": dispute.amount, "at": dispute.opened_at.isoformat()})


def _silent(session: Session, now: datetime) -> Iterator[Difference]:
    long_ago = now - PAYMENT_PATIENCE
    unheard = select(Payment).where(Payment.state.in_(UNHEARD), Payment.created_at <= long_ago)
    for payment in session.scalars(unheard.order_by(Payment.id)):
        yield _of(CaseKind.UNHEARD, payment, payment.key, {"amount": payment.amount, "at": payment.created_at.isoformat()})
    sent = func.coalesce(Refund.sent_at, Refund.queued_at)
    slow = select(Refund, Payment).join(Payment, Payment.id == Refund.payment_id).where(Refund.state == RefundState.UNKNOWN)
    for refund, payment in session.execute(slow.where(sent <= now - REFUND_PATIENCE).order_by(Refund.id)):
        yield _of(CaseKind.UNHEARD, payment, refund.key, {"amount": refund.amount, "at": refund.queued_at.isoformat()})


def _events(session: Session, now: datetime) -> Iterator[Difference]:
    lost = select(InboxEvent).where(InboxEvent.applied_at.is_(None), InboxEvent.received_at <= now - PATIENCE)
    for event in session.scalars(lost.order_by(InboxEvent.id)):
        details = {"what": event.kind, "about": event.about.value, "reference": event.key, "at": event.received_at.isoformat()}
        yield Difference(CaseKind.EVENT_UNKNOWN, event.gateway, event.event, "", details)


def _of(kind: CaseKind, payment: Payment, subject: str, details: dict[str, Any]) -> Difference:
    return Difference(kind, payment.gateway, subject, payment.payer, details | {"currency": payment.currency})
