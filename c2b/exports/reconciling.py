"""Whether what the exports add up to agrees: orders, production orders and books, each counted by itself."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.finance import held_by_orders
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome
from c2b.ledger.queries import held_for_customers
from c2b.production.models import ProductionOrderLine


@dataclass(frozen=True)
class Totals:
    """The same things counted twice: pieces, and money in minor units."""

    wanted: int
    """Pieces that customers are to get, by their orders."""
    ordered: int
    """Pieces that factories are asked to make for customers, by the production orders."""
    by_order: int
    """Money that we hold for customers, order by order."""
    in_books: int
    """The same, by the transfers in the books."""

    @property
    def agree(self) -> bool:
        """Whether nothing is missing anywhere."""
        return (self.wanted, self.by_order) == (self.ordered, self.in_books)


def totals(session: Session, campaign: Campaign) -> Totals:
    """Count a campaign's pieces and customers' money in both ways; four statements, however many orders."""
    wanted = select(func.sum(OrderLine.units)).where(OrderLine.campaign_id == campaign.id, OrderLine.outcome == Outcome.ALLOCATED)
    ordered = select(func.sum(ProductionOrderLine.units_ordered)).where(ProductionOrderLine.campaign_id == campaign.id)
    return Totals(
        wanted=int(session.scalar(wanted) or 0),
        ordered=int(session.scalar(ordered) or 0),
        by_order=held_by_orders(session, campaign.id),
        in_books=held_for_customers(session, campaign=campaign.slug),
    )
