"""Looking at many designs on a phone: swiping one away, comparing some, and that neither needs a gesture."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.stories.demo import demo_shop
from tests.stories.people import PHONE
from tests.stories.shop import Shop

SWIPES = """([card, from, to]) => {
    const at = (x) => new Touch({identifier: 1, target: card, clientX: x[0], clientY: x[1]});
    const send = (name, touches, changed) => card.dispatchEvent(new TouchEvent(name, {touches, changedTouches: changed, bubbles: true}));
    send("touchstart", [at(from)], [at(from)]);
    send("touchmove", [at(to)], [at(to)]);
    const moved = card.style.transform;
    send("touchend", [], [at(to)]);
    return moved;
}"""
"""A finger on the glass, as the browser tells it; returns how far the card went along."""


NOTES_WHAT_IS_PRESSED = """() => {
    window.pressed = [];
    addEventListener("click", (event) => { pressed.push(event.target.textContent.trim()); event.preventDefault(); }, true);
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Given the demo's shop with sixty designs that stand for vote."""
    shop = demo_shop(tmp_path_factory.mktemp("looking"), 60)
    shop.open()
    yield shop
    shop.close()


@contextmanager
def phone(shop: Shop, browser: Browser, *, still: bool = False) -> Iterator[Page]:
    """Open the shop on a telephone with a touch screen; what its console complains about fails the story."""
    context = browser.new_context(
        viewport={"width": PHONE[0], "height": PHONE[1]},
        base_url=shop.url,
        locale="en-GB",
        has_touch=True,
        reduced_motion="reduce" if still else "no-preference",
    )
    context.set_default_timeout(15_000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    assert complaints == []
    context.close()


def swipe(page: Page, by: int, *, down: int = 0, begins: int = 200) -> str:
    card = page.locator("[data-swipes]")
    moved = page.evaluate(SWIPES, [card.element_handle(), [begins, 300], [begins + by, 300 + down]])
    return str(moved)


def place(page: Page) -> int:
    found = re.search(r"\?at=(\d+)", page.url)
    assert found
    return int(found[1])


def test_a_swipe_to_the_left_skips_and_one_to_the_right_votes(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/one?at=1")
        expect(page.get_by_text("Swipe left for the next one, right to vote.")).to_be_visible()
        assert swipe(page, -120) == "translateX(-60px)"
        page.wait_for_url("**/one?at=2&after=skip")
        expect(page.get_by_text("15 votes left")).to_be_visible()
        name = page.locator("h1").inner_text()
        swipe(page, 120)
        page.wait_for_url("**/one?at=3*")
        expect(page.get_by_text("14 votes left")).to_be_visible()
        expect(page.get_by_role("status")).to_contain_text(f"Voted for {name}")
        page.get_by_role("button", name=f"Undo {name}").click()
        page.wait_for_url("**/one?at=2*")
        expect(page.get_by_text("15 votes left")).to_be_visible()


@pytest.mark.parametrize(
    ("by", "down", "begins"),
    [(40, 0, 200), (120, 90, 200), (0, 200, 200), (-120, 0, 380), (120, 0, 10)],
    ids=["short", "slanting", "scroll", "right edge", "left edge"],
)
def test_what_is_no_swipe_does_nothing(demo: Shop, browser: Browser, by: int, down: int, begins: int) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/one?at=5")
        page.evaluate(NOTES_WHAT_IS_PRESSED)
        swipe(page, by, down=down, begins=begins)
        assert page.locator("[data-swipes]").evaluate("card => card.style.transform") == ""
        assert page.evaluate("pressed") == []


def test_a_picked_design_cannot_be_swiped_to_the_right_again(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/one?at=6")
        page.get_by_role("button", name=re.compile("^Vote")).click()
        page.goto("/c/autumn/one?at=6")
        page.evaluate(NOTES_WHAT_IS_PRESSED)
        assert swipe(page, 120) == ""
        assert page.evaluate("pressed") == []
        swipe(page, -120)
        assert [words.split()[0] for words in page.evaluate("pressed")] == ["Next"]


def test_who_wants_no_motion_swipes_a_card_that_stays(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser, still=True) as page:
        page.goto("/c/autumn/one?at=1")
        assert swipe(page, -120) == ""
        page.wait_for_url("**/one?at=2&after=skip")


def test_keys_vote_for_nothing(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/one?at=1")
        for key in ("ArrowRight", "ArrowLeft", "j", "k", "v"):
            page.keyboard.press(key)
        assert place(page) == 1
        expect(page.get_by_text("15 votes left")).to_be_visible()


def test_ticks_are_counted_survive_a_vote_and_lead_to_the_comparison(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/")
        strip = page.locator(".cmpb")
        expect(strip).to_be_hidden()
        cards = page.locator("li.it")
        codes = [str(cards.nth(number).get_attribute("id")) for number in (0, 2)]
        for code in codes:
            page.locator(f"#{code} .cmp input").check()
        expect(strip).to_be_visible()
        page.locator(f"#{codes[0]}").get_by_role("button", name=re.compile("^Vote")).click()
        expect(page.locator(f"#{codes[0]}").get_by_role("button", name=re.compile("Picked"))).to_be_visible()
        expect(page.locator(f"#{codes[0]} .cmp input")).to_be_checked()
        strip.get_by_role("button", name=re.compile("Compare")).click()
        page.wait_for_url(f"**/compare?c={codes[0]}&c={codes[1]}")
        expect(page.locator("th[scope=col]")).to_have_count(2)
        expect(page.locator("th.on")).to_have_attribute("id", codes[0])


def test_on_a_phone_the_comparison_scrolls_sideways_in_its_region_and_the_names_of_the_rows_stay(demo: Shop, browser: Browser) -> None:
    with phone(demo, browser) as page:
        page.goto("/c/autumn/compare?c=K001&c=K002&c=K003&c=K004")
        region = page.get_by_role("region", name="Comparison, scrollable")
        region.evaluate("region => { region.scrollLeft = 200; }")
        assert region.evaluate("region => region.scrollLeft") == 200
        name = page.locator("tbody th[scope=row]").first.bounding_box()
        assert name
        assert name["x"] < 40
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
