"""Locks in the order that everybody keeps: the campaign beside others, then the order; and booking in an order's books."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value

from c2b.campaigns.models import Campaign
from c2b.deposits.models import Order
from c2b.errors import N_, NotFound
from c2b.ledger import actions as ledger
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment, Refund

_NO_PAYMENT = N_("There is no such payment")


def order_of_payment(session: Session, key: str) -> Order:
    """Lock the order that the payment `key` pays for; raises NotFound."""
    return _locked(session, select(Payment.payer).where(Payment.key == key), _NO_PAYMENT)


def order_of_refund(session: Session, key: str) -> Order:
    """Lock the order whose money the refund `key` returns; raises NotFound."""
    payer = select(Payment.payer).join(Refund, Refund.payment_id == Payment.id).where(Refund.key == key)
    return _locked(session, payer, _NO_PAYMENT)


def order_by_ref(session: Session, ref: str) -> Order:
    """Lock an order by its reference; raises NotFound."""
    return _locked(session, select(Order.ref).where(Order.ref == ref))


def own_order(session: Session, ref: str, person_id: int) -> Order:
    """Lock a customer's own order; raises NotFound for anybody else's."""
    return _locked(session, select(Order.ref).where(Order.ref == ref, Order.person_id == person_id))


def _locked(session: Session, wanted: Select[str], missing: str = N_("There is no such order")) -> Order:
    here = select(Order.ref).add_columns(Campaign).join(Campaign, Campaign.id == Order.campaign_id).where(Order.ref.in_(wanted))
    beside = here.with_for_update(of=Campaign, key_share=True, read=True).execution_options(populate_existing=True)
    row = session.execute(beside).one_or_none()
    if row is None:
        raise NotFound(missing)
    ref, campaign = row
    order = session.scalars(select(Order).where(Order.ref == ref).with_for_update().execution_options(populate_existing=True)).one()
    set_committed_value(order, "campaign", campaign)  # known already; asked for by itself it would be read once more
    return order


def book(session: Session, order: Order, currency: str, transfers: Sequence[Posting], now: datetime) -> None:
    """Book transfers of an order in its campaign's books; those that stand there already are left alone."""
    ledger.post(session, transfers, campaign=order.campaign.slug, currency=currency, now=now)
