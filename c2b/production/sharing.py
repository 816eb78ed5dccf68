"""Too little came: who gets goods and who gets everything back."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Variant
from c2b.deposits.legal import legal
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.refunds import refund_figures
from c2b.deposits.rules import SENT, Outcome
from c2b.production.models import ProductionOrderLine
from c2b.production.progress import arrived
from c2b.production.rules import Claim, left_without

_NEVER = datetime.max.replace(tzinfo=UTC)
"""For a line without a deposit, which no allocated one is."""


@dataclass(frozen=True)
class Shortage:
    """Customers' lines that get nothing of what came; `served`: the units of those who do."""

    lines: tuple[Claim, ...]
    served: int

    @property
    def units(self) -> int:
        """Units of the customers who get nothing."""
        return sum(each.units for each in self.lines)

    @property
    def digest(self) -> str:
        """A name of exactly these lines."""
        return hashlib.sha256(",".join(str(each.line) for each in self.lines).encode()).hexdigest()[:16]


def shortage(session: Session, campaign: Campaign, order_id: int) -> Shortage:
    """Return who gets nothing if no more pieces come, by the time of the deposit (`rules.left_without`): three statements."""
    came = arrived(session, order_id)
    asked = select(ProductionOrderLine.variant_id, ProductionOrderLine.line).where(ProductionOrderLine.production_order_id == order_id)
    good = {variant: came.get(line, 0) for variant, line in session.execute(asked)}
    waits = (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.ALLOCATED) & OrderLine.variant_id.in_(list(good))
    query = select(OrderLine.id, OrderLine.variant_id, OrderLine.units, OrderLine.reserved_at, OrderLine.fulfilment.in_(SENT))
    claims = []
    for line, variant, units, since, has_them in session.execute(query.where(waits)):
        if has_them:
            good[variant] -= units
        else:
            claims.append(Claim(line, variant, units, since or _NEVER))
    short = left_without(claims, good)
    return Shortage(tuple(short), sum(each.units for each in claims) - sum(each.units for each in short))


@dataclass(frozen=True)
class LeftOut:
    """A line that gets nothing: whose order, what of, since when, units."""

    order: str
    sku: str
    units: int
    since: datetime


@dataclass(frozen=True)
class GoesBack:
    """What sharing out returns: the lines, payments and minor units that go back, and what is owed on top."""

    lines: tuple[LeftOut, ...]
    refunds: int
    amount: int
    penalty: int


def left_out(session: Session, campaign: Campaign, short: Shortage) -> GoesBack:
    """Return what sharing out now would give back, by the time of the deposit."""
    keys = [each.line for each in short.lines]
    lines = select(OrderLine.id).where(OrderLine.id.in_(keys))
    query = (
        select(Order.ref, Variant.sku, OrderLine.units, OrderLine.reserved_at)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.id.in_(keys))
        .order_by(OrderLine.reserved_at, OrderLine.id)
    )
    found = tuple(LeftOut(ref, sku, units, since) for ref, sku, units, since in session.execute(query) if since)
    back = refund_figures(session, lines=lines)
    deposits = session.scalar(select(func.coalesce(func.sum(OrderLine.deposit), 0)).where(OrderLine.id.in_(keys))) or 0
    return GoesBack(found, back.count, back.amount, int(deposits) if legal(campaign.legal_profile).doubles else 0)
