"""Telling customers that their money arrived or went back: as jobs, so that applying an answer stays short."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.models import Obligation, Order, PaymentPart
from c2b.deposits.rules import ObligationKind, RefundReason
from c2b.messages.actions import queue
from c2b.payments.models import Payment, Refund
from c2b.people.models import Address, Person

_LANGUAGE = "zh_Hans_CN"


def tell_paid(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that the payment in `payload` arrived; told once, however often it runs."""
    with database.transaction() as session:
        payment = session.get_one(Payment, payload["payment"])
        applied = select(func.sum(PaymentPart.amount)).where(PaymentPart.payment_id == payment.id, PaymentPart.applied)
        amount = session.scalar(applied) or 0
        deposits = select(Obligation.id).join(PaymentPart, PaymentPart.obligation_id == Obligation.id)
        is_deposit = deposits.where(PaymentPart.payment_id == payment.id, Obligation.kind == ObligationKind.DEPOSIT)
        template = "balance_paid" if session.scalars(is_deposit.limit(1)).first() is None else "order_paid"
        _tell(session, Order.ref == payment.payer, event=f"paid:{payment.key}", template=template, amount=amount, now=now)


_NOT_NEEDED = {RefundReason.PAID_LATE: "paid_late", RefundReason.OVERPAID: "paid_twice"}


def tell_late(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that the payment in `payload` came too late or twice and goes back; told once, however often it runs.

    Of what they cancelled meanwhile they hear when it went back.
    """
    template = _NOT_NEEDED.get(RefundReason(payload.get("reason", RefundReason.PAID_LATE)))
    if template is None:
        return
    with database.transaction() as session:
        payment = session.get_one(Payment, payload["payment"])
        its_order, event = Order.ref == payment.payer, f"{template}:{payment.key}"
        _tell(session, its_order, event=event, template=template, amount=payload["amount"], now=now)


def tell_held_up(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that what arrived for the payment in `payload` isn't what was due, so that a person decides; told once."""
    with database.transaction() as session:
        payment = session.get_one(Payment, payload["payment"])
        event, its_order = f"payment_held_up:{payment.key}", Order.ref == payment.payer
        _tell(session, its_order, event=event, template="payment_held_up", amount=payment.amount, now=now)


def tell_refund(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that the refund in `payload` was settled; told once, however often it runs."""
    with database.transaction() as session:
        refund = session.get_one(Refund, payload["refund"])
        event, its_order = f"refund_settled:{refund.key}", Order.ref == refund.payment.payer
        _tell(session, its_order, event=event, template="refund_settled", amount=refund.amount, now=now)


def tell_by_hand(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that the refund in `payload`, which couldn't go back the way it came, was paid out by hand."""
    with database.transaction() as session:
        refund = session.get_one(Refund, payload["refund"])
        event, its_order = f"refund_by_hand:{refund.key}", Order.ref == refund.payment.payer
        _tell(session, its_order, event=event, template="refund_by_hand", amount=refund.amount, now=now)


def tell_bounced(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customer that the refund in `payload` came back to us, and ask for another way."""
    with database.transaction() as session:
        refund = session.get_one(Refund, payload["refund"])
        event, its_order = f"refund_bounced:{refund.key}", Order.ref == refund.payment.payer
        _tell(session, its_order, event=event, template="refund_bounced", amount=refund.amount, now=now)


def _tell(session: Session, its_order: ColumnElement[bool], *, event: str, template: str, amount: int, now: datetime) -> None:
    address = (Address.person_id == Person.id) & (Address.kind == Campaign.identity) & Address.verified_at.is_not(None)
    query = (
        select(Order, Campaign, Person.locale, Address.value)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
    )
    for order, campaign, spoken, recipient in session.execute(query.where(its_order)):
        locale = spoken or _LANGUAGE
        closes = campaign.ordering_closes.astimezone(ZoneInfo(campaign.time_zone))
        fields = {
            "order": order.ref,
            "campaign": text(campaign.title, campaign.title_en, locale),
            "amount": money.show(amount, campaign.currency, locale),
            "closes": format_datetime(closes, "medium", locale=locale),
            "path": f"/me/orders/{order.ref}",
        }
        queue(
            session,
            event=event,
            channel=campaign.identity.value,
            recipient=recipient,
            template=template,
            fields=fields,
            locale=locale,
            now=now,
        )
