"""What finance does where a gateway said something that no rule can decide: mismatches, refused and bounced refunds. All audited."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.deposits.apply import distribute
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.locking import book, order_of_payment, order_of_refund
from c2b.deposits.models import Order, PayoutAccount
from c2b.deposits.refunds import queue_owed, send_anew
from c2b.deposits.rules import RefundReason
from c2b.deposits.timeline import BY_HAND
from c2b.deposits.withholding import require_decided
from c2b.errors import N_, Invalid, Refused
from c2b.jobs.actions import enqueue
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import PaymentState, RefundState, is_stuck


def accept_mismatch(session: Session, *, key: str, reason: str, actor: str, now: datetime) -> None:
    """Take a payment that brought more than was asked for, or came to another of our accounts: what is due is paid, the rest goes back.

    Raises Refused where less came, or in another currency: then it can only go back.
    """
    order, payment, came = _mismatch(session, key)
    if came.currency != payment.currency or came.amount < payment.amount:
        raise Refused(N_("Less came than was asked for, or in another currency; it can only be sent back"))
    _free(session, order, payment, came, now)
    distribute(session, order, payment, in_time=True, now=now)
    if surplus := came.amount - payment.amount:
        rest = Posting(f"cap:{key}:surplus", came.debit, accounts.owed(order.ref), surplus, "overpaid")
        book(session, order, came.currency, [rest], now)
        queue_owed(session, payment=payment, order=order, amount=surplus, reason=RefundReason.OVERPAID, now=now)
    _record(session, order, action="deposits.accept_mismatch", key=key, reason=reason, actor=actor, now=now)


def return_mismatch(session: Session, *, key: str, reason: str, actor: str, now: datetime) -> str:
    """Send back all that a payment brought which isn't what was asked for; returns the refund's key.

    Raises Refused where it came in another currency: our books of this order have one, so it is paid back by hand.
    """
    order, payment, came = _mismatch(session, key)
    if came.currency != payment.currency:
        raise Refused(N_("It came in another currency; pay it back at the gateway’s own desk and enter that here"))
    _free(session, order, payment, came, now)
    back = Posting(f"cap:{key}:mismatch", came.debit, accounts.owed(order.ref), came.amount, "unmatched")
    book(session, order, came.currency, [back], now)
    _record(session, order, action="deposits.return_mismatch", key=key, reason=reason, actor=actor, now=now)
    return queue_owed(session, payment=payment, order=order, amount=came.amount, reason=RefundReason.MISMATCH, now=now)


def mismatch_paid_by_hand(session: Session, *, key: str, reference: str, reason: str, actor: str, now: datetime) -> None:
    """Note that money which isn't what was asked for was sent back at the gateway's own desk, under its `reference` there."""
    order, payment, came = _mismatch(session, key)
    gone = Posting(accounts.sent_back(key), came.credit, came.debit, came.amount, "paid_by_hand")
    book(session, order, came.currency, [gone], now)
    payment.state, payment.note = PaymentState.FAILED, "sent back by hand"
    _record(
        session, order, action="deposits.mismatch_paid_by_hand", key=key, reason=reason, actor=actor, now=now, reference=_given(reference)
    )


def send_refund_again(session: Session, *, key: str, reason: str, actor: str, now: datetime) -> str:
    """Send a failed or bounced refund once more, the way the money came; returns the new refund's key. Done once, it is refused."""
    order, refund = _failed(session, key)
    again = send_anew(session, refund=refund, order=order, now=now)
    _record(session, order, action="deposits.send_refund_again", key=key, reason=reason, actor=actor, now=now)
    return again


def paid_by_hand(session: Session, *, key: str, reference: str, reason: str, actor: str, now: datetime) -> None:
    """Note that a failed or bounced refund was paid out from the bank account; `reference` is the bank's.

    Raises Invalid without a reference: without one nobody finds the payment again.
    """
    bank = _given(reference)
    order, refund = _failed(session, key)
    paid = Posting(f"out:{key}", accounts.owed(order.ref), accounts.BANK, refund.amount, "paid_by_hand")
    book(session, order, refund.payment.currency, [paid], now)
    refund.resolved_at, refund.last_error = now, f"{BY_HAND}{bank}"
    account = session.get(PayoutAccount, order.id)
    about = {"reference": bank, "account_of": account.given_at.isoformat() if account else ""}
    _record(session, order, action="deposits.paid_by_hand", key=key, reason=reason, actor=actor, now=now, **about)
    enqueue(session, kind="deposits.tell_by_hand", payload={"refund": refund.id}, key=f"deposits.tell_by_hand:{key}", now=now)


def give_up(session: Session, *, key: str, reason: str, actor: str, now: datetime) -> None:
    """Stop asking for a refund that somebody saw unpaid at the gateway's desk: it has failed, and what it held is owed.

    Raises Refused while it is younger than `REFUND_PATIENCE`, for it may still arrive.
    """
    order, refund = _refund(session, key)
    if not is_stuck(refund.state, refund.sent_at, now):
        raise Refused(N_("This refund may still arrive; it can be given up after a week"))
    apply_refund(session, key=key, answer=Answer(Heard.FAILED, why=f"given up; last heard: {refund.last_error}"), now=now)
    _record(session, order, action="deposits.give_up_refund", key=key, reason=reason, actor=actor, now=now)


def owed(session: Session, order_ref: str) -> int:
    """Return what we owe an order besides its lines, minor units."""
    account = accounts.owed(order_ref)
    return ledger.balances(session, [account])[account]


def _given(reference: str) -> str:
    if not reference.strip():
        raise Invalid(N_("Give the reference of the payment; without it nobody finds it again"), field="reference")
    return reference.strip()[:100]


def _mismatch(session: Session, key: str) -> tuple[Order, Payment, Transfer]:
    """Lock a payment that doesn't match; raises NotFound, Refused where it was dealt with or brought nothing."""
    order = order_of_payment(session, key)
    payment = session.scalars(select(Payment).where(Payment.key == key).with_for_update().execution_options(populate_existing=True)).one()
    came = session.get(Transfer, f"mis:{key}")
    if payment.state is not PaymentState.MISMATCH or came is None:
        raise Refused(N_("This payment doesn’t wait for a decision any more"))
    return order, payment, came


def _free(session: Session, order: Order, payment: Payment, came: Transfer, now: datetime) -> None:
    """Take the money out of suspense again: from here on it is an ordinary captured payment."""
    back = Posting(f"mis:{payment.key}:back", came.credit, came.debit, came.amount, "unmatched")
    book(session, order, came.currency, [back], now)
    payment.state, payment.captured, payment.merchant = PaymentState.CAPTURED, came.amount, came.debit.split(":", 2)[2]
    session.flush()


def _refund(session: Session, key: str) -> tuple[Order, Refund]:
    """Lock a refund; raises NotFound, Refused while a bank holds its payment."""
    order = order_of_refund(session, key)
    refund = session.scalars(select(Refund).where(Refund.key == key).with_for_update().execution_options(populate_existing=True)).one()
    require_decided(session, refund)
    return order, refund


def _failed(session: Session, key: str) -> tuple[Order, Refund]:
    order, refund = _refund(session, key)
    if refund.state is not RefundState.FAILED or refund.resolved_at is not None:
        raise Refused(N_("This refund doesn’t wait for a decision any more"))
    return order, refund


def _record(session: Session, order: Order, *, action: str, key: str, reason: str, actor: str, now: datetime, **after: str) -> None:
    if not reason.strip():
        raise Invalid(N_("Say why; the audit log keeps it"), field="reason")
    about = {"order": order.ref} | after
    record(session, actor=actor, action=action, campaign=order.campaign.slug, object=key, after=about, reason=reason.strip(), now=now)
