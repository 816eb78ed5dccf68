"""Reminding customers of balances: set by the clock, each once, in short resumable steps."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import Row, Select, func, select, tuple_
from sqlalchemy.orm import Session

from c2b import money
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, text
from c2b.db import Database
from c2b.deposits import legal
from c2b.deposits.legal import Case
from c2b.deposits.models import Obligation, Order
from c2b.deposits.rules import ObligationKind, ObligationState, Reminder, balance_ends, due_reminder
from c2b.jobs.actions import enqueue
from c2b.messages.actions import queue
from c2b.people.models import Address, Person

STEP = 200
"""Orders a transaction: whoever pays meanwhile waits a moment only."""
_LANGUAGE = "zh_Hans_CN"
_TEMPLATES = {Reminder.OPENS: "balance_due", Reminder.OVERDUE: "balance_overdue"}
_OWED = (ObligationKind.BALANCE, ObligationKind.SHIPPING)


def ask(session: Session, *, now: datetime) -> None:
    """Ask for the reminders whose hour has come; each is one job, however often this is called."""
    open_ones = select(Campaign).where(
        Campaign.state.in_((CampaignState.DECIDED, CampaignState.COMPLETED)), Campaign.balance_due.is_not(None)
    )
    for campaign in session.scalars(open_ones.order_by(Campaign.id)):
        if (reminder := due_reminder(campaign, now)) is not None:
            payload = {"campaign": campaign.id, "reminder": reminder.value}
            enqueue(session, kind="deposits.remind", payload=payload, key=f"deposits.remind:{campaign.id}:{reminder.value}", now=now)


def remind(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Queue the reminder in `payload` to everybody who still owes a balance; stopped in between, it tells nobody twice."""
    reminder = Reminder(payload["reminder"])
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, payload["campaign"]), reminder, after, now)


def event(order_ref: str, reminder: Reminder) -> str:
    """Return what a message of this reminder tells of: a forfeit later asks whether one was delivered."""
    return f"{EVENT}{order_ref}:{reminder.value}"


EVENT = "balance:"


def _step(session: Session, campaign: Campaign, reminder: Reminder, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    rows = session.execute(_owing(campaign, after).limit(STEP)).all()
    for row in rows:
        _tell(session, campaign, reminder, row, now)
    return (rows[-1].id, rows[-1].address) if rows else None


def _owing(campaign: Campaign, after: tuple[int, int]) -> Select[int, int, str, str, str, int]:
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    due = (Obligation.order_id == Order.id) & (Obligation.state == ObligationState.DUE) & Obligation.kind.in_(_OWED)
    return (
        select(Order.id, Address.id.label("address"), Order.ref, Person.locale, Address.value, func.sum(Obligation.amount).label("amount"))
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .join(Obligation, due)
        .where(Order.campaign_id == campaign.id, tuple_(Order.id, Address.id) > after)
        .group_by(Order.id, Order.ref, Person.locale, Address.id, Address.value)
        .order_by(Order.id, Address.id)
    )


def _tell(session: Session, campaign: Campaign, reminder: Reminder, row: Row[int, int, str, str, str, int], now: datetime) -> None:
    locale, zone = row.locale or _LANGUAGE, ZoneInfo(campaign.time_zone)
    due, ends = campaign.balance_due or now, balance_ends(campaign) or now
    cases = legal.consequences(campaign.legal_profile, **legal.facts(campaign, locale))
    fields = {
        "order": row.ref,
        "campaign": text(campaign.title, campaign.title_en, locale),
        "amount": money.show(int(row.amount), campaign.currency, locale),
        "due": format_datetime(due.astimezone(zone), "medium", locale=locale),
        "until": format_datetime(ends.astimezone(zone), "medium", locale=locale),
        "days": str(max((due.astimezone(zone).date() - now.astimezone(zone).date()) // timedelta(days=1), 0)),
        "consequence": next(each.text for each in cases if each.case is Case.UNPAID),
        "path": f"/me/orders/{row.ref}",
    }
    queue(
        session,
        event=event(row.ref, reminder),
        channel=campaign.identity.value,
        recipient=row.value,
        template=_TEMPLATES.get(reminder, "balance_reminder"),
        fields=fields,
        locale=locale,
        now=now,
    )
