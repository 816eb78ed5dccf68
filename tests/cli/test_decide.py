from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from c2b import clock
from c2b.audit import queries as audit_log
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome
from tests.cli.shell import Shell
from tests.production import shop


@pytest.fixture
def shell(sqlite_database: Database, tmp_path: Path) -> Shell:
    with sqlite_database.transaction() as session:
        campaign = shop.settling(session, ordering_closes=clock.now() - timedelta(hours=1))
        for code, units in (("K1", 12), ("K2", 3)):
            shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code, pack=5)), units))
    return Shell(tmp_path, sqlite_database)


def state(database: Database) -> CampaignState:
    with database.reading() as session:
        return session.scalars(select(Campaign.state)).one()


def test_a_dry_run_prints_the_figures_and_changes_nothing(shell: Shell, sqlite_database: Database) -> None:
    printed = shell.does("decide", "ss27", "--dry-run")
    assert printed.splitlines()[-1] == "Deciding now makes 1 products, 15 pieces, 1 production orders; 1 payments get ¥60.00 back"
    assert printed.splitlines()[0].split() == ["reached", "K1", "12", "of", "10,", "3", "extra"]
    assert state(sqlite_database) == CampaignState.SETTLING


def test_the_decision_does_what_the_dry_run_said(shell: Shell, sqlite_database: Database) -> None:
    dry = shell.reads("decide", "ss27", "--dry-run")
    assert shell.reads("decide", "ss27") == dry
    assert state(sqlite_database) == CampaignState.DECIDED
    assert {key: dry[key] for key in ("production_orders", "pieces", "refunds", "refund_amount", "currency")} == {
        "production_orders": 1,
        "pieces": 15,
        "refunds": 1,
        "refund_amount": 6000,
        "currency": "CNY",
    }
    assert [(one["code"], one["units"], one["minimum"], one["outcome"]) for one in dry["products"]] == [
        ("K1", 12, 10, "reached"),
        ("K2", 3, 10, "missed"),
    ]


def test_deciding_twice_prints_the_stored_result(shell: Shell, sqlite_database: Database) -> None:
    assert shell.does("decide", "ss27") == shell.does("decide", "ss27")
    with sqlite_database.reading() as session:
        (entry,) = audit_log.entries(session)
        assert entry.actor.startswith("cli:")


def test_what_is_refused_is_one_line_and_nothing_is_decided(shell: Shell, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.ORDERING))
    assert "ordering has closed" in shell.refuses("decide", "ss27")
    with sqlite_database.reading() as session:
        assert set(session.scalars(select(OrderLine.outcome))) == {Outcome.OPEN}


def test_an_unknown_campaign_is_named(shell: Shell) -> None:
    assert "aw99" in shell.refuses("decide", "aw99")


def test_the_audit_is_silent_when_all_promises_hold(shell: Shell) -> None:
    shell.does("decide", "ss27")
    assert shell.does("audit") == "All promises hold.\n"
    assert shell.reads("audit") == {"ok": True, "findings": []}


def test_the_audit_lists_what_is_broken_and_exits_1(shell: Shell, sqlite_database: Database) -> None:
    shell.does("decide", "ss27")
    with sqlite_database.transaction() as session:
        session.execute(update(OrderLine).values(units=OrderLine.units + 1))
    result = shell.run("audit")
    assert result.exit_code == 1
    assert "production.units: K1: ordered of factories less allocated to customers is -1, not 0" in result.stdout
    assert '"ok": false' in shell.run("audit", "--json").stdout
