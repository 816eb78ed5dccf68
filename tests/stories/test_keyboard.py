"""A customer's season with the keyboard alone, told in a browser: vote, sign in, order, pay. Whatever has the focus shows it."""

from datetime import timedelta

from playwright.sync_api import Browser, expect

from c2b.campaigns.rules import CampaignState
from tests import make
from tests.stories.people import DESK, Visitor, leaving
from tests.stories.timed import OPEN, SLUG, TimedShop

ADDRESS = "anna@example.com"
FARTHEST = 80
"""Presses of Tab after which nobody looks any further."""
_NAME = """() => { const e = document.activeElement;
  const label = e.labels && e.labels.length ? e.labels[0].innerText : "";
  return (e.getAttribute("aria-label") || label || e.innerText || e.value || "").replace(/\\s+/g, " ").trim() }"""
_OUTLINED = """() => { for (let e = document.activeElement, up = 0; e && up < 3; e = e.parentElement, up++) {
  const style = getComputedStyle(e);
  if (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2) return true }
  return false }"""


class Typist(Visitor):
    """Somebody who never touches a mouse."""

    def __init__(self, shop: TimedShop, browser: Browser) -> None:
        super().__init__(shop, browser, size=DESK)

    def has(self) -> str:
        """Return what has the focus, as it is read out."""
        return str(self.page.evaluate(_NAME))

    def goes_to(self, name: str, *, exactly: bool = False) -> None:
        """Press Tab until what is called so, or begins so, has the focus, and see that it shows."""
        passed = []
        for _ in range(FARTHEST):
            self.page.keyboard.press("Tab")
            passed.append(self.has())
            if passed[-1] == name or (passed[-1].startswith(name) and not exactly):
                assert self.page.evaluate(_OUTLINED), f"nothing shows that {name!r} has the focus"
                return
        raise AssertionError(f"no way to {name!r}: {passed}")

    def presses_key(self, name: str, key: str = "Enter") -> None:
        self.goes_to(name)
        self.page.keyboard.press(key)

    def types(self, name: str, text: str) -> None:
        """Go to a field, fill it in, and send its form."""
        self.goes_to(name)
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")


def opens_ordering(timed: TimedShop, code: str) -> None:
    """Let the vote be over, and one product be selected."""
    timed.clock.at = OPEN
    with timed.database.transaction() as session:
        campaign = make.campaign_of(session, SLUG)
        make.selection(session, campaign, (make.candidate_of(session, campaign, code), 1), places=1)
        campaign.state = CampaignState.ORDERING


def test_a_season_with_the_keyboard_alone(timed: TimedShop, browser: Browser) -> None:
    timed.sells("K1", "K2", state=CampaignState.VOTING, voting_opens=make.OPENS, voting_closes=make.CLOSES, votes_each=2)
    timed.clock.at = make.OPENS + timedelta(days=1)
    anna = Typist(timed, browser)
    with leaving(anna):
        anna.opens(f"/c/{SLUG}/")
        anna.presses_key("Skip to main content")
        assert anna.page.evaluate("document.activeElement.id") == "main"
        anna.presses_key("Vote")
        expect(anna.page.locator("li.it.on")).to_have_count(1)
        expect(anna.page.locator("li.it.on button:focus")).to_have_count(1)
        picked = str(anna.page.locator("li.it.on").get_attribute("id"))
        anna.opens(f"/sign-in?next=/c/{SLUG}/")
        anna.types("E-mail address", ADDRESS)
        anna.page.wait_for_url("**/sign-in/code**")
        anna.types("Code", timed.code_sent_to(ADDRESS))
        anna.page.wait_for_url(f"**/c/{SLUG}/")
        anna.reads("1 vote left")
        opens_ordering(timed, picked)
        anna.opens(f"/c/{SLUG}/order?add={picked}")
        anna.goes_to("S", exactly=True)
        anna.page.keyboard.press("ArrowRight")
        assert anna.has() == "M"
        anna.presses_key("Pay the deposit")
        anna.page.wait_for_url("**/sandbox/pay/**")
        anna.presses_key("付款")
        anna.page.wait_for_url(f"**/c/{SLUG}/pay/**")
        anna.presses_key("Check now")
        anna.page.wait_for_url("**/me/orders/**")
        anna.reads("Ordered, deposit paid")
    assert timed.gateway.captured() == {"K1": 5980, "K2": 7000}[picked]
