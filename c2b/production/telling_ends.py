"""Telling customers that a confirmed product ended for them: unpaid, undeliverable, late without their yes. In short, resumable steps."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, func, literal, select, tuple_
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.models import Delay, Order, OrderLine, RefundLine, SellerDefault
from c2b.deposits.rules import Outcome, RefundReason
from c2b.ledger.models import Transfer
from c2b.messages.actions import queue
from c2b.people.models import Address, Person

STEP = 200
_LANGUAGE = "zh_Hans_CN"
_Told = Row[OrderLine, str, str, str, str, str, int, int, int]


@dataclass(frozen=True)
class _End:
    """Which lines ended, and by which message their customers hear of it."""

    lines: ColumnElement[bool]
    template: str
    reason: RefundReason
    more: Mapping[str, str] = field(default_factory=dict)
    """Fields of the message besides those that every end has."""


def tell_defaults(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers whose lines ended at the instant in `payload` because their balance wasn't paid."""
    unpaid = OrderLine.ended_at == datetime.fromisoformat(payload["at"])
    _tell_all(database, payload["campaign"], _End(unpaid, "order_refunded_unpaid", RefundReason.UNPAID), now)


def tell_undelivered(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers whose lines of the product in `payload` ended at its instant that it can't be delivered, and why."""
    with database.reading() as session:
        found = session.get_one(SellerDefault, (payload["candidate"], datetime.fromisoformat(payload["at"])))
    ended = (OrderLine.candidate_id == found.candidate_id) & (OrderLine.ended_at == found.at)
    why = {"reason": " ".join(found.reason.split())}
    _tell_all(database, payload["campaign"], _End(ended, "seller_default", RefundReason.UNDELIVERED, why), now)


def tell_unanswered(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers who never said whether they wait that the delay in `payload` ended their lines."""
    with database.reading() as session:
        delay = session.get_one(Delay, payload["delay"])
    ended = (OrderLine.candidate_id == delay.candidate_id) & (OrderLine.ended_at == delay.settled_at)
    _tell_all(database, delay.campaign_id, _End(ended, "delay_unanswered", RefundReason.WITHDRAWN), now)


def _tell_all(database: Database, campaign_id: int, end: _End, now: datetime) -> None:
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, campaign_id), end, after, now)


def _step(session: Session, campaign: Campaign, end: _End, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    kept = select(Transfer.amount).where(Transfer.id == literal("forfeit:").concat(OrderLine.id)).correlate(OrderLine).scalar_subquery()
    back = select(func.sum(RefundLine.amount)).where(RefundLine.line_id == OrderLine.id, RefundLine.reason == end.reason)
    query = (
        select(OrderLine, Order.ref, Person.locale, Address.value, Candidate.name, Candidate.name_en, kept, back.scalar_subquery())
        .add_columns(Address.id.label("address"))
        .join(Order, Order.id == OrderLine.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(OrderLine.campaign_id == campaign.id, OrderLine.outcome == Outcome.CANCELLED, end.lines)
        .where(tuple_(OrderLine.id, Address.id) > after)
        .order_by(OrderLine.id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for row in rows:
        _tell(session, campaign, end, row, now)
    return (rows[-1].OrderLine.id, rows[-1].address) if rows else None


def _tell(session: Session, campaign: Campaign, end: _End, row: _Told, now: datetime) -> None:
    line, ref, spoken, recipient, name, name_en, kept, back, _address = row
    locale = spoken or _LANGUAGE
    template, amount = (end.template, back) if kept is None else ("deposit_forfeited", kept)
    fields = {
        "order": ref,
        "campaign": text(campaign.title, campaign.title_en, locale),
        "product": text(name, name_en, locale),
        "amount": money.show(int(amount or 0), campaign.currency, locale),
        "path": f"/me/orders/{ref}",
    }
    told = {"channel": campaign.identity.value, "recipient": recipient, "template": template}
    queue(session, event=f"ended:{line.id}", fields={**fields, **end.more}, locale=locale, now=now, **told)
