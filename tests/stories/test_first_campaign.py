"""A merchant begins with nothing but an account: rules, candidates, what is missing, and a vote that customers see."""

import re

import pytest
from playwright.sync_api import Browser, expect

from tests.stories.people import DESK, PHONE, Merchant, Voter, leaving
from tests.stories.shop import Shop

SLUG = "first"
HEADER = "code,name,name_en,category,category_en,price_from,price_to,option1_name,option1_value,sku,minimum,option1_swatch,weight_g\n"
GOOD = HEADER + "".join(
    f"K{number},第{number}款,Design {number},针织,Knits,{200 + number},{260 + number},尺码,M,K{number}-M,50,#1f3a5f,300\n"
    for number in range(1, 25)
)
WRONG = {
    2: ("K1,", ",", "code"),
    3: ("第2款", "", "name"),
    4: ("203", "cheap", "price_from"),
    5: ("264", "1", "price_to"),
    7: ("K6-M", "K5-M", "sku"),
    8: ("K7,", "K 7,", "code"),
    9: ("50", "fifty", "minimum"),
    10: ("#1f3a5f", "blue", "option1_swatch"),
    11: ("300", "heavy", "weight_g"),
    12: ("211", "-5", "price_from"),
    13: ("212", "212.999", "price_from"),
    14: ("50", "0", "minimum"),
}
"""Twelve faults by the row that a spreadsheet shows: what stood there, what stands there now, the column that the report names."""


def faulty() -> str:
    lines = GOOD.splitlines()
    for row, (before, after, _column) in WRONG.items():
        lines[row - 1] = lines[row - 1].replace(before, after, 1)
    return "\n".join(lines) + "\n"


class Beginner(Merchant):
    """Somebody who has never used it."""

    def makes_the_campaign(self) -> None:
        self.opens("/admin/")
        self.reads("No campaign yet")
        self.photographs("first-nothing")
        self.page.get_by_role("link", name="New campaign").click()
        self.page.wait_for_url("**/admin/new")
        self.photographs("first-rules")
        for label, text in (("Title in Chinese", "第一季"), ("Title in English", "First season"), ("Web address", SLUG), ("Places", "12")):
            self.page.get_by_label(label, exact=True).fill(text)
        self.presses("Make the draft")
        self.page.wait_for_url(f"**/admin/{SLUG}/")

    def brings(self, text: str) -> None:
        self.opens(f"/admin/{SLUG}/import")
        self.page.locator("input[type=file]").first.set_input_files(self.shop.file("catalogue.csv", text))
        self.presses("Upload and check")
        self.page.wait_for_url(f"**/admin/{SLUG}/import/**")

    def rows(self) -> dict[int, str]:
        """Return the rows and columns that the report names."""
        shown = self.page.locator("tr.err-row")
        return {int(row.locator("th").inner_text()): row.locator("td").first.inner_text() for row in shown.all()}


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
def test_from_an_empty_database_to_an_open_vote(shop: Shop, browser: Browser, size: tuple[int, int]) -> None:
    merchant = Beginner(shop, browser, "mo@example.com", slug=SLUG)
    merchant.page.set_viewport_size({"width": size[0], "height": size[1]})
    anna = Voter(shop, browser, "anna@example.com", slug=SLUG)
    with leaving(merchant, anna):
        merchant.sets_the_account_up("a sentence is easy to remember")
        merchant.makes_the_campaign()
        merchant.reads("It has no candidates")
        merchant.page.get_by_role("link", name=re.compile("Go there It has no candidates")).click()
        merchant.brings(GOOD)
        merchant.reads("No problem was found.")
        merchant.presses("Import")
        merchant.opens(f"/admin/{SLUG}/")
        expect(merchant.page.get_by_text("Missing", exact=True)).to_have_count(0)
        merchant.photographs("first-ready")
        merchant.presses("Schedule it")
        merchant.presses("Open voting now")
        merchant.reads("The campaign is now: Voting is open")
        anna.votes_for("K3")
        anna.sees_votes_left(14)


def test_a_file_with_twelve_faults_becomes_a_clean_import(shop: Shop, browser: Browser) -> None:
    merchant = Beginner(shop, browser, "mo@example.com", slug=SLUG)
    with leaving(merchant):
        merchant.sets_the_account_up("a sentence is easy to remember")
        merchant.makes_the_campaign()
        merchant.brings(faulty())
        merchant.reads(f"{len(WRONG)} problems")
        assert merchant.rows() == {row: column for row, (_before, _after, column) in WRONG.items()}
        merchant.photographs("twelve-faults")
        assert shop.json("campaign", "show", SLUG)["candidates"] == 0
        merchant.brings(GOOD)
        merchant.presses("Import")
        merchant.page.wait_for_load_state()
    assert shop.json("campaign", "show", SLUG)["candidates"] == 24
