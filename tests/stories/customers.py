"""A customer of the money stories: orders, pays, comes back, and may have two tabs open."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from playwright.sync_api import Browser, Page, expect

from tests.stories.people import Voter
from tests.stories.timed import SLUG, TimedShop


class Customer(Voter):
    """Somebody who is signed in and buys."""

    shop: TimedShop
    _other: Page

    def __init__(self, shop: TimedShop, browser: Browser, address: str = "anna@example.com") -> None:
        super().__init__(shop, browser, address, slug=SLUG)
        self.signs_in()

    def signs_in(self) -> None:
        """Sign in as the pages do, without looking at them: other stories do."""
        answer = self.sends("/sign-in", {"address": self.address, "kind": "email"}, next=self.gallery)
        self.sends(answer.url, {"code": self.shop.code_sent_to(self.address)})

    def adds(self, code: str, size: str = "M", pieces: int = 1) -> None:
        """Put a product into the basket."""
        self.opens(f"{self.gallery}order?add={code}")
        row = self.page.locator("li.bk").filter(has_text=code)
        row.locator("label").filter(has_text=re.compile(f"^{size}$")).click()
        row.get_by_label(re.compile("Pieces")).fill(str(pieces))

    def begins_to_pay(self, button: str = "deposit") -> None:
        """Press the red button and come to the gateway's page."""
        self.presses(button)
        self.page.wait_for_url("**/sandbox/pay/**")

    def approves(self) -> None:
        """Pay at the gateway, come back, and look whether it is there."""
        self.presses("付款")
        self.presses("Check now")
        self.page.wait_for_url("**/me/orders/**")

    def declines(self) -> None:
        """Let the bank say no, and come back to where that is said."""
        self.presses("拒绝")
        self.presses("Check now")
        self.reads("The payment did not go through")

    def goes_back_to_the_shop(self) -> None:
        """Leave the gateway's page without having decided."""
        self.page.get_by_role("link", name="Back to the shop").click()
        self.page.wait_for_url("**/pay/**")

    def opens_the_payment_page_again(self) -> None:
        """Go on paying from the page that waits for it."""
        self.page.get_by_role("link", name="Open the payment page again").click()
        self.page.wait_for_url("**/sandbox/pay/**")

    def says_where_it_goes(self) -> None:
        """Fill in the address that the balance asks for."""
        for label, text in (("Name", "Anna"), ("Telephone", "+8613800138000"), ("Address", "1 Silk Road, Hangzhou")):
            self.page.get_by_label(label, exact=True).fill(text)
        self.presses("Save the address")

    def buys(self, code: str, size: str = "M", pieces: int = 1) -> None:
        """Order one product and pay its deposit."""
        self.adds(code, size, pieces)
        self.begins_to_pay()
        self.approves()

    def comes_back(self) -> None:
        """Open the order again."""
        self.opens(f"/me/orders/{self.shop.payments()[0].payer}")

    def closes_the_tab(self) -> None:
        """Be gone in the middle of things; the browser keeps who they are."""
        self.page.close()
        self._begins_a_page()

    @contextmanager
    def in_a_second_tab(self) -> Iterator[None]:
        """Do something in a new tab of the same browser."""
        first = self.page
        self._begins_a_page()
        self._other = first
        yield
        self.page = first

    @contextmanager
    def in_the_first_tab(self) -> Iterator[None]:
        """Turn to the tab that was open before, and come back."""
        second, self.page = self.page, self._other
        yield
        self.page = second

    def is_offered_no_payment(self) -> None:
        """See that nothing on the page begins to pay."""
        roles: tuple[Literal["button", "link"], ...] = ("button", "link")
        for role in roles:
            expect(self.page.get_by_role(role, name=re.compile("^Pay "))).to_have_count(0)

    def sees_each_line(self, state: str, *, times: int = 1) -> None:
        """See so many lines of the order in a state."""
        expect(self.page.locator("li.ol .tag").filter(has_text=state)).to_have_count(times)

    def mails_about(self, word: str) -> list[str]:
        """Return the subjects of mails to them that name something, oldest first."""
        return [subject for subject in self.shop.subjects_to(self.address) if word in subject]

    def subjects(self) -> str:
        """Return the subjects of all mails to them, one a line."""
        return "\n".join(self.mails_about(""))
