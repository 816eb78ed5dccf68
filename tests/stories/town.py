"""The demo's shop with every state that a page can show, and three people who have been around in it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from c2b import clock
from c2b.demo.shop import PASSWORD
from c2b.messages import refusing
from c2b.production import withdrawing
from c2b.settings import Settings
from tests.cli.shell import Shell
from tests.stories.demo import demo_shop

GATEWAYS = {"C2B_GATEWAYS": "sandbox,manual", "C2B_MANUAL_ACCOUNT": "6222 0000 1111 2222"}
CUSTOMER, OWNER = "guest0001@example.com", "owner@example.com"
CAMPAIGN = """
slug = "{slug}"
title = "早春胶囊"
title_en = "Early spring capsule"
currency = "CNY"
time_zone = "Asia/Shanghai"
legal_profile = "CN_DINGJIN"
voting = {{opens = 2040-03-01T10:00:00, closes = 2040-03-14T22:00:00, votes_each = 3, places = 2}}
ordering = {{opens = 2040-03-17T10:00:00, closes = 2040-03-30T22:00:00, deposit_percent = 20, minimum = 2}}
balance = {{opens = 2040-04-05T10:00:00, due = 2040-04-20T22:00:00}}
delivery = {{expected = 2040-06-05, countries = ["CN"]}}
"""
CANDIDATES = """code,name,name_en,category,category_en,price_from,price_to,option1_name,option1_name_en,option1_value,sku
K1,盐田条纹衬衫,Salt-field stripe shirt,衬衫,Shirts,229,289,尺码,Size,S,K1-S
K2,星渡吊带裙,Star-crossing slip dress,连衣裙,Dresses,319,399,尺码,Size,M,K2-M
K3,垛田束腰风衣,Haystack belted coat,外套,Coats,529,649,尺码,Size,M,K3-M
"""
_PATIENCE = 30_000.0
REASON = "The mill burned down"


class Town:
    """The shop, and the browsers of a guest with a full ballot, a customer with orders, and the owner."""

    def __init__(self, folder: Path, browser: Browser, *, candidates: int) -> None:
        self.shop = demo_shop(folder, candidates)
        self.shop.environment |= {"C2B_DEMO": "true"} | GATEWAYS
        self._shell = Shell(self.shop.data)
        self._browser = browser
        self.facts: dict[str, str] = {}
        self.people: dict[str, BrowserContext] = {}

    def open(self) -> None:
        """Fill the shop, open it, and let people do what leads to the rarer pages."""
        for slug, states in {"draft": (), "soon": ("scheduled",), "stopped": ("voting", "paused"), "over": ("voting", "cancelled")}.items():
            self._campaign(slug, *states)
        self.shop.open()
        for person in ("guest", "customer", "owner"):
            self.people[person] = self._browser.new_context(base_url=self.shop.url, locale="en-GB", reduced_motion="reduce")
            self.people[person].set_default_timeout(_PATIENCE)
        self._guest(self.people["guest"].new_page())
        self._customer(self.people["customer"].new_page())
        self._owner(self.people["owner"].new_page())

    def _campaign(self, slug: str, *states: str) -> None:
        self._shell.does("campaign", "create", self.shop.file(f"{slug}.toml", CAMPAIGN.format(slug=slug)))
        self._shell.does("candidates", "import", slug, self.shop.file("candidates.csv", CANDIDATES))
        for state in states:
            self._shell.does("campaign", "advance", slug, state, *(("--reason", REASON) if state in {"paused", "cancelled"} else ()))

    @staticmethod
    def _vote(page: Page, times: int) -> None:
        page.goto("/c/autumn/")
        for number in range(times):
            page.get_by_role("button", name=re.compile("^Vote ")).first.click()
            expect(page.locator(".it.on")).to_have_count(number + 1, timeout=_PATIENCE)

    @staticmethod
    def _ask_for_a_code(page: Page, address: str) -> str:
        page.goto("/sign-in")
        page.get_by_label("E-mail address").fill(address)
        page.get_by_role("button", name="Send the code").click()
        found = re.search(r"\b\d{6}\b", page.locator(".note").inner_text())
        assert found
        return found.group()

    def _guest(self, page: Page) -> None:
        """Use all votes, and ask for a code without typing it in."""
        self._vote(page, 15)
        self._ask_for_a_code(page, "new@example.com")
        self.facts["autumn"] = self._last(page, "/c/autumn/", r"/c/autumn/p/(\w+)")

    def _customer(self, page: Page) -> None:
        """Bring more picks than votes along, and stop half-way through a payment."""
        self._vote(page, 15)
        code = self._ask_for_a_code(page, CUSTOMER)
        page.get_by_label("Code").fill(code)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url(re.compile("/c/autumn/choose"))
        page.goto("/me/addresses?kind=phone")
        page.get_by_label("Telephone number").fill("138 0013 8000")
        page.get_by_role("button", name="Send the code").click()
        page.wait_for_url("**/me/addresses/code")
        self.facts["summer"] = self._last(page, "/c/summer/", r"add=(\w+)")
        self.facts["spring"] = self._last(page, "/c/spring/", r"/c/spring/p/(\w+)")
        self.facts["order"] = self._last(page, "/me", r"/me/orders/([\w-]+)")
        self.facts["payment"] = self._begins_to_pay(page, "Test payment", "**/sandbox/pay/**")
        self.facts["transfer"] = self._begins_to_pay(page, "Bank transfer or cash", "**/manual/pay/**")

    def _begins_to_pay(self, page: Page, gateway: str, where: str) -> str:
        """Order a summer product and go to where it is paid; returns the payment's key."""
        page.goto(f"/c/summer/order?add={self.facts['summer']}")
        for group in page.locator(f"li.bk:has(input[value={self.facts['summer']}]) fieldset").all():
            group.locator("label").first.click()
        page.get_by_text(gateway).click()
        page.get_by_role("button", name=re.compile("^Pay .*deposit$")).click()
        page.wait_for_url(where)
        return page.url.partition("?")[0].rpartition("/")[2]

    def _owner(self, page: Page) -> None:
        """Sign in, upload a file that isn't right, and invite a colleague."""
        page.goto("/admin/sign-in")
        page.get_by_label("E-mail address").fill(OWNER)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/admin/")
        page.goto("/admin/autumn/trust")
        page.get_by_role("button", name="Show counts").click()
        page.goto("/admin/draft/import")
        page.locator("input[type=file]").first.set_input_files(self.shop.file("wrong.csv", CANDIDATES.replace("229", "cheap")))
        page.get_by_role("button", name=re.compile("Check|Upload")).first.click()
        page.wait_for_url("**/admin/draft/import/**")
        self.facts["upload"] = page.url.rpartition("/")[2]
        self.facts["number"] = self._last(page, "/admin/spring/production", r"/admin/spring/production/((?!delay)[\w-]+)")
        self.facts["staff_order"] = self._last(page, "/admin/spring/orders", r"/admin/spring/orders/([\w-]+)")
        link = self._shell.does("staff", "add", "new@example.com", "--role", "support")
        self.facts["token"] = link.strip().rpartition("/")[2]
        key = Settings(data=self.shop.data).with_local_secret().secret_key.get_secret_value()
        self.facts["news"] = refusing.token(key, "a-reader")
        self.facts["withdraw"] = withdrawing.token(key, self.facts["order"], clock.now())

    @staticmethod
    def _last(page: Page, path: str, pattern: str) -> str:
        page.goto(path)
        found = re.findall(pattern, page.content())
        assert found, f"{path} has no link like {pattern}"
        return str(found[-1])

    def close(self) -> None:
        """Close the browsers and the shop."""
        for person in self.people.values():
            person.close()
        self.shop.close()


@contextmanager
def opened(folder: Path, browser: Browser, *, candidates: int = 60) -> Iterator[Town]:
    """Open a town in an empty folder."""
    town = Town(folder, browser, candidates=candidates)
    try:
        town.open()
        yield town
    finally:
        town.close()
