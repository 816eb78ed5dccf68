"""The one place that applies what a gateway said of a refund. Twice changes nothing."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.deposits.locking import book, order_of_refund
from c2b.deposits.models import Order
from c2b.deposits.withholding import made_good
from c2b.jobs.actions import enqueue
from c2b.ledger import rules as accounts
from c2b.ledger.rules import Posting
from c2b.payments.models import Refund
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import RefundState

_NOT_DONE = {Heard.FAILED: (RefundState.FAILED, "refused")}
"""What a refund became that no money left for; after any other answer nobody knows."""


_NEVER_LEFT = (Heard.FAILED, Heard.ABSENT)


def apply_refund(session: Session, *, key: str, answer: Answer, now: datetime) -> RefundState:
    """Apply an answer about the refund `key` and return its state: settled money left, refused or bounced money is owed to the customer."""
    order = order_of_refund(session, key)
    refund = session.scalars(select(Refund).where(Refund.key == key).with_for_update().execution_options(populate_existing=True)).one()
    refund.handle = answer.handle or refund.handle
    if refund.state is RefundState.SETTLED and answer.heard is Heard.FAILED:
        _bounced(session, order, refund, answer, now)
    elif refund.state in (RefundState.QUEUED, RefundState.UNKNOWN):
        _heard(session, order, refund, answer, now)
    session.flush()
    if answer.heard in _NEVER_LEFT:
        made_good(session, order, refund, now)
    return refund.state


def _heard(session: Session, order: Order, refund: Refund, answer: Answer, now: datetime) -> None:
    payment, hold = refund.payment, accounts.hold(refund.key)
    refund.state, refund.last_error = _became_of(refund, answer)
    if refund.state is RefundState.SETTLED:
        refund.settled_at, refund.provider_reference = now, answer.reference or None
        provider = accounts.provider(payment.gateway, payment.merchant)
        book(session, order, payment.currency, [Posting(f"ref:{refund.key}", hold, provider, refund.amount, "refund_settled")], now)
        enqueue(session, kind="deposits.tell_refund", payload={"refund": refund.id}, key=f"deposits.tell_refund:{refund.key}", now=now)
    elif refund.state is RefundState.FAILED:
        owed = Posting(f"fail:{refund.key}", hold, accounts.owed(order.ref), refund.amount, "refund_refused")
        book(session, order, payment.currency, [owed], now)


def _became_of(refund: Refund, answer: Answer) -> tuple[RefundState, str]:
    """Return a refund's next state and what to note of it: other money than was asked for settles nothing."""
    if answer.heard is not Heard.DONE:
        state, why = _NOT_DONE.get(answer.heard, (RefundState.UNKNOWN, answer.heard.value))
        return state, answer.why or why
    if (answer.amount, answer.currency) != (refund.amount, refund.payment.currency):
        return RefundState.UNKNOWN, f"the gateway says {answer.amount} {answer.currency} went back"
    return RefundState.SETTLED, ""


def _bounced(session: Session, order: Order, refund: Refund, answer: Answer, now: datetime) -> None:
    """Take note that settled money came back to us: it is owed to the customer again, who is asked for another way."""
    payment = refund.payment
    refund.state, refund.bounced_at, refund.last_error = RefundState.FAILED, now, answer.why or "came back"
    provider = accounts.provider(payment.gateway, payment.merchant)
    back = Posting(f"bounce:{refund.key}", provider, accounts.owed(order.ref), refund.amount, "refund_bounced")
    book(session, order, payment.currency, [back], now)
    enqueue(session, kind="deposits.tell_bounced", payload={"refund": refund.id}, key=f"deposits.tell_bounced:{refund.key}", now=now)
