"""Locks in the order that everybody keeps: the campaign beside others, then the order; and booking in an order's books."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.models import Order
from c2b.errors import N_, NotFound
from c2b.ledger import actions as ledger
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment, Refund


def order_of_payment(session: Session, key: str) -> Order:
    """Lock the order that the payment `key` pays for; raises NotFound."""
    return _locked(session, select(Payment.payer).where(Payment.key == key))


def order_of_refund(session: Session, key: str) -> Order:
    """Lock the order whose money the refund `key` returns; raises NotFound."""
    return _locked(session, select(Payment.payer).join(Refund, Refund.payment_id == Payment.id).where(Refund.key == key))


def order_by_ref(session: Session, ref: str) -> Order:
    """Lock an order by its reference; raises NotFound."""
    return _locked(session, select(Order.ref).where(Order.ref == ref))


def _locked(session: Session, payer: Select[str]) -> Order:
    ref = session.scalar(payer)
    if ref is None:
        raise NotFound(N_("There is no such payment"))
    campaign = (
        select(Campaign).join(Order, Order.campaign_id == Campaign.id).where(Order.ref == ref).execution_options(populate_existing=True)
    )
    session.scalars(campaign.with_for_update(of=Campaign, key_share=True, read=True)).one()
    return session.scalars(select(Order).where(Order.ref == ref).with_for_update().execution_options(populate_existing=True)).one()


def book(session: Session, order: Order, currency: str, transfers: Sequence[Posting], now: datetime) -> None:
    """Book transfers of an order in its campaign's books; those that stand there already are left alone."""
    ledger.post(session, transfers, campaign=order.campaign.slug, currency=currency, now=now)
