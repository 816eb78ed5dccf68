"""What Stripe's objects mean to us; docs.stripe.com/api says what may stand in them."""

from collections.abc import Iterable

from stripe import Dispute, PaymentIntent, Refund, StripeObject
from stripe.checkout import Session

from c2b.payments.gateways.stripe.amounts import from_stripe
from c2b.payments.protocol import Answer, Disputed, Heard

OURS = "c2b"
"""The name under which our key stands in the metadata of whatever we begin."""
_SURELY_MOVING = ("processing", "requires_capture")
_MOVING = (*_SURELY_MOVING, "requires_action", "requires_confirmation")
_OVER = ("requires_payment_method", "canceled")


def payment(session: Session, *, merchant: str, disputes: Iterable[Dispute] = ()) -> Answer:
    """Say what a session, with its payment intent in it, means; what isn't clearly over is never called so."""
    intent = session.payment_intent if isinstance(session.payment_intent, PaymentIntent) else None
    if intent is not None and intent.status == "succeeded":
        return _captured(session, intent, merchant, disputes)
    if session.status == "open":
        return Answer(Heard.PENDING, page=session.url or "", handle=session.id)
    return _closed(session, intent)


def refund(sent: Refund, *, merchant: str) -> Answer:
    """Say what a refund's state means: one that bounced after it succeeded has failed, and its money is ours again."""
    if sent.status in ("failed", "canceled"):
        return Answer(Heard.FAILED, why=_word(sent, "failure_reason") or sent.status, reference=sent.id, handle=sent.id)
    if sent.status != "succeeded":
        return Answer(Heard.PENDING, why=_word(sent, "pending_reason"), handle=sent.id)
    currency = sent.currency.upper()
    moved = from_stripe(sent.amount, currency)
    return Answer(Heard.DONE, amount=moved, currency=currency, merchant=merchant, reference=sent.id, handle=sent.id)


def key_in(metadata: StripeObject | None) -> str:
    """Return our key from an object's metadata; empty if it isn't one of ours."""
    return _word(metadata, OURS) if metadata is not None else ""


def _captured(session: Session, intent: PaymentIntent, merchant: str, disputes: Iterable[Dispute]) -> Answer:
    currency = intent.currency.upper()
    amount = from_stripe(intent.amount_received, currency)
    taken = tuple(_disputed(each) for each in disputes if each.balance_transactions)
    return Answer(Heard.DONE, amount=amount, currency=currency, merchant=merchant, reference=intent.id, handle=session.id, disputes=taken)


def _closed(session: Session, intent: PaymentIntent | None) -> Answer:
    """Say what a page that can't be used any more means: money may be on its way all the same."""
    state, expired = intent.status if intent is not None else "", session.status == "expired"
    if state in _OVER or (expired and state not in _SURELY_MOVING):
        return Answer(Heard.FAILED, why=_why(intent) or ("expired" if expired else state), handle=session.id)
    return Answer(Heard.PENDING if state in _MOVING else Heard.UNKNOWN, handle=session.id)


def _disputed(dispute: Dispute) -> Disputed:
    """Say what a dispute that moved money means; an inquiry moves none, and what Stripe gave back is ours again."""
    taken = -sum(each.amount for each in dispute.balance_transactions)
    return Disputed(dispute.id, from_stripe(dispute.amount, dispute.currency.upper()), is_open=taken > 0, is_lost=dispute.status == "lost")


def _why(intent: PaymentIntent | None) -> str:
    error = intent.last_payment_error if intent is not None else None
    return (_word(error, "decline_code") or _word(error, "code")) if error else ""


def _word(said: StripeObject, name: str) -> str:
    """Return what Stripe writes only where there is something to write."""
    return str(getattr(said, name, None) or "")
