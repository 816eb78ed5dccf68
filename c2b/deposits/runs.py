"""Refund runs: the money that they need per merchant account and day, how long they take, and sending all failed ones again."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Row, Subquery, exists, func, literal, select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits import resolving
from c2b.deposits.models import Order
from c2b.errors import N_, Invalid, Refused
from c2b.jobs.actions import enqueue
from c2b.ledger.models import Transfer
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Limits
from c2b.payments.rules import RefundState

JOB = "deposits.send_failed_again"
"""Its name among the jobs, and in the audit log."""
STEP = 50
"""Refunds a transaction."""
WAITS = (RefundState.QUEUED, RefundState.UNKNOWN)
BY_HAND = exists().where(Transfer.id == literal("out:").concat(Refund.key))
"""A failed refund that was paid out by hand: its money went back all the same."""
REPLACED = (Refund.state == RefundState.FAILED) & Refund.resolved_at.is_not(None) & Refund.withheld_at.is_(None) & ~BY_HAND
"""A failed refund that was sent anew: another one stands for it. One that is still withheld ended by what the bank gave its customer."""
TO_DO = (Refund.state == RefundState.FAILED) & Refund.resolved_at.is_(None)
"""A failed refund that waits for a person."""


@dataclass(frozen=True)
class Day:
    """What a merchant account needs on one day in the campaign's zone, minor units."""

    day: date
    refunds: int
    amount: int


@dataclass(frozen=True)
class Need:
    """What waits to go back by one merchant account of a gateway, of one campaign."""

    gateway: str
    merchant: str
    currency: str
    refunds: int
    amount: int
    ahead: int
    """Refunds of other campaigns by the same account that are sent before the campaign's last one."""
    sent_by: datetime | None
    """When the last one is sent at the gateway's rate; None: the gateway names none."""
    days: tuple[Day, ...]


def of_campaign(campaign_id: int) -> ColumnElement[bool]:
    """Say that a refund is the campaign's: its payment pays for one of its orders."""
    return Refund.payment_id.in_(select(Payment.id).join(Order, Order.ref == Payment.payer).where(Order.campaign_id == campaign_id))


def needs(session: Session, campaign: Campaign, *, limits: Mapping[str, Limits], now: datetime) -> list[Need]:
    """Return what the campaign's waiting refunds need of each merchant account: two statements, and one more for each account.

    A gateway's rate is shared by all campaigns, so a day's money is that of the refunds whose turn comes on it.
    """
    sums = (
        select(Payment.gateway, Payment.merchant, Payment.currency, func.count(Refund.id), func.sum(Refund.amount))
        .join(Refund, Refund.payment_id == Payment.id)
        .where(Refund.state.in_(WAITS), Refund.withheld_at.is_(None), of_campaign(campaign.id))
        .group_by(Payment.gateway, Payment.merchant, Payment.currency)
        .order_by(Payment.gateway, Payment.merchant)
    )
    return [_need(session, campaign, row, limits, now) for row in session.execute(sums).all()]


def _need(session: Session, campaign: Campaign, row: Row[str, str, str, int, int], limits: Mapping[str, Limits], now: datetime) -> Need:
    gateway, merchant, currency, refunds, amount = row
    rate = limits[gateway].refunds_a_second if gateway in limits else None
    today = now.astimezone(ZoneInfo(campaign.time_zone))
    if rate is None:
        return Need(gateway, merchant, currency, refunds, int(amount), 0, None, (Day(today.date(), refunds, int(amount)),))
    queue, a_day, spent = _queue(gateway, merchant), calls_a_day(rate), calls_a_day(rate) - calls_left(rate, today)
    day = ((queue.c.place - 1 + spent) // a_day).label("day")
    own = select(day, func.count(), func.sum(Refund.amount), func.max(queue.c.place)).join(queue, queue.c.id == Refund.id)
    found = session.execute(own.where(of_campaign(campaign.id)).group_by(day).order_by(day)).all()
    days = tuple(Day(today.date() + timedelta(days=int(number)), count, int(money)) for number, count, money, _ in found)
    last = max(int(place) for *_, place in found)
    return Need(gateway, merchant, currency, refunds, int(amount), last - refunds, now + timedelta(seconds=last / rate), days)


def _queue(gateway: str, merchant: str) -> Subquery:
    """Number an account's waiting refunds in the order in which they are sent, those of all campaigns."""
    place = func.row_number().over(order_by=(Refund.next_attempt_at, Refund.id)).label("place")
    waiting = select(Refund.id, place).join(Payment, Payment.id == Refund.payment_id)
    return waiting.where(
        Refund.state.in_(WAITS), Refund.withheld_at.is_(None), Payment.gateway == gateway, Payment.merchant == merchant
    ).subquery()


def calls_a_day(rate: float) -> int:
    """Return how many calls a gateway takes in a day at so many a second, one at least."""
    return max(int(rate * 24 * 60 * 60), 1)


def calls_left(rate: float, at: datetime) -> int:
    """Return how many of them are left of the day of `at`, in its zone."""
    gone = timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)
    return calls_a_day(rate) - int(rate * gone.total_seconds())


def ask_for_failed(session: Session, campaign: Campaign, *, reason: str, actor: str, now: datetime) -> int:
    """Ask that all failed refunds of the campaign be sent once more; returns how many there are. The worker does it, see `send_failed`.

    Raises Invalid without a reason, Refused where none has failed.
    """
    if not reason.strip():
        raise Invalid(N_("Say why; the audit log keeps it"), field="reason")
    count, last = session.execute(select(func.count(), func.max(Refund.id)).where(TO_DO, of_campaign(campaign.id))).one()
    if not count:
        raise Refused(N_("No refund waits for a decision any more"))
    payload = {"campaign": campaign.id, "up_to": last, "reason": reason.strip(), "actor": actor}
    enqueue(session, kind="deposits.send_failed_again", payload=payload, key=f"{JOB}:{campaign.id}:{now.isoformat()}", now=now)
    record(session, actor=actor, action=JOB, campaign=campaign.slug, after={"refunds": count}, reason=reason.strip(), now=now)
    return int(count)


def send_failed(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Send the failed refunds in `payload` again, in short transactions: stopped in between, it goes on with those that are left."""
    after: int | None = 0
    while after is not None:
        with database.transaction() as session:
            after = _step(session, payload, after, now)


def _step(session: Session, payload: Mapping[str, Any], after: int, now: datetime) -> int | None:
    due = select(Refund.id, Refund.key).where(TO_DO, of_campaign(payload["campaign"]), Refund.id > after, Refund.id <= payload["up_to"])
    rows = session.execute(due.order_by(Refund.id).limit(STEP)).all()
    for _, key in rows:
        with suppress(Refused):  # somebody dealt with it in this very moment
            resolving.send_refund_again(session, key=key, reason=payload["reason"], actor=payload["actor"], now=now)
    return rows[-1].id if rows else None
