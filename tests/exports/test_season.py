"""All exports of one season that was really played: ordered, paid, decided, refunded."""

from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.exports.kinds import Format, Kind
from c2b.production import actions as production
from tests import make
from tests.deposits.scene import Shop
from tests.exports import files
from tests.exports.test_ledger import bean_check


@pytest.fixture
def season(database: Database, tmp_path: Path) -> Shop:
    """K1 reaches its minimum of 5 with 6 units of two customers, K2 misses it with one; another never paid."""
    shop = Shop(database, tmp_path, minimum=5, settle_hours=0)
    shirt, dress = shop.sells("K1"), shop.sells("K2", position=2, name='=HYPERLINK("x")')
    anna, bob, carl = shop.customer(), shop.customer(), shop.customer()
    shop.buys(anna, (shirt[0], 2), (dress[1], 1))
    shop.buys(bob, (shirt[0], 1), (shirt[2], 3))
    shop.order(carl, (shirt[1], 9))
    shop.forward(days=11)
    with database.transaction() as session:
        session.get_one(Campaign, shop.campaign_id).state = CampaignState.SETTLING
    with database.transaction() as session:
        production.decide(session, slug="ss27", actor="cli:test", now=shop.now)
    return shop


def test_production_units_equal_the_captured_units_of_reached_products(season: Shop) -> None:
    with season.database.reading() as session:
        made = files.table(session, Kind.PRODUCTION_ORDERS, now=season.now)
        bought = files.table(session, Kind.DEPOSITS, now=season.now)
    by_variant: Counter[str] = Counter()
    for row in bought:
        if row["outcome"] == "allocated":
            by_variant[row["sku"]] += int(row["units"])
    assert {row["sku"]: int(row["units_ordered"]) for row in made} == by_variant == {"ss27-K1-S": 3, "ss27-K1-L": 3}


def test_every_line_has_one_outcome_and_its_money_stands_where_the_books_say(season: Shop) -> None:
    with season.database.reading() as session:
        rows = files.table(session, Kind.DEPOSITS, now=season.now)
    found = Counter((row["candidate_code"], row["outcome"], row["money"]) for row in rows)
    held = [(outcome, money) for code, outcome, money in found if code == "K1" and outcome == "allocated"]
    assert len(held) == 1
    assert found["K2", "missed", "refund_due"] == 1
    assert sum(found.values()) == 5
    assert {money for code, outcome, money in found if outcome == "cancelled"} <= {"nothing", "deposit_due"}


def test_a_missed_products_money_goes_back_and_the_deposit_list_shows_it(season: Shop) -> None:
    with season.database.reading() as session:
        (queued,) = files.table(session, Kind.REFUNDS, now=season.now)
    assert (queued["candidate_code"], queued["amount"], queued["reason"], queued["state"]) == ("K2", "59.80", "missed", "queued")
    assert season.send_refunds() == 1
    with season.database.reading() as session:
        (settled,) = files.table(session, Kind.REFUNDS, now=season.now)
        money = {row["candidate_code"]: row["money"] for row in files.table(session, Kind.DEPOSITS, now=season.now)}
    assert (settled["state"], settled["gateway"]) == ("settled", "sandbox")
    assert settled["gateway_reference"] != ""
    assert money["K2"] == "refunded"


def test_bean_check_accepts_the_books_and_what_is_left_is_what_is_held(season: Shop, tmp_path: Path) -> None:
    season.send_refunds()
    with season.database.reading() as session:
        data, info = files.made(session, Kind.LEDGER, Format.BEANCOUNT, now=season.now)
        held = [row for row in files.table(session, Kind.DEPOSITS, now=season.now) if row["outcome"] == "allocated"]
        transfers = files.table(session, Kind.LEDGER, now=season.now)
    path = tmp_path / "books.beancount"
    path.write_bytes(data)
    assert bean_check(path) == (0, "")
    assert info.rows == len(transfers)
    left: Counter[str] = Counter()
    for row in transfers:
        left[row["debit"].split(":")[0]] -= int(Decimal(row["amount"]) * 100)
        left[row["credit"].split(":")[0]] += int(Decimal(row["amount"]) * 100)
    deposits = sum(int(Decimal(row["deposit"]) * 100) for row in held)
    assert {family: amount for family, amount in left.items() if amount} == {"psp": -deposits, "dep": deposits}


def test_customers_count_what_is_paid_and_stands(season: Shop) -> None:
    with season.database.reading() as session:
        rows = files.table(session, Kind.CUSTOMERS, now=season.now)
    assert sorted((row["orders"], row["units"]) for row in rows) == [("1", "0"), ("1", "2"), ("1", "4")]


def test_the_run_behind_the_files_is_the_decision(season: Shop) -> None:
    with season.database.reading() as session:
        runs = {files.made(session, kind, now=season.now)[1].run for kind in (Kind.PRODUCTION_ORDERS, Kind.DEPOSITS, Kind.REFUNDS)}
    assert len(runs) == 1
    assert len(runs.pop()) == 64


@pytest.mark.parametrize("form", [Format.CSV, Format.XLSX, Format.JSON])
def test_rows_and_totals_are_the_same_in_every_format(season: Shop, form: Format) -> None:
    with season.database.reading() as session:
        for kind in (Kind.PRODUCTION_ORDERS, Kind.DEPOSITS, Kind.REFUNDS, Kind.CUSTOMERS, Kind.CANDIDATES, Kind.LEDGER):
            document = files.document(session, kind, now=season.now)
            _, info = files.made(session, kind, form, now=season.now)
            assert (info.rows, info.totals) == (document["count"], document["totals"])
            assert info.rows == len(document["rows"]) > 0
            assert {name: sum(row[name] or 0 for row in document["rows"]) for name in info.totals} == info.totals


def test_the_formula_in_a_products_name_is_text_in_the_candidates_workbook(season: Shop) -> None:
    with season.database.reading() as session:
        page = files.workbook(session, Kind.CANDIDATES, now=season.now)["候选款"]
    cells = [page.cell(row, 2) for row in range(2, page.max_row + 1) if page.cell(row, 1).value == "K2"]
    assert {(cell.value, cell.data_type) for cell in cells} == {('=HYPERLINK("x")', "s")}
    assert season.now > make.CLOSES
