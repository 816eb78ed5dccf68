"""One design at a time, in a browser without JavaScript: each place of the own order is an address."""

from collections.abc import Callable
from datetime import datetime

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.ui.shell import parts
from c2b.web.one import Walk
from tests import make
from tests.statements import counted
from tests.web.conftest import Clock
from tests.web.pages import Browser, text_of

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")


def change(database: Database, **values: object) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        for name, value in values.items():
            setattr(campaign, name, value)


def gallery(browser: Browser) -> list[str]:
    """Return all codes in this viewer's order."""
    found = []
    for page in (1, 2):
        browser.get(f"/c/ss27/?page={page}")
        found += [card.get("id") or "" for card in browser.tree.iter("li") if "it" in (card.get("class") or "").split()]
    return found


def code(browser: Browser) -> str:
    """Return the design on the page."""
    return next(text_of(p).split()[0] for p in browser.tree.iter("p") if text_of(p).startswith("K"))


def at(browser: Browser) -> int:
    return int(browser.url.partition("?at=")[2].partition("&")[0])


def follow(browser: Browser, words: str) -> None:
    """Follow the link whose words begin so."""
    links = [a for a in browser.tree.iter("a") if text_of(a).startswith(words) and (a.get("href") or "").startswith("/")]
    assert links, f"no link {words!r}"
    browser.get(links[0].get("href") or "")


def strip(browser: Browser) -> str:
    return next(text_of(div) for div in browser.tree.iter("div") if div.get("class") == "toast")


def buttons(browser: Browser) -> list[str]:
    return [text_of(button) for button in browser.tree.iter("button")]


@pytest.mark.parametrize(
    ("seen", "start"),
    [(set(), 1), ({5}, 2), ({5, 9}, 3), ({9}, 1), ({5, 9, 2}, 4), ({7}, 1)],
    ids=["none", "1", "2", "later", "all", "unknown"],
)
def test_one_begins_at_the_first_design_that_was_not_shown(seen: set[int], start: int) -> None:
    assert Walk([5, 9, 2], seen).start == start


def test_a_place_knows_the_page_of_the_gallery_that_it_is_on() -> None:
    walk = Walk(list(range(50)), set())
    assert [walk.page(at) for at in (1, 24, 25, 48, 49, 50, 51)] == [1, 1, 2, 2, 3, 3, 3]
    assert Walk([], set()).page(1) == 1


def test_the_design_that_is_looked_at_counts_as_seen_once() -> None:
    walk = Walk([5, 9, 2], {5})
    assert [walk.seen_at(at) for at in (1, 2, 3, 4)] == [1, 2, 2, 1]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_designs_come_in_the_order_of_the_gallery_and_skipping_leads_on(visit: Open, language: str) -> None:
    visitor, twin = visit(language), visit(language)
    visitor.get("/c/ss27/one")
    with visitor.client.session_transaction() as mine, twin.client.session_transaction() as theirs:
        theirs["viewer"] = mine["viewer"]
    order = gallery(twin)
    for place in (1, 2, 3):
        assert at(visitor) == place
        assert code(visitor) == order[place - 1]
        follow(visitor, "Skip" if language == "en" else "跳过")


def test_the_page_says_where_one_is_and_how_many_votes_are_left(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=7")
    assert "Your no. 7 of 30" in visitor.words
    assert 'aria-label="Seen 1 of 30"' in visitor.html
    assert "3 votes left of 3" in visitor.words
    visitor.get("/c/ss27/one?at=8")
    assert 'aria-label="Seen 2 of 30"' in visitor.html
    visitor.get("/c/ss27/one?at=7")
    assert 'aria-label="Seen 2 of 30"' in visitor.html


def test_a_vote_is_saved_and_leads_to_the_next_design(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    voted = code(visitor)
    visitor.press("Vote")
    assert at(visitor) == 5
    assert code(visitor) != voted
    assert strip(visitor).startswith("Voted for")
    assert "2 votes left" in visitor.words
    visitor.get("/c/ss27/?show=picked")
    assert f'id="{voted}"' in visitor.html


def test_the_strip_takes_the_vote_back_and_returns_to_the_design(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    voted = code(visitor)
    visitor.press("Vote")
    visitor.press("Undo")
    assert (at(visitor), code(visitor)) == (4, voted)
    assert strip(visitor).startswith("Taken back:")
    assert "3 votes left" in visitor.words
    assert buttons(visitor)[-1].startswith("Vote")


def test_the_strip_goes_back_to_what_was_skipped(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    skipped = code(visitor)
    follow(visitor, "Skip")
    assert strip(visitor).startswith("Skipped")
    follow(visitor, "Back to ")
    assert (at(visitor), code(visitor)) == (4, skipped)
    assert strip(visitor) == ""


def test_a_picked_design_shows_its_seal_and_is_undone_in_place(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    visitor.press("Vote")
    visitor.get("/c/ss27/one?at=4")
    assert "MY PICK" in visitor.words
    visitor.press("Picked · undo")
    assert at(visitor) == 4
    assert "MY PICK" not in visitor.words


def test_when_all_votes_are_given_one_still_looks_on(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=1")
    for _ in range(3):
        visitor.press("Vote")
    assert at(visitor) == 4
    assert "All votes used" in visitor.words
    assert not any(words.startswith("Vote") for words in buttons(visitor))
    assert "See your picks" in visitor.words
    follow(visitor, "Next")
    assert at(visitor) == 5


def test_it_goes_on_where_one_left_off(visit: Open) -> None:
    visitor = visit()
    for _ in range(3):
        visitor.get("/c/ss27/one")
    assert at(visitor) == 3
    visitor.get("/c/ss27/one?at=9")
    visitor.get("/c/ss27/one")
    assert at(visitor) == 4


def test_what_the_gallery_has_shown_is_seen(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.get("/c/ss27/one")
    assert at(visitor) == 25
    assert 'aria-label="Seen 25 of 30"' in visitor.html


def test_behind_the_last_design_the_page_says_what_is_left(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=30")
    follow(visitor, "Skip")
    assert "That was the last one" in visitor.words
    assert "29 designs you have not seen yet." in visitor.words
    follow(visitor, "Go on with these")
    assert at(visitor) == 1


def test_who_has_seen_everything_is_told_so_with_the_votes_that_are_left(visit: Open) -> None:
    visitor = visit()
    gallery(visitor)
    visitor.get("/c/ss27/one")
    assert at(visitor) == 31
    assert "You have seen all 30" in visitor.words
    assert "3 votes left" in visitor.words
    follow(visitor, "Start over")
    assert at(visitor) == 1


def test_a_vote_for_the_last_design_can_be_taken_back_at_the_end(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=30")
    voted = code(visitor)
    visitor.press("Vote")
    assert at(visitor) == 31
    visitor.press("Undo")
    assert (at(visitor), code(visitor)) == (30, voted)


@pytest.mark.parametrize("asked", ["0", "-1", "x", "1e3", "", "99999999", "１"])
def test_a_place_that_makes_no_sense_is_where_one_left_off(visit: Open, asked: str) -> None:
    visitor = visit()
    visitor.get(f"/c/ss27/one?at={asked}")
    assert at(visitor) == 1


def test_a_place_behind_the_end_is_the_end(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=99999")
    assert "That was the last one" in visitor.words


def test_a_withdrawn_design_is_said_to_be_and_takes_no_vote(visit: Open, sqlite_database: Database, now: datetime) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    with sqlite_database.transaction() as session:
        candidate = session.scalars(select(Candidate).where(Candidate.code == code(visitor))).one()
        candidate.withdrawn_at, candidate.withdrawn_reason = now, "The mill burnt down"
    visitor.get("/c/ss27/one?at=4")
    assert "The mill burnt down" in visitor.words
    assert buttons(visitor) == []
    follow(visitor, "Next")
    assert at(visitor) == 5


@pytest.mark.parametrize("state", [state for state in CampaignState if state not in {CampaignState.DRAFT, CampaignState.VOTING}])
def test_outside_the_vote_one_looks_without_voting(visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    change(sqlite_database, state=state, reason="Why." if state is CampaignState.CANCELLED else "")
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    assert "votes/K" not in visitor.html
    assert "one.js" not in visitor.html
    follow(visitor, "Next")
    assert at(visitor) == 5


def test_a_vote_after_the_close_is_refused_in_words(visit: Open, clock: Clock) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    clock.at = make.CLOSES
    visitor.press("Vote")
    assert "Voting has closed" in visitor.words
    assert "votes/K" not in visitor.html


def test_a_campaign_without_candidates_says_so(app: Flask, visit: Open) -> None:
    with app.app_context(), parts().database.transaction() as session:
        make.campaign(session, slug="empty")
    visitor = visit()
    visitor.get("/c/empty/one")
    assert "There are no designs yet" in visitor.words


def test_a_draft_is_looked_at_by_nobody(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, state=CampaignState.DRAFT)
    visit().get("/c/ss27/one?at=1", expect=404)


def test_a_guest_is_asked_to_sign_in_and_comes_back_here(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/one?at=4")
    assert "Sign in" not in visitor.words
    visitor.press("Vote")
    assert 'href="/sign-in?next=/c/ss27/one%3Fat%3D5"' in visitor.html


def test_looking_writes_nothing_and_costs_a_few_statements_however_many_designs_there_are(app: Flask) -> None:
    client = app.test_client()
    client.get("/c/ss27/one?at=1")
    with counted(app.extensions["c2b"].database) as said:
        assert client.get("/c/ss27/one?at=2").status_code == 200
    assert [statement for statement in said if not statement.lstrip().startswith("SELECT")] == []
    assert len(said) <= 16, said


def test_the_gallery_leads_here_while_people_vote(visit: Open, sqlite_database: Database) -> None:
    assert 'href="/c/ss27/one"' in visit().get("/c/ss27/")
    change(sqlite_database, state=CampaignState.TALLY)
    assert 'href="/c/ss27/one"' not in visit().get("/c/ss27/")
