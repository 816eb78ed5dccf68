"""The whole job, told once: candidates, votes, selection, deposits, decision, production orders, refunds, exports."""

import csv
import io
import subprocess
import sys
from pathlib import Path

import pytest
from openpyxl import load_workbook
from pabulib.checker import Checker
from playwright.sync_api import Browser

from tests.stories.people import Merchant, Voter, leaving
from tests.stories.shop import Shop

SLUG = "inman"
CAMPAIGN = """
slug = "inman"
title = "2030 春夏"
title_en = "Spring/Summer 2030"
currency = "CNY"
time_zone = "Asia/Shanghai"
legal_profile = "CN_DINGJIN"

[voting]
opens = 2030-03-01T10:00:00
closes = 2030-03-14T22:00:00
votes_each = 3
places = 2

[ordering]
opens = 2030-03-17T10:00:00
closes = 2030-03-30T22:00:00
deposit_percent = 20
minimum = 2

[balance]
opens = 2030-04-05T10:00:00
due = 2030-04-20T22:00:00

[delivery]
expected = 2030-06-05
countries = ["CN"]
"""
CANDIDATES = """code,name,name_en,category,category_en,price_from,price_to,option1_name,option1_name_en,option1_value,sku
K1,盐田条纹衬衫,Salt-field stripe shirt,衬衫,Shirts,229,289,尺码,Size,S,K1-S
K1,盐田条纹衬衫,Salt-field stripe shirt,衬衫,Shirts,229,289,尺码,Size,M,K1-M
K2,"=HYPERLINK(""x"")",Star-crossing slip dress,连衣裙,Dresses,319,399,尺码,Size,M,K2-M
K3,垛田束腰风衣,Haystack belted coat,外套,Coats,529,649,尺码,Size,M,K3-M
K4,炉边绞花针织,Hearth cable knit,针织,Knits,269,339,尺码,Size,M,K4-M
"""
OFFERS = """code,name,option1_name,option1_value,sku,price,tier2_units,tier2_price,minimum,supplier,unit_cost
K1,盐田条纹衬衫,尺码,S,K1-S,250.00,3,230.00,2,TX2,90.00
K1,盐田条纹衬衫,尺码,M,K1-M,250.00,3,230.00,2,TX2,90.00
K2,"=HYPERLINK(""x"")",尺码,M,K2-M,350.00,,,50,TX2,120.00
"""
SUPPLIERS = "code,name,contact,phone,capacity_units,lead_days\nTX2,桐乡织造二厂,,,5000,30\n"
# Three voters that were asked on paper; with the two on the pages K1 and K2 win.
PAPER = "voter,votes\np1,K1 K2\np2,K1 K2\np3,K1 K3\n"


@pytest.fixture
def prepared(shop: Shop) -> Shop:
    """Given a merchant with a campaign that takes votes."""
    shop.c2b("suppliers", "import", shop.file("suppliers.csv", SUPPLIERS))
    shop.c2b("campaign", "create", shop.file("inman.toml", CAMPAIGN))
    shop.c2b("candidates", "import", SLUG, shop.file("candidates.csv", CANDIDATES))
    shop.c2b("campaign", "advance", SLUG, "voting")
    shop.c2b("ballots", "import", SLUG, shop.file("paper.csv", PAPER))
    return shop


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))


def exported(shop: Shop, kind: str) -> list[dict[str, str]]:
    return rows(shop.c2b("export", SLUG, kind, "--format", "csv", "-o", "-"))


def test_what_sells_enough_is_made_and_everybody_else_gets_the_money_back(prepared: Shop, browser: Browser) -> None:
    anna = Voter(prepared, browser, "anna@example.com", slug=SLUG)
    ben = Voter(prepared, browser, "ben@example.com", slug=SLUG, javascript=False)
    merchant = Merchant(prepared, browser, "mo@example.com", slug=SLUG)
    with leaving(anna, ben, merchant):
        people_vote(anna, ben)
        the_merchant_selects(merchant)
        people_order(anna, ben)
        the_merchant_decides(merchant)
        people_see_what_became_of_it(anna, ben)
    the_exports_add_up(prepared)
    assert prepared.json("audit") == {"ok": True, "findings": []}


def people_vote(anna: Voter, ben: Voter) -> None:
    anna.votes_for("K1")
    anna.votes_for("K3")
    anna.takes_back("K3")  # she changes her mind
    anna.votes_for("K2")
    anna.sees_votes_left(1)
    anna.signs_in()
    anna.sees_votes_left(1)
    ben.signs_in()
    ben.votes_for("K2")
    ben.sees_votes_left(2)


def the_merchant_selects(merchant: Merchant) -> None:
    merchant.sets_the_account_up("a sentence is easy to remember")
    merchant.moves_on_to("tally")
    merchant.opens(f"/admin/{SLUG}/selection")
    merchant.presses("Show counts")  # until they are published each look is logged
    merchant.confirms("selection", "Select and publish")
    merchant.reads("The result is public")
    shop = merchant.shop
    result = shop.json("select", SLUG)
    assert {line["code"]: (line["votes"], line["result"]) for line in result["lines"]} == {
        "K1": (4, "selected"),
        "K2": (4, "selected"),
        "K3": (1, "not_selected"),
        "K4": (0, "not_selected"),
    }
    shop.c2b("candidates", "import", SLUG, shop.file("offers.csv", OFFERS))
    merchant.moves_on_to("ordering")


def people_order(anna: Voter, ben: Voter) -> None:
    anna.orders({"K1": ("M", 3), "K2": ("M", 1)})  # 3 x 46.00 of the shirt's lowest price, 70.00 of the dress
    anna.approves_the_payment()
    anna.reads("¥208.00")
    ben.orders({"K2": ("M", 2)})
    ben.approves_the_payment()
    ben.reads("¥140.00")


def the_merchant_decides(merchant: Merchant) -> None:
    merchant.moves_on_to("settling")
    dry = merchant.shop.json("decide", SLUG, "--dry-run")
    assert (dry["pieces"], dry["production_orders"], dry["refunds"], dry["refund_amount"]) == (3, 1, 2, 21000)
    merchant.confirms("decision", "Decide: make 1 products, return 2 payments")
    merchant.reads("These are the stored figures")
    assert merchant.shop.json("decide", SLUG) == dry
    merchant.shop.wait_until(lambda: all(row["state"] == "settled" for row in exported(merchant.shop, "refunds")), "refunds settle")


def people_see_what_became_of_it(anna: Voter, ben: Voter) -> None:
    for customer, refunded in ((anna, "¥70.00"), (ben, "¥140.00")):
        customer.opens("/me")
        customer.page.get_by_role("link", name="See").first.click()
        customer.reads(refunded)
    anna.reads("¥230.00")  # the second tier was reached: the final price is below the promise


def the_exports_add_up(shop: Shop) -> None:
    captured = {(row["candidate_code"], row["outcome"]): int(row["units"]) for row in exported(shop, "deposits")}
    made = {(row["candidate_code"], int(row["units_total"])) for row in exported(shop, "production-orders")}
    assert made == {("K1", captured["K1", "allocated"])}
    assert {(row["candidate_code"], row["amount"]) for row in exported(shop, "refunds")} == {("K2", "70.00"), ("K2", "140.00")}
    books = shop.folder / "books.beancount"
    shop.c2b("export", SLUG, "ledger", "--format", "beancount", "-o", str(books))
    subprocess.run([Path(sys.executable).with_name("bean-check"), str(books)], check=True)
    votes = shop.folder / "votes.pb"
    shop.c2b("export", SLUG, "votes", "--format", "pb", "-o", str(votes))
    assert Checker().process_files([str(votes)])["metadata"]["invalid"] == 0
    sheet = shop.folder / "candidates.xlsx"
    shop.c2b("export", SLUG, "candidates", "--format", "xlsx", "-o", str(sheet))
    cells = [cell for line in load_workbook(sheet).worksheets[0].iter_rows() for cell in line]
    assert [(cell.data_type, cell.value) for cell in cells if "HYPERLINK" in str(cell.value)] == [("s", '=HYPERLINK("x")')]


def test_a_brand_in_trouble_cancels_and_everybody_gets_everything_back(prepared: Shop, browser: Browser) -> None:
    anna = Voter(prepared, browser, "anna@example.com", slug=SLUG)
    owner = Merchant(prepared, browser, "mo@example.com", slug=SLUG, role="owner")
    with leaving(anna, owner):
        anna.votes_for("K1")
        anna.signs_in()
        owner.moves_on_to("tally")
        prepared.c2b("select", SLUG)
        prepared.c2b("candidates", "import", SLUG, prepared.file("offers.csv", OFFERS))
        owner.moves_on_to("ordering")
        anna.orders({"K1": ("S", 1)})
        anna.approves_the_payment()
        owner.sets_the_account_up("a sentence is easy to remember")
        prepared.c2b("campaign", "advance", SLUG, "cancelled", "--reason", "The mill burned down")
        prepared.wait_until(lambda: [row for row in exported(prepared, "refunds") if row["state"] == "settled"], "the refund settles")
        anna.opens(f"/c/{SLUG}/")
        anna.reads("The mill burned down")
    assert [row["amount"] for row in exported(prepared, "refunds")] == ["46.00"]
    assert prepared.json("audit") == {"ok": True, "findings": []}
