"""Campaigns in each state, with orders and refunds, for the pages that show them."""

from datetime import date, timedelta
from typing import Any

from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import Order
from c2b.deposits.rules import Outcome
from c2b.production import actions
from tests import books, make


def campaign(session: Session, state: CampaignState = CampaignState.VOTING, **changes: Any) -> Campaign:
    """Make a campaign with four candidates with offers."""
    made = make.campaign(session, state=state, delivery_expected=date(2027, 6, 5), minimum=3, **changes)
    mill = make.supplier(session, f"TX-{made.slug}")
    for position, code in enumerate(("K101", "K102", "K103", "K104"), start=1):
        make.offer(session, make.candidate(session, made, code, position=position), mill)
    session.flush()
    return made


def candidates(session: Session, of: Campaign) -> list[Candidate]:
    """Return the campaign's candidates in the order of the file."""
    return list(session.query(Candidate).filter_by(campaign_id=of.id).order_by(Candidate.position))


def votes(session: Session, of: Campaign) -> None:
    """Give K101 three votes, K102 two and K103 one, and hold one ballot for K103."""
    first, second, third, _ = candidates(session, of)
    make.ballot(session, of, first, second, third)
    make.ballot(session, of, first, second)
    make.ballot(session, of, first)
    make.ballot(session, of, third, held_at=make.OPENS, held_reason="bought votes")


def selected(session: Session, of: Campaign) -> None:
    """Store a selection in which K101 and K102 won."""
    first, second, third, fourth = candidates(session, of)
    make.selection(session, of, (first, 3), (second, 2), (third, 1), (fourth, 0))


def order(session: Session, of: Campaign, code: str, units: int, email: str = "anna@example.com", **changes: Any) -> Order:
    """Order units of a candidate's first variant, the deposit captured."""
    product = next(each for each in candidates(session, of) if each.code == code)
    customer = make.person(session)
    make.address(session, customer, email)
    made = make.order(session, of, (make.variants(session, product)[0], units), by=customer, **changes)
    make.payment(session, made, units * 5980)
    return made


def missed(session: Session, of: Campaign, code: str = "K102") -> Order:
    """Make an order whose product missed its minimum, its refund queued."""
    made = order(session, of, code, 1, line={"outcome": Outcome.MISSED})
    lines = make.lines_of(session, made)
    payment = make.payment(session, made, lines[0].deposit, provider_reference=f"p-{made.id}")
    make.refund(session, payment, *lines)
    return made


def decided(session: Session, of: Campaign) -> None:
    """Let customers order and pay, and decide the campaign: K101 is made in five pieces, K102 missed with one."""
    first, second, _, _ = candidates(session, of)
    books.paid(session, of, (make.variants(session, first)[1], 5))
    books.paid(session, of, (make.variants(session, second)[0], 1))
    actions.decide(session, slug=of.slug, actor="staff:owner@example.com", now=make.ORDERING_CLOSES + timedelta(days=2))
