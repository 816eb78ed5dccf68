"""From the decision to the customer's door, told in a browser: other numbers tried, a delivery that is too small, parcels that leave."""

import csv
import io
import re
from pathlib import Path

from playwright.sync_api import Browser

from c2b.people.rules import Role
from tests.stories.customers import Customer
from tests.stories.people import leaving
from tests.stories.test_finances_money import Clerk
from tests.stories.timed import BALANCE, DECIDED, TimedShop


class Sourcing(Clerk):
    """Whoever speaks with the factory."""

    def sends_the_order(self) -> None:
        self.opens("/admin/ss27/production")
        self.page.get_by_role("link", name=re.compile("^ss27")).first.click()
        for step in ("Enter: Approved", "Enter: Sent"):
            self.presses(step)
            self.page.wait_for_load_state()

    def enters_a_delivery(self, pieces: int) -> None:
        self.page.get_by_label(re.compile("Grade A$")).first.fill(str(pieces))
        self.presses("Enter the delivery")
        self.reads("If it was a mistake")

    def shares_it_out(self, reason: str) -> None:
        self.follows("Who gets goods?")
        self.reads("by the time of the deposit")
        self.writes(Reason=reason)
        self.presses("Give back")
        self.reads("everything paid for them goes back")


def test_sourcing_tries_two_scenarios_and_decides_by_the_rules(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", "K2", minimum=3)
    timed.has_sold("K1", 3)
    timed.has_sold("K2", 2)
    timed.later(DECIDED)
    sourcing = Sourcing(timed, browser, Role.OWNER)
    with leaving(sourcing):
        sourcing.opens("/admin/ss27/decision")
        sourcing.follows("What if")
        for percent, products in (("60", "2"), ("120", "0")):
            sourcing.writes(Minimums=percent)
            sourcing.presses("Try it")
            sourcing.page.wait_for_url(f"**minimum={percent}**")
            assert sourcing.page.locator("dl.kpi dd").first.inner_text().split()[0] == products
        sourcing.photographs("what-if")
        sourcing.follows("Back to the decision")
        sourcing.reads("Deciding now makes")
        sourcing.page.get_by_label(re.compile("Type the campaign")).fill("ss27")
        sourcing.presses("Decide: make 1 products, return 1 payments")
        sourcing.reads("Decided. Refunds are queued")
    timed.has_nothing_amiss()


def test_a_size_that_misses_its_own_minimum_becomes_the_second_choice(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", minimum=3)
    timed.needs("K1", size="M", units=10)
    timed.has_sold("K1", 2)
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.opens("/c/ss27/p/K1")
        anna.reads("With a minimum of their own: M 10")
        anna.buys("K1", size="M")
        anna.reads("M is made from 10 pieces on")
        anna.photographs("second-choice")
        anna.page.get_by_label(re.compile("Second choice")).select_option(label="L")
        anna.presses("Save the second choice")
        anna.reads("Second choice: L")
        timed.later(DECIDED)
        sourcing = Sourcing(timed, browser, Role.OWNER)
        with leaving(sourcing):
            sourcing.opens("/admin/ss27/decision?all=yes")
            sourcing.reads("1 as second choice")
            sourcing.photographs("decision-second-choice")
        timed.decides()
        anna.opens(f"/me/orders/{timed.payments()[-1].payer}")
        anna.reads("Your second choice: M, which you ordered, missed a minimum of its own.")
        anna.photographs("second-choice-made")
        assert "second choice" in anna.subjects()
    timed.has_nothing_amiss()


def test_a_short_delivery_goes_to_the_earliest_and_the_last_one_gets_everything_back(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1")
    timed.has_sold("K1", 2)
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.buys("K1", size="S")
        timed.decides()
        owner = Sourcing(timed, browser, Role.OWNER)
        with leaving(owner):
            owner.sends_the_order()
            owner.enters_a_delivery(2)
            owner.reads("Customers still wait for 1 pieces")
            owner.photographs("production-order")
            owner.shares_it_out("The mill ran out of yarn")
        timed.works()
        anna.opens(f"/me/orders/{timed.payments()[-1].payer}")
        anna.reads("The mill ran out of yarn")
        anna.photographs("undelivered")
        assert "deliver" in anna.subjects()
    timed.has_nothing_amiss()


def test_the_warehouse_packs_and_the_customer_knows_the_number(timed: TimedShop, browser: Browser, tmp_path: Path) -> None:
    timed.sells("K1")
    anna = Customer(timed, browser)
    with leaving(anna):
        anna.buys("K1")
        timed.decides()
        timed.later(BALANCE)
        anna.comes_back()
        anna.says_where_it_goes()
        anna.begins_to_pay("balance")
        anna.approves()
        finance = Sourcing(timed, browser, Role.OWNER)
        with leaving(finance):
            packed = fill_in(export(finance, tmp_path), "DHL", "00340434161094")
            finance.opens("/admin/ss27/shipping")
            finance.reads("Orders that wait")
            finance.page.locator("#file").set_input_files({"name": "parcels.csv", "mimeType": "text/csv", "buffer": packed})
            finance.presses("Take it in")
            finance.reads("1 new parcel")
            finance.photographs("shipping")
        timed.works()
        anna.comes_back()
        anna.reads("00340434161094")
        anna.photographs("parcel")
        assert "on its way" in anna.subjects()
    timed.has_nothing_amiss()


STORES = b"code,name,city,latitude,longitude,hours\nHZ1,Lakeside,Hangzhou,30.2556,120.1638,10-22\nSH1,Harbour,Shanghai,31.2285,121.4547,\n"


def test_a_customer_collects_in_the_nearest_store_where_the_assistant_hands_it_over(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", shipping=1200)
    anna, owner = Customer(timed, browser), Sourcing(timed, browser, Role.OWNER)
    with leaving(anna), leaving(owner):
        owner.opens("/admin/stores")
        owner.page.locator("#file").set_input_files({"name": "stores.csv", "mimeType": "text/csv", "buffer": STORES})
        owner.presses("Take it in")
        owner.reads("2 new, 0 changed")
        anna.buys("K1")
        timed.decides()
        timed.later(BALANCE)
        anna.comes_back()
        anna.page.get_by_role("link", name="Collect it in a store instead").click()
        anna.page.get_by_label("City or street").fill("Shanghai")
        anna.presses("Show the nearest")
        anna.page.wait_for_url("**near=Shanghai**")
        anna.photographs("stores")
        anna.page.get_by_role("radio").first.check()
        anna.presses("Collect it there")
        anna.reads("You collect it in Harbour")
        anna.begins_to_pay("balance")
        anna.approves()
        assistant = Clerk(timed, browser, Role.ASSISTANT)
        with leaving(assistant):
            assistant.opens("/admin/ss27/pickups")
            assistant.photographs("pickups")
            assistant.presses("It has arrived")
            assistant.reads("1 order line is ready to be collected.")
            timed.works()
            assert "ready in Harbour" in anna.subjects()
            anna.comes_back()
            anna.reads("Your pickup code")
            anna.photographs("pickup-code")
            code = anna.page.locator("#to ~ .qrl .mono").inner_text()
            assistant.opens("/admin/hand-out")
            assistant.page.get_by_label("Pickup code", exact=True).fill(code)
            assistant.presses("Look it up")
            assistant.photographs("hand-out")
            assistant.presses("1 piece is handed out")
            assistant.reads("1 product is handed out.")
        anna.comes_back()
        anna.sees_each_line("Handed over")
    timed.has_nothing_amiss()


def export(clerk: Clerk, folder: Path) -> str:
    """Take the export of shipments as a file, as the warehouse does."""
    clerk.opens("/admin/ss27/exports")
    with clerk.page.expect_download() as download:
        clerk.page.locator("form[action$='/exports/shipments']").get_by_role("button").first.click()
    path = folder / "shipments.csv"
    download.value.save_as(path)
    return path.read_text(encoding="utf-8-sig")


def fill_in(text: str, carrier: str, number: str) -> bytes:
    """Write carrier and number into every row."""
    rows = list(csv.DictReader(io.StringIO(text)))
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | {"carrier": carrier, "number": number} for row in rows)
    return out.getvalue().encode()
