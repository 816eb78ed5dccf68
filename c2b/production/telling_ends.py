"""Telling customers that a confirmed product ended for them: the balance wasn't paid, or we can't deliver. In short, resumable steps."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.models import Order, OrderLine, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.ledger.models import Transfer
from c2b.messages.actions import queue
from c2b.people.models import Address, Person

STEP = 200
_LANGUAGE = "zh_Hans_CN"
_Told = Row[OrderLine, str, str, str, str, str, int, int]


def tell_defaults(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers whose lines ended at the instant in `payload` because their balance wasn't paid."""
    _tell_all(database, payload["campaign"], OrderLine.ended_at == datetime.fromisoformat(payload["at"]), now)


def tell_undelivered(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers of the product in `payload` that it can't be delivered."""
    _tell_all(database, payload["campaign"], OrderLine.candidate_id == payload["candidate"], now)


def _tell_all(database: Database, campaign_id: int, which: ColumnElement[bool], now: datetime) -> None:
    after: int | None = 0
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, campaign_id), which, after, now)


def _step(session: Session, campaign: Campaign, which: ColumnElement[bool], after: int, now: datetime) -> int | None:
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    kept = select(Transfer.amount).where(Transfer.id == literal("forfeit:").concat(OrderLine.id)).correlate(OrderLine).scalar_subquery()
    reasons = (RefundReason.UNPAID, RefundReason.UNDELIVERED)
    back = select(func.sum(RefundLine.amount)).where(RefundLine.line_id == OrderLine.id, RefundLine.reason.in_(reasons))
    query = (
        select(OrderLine, Order.ref, Person.locale, Address.value, Candidate.name, Candidate.name_en, kept, back.scalar_subquery())
        .join(Order, Order.id == OrderLine.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(OrderLine.campaign_id == campaign.id, OrderLine.outcome == Outcome.CANCELLED, which, OrderLine.id > after)
        .order_by(OrderLine.id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for row in rows:
        _tell(session, campaign, row, undelivered=_is_undelivered(session, row.OrderLine), now=now)
    return rows[-1].OrderLine.id if rows else None


def _is_undelivered(session: Session, line: OrderLine) -> bool:
    asked = select(RefundLine.id).where(RefundLine.line_id == line.id, RefundLine.reason == RefundReason.UNDELIVERED)
    return session.scalars(asked.limit(1)).first() is not None


def _tell(session: Session, campaign: Campaign, row: _Told, *, undelivered: bool, now: datetime) -> None:
    line, ref, spoken, recipient, name, name_en, kept, back = row
    locale = spoken or _LANGUAGE
    template, amount = ("order_refunded_unpaid", back) if kept is None else ("deposit_forfeited", kept)
    fields = {
        "order": ref,
        "campaign": text(campaign.title, campaign.title_en, locale),
        "product": text(name, name_en, locale),
        "amount": money.show(int(amount or 0), campaign.currency, locale),
        "path": f"/me/orders/{ref}",
    }
    about: dict[str, Any] = {
        "channel": campaign.identity.value,
        "recipient": recipient,
        "template": "seller_default" if undelivered else template,
        "fields": fields,
        "locale": locale,
    }
    queue(session, event=f"ended:{line.id}", now=now, **about)
