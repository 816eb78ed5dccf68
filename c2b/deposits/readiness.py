"""What stands against taking a campaign's money by the shop's gateways: currencies, and how long each of them sends money back."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from math import ceil

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import Missing
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Outcome, balance_ends
from c2b.errors import N_
from c2b.payments.models import Payment
from c2b.payments.protocol import Limits
from c2b.payments.rules import PaymentState

WITHDRAWAL = timedelta(days=14)
"""How long after the goods came a customer may withdraw at most: Directive 2011/83/EU, art. 9; China has seven days."""
DELAY = timedelta(days=30)
"""How much later than announced everything may come: so much delay counts as agreed to in silence, 16 CFR 435.2(b)."""
_A_DAY = timedelta(days=1)


def latest_refund(campaign: Campaign) -> datetime:
    """Return when the last money may go back: after the decision, the grace, or the withdrawal from late goods; delayed each."""
    ends = [campaign.ordering_closes + timedelta(hours=campaign.settle_hours)]
    if balance := balance_ends(campaign):
        ends.append(balance)
    if expected := campaign.delivery_expected:  # the day as a whole: its end, wherever the customer lives
        ends.append(datetime(expected.year, expected.month, expected.day, tzinfo=UTC) + _A_DAY + WITHDRAWAL)
    return max(ends) + DELAY


@dataclass(frozen=True)
class LastDay:
    """Until when goods may come at the latest, so that who sends them back gets the money the way it came; `days`: the gateway's."""

    gateway: str
    days: int
    day: date


def last_day(session: Session, *, candidate_id: int, limits: Mapping[str, Limits]) -> LastDay | None:
    """Return the day after which goods of a confirmed product would come too late for a gateway that brought money for them.

    Counted from the first payment that really came: its days run, whatever the timetable said. None: no gateway sets an end.
    """
    first = (
        select(Payment.gateway, func.min(Payment.settled_at))
        .join(Order, Order.ref == Payment.payer)
        .join(OrderLine, OrderLine.order_id == Order.id)
        .where(OrderLine.candidate_id == candidate_id, OrderLine.outcome == Outcome.ALLOCATED, Payment.state == PaymentState.CAPTURED)
        .group_by(Payment.gateway)
    )
    found = [
        LastDay(name, within.days, (at + within - WITHDRAWAL - _A_DAY).astimezone(UTC).date())
        for name, at in session.execute(first)
        if at is not None and name in limits and (within := limits[name].refunded_within)
    ]
    return min(found, key=lambda each: each.day, default=None)


def before_money(campaign: Campaign, *, limits: Mapping[str, Limits]) -> list[Missing]:
    """List the gateways (by name, `limits` is what each doesn't let us do) that can't take or can't return the campaign's money."""
    return [found for name, of in limits.items() for found in (*_currency(campaign, name, of), *_too_long(campaign, name, of))]


def _currency(campaign: Campaign, gateway: str, limits: Limits) -> list[Missing]:
    if not limits.currencies or campaign.currency in limits.currencies:
        return []
    what = N_(
        "%(gateway)s takes %(takes)s only and this campaign is in %(currency)s; change currency, or take %(gateway)s out of C2B_GATEWAYS"
    )
    return [Missing(what, {"gateway": gateway, "takes": ", ".join(limits.currencies), "currency": campaign.currency})]


def _too_long(campaign: Campaign, gateway: str, limits: Limits) -> list[Missing]:
    over = latest_refund(campaign) - campaign.ordering_opens - (limits.refunded_within or timedelta.max)
    if limits.refunded_within is None or over <= timedelta(0):
        return []
    what = N_(
        "%(gateway)s sends nothing back later than %(days)s days after a payment, but a deposit of this campaign could go back after "
        "%(needed)s days, %(delay)s of them for a delay; bring balance_due and delivery_expected at least %(over)s days nearer to "
        "ordering_opens, or take %(gateway)s out of C2B_GATEWAYS"
    )
    days, missing = limits.refunded_within.days, ceil(over / _A_DAY)
    values = {"gateway": gateway, "days": days, "needed": days + missing, "delay": DELAY.days, "over": missing}
    return [Missing(what, values)]
