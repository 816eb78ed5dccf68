"""Write ahead, then call: the intent is committed, the gateway asked outside of any transaction, its answer applied in a second one."""

import logging
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.actions import start_payment
from c2b.deposits.apply import apply, apply_refund
from c2b.deposits.models import Order
from c2b.deposits.rules import PLACE_LASTS
from c2b.errors import N_, Invalid, NotFound
from c2b.jobs.rules import describe
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Gateway, Gateways, Heard, PaymentFacts, RefundFacts, ask
from c2b.payments.rules import OPEN, SWEEP_AFTER, UNHEARD, PaymentState, RefundState, wait

_BATCH = 20
_log = logging.getLogger(__name__)


def pay(database: Database, gateways: Gateways, *, order_ref: str, person_id: int, gateway: str, now: datetime) -> str:
    """Begin to pay what is due on an order; returns the address where the customer goes on: the gateway's page or our waiting page.

    Repeated while a payment is open it leads to the same payment.
    """
    if gateway not in gateways:
        raise Invalid(N_("Choose how to pay"), field="gateway")
    with database.transaction() as session:
        merchant = gateways[gateway].merchant
        key = start_payment(session, order_ref=order_ref, person_id=person_id, gateway=gateway, merchant=merchant, now=now)
        name, facts = _facts(session, key)
    if name not in gateways:
        return facts.back
    answer = ask(gateways[name].start, facts)
    with database.transaction() as session:
        apply(session, key=key, answer=answer, now=now)
    return answer.page or facts.back


def check(database: Database, gateways: Gateways, *, key: str, now: datetime) -> PaymentState:
    """Ask the gateway what became of a payment that is open, apply it, and return the payment's state.

    One that the gateway surely never heard of is started again with the same key while it may still be paid, else it has failed.
    """
    with database.reading() as session:
        state = session.scalar(select(Payment.state).where(Payment.key == key))
        if state is None:
            raise NotFound(N_("There is no such payment"))
        name, facts = _facts(session, key)
    if state not in OPEN or name not in gateways:
        return state
    answer = ask(gateways[name].query, facts)
    if answer.heard is Heard.ABSENT:
        answer = _once_more(gateways[name], facts, now)
    with database.transaction() as session:
        return apply(session, key=key, answer=answer, now=now)


def _once_more(gateway: Gateway, facts: PaymentFacts, now: datetime) -> Answer:
    """Start a payment that never arrived again, while it may still be paid."""
    return ask(gateway.start, facts) if now < facts.expires_at else Answer(Heard.FAILED, why="never arrived")


def sweep(database: Database, gateways: Gateways, now: datetime, *, limit: int = 100) -> int:
    """Ask about payments that nobody asked about for a minute, the longest unasked first; returns how many.

    One whose answer can't be applied is logged and asked about again later; the others don't wait for it.
    """
    with database.reading() as session:
        quiet = select(Payment.key).where(Payment.state.in_(OPEN), Payment.checked_at <= now - SWEEP_AFTER, Payment.gateway.in_(gateways))
        keys = session.scalars(quiet.order_by(Payment.checked_at, Payment.id).limit(limit)).all()
    for key in keys:
        try:
            check(database, gateways, key=key, now=now)
        except Exception as error:  # noqa: BLE001  one stuck payment blocks nobody
            _log.error("payment %s: its answer can't be applied: %s", key, describe(error))
            with database.transaction() as session:
                session.execute(update(Payment).where(Payment.key == key).values(checked_at=now))
    return len(keys)


def send_refunds(database: Database, gateways: Gateways, now: datetime, limit: int = 100) -> int:
    """Send refunds that are due, in short transactions that may be killed anywhere; returns how many were sent or asked about.

    One that was sent before is asked for by its key first, and sent again with the same key only if the gateway surely hasn't it.
    """
    done = 0
    while done < limit:
        with database.transaction() as session:
            claimed = _claim(session, gateways, now, min(_BATCH, limit - done))
        for name, facts, sent_before in claimed:
            answer = _send(gateways[name], facts, sent_before=sent_before)
            try:
                with database.transaction() as session:
                    apply_refund(session, key=facts.key, answer=answer, now=now)
            except Exception as error:  # noqa: BLE001  it is asked for by its key at its next attempt
                _log.error("refund %s: its answer can't be applied: %s", facts.key, describe(error))
        done += len(claimed)
        if len(claimed) < _BATCH:
            break
    return done


def unheard(session: Session, *, campaign_id: int) -> int:
    """Count the payments of a campaign of which nobody knows whether money moved: the decision waits for them."""
    return len(_with_state(session, campaign_id, UNHEARD))


def running(session: Session, *, campaign_id: int) -> int:
    """Count the payments of a campaign that may still be captured, those included whose customer is at the payment page."""
    return len(_with_state(session, campaign_id, OPEN))


def _with_state(session: Session, campaign_id: int, states: tuple[PaymentState, ...]) -> list[int]:
    open_ones = (
        select(Payment.id).join(Order, Order.ref == Payment.payer).where(Order.campaign_id == campaign_id, Payment.state.in_(states))
    )
    return list(session.scalars(open_ones))


def _send(gateway: Gateway, facts: RefundFacts, *, sent_before: bool) -> Answer:
    if sent_before:
        known = ask(gateway.query_refund, facts)
        if known.heard is not Heard.ABSENT:
            return known
    return ask(gateway.refund, facts)


def _claim(session: Session, gateways: Gateways, now: datetime, limit: int) -> list[tuple[str, RefundFacts, bool]]:
    """Mark refunds as sent before they are: whoever dies in between leaves one to be asked for by key."""
    due = (
        select(Refund, Payment)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.state.in_((RefundState.QUEUED, RefundState.UNKNOWN)), Refund.next_attempt_at <= now, Payment.gateway.in_(gateways))
        .order_by(Refund.next_attempt_at, Refund.id)
        .limit(limit)
        .with_for_update(of=Refund, skip_locked=True)
    )
    claimed = []
    for refund, payment in session.execute(due):
        facts = RefundFacts(refund.key, payment.key, refund.amount, payment.currency, payment.provider_reference or "")
        claimed.append((payment.gateway, facts, refund.attempts > 0))
        refund.state, refund.attempts = RefundState.UNKNOWN, refund.attempts + 1
        refund.next_attempt_at = now + wait(refund.attempts)
    return claimed


def _facts(session: Session, key: str) -> tuple[str, PaymentFacts]:
    row = session.execute(
        select(Payment, Campaign.slug)
        .join(Order, Order.ref == Payment.payer)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .where(Payment.key == key)
    ).one()
    payment, slug = row
    back = f"/c/{slug}/pay/{key}"
    expires_at = payment.created_at + PLACE_LASTS
    return payment.gateway, PaymentFacts(key, payment.amount, payment.currency, payment.merchant, expires_at, back)
