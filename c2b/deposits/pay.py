"""Write ahead, then call: the intent is committed, the gateway asked outside of any transaction, its answer applied in a second one."""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.actions import start_payment
from c2b.deposits.apply import apply
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import Order
from c2b.errors import N_, Invalid, NotFound
from c2b.jobs.rules import describe
from c2b.payments import inbox
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import About, Answer, Client, Gateway, Gateways, Heard, PaymentFacts, RefundFacts, ask, way
from c2b.payments.rules import OPEN, SWEEP_AFTER, UNHEARD, UNSETTLED, PaymentState, RefundState

_log = logging.getLogger(__name__)
Known = tuple[str, PaymentState, PaymentFacts]
"""A payment as its gateway is asked about it: the gateway's name, the state, the facts."""


def pay(
    database: Database, gateways: Gateways, *, order_ref: str, person_id: int, gateway: str, now: datetime, client: Client | None = None
) -> str:
    """Begin to pay what is due on an order; returns the address where the customer goes on: the gateway's page or our waiting page.

    Repeated while a payment is open it leads to the same payment.
    """
    if gateway not in gateways:
        raise Invalid(N_("Choose how to pay"), field="gateway")
    by = way(gateways, gateway)
    with database.transaction() as session:
        key = start_payment(session, order_ref=order_ref, person_id=person_id, by=by, now=now)
        name, _, facts = _facts(session, key, client or Client())
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
    known = _known(database, key)
    return _asked(database, gateways, known, now)[1] if known[1] in OPEN else known[1]


def ask_again(database: Database, gateways: Gateways, *, key: str, now: datetime) -> PaymentState:
    """Ask about a payment whatever its state: one that failed may be captured by now, a captured one disputed."""
    return _asked(database, gateways, _known(database, key), now)[1]


def _known(database: Database, key: str) -> Known:
    with database.reading() as session:
        return _facts(session, key, Client())


def _asked(database: Database, gateways: Gateways, known: Known, now: datetime) -> tuple[Heard, PaymentState]:
    """Ask about a payment and apply the answer; returns what was heard too: no answer leaves a captured payment captured."""
    name, state, facts = known
    if name not in gateways:
        return Heard.UNKNOWN, state
    answer = ask(gateways[name].query, facts)
    if answer.heard is Heard.ABSENT and state in OPEN:
        answer = _once_more(gateways[name], facts, now)
    with database.transaction() as session:
        return answer.heard, apply(session, key=facts.key, answer=answer, now=now)


def _once_more(gateway: Gateway, facts: PaymentFacts, now: datetime) -> Answer:
    """Start a payment that never arrived again, while it may still be paid."""
    return ask(gateway.start, facts) if now < facts.expires_at else Answer(Heard.FAILED, why="never arrived")


def sweep(database: Database, gateways: Gateways, now: datetime, *, limit: int = 100, go_on: Callable[[], bool] = lambda: True) -> int:
    """Ask about payments that nobody asked about for a minute, the longest unasked first, as long as `go_on`; returns how many.

    One whose answer can't be applied is logged and asked about again later; the others don't wait for it.
    """
    with database.reading() as session:
        quiet = select(Payment.key).where(Payment.state.in_(OPEN), Payment.checked_at <= now - SWEEP_AFTER, Payment.gateway.in_(gateways))
        keys = session.scalars(quiet.order_by(Payment.checked_at, Payment.id).limit(limit)).all()
    for asked, key in enumerate(keys):
        if not go_on():
            return asked
        try:
            check(database, gateways, key=key, now=now)
        except Exception as error:  # noqa: BLE001  one stuck payment blocks nobody
            _log.error("payment %s: its answer can't be applied: %s", key, describe(error))
            with database.transaction() as session:
                session.execute(update(Payment).where(Payment.key == key).values(checked_at=now))
    return len(keys)


def hear(database: Database, gateways: Gateways, now: datetime, *, limit: int = 100, go_on: Callable[[], bool] = lambda: True) -> int:
    """Ask about what gateways' events name, and apply it, as long as `go_on`; returns how many events were looked at.

    An event whose reference nobody knows yet waits for it to appear.
    """
    with database.reading() as session:
        events = inbox.due(session, now=now, limit=limit)
    for heard, event in enumerate(events):
        if not go_on():
            return heard
        try:
            is_known = _hear_one(database, gateways, event, now)
        except Exception as error:  # noqa: BLE001  one stuck event blocks nobody
            _log.error("event %s: it can't be applied: %s", event.id, describe(error))
            is_known = False
        with database.transaction() as session:
            if is_known:
                inbox.applied(session, id=event.id, now=now)
            else:
                inbox.later(session, event=event, now=now)
    return len(events)


_NAMED = {
    About.PAYMENT: select(Payment.key).where(Payment.key == bindparam("key")),
    About.REFUND: select(Refund.key).join(Payment, Payment.id == Refund.payment_id).where(Refund.key == bindparam("key")),
}


def _hear_one(database: Database, gateways: Gateways, event: inbox.Waiting, now: datetime) -> bool:
    """Ask about what an event names; False: we don't know it, or nobody knows the answer."""
    with database.reading() as session:
        known = session.scalar(_NAMED[event.about].where(Payment.gateway == event.gateway), {"key": event.key})
    if known is None:
        return False
    if event.about is About.PAYMENT:
        heard, state = _asked(database, gateways, _known(database, event.key), now)
        return heard is not Heard.UNKNOWN and state not in UNHEARD
    heard, refund = _asked_about_refund(database, gateways, event.key, now)
    return heard is not Heard.UNKNOWN and refund is not RefundState.UNKNOWN


def ask_about_refund(database: Database, gateways: Gateways, *, key: str, now: datetime) -> RefundState:
    """Ask the gateway what became of a refund whatever its state, apply it, and return the state: a settled one may have come back."""
    return _asked_about_refund(database, gateways, key, now)[1]


def _asked_about_refund(database: Database, gateways: Gateways, key: str, now: datetime) -> tuple[Heard, RefundState]:
    with database.reading() as session:
        wanted = select(Refund, Payment).join(Payment, Payment.id == Refund.payment_id).where(Refund.key == key)
        refund, payment = session.execute(wanted).one()
    if payment.gateway not in gateways:
        return Heard.UNKNOWN, refund.state
    answer = ask(gateways[payment.gateway].query_refund, refund_facts(refund, payment))
    with database.transaction() as session:
        return answer.heard, apply_refund(session, key=key, answer=answer, now=now)


def unheard(session: Session, *, campaign_id: int) -> int:
    """Count the payments of a campaign of which nobody knows whether money moved: the decision waits for them."""
    return len(_with_state(session, campaign_id, UNHEARD))


def running(session: Session, *, campaign_id: int) -> int:
    """Count the payments of a campaign that may still bring what is due: open ones, and those about which a person decides."""
    return len(_with_state(session, campaign_id, UNSETTLED))


def _with_state(session: Session, campaign_id: int, states: tuple[PaymentState, ...]) -> list[int]:
    open_ones = (
        select(Payment.id).join(Order, Order.ref == Payment.payer).where(Order.campaign_id == campaign_id, Payment.state.in_(states))
    )
    return list(session.scalars(open_ones))


def refund_facts(refund: Refund, payment: Payment) -> RefundFacts:
    """Return a refund as its gateway is told of it."""
    return RefundFacts(
        key=refund.key,
        payment_key=payment.key,
        amount=refund.amount,
        currency=payment.currency,
        payment_reference=payment.provider_reference or "",
        payment_amount=payment.captured,
        payment_handle=payment.handle,
        handle=refund.handle,
        merchant=payment.merchant,
    )


def _facts(session: Session, key: str, client: Client) -> Known:
    """Return what a payment's gateway is told of it; raises NotFound."""
    row = session.execute(
        select(Payment, Campaign.slug)
        .join(Order, Order.ref == Payment.payer)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .where(Payment.key == key)
    ).one_or_none()
    if row is None:
        raise NotFound(N_("There is no such payment"))
    payment, slug = row
    money = {"currency": payment.currency, "merchant": payment.merchant, "handle": payment.handle}
    facts = PaymentFacts(key, payment.amount, expires_at=payment.expires_at, back=f"/c/{slug}/pay/{key}", client=client, **money)
    return payment.gateway, payment.state, facts
