"""Pieces and money counted twice: by customers' orders, and by what factories and books say."""

from datetime import timedelta

import pytest
from sqlalchemy import update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.exports.reconciling import Totals, totals
from c2b.ledger.models import GuardedAccount
from c2b.production import actions
from c2b.production.models import ProductionOrderLine
from tests import make
from tests.production import shop
from tests.statements import counted

NOW = make.ORDERING_CLOSES + timedelta(days=2)


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 is sold in five pieces and reaches its minimum of 3, K2 misses it with one; each deposit is 20.00 a piece."""
    campaign = shop.settling(session, minimum=3)
    for code, units in (("K1", 5), ("K2", 1)):
        shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code, pack=4)), units))
    return campaign


def test_before_the_decision_all_deposits_are_held_and_nothing_is_made(session: Session, campaign: Campaign) -> None:
    assert totals(session, campaign) == Totals(wanted=0, ordered=0, by_order=12000, in_books=12000)


def test_after_it_pieces_agree_without_extra_stock_and_what_goes_back_is_still_held(session: Session, campaign: Campaign) -> None:
    actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
    found = totals(session, campaign)
    assert found == Totals(wanted=5, ordered=5, by_order=12000, in_books=12000)
    assert found.agree


def test_another_campaigns_pieces_and_money_do_not_count(session: Session, campaign: Campaign) -> None:
    other = shop.settling(session, slug="aw27", minimum=1)
    shop.buys(session, other, (shop.variant(session, shop.product(session, other, "A1")), 7))
    actions.decide(session, slug="aw27", actor="cli:test", now=NOW)
    assert totals(session, campaign) == Totals(wanted=0, ordered=0, by_order=12000, in_books=12000)
    assert totals(session, other) == Totals(wanted=7, ordered=7, by_order=14000, in_books=14000)


def test_a_piece_that_no_factory_makes_is_seen(session: Session, campaign: Campaign) -> None:
    actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
    session.execute(update(ProductionOrderLine).values(units_ordered=4))
    found = totals(session, campaign)
    assert (found.wanted, found.ordered, found.agree) == (5, 4, False)


def test_a_fen_that_an_order_lacks_is_seen(session: Session, campaign: Campaign) -> None:
    session.execute(update(GuardedAccount).where(GuardedAccount.credits == 10000).values(credits=9999))
    found = totals(session, campaign)
    assert (found.by_order, found.in_books, found.agree) == (11999, 12000, False)


def test_it_costs_the_same_statements_however_many_orders(database: Database, session: Session, campaign: Campaign) -> None:
    with counted(database) as few:
        totals(session, campaign)
    variants = make.variants(session, shop.product(session, campaign, "K3"))
    for variant in variants * 4:
        shop.buys(session, campaign, (variant, 1))
    with counted(database) as many:
        totals(session, campaign)
    assert len(few) == len(many) == 4
