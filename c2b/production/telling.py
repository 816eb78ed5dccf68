"""Telling customers what was decided of their products: in short, resumable steps after the decision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_date
from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import details
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.models import Obligation, Order, OrderLine
from c2b.deposits.rules import ObligationKind, Outcome
from c2b.messages.actions import queue
from c2b.people.models import Address, Person
from c2b.production.models import DecisionLine

STEP = 200
"""Lines a transaction: customers who vote or pay meanwhile wait a moment only."""
_LANGUAGE = "zh_Hans_CN"
_Told = Row[OrderLine, str, str, str, str, str, str, int, datetime, int, bool]


def tell(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Queue a message for every decided line of the campaign in `payload`; stopped in between, it begins anew and tells nobody twice."""
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, payload["campaign"]), after, now)


def _step(session: Session, campaign: Campaign, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    """Tell of the next lines after the line and address `after`; return the last ones' keys, or None if there are no more."""
    balance = (Obligation.line_id == OrderLine.id) & (Obligation.kind == ObligationKind.BALANCE)
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    query = (
        select(OrderLine, Order.ref, Person.ref.label("reader"), Person.locale, Address.value, Candidate.name, Candidate.name_en)
        .add_columns(Obligation.amount, Obligation.due_at, Address.id.label("address"), DecisionLine.made)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .join(DecisionLine, (DecisionLine.campaign_id == OrderLine.campaign_id) & (DecisionLine.candidate_id == OrderLine.candidate_id))
        .outerjoin(Obligation, balance)
        .where(OrderLine.campaign_id == campaign.id, OrderLine.outcome.in_((Outcome.ALLOCATED, Outcome.MISSED)))
        .where(tuple_(OrderLine.id, Address.id) > after)
        .order_by(OrderLine.id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for row in rows:
        _tell(session, campaign, row, now)
    return (rows[-1].OrderLine.id, rows[-1].address) if rows else None


def _tell(session: Session, campaign: Campaign, row: _Told, now: datetime) -> None:
    line, locale = row.OrderLine, row.locale or _LANGUAGE
    made = line.outcome is Outcome.ALLOCATED
    template = "product_missed" if not made else "product_second" if line.first_id else "product_confirmed"
    about = {
        "product": _product(session, row, locale),
        "order": row.ref,
        "path": f"/me/orders/{row.ref}",
    }
    queue(
        session,
        event=f"decided:{line.id}",
        channel=campaign.identity.value,
        recipient=row.value,
        template=template,
        fields=about
        | (_confirmed(campaign, row, locale) if made else {"amount": money.show(line.deposit, campaign.currency, locale)})
        | _second(session, line, locale),
        locale=locale,
        now=now,
        reader=row.reader,
    )


def _product(session: Session, row: _Told, locale: str) -> str:
    """Return what a product is called; where it is made and this line isn't, with the colour and size that missed."""
    name = text(row.name, row.name_en, locale)
    if row.OrderLine.outcome is Outcome.ALLOCATED or not row.made:
        return name
    return f"{name} {_labels(session, row.OrderLine, locale)[row.OrderLine.variant_id]}"


def _second(session: Session, line: OrderLine, locale: str) -> dict[str, str]:
    """Return what was ordered and what comes instead, for the few lines that got their second choice."""
    if line.first_id is None:
        return {}
    labels = _labels(session, line, locale)
    return {"first": labels[line.first_id], "second": labels[line.variant_id]}


def _labels(session: Session, line: OrderLine, locale: str) -> dict[int, str]:
    [product] = details(session, [session.get_one(Candidate, line.candidate_id)], locale=locale)
    return {variant.id: variant.label for variant in product.variants}


def _confirmed(campaign: Campaign, row: _Told, locale: str) -> dict[str, str]:
    due = (row.due_at or campaign.ordering_closes).astimezone(ZoneInfo(campaign.time_zone))
    return {
        "units": str(row.OrderLine.units),
        "unit_price": money.show(row.OrderLine.final_unit_price or 0, campaign.currency, locale),
        "balance": money.show(row.amount or 0, campaign.currency, locale),
        "due": format_date(due, "long", locale),
    }
