"""The people of the stories, each with a browser of their own."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product

from playwright.sync_api import APIResponse, Browser, Locator, Page, expect

from tests.stories.shop import Shop

PHONE = (390, 844)
DESK = (1280, 900)


class Visitor:
    """Somebody with a browser; what the browser's console calls an error fails the story."""

    def __init__(self, shop: Shop, browser: Browser, *, size: tuple[int, int], javascript: bool = True, locale: str = "en-GB") -> None:
        self.shop = shop
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, base_url=shop.url, locale=locale, java_script_enabled=javascript
        )
        context.set_default_timeout(15_000)
        self._context, self._locale = context, locale
        self.complaints: list[str] = []
        self._begins_a_page()

    def _begins_a_page(self) -> None:
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text) if message.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def opens(self, path: str) -> None:
        answer = self.page.goto(path)
        assert answer is not None
        assert answer.ok, f"{path}: {answer.status}"

    def sends(self, path: str, form: Mapping[str, str], **query: str) -> APIResponse:
        """Send a page's form without looking at the page; returns where that led."""
        spoken = {"Accept-Language": self._locale}
        page = self._context.request.get(path, params=dict(query), headers=spoken)
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text())
        assert token, f"{path}: {page.status}"
        fields: dict[str, str | float | bool] = {"csrf_token": token[1], **form, **query}
        answer = self._context.request.post(page.url, form=fields, headers=spoken)
        assert answer.ok, f"{path}: {answer.status}"
        return answer

    def presses(self, name: str, *, within: Locator | None = None) -> None:
        (within or self.page).get_by_role("button", name=re.compile(re.escape(name))).first.click()

    def reads(self, text: str) -> None:
        expect(self.page.get_by_text(text).first).to_be_visible()

    def photographs(self, name: str) -> None:
        """Keep pictures of the open page, by width and language, where `--screenshots` asks for them."""
        if not self.shop.keep:
            return
        here, size = self.page.url, self.page.viewport_size
        for language, (width, height) in product(("zh", "en"), (PHONE, DESK)):
            self.page.goto(f"{here.partition('#')[0].partition('?')[0]}?lang={language}")
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.screenshot(path=self.shop.keep / f"{name}-{width}-{language}.png", full_page=True)
        assert size
        self.page.set_viewport_size(size)
        self.page.goto(here)

    def leaves(self) -> None:
        assert self.complaints == []
        self.page.context.close()


class Voter(Visitor):
    """A customer: votes, signs in, orders, pays."""

    def __init__(
        self, shop: Shop, browser: Browser, address: str, *, slug: str, size: tuple[int, int] = PHONE, javascript: bool = True
    ) -> None:
        super().__init__(shop, browser, size=size, javascript=javascript)
        self.address, self.javascript = address, javascript
        self.gallery = f"/c/{slug}/"

    def card(self, code: str) -> Locator:
        return self.page.locator(f"#{code}")

    def votes_for(self, code: str) -> None:
        self.opens(f"{self.gallery}?q={code}")
        self.presses("Vote", within=self.card(code))
        expect(self.card(code).get_by_role("button", name=re.compile("Picked"))).to_be_visible()

    def takes_back(self, code: str) -> None:
        self.opens(f"{self.gallery}?q={code}")
        self.presses("Picked", within=self.card(code))
        expect(self.card(code).get_by_role("button", name=re.compile("^Vote"))).to_be_visible()

    def codes(self) -> list[str]:
        """Return the codes of the cards on the open page, in its order."""
        return [str(card.get_attribute("id")) for card in self.page.locator("li.it").all()]

    def picks_from_the_page(self, votes: int) -> set[str]:
        """Vote for so many of the open page's cards, every other one; return the codes."""
        picked = self.codes()[::2][:votes]
        for code in picked:
            self.presses("Vote", within=self.card(code))
            expect(self.card(code).get_by_role("button", name=re.compile("Picked"))).to_be_visible()
        return set(picked)

    def picks_from_the_gallery(self, votes: int) -> set[str]:
        """Vote for every other card, page after page, until so many votes are given; return the codes."""
        picked: set[str] = set()
        for page in range(1, 100):
            self.opens(f"{self.gallery}?page={page}")
            picked |= self.picks_from_the_page(votes - len(picked))
            if len(picked) == votes:
                break
        return picked

    def goes_away_and_comes_back(self) -> None:
        """Close the page, and open the gallery anew in the same browser."""
        self.page.close()
        self._begins_a_page()
        self.opens(self.gallery)

    def goes_on_at(self, page: int) -> None:
        """Follow the link to where they were."""
        self.page.get_by_role("link", name=f"Go on at page {page}").click()
        self.page.wait_for_url(f"**page={page}")

    def picks(self) -> set[str]:
        """Return the codes of their picks, as the gallery shows them."""
        self.opens(f"{self.gallery}?show=picked")
        return set(self.codes())

    def sees_votes_left(self, left: int) -> None:
        self.opens(self.gallery)
        self.reads({0: "All votes used", 1: "1 vote left"}.get(left, f"{left} votes left"))

    def signs_in(self) -> None:
        self.opens(f"/sign-in?next={self.gallery}")
        before = len(self.shop.codes_sent_to(self.address))
        self.page.get_by_label("E-mail address").fill(self.address)
        self.presses("Send the code")
        self.page.get_by_label("Code").fill(self.shop.code_sent_to(self.address, after=before))
        self.presses("Sign in")
        self.page.wait_for_url(f"**{self.gallery}")

    def orders(self, wanted: dict[str, tuple[str, int]]) -> None:
        """Take some of the selected picks: code -> (size, pieces), and go to the payment."""
        self.opens(f"{self.gallery}order")
        for code, (size, pieces) in wanted.items():
            row = self.page.locator("li.bk").filter(has_text=code)
            row.locator("label.inc-l").click()
            row.locator("label").filter(has_text=re.compile(f"^{size}$")).click()
            row.get_by_label(re.compile("Pieces")).fill(str(pieces))
        self.presses("deposit")

    def approves_the_payment(self) -> None:
        """Pay on the sandbox's page and come back to the shop."""
        self.page.wait_for_url("**/sandbox/pay/**")
        self.presses("Pay")
        if not self.javascript:
            self.presses("Check now")
        self.page.wait_for_url("**/me/orders/**")


class Merchant(Visitor):
    """A member of staff at a desk, with the admin in the browser."""

    def __init__(self, shop: Shop, browser: Browser, email: str, *, slug: str, role: str = "manager") -> None:
        super().__init__(shop, browser, size=DESK)
        self.slug = slug
        printed = shop.c2b("staff", "add", email, "--role", role)
        self._link = next(word for word in printed.split() if word.startswith("http"))

    def sets_the_account_up(self, password: str) -> None:
        """Follow the one-time link, choose a password, and be signed in."""
        self.page.goto(self._link)
        self.page.get_by_label("New password").fill(password)
        self.presses("Save and sign in")
        expect(self.page.get_by_role("heading", level=1)).to_be_visible()

    def moves_on_to(self, state: str) -> None:
        """Move the campaign on now, from the command line."""
        self.shop.c2b("campaign", "advance", self.slug, state)

    def confirms(self, page: str, button: str) -> None:
        """Open a desk of the admin, type the campaign's code, and press the red button."""
        self.opens(f"/admin/{self.slug}/{page}")
        self.page.get_by_label(re.compile("Type the campaign")).fill(self.slug)
        self.presses(button)


@contextmanager
def leaving(*visitors: Visitor) -> Iterator[None]:
    """Close everybody's browser at the end of the story and read its console."""
    yield
    for visitor in visitors:
        visitor.leaves()
