"""How the decision grows: statements, not seconds."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from c2b.db import Database
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome
from c2b.production import actions, queries
from c2b.production.rules import DecisionFigures
from c2b.work import audit
from tests import databases, make
from tests.production import shop
from tests.statements import counted

NOW = make.ORDERING_CLOSES + timedelta(days=2)


def season(database: Database, orders: int, *, products: int = 4) -> None:
    with database.transaction() as session:
        campaign = shop.settling(session, shipping=1200, minimum=orders)  # one unit a line: every second product reaches it
        factory = make.supplier(session)
        made = [shop.product(session, campaign, f"K{number}", by=factory, minimum=1 + 10**6 * (number % 2)) for number in range(products)]
        shop.crowd(session, campaign, [variant for one in made for variant in make.variants(session, one)], orders)


def decide(database: Database) -> tuple[DecisionFigures, int]:
    """Decide and return the figures with the number of statements that it took."""
    with counted(database) as statements, database.transaction() as session:
        figures = actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
    return figures, len(statements)


def test_the_decision_takes_as_many_statements_for_many_orders_as_for_few(tmp_path: Path) -> None:
    for folder in ("few", "many"):
        (tmp_path / folder).mkdir()
    with databases.sqlite(tmp_path / "few") as few, databases.sqlite(tmp_path / "many") as many:
        season(few, 3)
        season(many, 600, products=30)
        few_figures, few_statements = decide(few)
        many_figures, many_statements = decide(many)
    assert (few_figures.refunds, many_figures.refunds) == (3, 600)
    assert many_statements == few_statements <= 40


def test_the_dry_run_takes_as_many_statements_for_many_orders_as_for_few(database: Database) -> None:
    season(database, 1)
    with counted(database) as few, database.reading() as session:
        queries.preview(session, slug="ss27")
    with database.transaction() as session:
        other = shop.settling(session, slug="aw27")
        first = make.variants(session, shop.product(session, other, "K1"))
        for _ in range(30):
            shop.buys(session, other, (first[0], 1))
    with counted(database) as many, database.reading() as session:
        queries.preview(session, slug="aw27")
    assert len(many) == len(few) <= 10


def test_production_orders_are_read_in_two_statements(database: Database) -> None:
    season(database, 50, products=12)
    decide(database)
    with database.reading() as session:
        campaign = session.scalars(select(OrderLine.campaign_id).limit(1)).one()
        with counted(database) as statements:
            (order,) = queries.orders(session, campaign)
    assert len(order.lines) == 18
    assert len(statements) == 2


@pytest.mark.parametrize("orders", [1000])
def test_a_decision_of_thousands_of_lines_leaves_books_that_agree(database: Database, orders: int) -> None:
    season(database, orders, products=20)
    figures, _ = decide(database)
    with database.reading() as session:
        assert audit(session) == []
        by_outcome = dict(session.execute(select(OrderLine.outcome, func.count()).group_by(OrderLine.outcome)).all())
    assert by_outcome[Outcome.ALLOCATED] + by_outcome[Outcome.MISSED] == orders * 4
    assert figures.pieces == by_outcome[Outcome.ALLOCATED]
    assert figures.refund_amount == by_outcome[Outcome.MISSED] * 2000
