"""A tap that was not saved is never shown as saved: told on a phone whose network comes and goes."""

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Locator, Route, expect

from tests.stories.demo import demo_shop
from tests.stories.people import PHONE, Voter
from tests.stories.shop import Shop

SLUG = "autumn"
NOT_SAVED = "Your vote was not saved. Try again."


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Given the demo's shop in the middle of its vote."""
    shop = demo_shop(tmp_path_factory.mktemp("taps"), 60)
    shop.open()
    yield shop
    shop.close()


@pytest.fixture
def voter(demo: Shop, browser: Browser) -> Iterator[Voter]:
    voter = Voter(demo, browser, "taps@example.com", slug=SLUG, size=PHONE)
    voter.opens(voter.gallery)
    yield voter
    assert [complaint for complaint in voter.complaints if "Content Security Policy" in complaint] == []
    voter.page.context.close()


def card(voter: Voter) -> Locator:
    return voter.page.locator("li.it").first


def strip(voter: Voter) -> Locator:
    return voter.page.locator("#ballot .toast")


def answered_by(voter: Voter, answer: Callable[[Route], None]) -> None:
    voter.page.route(re.compile("/votes/"), answer)


def network_is_back(voter: Voter) -> None:
    voter.page.unroute(re.compile("/votes/"))


def sees_that_nothing_was_saved(voter: Voter, words: str = NOT_SAVED) -> None:
    expect(strip(voter)).to_contain_text(words)
    expect(strip(voter)).to_have_class(re.compile("bad"))
    expect(card(voter).get_by_role("button", name=re.compile("^Vote"))).to_be_visible()
    expect(card(voter)).not_to_have_class(re.compile(r"\bon\b"))
    expect(voter.page.locator("#ballot b.big")).to_have_text("15 votes left")


def tries_again(voter: Voter) -> None:
    strip(voter).get_by_role("button", name="Try it again").click()
    expect(card(voter).get_by_role("button", name=re.compile("^Picked"))).to_be_visible()
    expect(strip(voter)).not_to_have_class(re.compile("bad"))
    expect(strip(voter)).to_contain_text("Voted for")
    expect(voter.page.locator("#ballot b.big")).to_have_text("14 votes left")


def test_without_a_network_the_page_says_so_and_the_next_try_is_saved(voter: Voter) -> None:
    voter.page.context.set_offline(True)
    voter.presses("Vote", within=card(voter))
    sees_that_nothing_was_saved(voter)
    voter.page.context.set_offline(False)
    tries_again(voter)
    voter.opens(voter.gallery)
    expect(card(voter).get_by_role("button", name=re.compile("^Picked"))).to_be_visible()


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (500, NOT_SAVED),
        (502, NOT_SAVED),
        (503, NOT_SAVED),
        (429, "Too many taps at once. Nothing was saved; try again in a minute."),
    ],
)
def test_a_server_that_does_not_take_the_vote_is_told_apart_from_one_that_does(voter: Voter, status: int, words: str) -> None:
    answered_by(voter, lambda route: route.fulfill(status=status, content_type="text/html", body="<h1>Sorry</h1>"))
    voter.presses("Vote", within=card(voter))
    sees_that_nothing_was_saved(voter, words)
    assert "Sorry" not in voter.page.content()
    network_is_back(voter)
    tries_again(voter)


def test_a_hotels_sign_in_page_is_no_answer_to_a_vote(voter: Voter) -> None:
    answered_by(voter, lambda route: route.fulfill(status=200, content_type="text/html", body="<p>Welcome to our wireless network</p>"))
    voter.presses("Vote", within=card(voter))
    sees_that_nothing_was_saved(voter)
    assert "wireless" not in voter.page.content()
    network_is_back(voter)
    tries_again(voter)


def never(_route: Route) -> None:
    """Answer nothing."""


def test_an_answer_that_does_not_come_in_time_is_a_vote_not_saved(voter: Voter) -> None:
    voter.page.evaluate("htmx.config.defaultTimeout = 200")
    answered_by(voter, never)
    voter.presses("Vote", within=card(voter))
    sees_that_nothing_was_saved(voter)
    network_is_back(voter)
    voter.page.evaluate("htmx.config.defaultTimeout = 10000")
    tries_again(voter)


def test_a_vote_taken_back_in_vain_stays_a_vote(voter: Voter) -> None:
    voter.presses("Vote", within=card(voter))
    expect(card(voter).get_by_role("button", name=re.compile("^Picked"))).to_be_visible()
    voter.page.context.set_offline(True)
    voter.presses("Picked", within=card(voter))
    expect(strip(voter)).to_contain_text(NOT_SAVED)
    expect(card(voter)).to_have_class(re.compile(r"\bon\b"))
    expect(voter.page.locator("#ballot b.big")).to_have_text("14 votes left")


def test_a_refused_vote_shows_the_page_as_it_really_is(demo: Shop, voter: Voter) -> None:
    demo.c2b("campaign", "advance", SLUG, "paused", "--reason", "We look at a strange pattern")
    try:
        voter.presses("Vote", within=card(voter))
        voter.reads("Voting is not open now")
        expect(voter.page.get_by_role("button", name=re.compile("^Vote"))).to_have_count(0)
    finally:
        demo.c2b("campaign", "advance", SLUG, "resumed")


def test_a_page_that_is_too_old_is_loaded_anew(voter: Voter) -> None:
    voter.page.context.clear_cookies()
    voter.presses("Vote", within=card(voter))
    sees_that_nothing_was_saved(voter)
    with voter.page.expect_navigation():
        strip(voter).get_by_role("button", name="Try it again").click()
    voter.presses("Vote", within=card(voter))
    expect(card(voter).get_by_role("button", name=re.compile("^Picked"))).to_be_visible()


def test_what_is_ticked_for_comparison_stays_ticked_through_a_vote(voter: Voter) -> None:
    box = card(voter).get_by_role("checkbox")
    box.check()
    voter.presses("Vote", within=card(voter))
    expect(card(voter).get_by_role("button", name=re.compile("^Picked"))).to_be_visible()
    expect(box).to_be_checked()
    expect(voter.page.locator("li.it").nth(1).get_by_role("checkbox")).not_to_be_checked()


def test_a_draft_says_until_when_it_must_be_signed_for(voter: Voter) -> None:
    expect(voter.page.get_by_text("Not counted yet")).to_have_count(0)
    voter.presses("Vote", within=card(voter))
    expect(voter.page.locator("#ballot .notyet")).to_have_text(re.compile(r"Not counted yet: sign in by \d+ \w+ \d\d:\d\d\."))
