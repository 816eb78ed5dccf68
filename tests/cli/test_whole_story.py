"""One campaign from its file to the factories and back to the wallets, by the command line; only the customers come in by the door."""

import csv
from pathlib import Path

import pytest
from sqlalchemy import select

from c2b import clock
from c2b.campaigns.models import Variant
from c2b.db import Database
from c2b.deposits.actions import place_order
from c2b.deposits.pay import check, pay
from c2b.payments import gateways
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Payment
from c2b.settings import Settings
from tests import books, make
from tests.cli.shell import Shell

CAMPAIGN = """
slug = "aw97"
title = "2097 秋冬"
title_en = "Autumn/Winter 2097"
currency = "CNY"
time_zone = "Asia/Shanghai"
legal_profile = "CN_DINGJIN"
[voting]
opens = 2097-03-01T10:00:00
closes = 2097-03-14T22:00:00
votes_each = 2
places = 2
[ordering]
opens = 2097-03-17T10:00:00
closes = 2097-03-30T22:00:00
deposit_percent = 20
minimum = 5
settle_hours = 0
[balance]
opens = 2097-04-05T10:00:00
due = 2097-04-20T22:00:00
"""
CANDIDATES = """code,name,name_en,category,price,option1_name,option1_value,sku
K1,羊毛大衣,Wool coat,大衣,1299.00,尺码,S,K1-S
K1,羊毛大衣,Wool coat,大衣,1299.00,尺码,M,K1-M
K2,开衫,Cardigan,针织,399.00,尺码,S,K2-S
K3,围巾,Scarf,配饰,99.00,尺码,F,K3-F
"""
BALLOTS = "voter,votes\nv1,K1 K2\nv2,K1 K2\nv3,K1 K3\n"
SUPPLIERS = "code,name,lead_days\nTX2,桐乡织造二厂,30\n"
OFFERS = """code,price,tier2_units,tier2_price,minimum,pack,supplier,unit_cost,option1_name,option1_value,sku
K1,1299.00,6,1199.00,5,4,TX2,520.00,尺码,S,K1-S
K1,1299.00,6,1199.00,5,4,TX2,520.00,尺码,M,K1-M
K2,399.00,,,5,,TX2,160.00,尺码,S,K2-S
"""


class Campaign:
    """The people around one campaign: somebody at the keyboard, and customers who order and pay."""

    def __init__(self, shell: Shell, database: Database) -> None:
        self.shell, self.database = shell, database
        self.gateways = gateways.build(Settings(data=shell.folder), database)

    def file(self, name: str, text: str) -> Path:
        """Save a file as a merchant would."""
        path = self.shell.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def opens_for_orders(self) -> None:
        """Lead the campaign from its file to its pre-orders."""
        does = self.shell.does
        does("campaign", "create", self.file("campaign.toml", CAMPAIGN))
        does("candidates", "import", "aw97", self.file("candidates.csv", CANDIDATES))
        does("ballots", "import", "aw97", self.file("ballots.csv", BALLOTS))
        does("campaign", "advance", "aw97", "voting")
        does("campaign", "advance", "aw97", "tally")
        does("select", "aw97")
        does("suppliers", "import", self.file("suppliers.csv", SUPPLIERS))
        does("candidates", "import", "aw97", self.file("offers.csv", OFFERS))
        does("campaign", "advance", "aw97", "ordering")

    def orders(self, email: str, **units: int) -> str:
        """Let a customer order variants by SKU, pay all deposits, and come back to the shop; returns the order's reference."""
        now = clock.now()
        with self.database.transaction() as session:
            customer = make.person(session, locale="en")
            make.address(session, customer, email)
            wanted = {sku.replace("_", "-"): count for sku, count in units.items()}
            lines = [(one.id, wanted[one.sku]) for one in session.scalars(select(Variant)) if one.sku in wanted]
            ref = place_order(
                session, slug="aw97", person_id=customer.id, lines=lines, address=None, idempotency_key=books.key(), locale="en", now=now
            )
        pay(self.database, self.gateways, order_ref=ref, person_id=customer.id, gateway="sandbox", now=now)
        with self.database.reading() as session:
            key = session.scalars(select(Payment.key).where(Payment.payer == ref)).one()
        sandbox = self.gateways["sandbox"]
        assert isinstance(sandbox, Sandbox)
        sandbox.approve(key)
        check(self.database, self.gateways, key=key, now=clock.now())
        return ref


@pytest.fixture
def campaign(database: Database, tmp_path: Path) -> Campaign:
    return Campaign(Shell(tmp_path, database), database)


def test_one_campaign_from_its_file_to_the_factories_and_back_to_the_wallets(campaign: Campaign) -> None:
    shell = campaign.shell
    campaign.opens_for_orders()
    campaign.orders("anna@example.com", K1_S=4, K2_S=1)
    campaign.orders("bo@example.com", K1_M=3)
    shell.does("campaign", "advance", "aw97", "settling")

    dry = shell.reads("decide", "aw97", "--dry-run")
    decided = shell.reads("decide", "aw97")
    assert decided == dry
    assert [(one["code"], one["units"], one["outcome"], one["tier"]) for one in decided["products"]] == [
        ("K1", 7, "reached", 2),
        ("K2", 1, "missed", 1),
    ]
    assert (decided["production_orders"], decided["pieces"], decided["refunds"], decided["refund_amount"]) == (1, 8, 1, 7980)

    assert "refunds sent: 1" in shell.does("work", "--once").splitlines()
    shell.does("work", "--once")
    assert shell.does("audit") == "All promises hold.\n"
    mails = "\n".join(path.read_text() for path in (shell.folder / "outbox").iterdir())
    assert mails.count("To: anna@example.com") == 4  # paid, confirmed, missed, refunded
    assert mails.count("To: bo@example.com") == 2  # paid, confirmed


def test_what_factories_are_asked_for_is_what_customers_get_and_the_extra_that_fills_packs(campaign: Campaign) -> None:
    campaign.opens_for_orders()
    campaign.orders("anna@example.com", K1_S=4)
    campaign.orders("bo@example.com", K1_M=3)
    campaign.shell.does("campaign", "advance", "aw97", "settling")
    campaign.shell.does("decide", "aw97")
    target = campaign.shell.folder / "production.csv"
    campaign.shell.does("export", "aw97", "production-orders", "--format", "csv", "-o", target)
    rows = list(csv.DictReader(target.read_text("utf-8-sig").splitlines()))
    assert [(row["sku"], row["units_ordered"], row["units_extra"], row["units_total"]) for row in rows] == [
        ("K1-S", "4", "0", "4"),
        ("K1-M", "3", "1", "4"),
    ]
    assert {(row["supplier_code"], row["production_order"]) for row in rows} == {("TX2", "aw97-01")}


def test_the_way_leads_through_selection_and_decision_and_past_neither(campaign: Campaign) -> None:
    shell = campaign.shell
    shell.does("campaign", "create", campaign.file("campaign.toml", CAMPAIGN))
    shell.does("candidates", "import", "aw97", campaign.file("candidates.csv", CANDIDATES))
    assert "selection" in shell.refuses("campaign", "advance", "aw97", "ordering")
    assert "pre-orders" in shell.refuses("decide", "aw97", "--dry-run")
    shell.refuses("decide", "aw97")


def test_a_cancelled_campaign_returns_everything_and_is_never_decided(campaign: Campaign) -> None:
    shell = campaign.shell
    campaign.opens_for_orders()
    campaign.orders("anna@example.com", K1_S=6)
    shell.does("campaign", "advance", "aw97", "cancelled", "--reason", "The mill burnt down")
    assert "cancelled" in shell.refuses("decide", "aw97")
    assert "refunds sent: 1" in shell.does("work", "--once").splitlines()
    assert shell.does("audit") == "All promises hold.\n"
