"""Voting among five hundred, told by those who vote, those who cheat, those who count, and those who doubt."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.stories.demo import demo_shop
from tests.stories.people import DESK, PHONE, Merchant, Voter, leaving
from tests.stories.shop import Shop

SLUG, VOTES = "autumn", 15


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Given the demo's shop, in which five hundred designs stand for vote."""
    shop = demo_shop(tmp_path_factory.mktemp("season"), 500)
    shop.c2b("work", "--once")  # what the demo's past left to send: no code waits behind it
    shop.open()
    yield shop
    shop.close()


def first_page(voter: Voter) -> list[str]:
    voter.opens(voter.gallery)
    return voter.codes()


def test_a_first_time_voter_picks_fifteen_of_five_hundred_on_a_phone_and_goes_on_with_them_on_another_device(
    demo: Shop, browser: Browser
) -> None:
    phone = Voter(demo, browser, "first@example.com", slug=SLUG, size=PHONE)
    laptop = Voter(demo, browser, "first@example.com", slug=SLUG, size=DESK)
    with leaving(phone, laptop):
        order = first_page(phone)
        picks = phone.picks_from_the_page(3)
        for page in (2, 3, 4):
            phone.opens(f"{phone.gallery}?page={page}")
            picks |= phone.picks_from_the_page(3)
        phone.goes_away_and_comes_back()
        phone.reads("Seen 96 of 500")
        phone.reads("3 votes left")
        phone.reads("Not counted yet")
        phone.goes_on_at(5)
        picks |= phone.picks_from_the_page(3)
        assert len(picks) == VOTES
        phone.reads("All votes used")
        phone.signs_in()
        phone.reads("your picks count")
        laptop.signs_in()
        assert laptop.codes() == order
        laptop.reads("Seen 120 of 500")
        laptop.goes_on_at(6)
        later = laptop.codes()[0]
        laptop.takes_back(given_back := min(picks))
        laptop.votes_for(later)
        assert laptop.picks() == phone.picks() == picks - {given_back} | {later}


def test_a_voter_without_javascript_votes_changes_their_mind_and_signs_in(demo: Shop, browser: Browser) -> None:
    voter = Voter(demo, browser, "plain@example.com", slug=SLUG, javascript=False)
    with leaving(voter):
        first, second, third = first_page(voter)[:3]
        voter.votes_for(first)
        voter.votes_for(second)
        voter.takes_back(first)
        voter.votes_for(third)
        voter.signs_in()
        assert voter.picks() == {second, third}
        voter.sees_votes_left(VOTES - 2)


def test_a_voter_who_has_given_all_votes_is_told_how_to_get_one_back(demo: Shop, browser: Browser) -> None:
    voter = Voter(demo, browser, "keen@example.com", slug=SLUG)
    with leaving(voter):
        picks = voter.picks_from_the_gallery(VOTES - 1)
        voter.signs_in()
        last, another = [code for code in voter.codes() if code not in picks][:2]
        other_tab = voter.page.context.new_page()
        other_tab.goto(f"{voter.gallery}p/{another}")
        voter.votes_for(last)
        picks.add(last)
        other_tab.get_by_role("button", name=re.compile("^Vote")).first.click()  # it doesn't know yet
        expect(other_tab.get_by_text("You have given all 15 votes; take one back").first).to_be_visible()
        voter.opens(f"{voter.gallery}p/{another}")
        voter.reads("All votes used")
        expect(voter.page.get_by_role("button", name=re.compile("^Vote"))).to_have_count(0)
        given_back = min(picks)
        voter.takes_back(given_back)
        voter.votes_for(another)
        assert voter.picks() == picks - {given_back} | {another}


def selected(shop: Shop) -> set[str]:
    return {line["code"] for line in shop.json("select", SLUG, "--dry-run")["lines"] if line["result"] == "selected"}


def test_staff_hold_a_ring_of_fake_voters_and_the_list_changes(demo: Shop, browser: Browser) -> None:
    manager = Merchant(demo, browser, "trust@example.com", slug=SLUG)
    with leaving(manager):
        before = selected(demo)
        manager.sets_the_account_up("a sentence is easy to remember")
        manager.opens(f"/admin/{SLUG}/trust")
        manager.presses("Show counts")
        burst = manager.page.get_by_role("article").first
        burst.get_by_label(re.compile("^Reason")).fill("Fifty ballots in one night, all for the same three")
        manager.presses("Hold", within=burst)
        manager.reads("Fifty ballots in one night")
        after = selected(demo)
        fallen = before - after
        assert fallen
        assert len(after) == len(before)
        changed = manager.page.get_by_label("What the held ballots changed")
        for code in fallen:
            expect(changed.get_by_text(code)).to_be_visible()
