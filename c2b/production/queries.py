"""What pages, exports and the command line read of decisions and production orders."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Supplier, Variant
from c2b.campaigns.queries import campaign as campaign_of
from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import Order, RefundLine
from c2b.deposits.pay import running
from c2b.deposits.rules import RefundReason, settled_at
from c2b.errors import N_, Refused
from c2b.payments.models import Refund
from c2b.production import rules
from c2b.production.models import Decision, DecisionLine, ProductionOrder, ProductionOrderLine
from c2b.production.plan import plan
from c2b.production.rules import DecisionFigures, ProductionOrderState


def preview(session: Session, *, slug: str) -> DecisionFigures:
    """Return what deciding now would do; once decided, what was done.

    Raises NotFound, and Refused before ordering has begun.
    """
    campaign = campaign_of(session, slug)
    if stored := decision(session, campaign.id):
        return stored
    if campaign.state not in (CampaignState.ORDERING, CampaignState.SETTLING):
        early = N_("Campaign %(slug)s is “%(state)s”; there is nothing to decide before pre-orders are open")
        raise Refused(early, slug=slug, state=campaign.state.value)
    return plan(session, campaign).figures


def decision(session: Session, campaign_id: int) -> DecisionFigures | None:
    """Return the stored figures of a campaign's decision, None before it."""
    stored = session.scalars(select(Decision.figures).where(Decision.campaign_id == campaign_id)).one_or_none()
    return rules.figures(stored) if stored else None


def made_although(session: Session, campaign: Campaign, candidate_id: int) -> str:
    """Return the public reason for which a product is made that the rule left out, by a statement once decided; empty otherwise."""
    if campaign.state not in (CampaignState.DECIDED, CampaignState.COMPLETED):
        return ""
    own = (DecisionLine.campaign_id == campaign.id) & (DecisionLine.candidate_id == candidate_id)
    return session.scalar(select(DecisionLine.reason).where(own)) or ""


@dataclass(frozen=True)
class Apart:
    """What a decision said of the money of its missed lines, beside the refunds queued for them; payments, and minor units."""

    slug: str
    decided: int
    decided_amount: int
    queued: int
    queued_amount: int

    @property
    def difference(self) -> int:
        """What is queued too much; negative: too little."""
        return self.queued_amount - self.decided_amount


def decided_at(session: Session, slug: str) -> datetime | None:
    """Return when a campaign was decided, if it was."""
    return session.scalar(select(Decision.at).join(Campaign, Campaign.id == Decision.campaign_id).where(Campaign.slug == slug))


def refunds_apart(session: Session, *, campaign_id: int | None = None) -> list[Apart]:
    """Return the decisions (of one campaign, or all) whose missed lines' money isn't the sum of the refunds queued for them.

    What was sent anew carries the same lines once more and counts once.
    """
    queued = _queued_for_missed(session, campaign_id)
    decided = select(Campaign.id, Campaign.slug, Decision.figures).join(Decision, Decision.campaign_id == Campaign.id).order_by(Campaign.id)
    if campaign_id is not None:
        decided = decided.where(Campaign.id == campaign_id)
    found = [(slug, rules.figures(stored), queued.get(key, (0, 0))) for key, slug, stored in session.execute(decided) if stored]
    apart = [Apart(slug, figures.refunds, figures.refund_amount, *sent) for slug, figures, sent in found]
    return [one for one in apart if (one.decided, one.decided_amount) != (one.queued, one.queued_amount)]


def _queued_for_missed(session: Session, campaign_id: int | None) -> dict[int, tuple[int, int]]:
    """Return the number and the sum of the refunds queued for missed lines, by campaign."""
    each = select(Order.campaign_id, Refund.payment_id, RefundLine.line_id, func.max(RefundLine.amount).label("amount"))
    each = each.join(Refund, Refund.id == RefundLine.refund_id).join(Order, Order.id == RefundLine.order_id)
    missed = each.where(RefundLine.reason == RefundReason.MISSED)
    once = missed.group_by(Order.campaign_id, Refund.payment_id, RefundLine.line_id).subquery()
    sums = select(once.c.campaign_id, func.count(once.c.payment_id.distinct()), func.sum(once.c.amount)).group_by(once.c.campaign_id)
    if campaign_id is not None:
        sums = sums.where(once.c.campaign_id == campaign_id)
    return {key: (int(count), int(amount)) for key, count, amount in session.execute(sums)}


@dataclass(frozen=True)
class Waiting:
    """What the decision waits for: payments begun in time whose end isn't known or is finance's to decide, and until when at most."""

    payments: int
    until: datetime


def waiting(session: Session, campaign: Campaign, *, now: datetime) -> Waiting | None:
    """Return what the decision of a campaign whose ordering has closed still waits for; None: nothing."""
    until = settled_at(campaign)
    payments = running(session, campaign_id=campaign.id)
    return Waiting(payments, until) if payments and now < until else None


@dataclass(frozen=True)
class Line:
    """Units of one variant on a production order; cost in minor units, tax in basis points."""

    line: int
    candidate_code: str
    candidate_name: str
    candidate_name_en: str
    sku: str
    barcode: str
    option1: str
    option1_en: str
    option1_position: int
    option2: str
    option2_en: str
    option2_position: int
    units_ordered: int
    units_extra: int
    unit_cost: int | None
    tax_rate: int | None

    @property
    def units(self) -> int:
        """Everything to make."""
        return self.units_ordered + self.units_extra

    @property
    def amount(self) -> int | None:
        """Cost of the line without tax; None where no unit cost is known."""
        return None if self.unit_cost is None else self.unit_cost * self.units


@dataclass(frozen=True)
class OrderOf:
    """One supplier's production order with its lines, in the order of the campaign's list."""

    id: int
    number: str
    revision: int
    state: ProductionOrderState
    due_date: date | None
    created_at: datetime
    supplier_code: str
    supplier_name: str
    lines: tuple[Line, ...]

    @property
    def units(self) -> int:
        """Everything to make."""
        return sum(line.units for line in self.lines)

    @property
    def amount(self) -> int | None:
        """Cost of the order without tax; None where a unit cost is missing."""
        amounts = [line.amount for line in self.lines]
        return None if None in amounts else sum(amount or 0 for amount in amounts)


def orders(session: Session, campaign_id: int) -> list[OrderOf]:
    """Return the campaign's production orders by number, none before the decision: two statements."""
    lines = _lines(session, campaign_id)
    query = select(ProductionOrder, Supplier).join(Supplier, Supplier.id == ProductionOrder.supplier_id)
    found = session.execute(query.where(ProductionOrder.campaign_id == campaign_id).order_by(ProductionOrder.number))
    return [
        OrderOf(
            id=order.id,
            number=order.number,
            revision=order.revision,
            state=order.state,
            due_date=order.due_date,
            created_at=order.created_at,
            supplier_code=supplier.code,
            supplier_name=supplier.name,
            lines=tuple(lines.get(order.id, ())),
        )
        for order, supplier in found
    ]


def _lines(session: Session, campaign_id: int) -> dict[int, list[Line]]:
    first, second = aliased(OptionValue), aliased(OptionValue)
    query = (
        select(
            ProductionOrderLine.production_order_id,
            ProductionOrderLine.line,
            Candidate.code,
            Candidate.name,
            Candidate.name_en,
            Variant.sku,
            Variant.barcode,
            func.coalesce(first.value, ""),
            func.coalesce(first.value_en, ""),
            func.coalesce(first.position, 0),
            func.coalesce(second.value, ""),
            func.coalesce(second.value_en, ""),
            func.coalesce(second.position, 0),
            ProductionOrderLine.units_ordered,
            ProductionOrderLine.units_extra,
            ProductionOrderLine.unit_cost,
            ProductionOrderLine.tax_rate,
        )
        .join(Candidate, Candidate.id == ProductionOrderLine.candidate_id)
        .join(Variant, Variant.id == ProductionOrderLine.variant_id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(ProductionOrderLine.campaign_id == campaign_id)
        .order_by(ProductionOrderLine.production_order_id, ProductionOrderLine.line)
    )
    found: dict[int, list[Line]] = {}
    for order, *values in session.execute(query):
        found.setdefault(order, []).append(Line(*values))
    return found
