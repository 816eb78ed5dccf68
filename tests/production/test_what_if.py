"""Other numbers tried on a decision: what would be made, what it costs and returns, without writing a row."""

from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.production import queries
from c2b.production.rules import ProductDecision, ProductOutcome, ToMake, within_capacity
from c2b.production.what_if import CURVE, Figures, Scenario, what_if
from tests import make
from tests.production import shop
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 has twelve units of its ten, K2 eight, K3 four; K1 and K2 come from one factory that makes 15 pieces at most."""
    of = shop.settling(session)
    mill = make.supplier(session, "TX", capacity_units=15)
    for code, units in (("K1", 12), ("K2", 8), ("K3", 4)):
        product = shop.product(session, of, code) if code == "K3" else shop.product(session, of, code, by=mill)
        shop.buys(session, of, (shop.variant(session, product), units))
    return of


def asked(session: Session, of: Campaign, **scenario: Any) -> Figures:
    return what_if(session, of, Scenario(**scenario)).asked


def test_the_published_numbers_are_the_dry_run(session: Session, campaign: Campaign) -> None:
    dry = queries.preview(session, slug="ss27")
    figures = asked(session, campaign)
    assert figures == what_if(session, campaign, Scenario(minimum=50)).published
    assert (len(figures.made), figures.pieces, figures.refunds, figures.refund_amount) == (
        dry.made,
        dry.pieces,
        dry.refunds,
        dry.refund_amount,
    )


@pytest.mark.parametrize(("minimum", "made"), [(121, set()), (120, {"K1"}), (81, {"K1"}), (80, {"K1", "K2"}), (40, {"K1", "K2", "K3"})])
def test_a_lower_minimum_makes_more(session: Session, campaign: Campaign, minimum: int, made: set[str]) -> None:
    assert asked(session, campaign, minimum=minimum).made == made


def test_at_most_so_many_are_the_best(session: Session, campaign: Campaign) -> None:
    assert asked(session, campaign, minimum=40, max_products=2).made == {"K1", "K2"}


def test_what_goes_back_and_to_how_many(session: Session, campaign: Campaign) -> None:
    figures = asked(session, campaign)
    assert (figures.refunds, figures.refund_amount, figures.customers) == (2, (8 + 4) * 2000, 2)
    everything = asked(session, campaign, minimum=40)
    assert (everything.refunds, everything.refund_amount, everything.customers) == (0, 0, 0)


def test_balances_that_are_never_paid_leave_the_deposit(session: Session, campaign: Campaign) -> None:
    assert [asked(session, campaign, drop=drop).revenue for drop in (0, 50, 100)] == [120000, 72000, 24000]


def test_a_factory_that_can_make_less_is_named_and_can_be_kept_to(session: Session, campaign: Campaign) -> None:
    assert asked(session, campaign, minimum=40).over_capacity == (("TX", 20, 15),)
    kept = asked(session, campaign, minimum=40, capacity=True)
    assert kept.made == {"K1", "K3"}
    assert kept.over_capacity == ()


def decision(code: str, units: int, extra: int = 0) -> ProductDecision:
    return ProductDecision(code, 1, units, 0, ProductOutcome.REACHED, 1, (ToMake(1, units, extra),))


@pytest.mark.parametrize(
    ("capacity", "fitting"),
    [
        ({}, {"A", "B", "C"}),
        ({"X": 30}, {"A", "B", "C"}),
        ({"X": 25}, {"A", "B"}),
        ({"X": 24}, {"A", "C"}),
        ({"X": 9}, {"C"}),
        ({"X": 0}, set()),
    ],
)
def test_capacity_goes_to_the_products_with_most_units_and_a_smaller_one_may_still_fit(capacity: dict[str, int], fitting: set[str]) -> None:
    made = [("X", decision("C", 5)), ("X", decision("A", 15)), ("X", decision("B", 8, extra=2))]
    assert within_capacity(made, capacity) == fitting


def test_the_curve_falls_with_the_minimum(session: Session, campaign: Campaign) -> None:
    curve = what_if(session, campaign, Scenario()).curve
    assert [at for at, _count in curve] == list(CURVE)
    counts = [count for _at, count in curve]
    assert (counts[0], counts[-1], counts) == (2, 0, sorted(counts, reverse=True))


def test_it_costs_the_same_statements_however_many_products(database: Database, session: Session, campaign: Campaign) -> None:
    costs = []
    for code in ("K8", "K9"):
        shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code)), 10))
        with counted(database) as statements:
            what_if(session, campaign, Scenario(minimum=80))
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 15
