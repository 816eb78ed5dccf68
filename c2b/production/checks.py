"""What `c2b audit` proves of decisions and production orders."""

from collections.abc import Iterator

from sqlalchemy import Select, and_, case, func, or_, select
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome
from c2b.production.models import Decision, DecisionLine, ProductionOrder, ProductionOrderLine, ReceiptLine
from c2b.production.progress import counts
from c2b.production.queries import refunds_apart


def checks(session: Session) -> list[Finding]:
    """Return what is wrong: lines left open, goods without a decision, units that factories and customers don't share."""
    return [
        *_found(session, "production.each_line_ends", "%s: %s reserved lines have no outcome", _left_open()),
        *_found(session, "production.only_what_reached", "%s: %s lines are allocated of products that aren't made", _allocated_of_missed()),
        *_found(session, "production.units", "%s: ordered of factories less allocated to customers is %s, not 0", _units_apart()),
        *_found(session, "production.decided", "%s: %s decisions in its state", _without_decision()),
        *_found(session, "production.receipts", "%s: %s more good pieces came of a line than it asks for", _too_many_came()),
        *_refunds(session),
    ]


def _refunds(session: Session) -> Iterator[Finding]:
    for apart in refunds_apart(session):
        what = f"{apart.queued} refunds of {apart.queued_amount} are queued, decided were {apart.decided} of {apart.decided_amount}"
        yield Finding("production.refunds", f"{apart.slug}: {what}")


def _found(session: Session, check: str, what: str, query: Select[str, int]) -> Iterator[Finding]:
    return (Finding(check, what % (name, count)) for name, count in session.execute(query))


def _left_open() -> Select[str, int]:
    lines = (OrderLine.campaign_id == Campaign.id) & (OrderLine.outcome == Outcome.OPEN)
    query = select(Campaign.slug, func.count()).join(Decision, Decision.campaign_id == Campaign.id).join(OrderLine, lines)
    return query.group_by(Campaign.slug)


def _allocated_of_missed() -> Select[str, int]:
    made = and_(DecisionLine.campaign_id == OrderLine.campaign_id, DecisionLine.candidate_id == OrderLine.candidate_id, DecisionLine.made)
    query = select(Candidate.code, func.count()).join(OrderLine, OrderLine.candidate_id == Candidate.id).outerjoin(DecisionLine, made)
    return query.where(OrderLine.outcome == Outcome.ALLOCATED, DecisionLine.candidate_id.is_(None)).group_by(Candidate.code)


def _units_apart() -> Select[str, int]:
    """Compare each variant's units: a default after the decision moves them from ordered to extra, never out of the sum."""
    asked = select(ProductionOrderLine.variant_id, func.sum(ProductionOrderLine.units_ordered).label("units"))
    asked_of = asked.group_by(ProductionOrderLine.variant_id).subquery()
    units = func.sum(case((OrderLine.outcome == Outcome.ALLOCATED, OrderLine.units), else_=0)).label("units")
    taken = select(OrderLine.variant_id, OrderLine.candidate_id, units).group_by(OrderLine.variant_id, OrderLine.candidate_id).subquery()
    apart = func.coalesce(asked_of.c.units, 0) - taken.c.units
    query = select(Candidate.code, apart).join(taken, taken.c.candidate_id == Candidate.id)
    return query.outerjoin(asked_of, asked_of.c.variant_id == taken.c.variant_id).where(apart != 0)


def _too_many_came() -> Select[str, int]:
    line = ProductionOrderLine
    more = func.sum(ReceiptLine.units) - line.units_ordered - line.units_extra
    query = select(ProductionOrder.number, more).join(line, line.production_order_id == ProductionOrder.id)
    query = query.join(ReceiptLine, ReceiptLine.line_id == line.id).where(counts())
    return query.group_by(ProductionOrder.number, line.id, line.units_ordered, line.units_extra).having(more > 0)


def _without_decision() -> Select[str, int]:
    decided = Campaign.state.in_((CampaignState.DECIDED, CampaignState.COMPLETED))
    query = select(Campaign.slug, func.count(Decision.campaign_id)).outerjoin(Decision, Decision.campaign_id == Campaign.id)
    apart = or_(decided & Decision.campaign_id.is_(None), ~decided & Decision.campaign_id.is_not(None))
    return query.where(apart).group_by(Campaign.slug)
