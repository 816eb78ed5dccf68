"""A campaign whose ordering has closed, and customers who have paid."""

from typing import Any

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import Order
from c2b.people.models import Person
from tests import books, make


def settling(session: Session, **changes: Any) -> Campaign:
    """Make a campaign without a voting phase whose ordering has closed, with a minimum of 10."""
    values = {"state": CampaignState.SETTLING, "voting_opens": None, "voting_closes": None, "minimum": 10}
    return make.campaign(session, **(values | changes))


def product(session: Session, of: Campaign, code: str, *, price: int = 10000, sizes: str = "S M L", **offer: Any) -> Candidate:
    """Offer a product at 100.00 with a deposit of 20.00 a unit; made by a supplier of its own unless one is given."""
    made = make.candidate(session, of, code, sizes=sizes, price=price)
    make.offer(session, made, offer.pop("by", None) or make.supplier(session, f"F-{code}"), **offer)
    return made


def variant(session: Session, of: Candidate, size: str = "S") -> Variant:
    """Return the variant of a size."""
    return next(one for one in make.variants(session, of) if one.sku.endswith(f"-{size}"))


def buys(session: Session, of: Campaign, *lines: tuple[Variant, int], paid: bool = True, by: Person | None = None) -> Order:
    """Let a customer order variants and pay all deposits in one payment; unpaid, the deposits stay due."""
    order = books.unpaid(session, of, *lines, by=by)
    if paid:
        books.pay(session, order)
    return order
