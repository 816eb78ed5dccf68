"""What finance reads before it ends confirmed lines: balances that nobody paid, and what it costs not to deliver a product."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.deposits.legal import legal
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.refunds import refund_figures
from c2b.deposits.rules import Outcome, balance_ends
from c2b.production.defaults import reminded, unpaid

MOST = 200
"""Lines shown at once."""


@dataclass(frozen=True)
class Unreminded:
    """A line whose balance wasn't paid and whose reminder nobody got; its deposit in minor units."""

    line: int
    order: str
    code: str
    units: int
    deposit: int


@dataclass(frozen=True)
class Unpaid:
    """The balances of a campaign that aren't paid; deposits in minor units."""

    ends: datetime | None
    """From when on nothing can be paid any more; None: never."""
    lines: int
    deposits: int
    unreminded: tuple[Unreminded, ...]
    """Those that may not lose their deposit, `MOST` at most."""
    unreminded_count: int


def balances(session: Session, campaign: Campaign) -> Unpaid:
    """Return what is unpaid, and for which lines no reminder was delivered: three statements."""
    sums = select(func.count(), func.coalesce(func.sum(OrderLine.deposit), 0))
    lines, deposits = session.execute(sums.where(OrderLine.id.in_(unpaid(campaign)))).one()
    silent = OrderLine.id.in_(unpaid(campaign).where(~reminded(campaign)))
    count = session.execute(select(func.count()).where(silent)).scalar_one()
    query = (
        select(OrderLine.id, Order.ref, Candidate.code, OrderLine.units, OrderLine.deposit)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(silent)
        .order_by(OrderLine.id)
        .limit(MOST)
    )
    found = tuple(Unreminded(*row) for row in session.execute(query))
    return Unpaid(balance_ends(campaign), int(lines), int(deposits), found, int(count))


@dataclass(frozen=True)
class Undelivered:
    """What it means not to deliver a product: lines, units, payments and minor units that go back, and what is owed on top."""

    code: str
    lines: int
    units: int
    refunds: int = 0
    amount: int = 0
    penalty: int = 0


def confirmed(session: Session, campaign_id: int) -> list[Undelivered]:
    """Return the products that customers still wait for, by code, with their lines and units."""
    sums = select(Candidate.code, func.count(OrderLine.id), func.sum(OrderLine.units))
    query = sums.join(OrderLine, OrderLine.candidate_id == Candidate.id).where(_waits(campaign_id)).group_by(Candidate.code)
    return [Undelivered(code, int(lines), int(units)) for code, lines, units in session.execute(query.order_by(Candidate.code))]


def undelivered(session: Session, campaign: Campaign, code: str) -> Undelivered | None:
    """Return what `undeliverable.cannot_deliver` would do now; None: nobody waits for this product."""
    lines = select(OrderLine.id).join(Candidate, Candidate.id == OrderLine.candidate_id).where(Candidate.code == code, _waits(campaign.id))
    sums = select(func.count(), func.coalesce(func.sum(OrderLine.units), 0), func.coalesce(func.sum(OrderLine.deposit), 0))
    count, units, deposits = session.execute(sums.where(OrderLine.id.in_(lines))).one()
    if not count:
        return None
    back = refund_figures(session, lines=lines)
    penalty = int(deposits) if legal(campaign.legal_profile).doubles else 0
    return Undelivered(code, int(count), int(units), back.count, back.amount, penalty)


def _waits(campaign_id: int) -> ColumnElement[bool]:
    return (OrderLine.campaign_id == campaign_id) & (OrderLine.outcome == Outcome.ALLOCATED)
