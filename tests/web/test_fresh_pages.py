"""No page is older than what it shows: what a process keeps of the gallery changes with the shop, with the clock, and with who looks."""

import re
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import update

from c2b.campaigns import kept
from c2b.campaigns.models import Campaign, Candidate, Picture
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.actions import withdraw
from c2b.voting import visits
from c2b.web import gallery
from tests import make
from tests.statements import counted
from tests.web.conftest import Clock
from tests.web.pages import Browser, text_of
from tests.web.test_voting_pages import change, codes, sign_in

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")


def card(browser: Browser, code: str) -> str:
    """Return the words on a card of the page."""
    return next(text_of(each) for each in browser.tree.iter("li") if each.get("id") == code)


def test_a_changed_name_shows_at_once_to_everybody_in_both_languages(visit: Open, sqlite_database: Database) -> None:
    anna, bo = visit(), visit("zh")
    for visitor in (anna, bo):
        visitor.get("/c/ss27/")
    shown = min(set(codes(anna)) & set(codes(bo)))
    with sqlite_database.transaction() as session:
        session.execute(update(Candidate).where(Candidate.code == shown).values(name="改了名", name_en="Renamed"))
    anna.get("/c/ss27/")
    bo.get("/c/ss27/")
    assert "Renamed" in card(anna, shown)
    assert "改了名" in card(bo, shown)


def test_a_change_by_another_process_shows_at_once(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    shown = codes(visitor)[0]
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    program = (
        "import sys; from sqlalchemy import text; from c2b.db import Database\n"
        "with Database(sys.argv[1]).transaction() as session:\n"
        "    session.execute(text('UPDATE candidate SET name_en = :name WHERE code = :code'), {'name': 'Elsewhere', 'code': sys.argv[2]})\n"
    )
    subprocess.run([sys.executable, "-c", program, url, shown], check=True)
    visitor.get("/c/ss27/")
    assert "Elsewhere" in card(visitor, shown)


def test_a_withdrawn_candidate_takes_no_votes_any_more_on_the_next_page(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    anna, bo = visit(), visit()
    anna.get("/c/ss27/")
    shown = codes(anna)[0]
    anna.press("Vote")
    anna.get("/c/ss27/")
    assert "Picked" in card(anna, shown)
    with sqlite_database.transaction() as session:
        withdraw(session, slug="ss27", code=shown, reason="It shrinks", actor="cli:test", now=clock.at)
    for visitor in (anna, bo):
        visitor.get("/c/ss27/?q=" + shown)
        assert "Withdrawn by the brand: It shrinks" in card(visitor, shown)
        assert "Vote" not in card(visitor, shown)
    assert "3 votes left" in anna.words


def test_a_picture_that_came_later_is_on_the_next_page(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    assert "late.webp" not in visitor.get("/c/ss27/?q=K25")
    with sqlite_database.transaction() as session:
        found = make.candidate_of(session, make.campaign_of(session, "ss27"), "K25")
        session.add(Picture(candidate_id=found.id, position=1, source="late.jpg", file="late.webp", width=4, height=5))
    assert "late.webp" in visitor.get("/c/ss27/?q=K25")


def test_a_moved_phase_and_a_pause_show_on_the_next_page(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    assert 'value="vote"' in visitor.get("/c/ss27/")
    change(sqlite_database, paused=True, reason="Snow")
    assert 'value="vote"' not in visitor.get("/c/ss27/")
    assert "Paused by the brand: Snow." in visitor.words
    change(sqlite_database, paused=False, reason="")
    assert 'value="vote"' in visitor.get("/c/ss27/")
    change(sqlite_database, state=CampaignState.TALLY)
    assert 'value="vote"' not in visitor.get("/c/ss27/")
    assert "Voting has closed" in visitor.words


def test_the_clock_alone_closes_the_page_to_the_second(visit: Open, campaign: Campaign, clock: Clock) -> None:
    closes = campaign.voting_closes
    assert closes is not None
    visitor = visit()
    for at, is_open in ((closes - timedelta(seconds=1), True), (closes, False), (closes - timedelta(seconds=1), True)):
        clock.at = at
        assert ('value="vote"' in visitor.get("/c/ss27/")) is is_open


def test_the_time_that_is_left_is_that_of_this_minute(visit: Open, campaign: Campaign, clock: Clock) -> None:
    assert campaign.voting_closes is not None
    visitor = visit()
    for left in (timedelta(minutes=61), timedelta(minutes=60, seconds=59), timedelta(minutes=60), timedelta(minutes=59, seconds=59)):
        clock.at = campaign.voting_closes - left
        visitor.get("/c/ss27/")
        minutes = left // timedelta(minutes=1)
        assert f"{minutes // 60:02}:{minutes % 60:02}" in visitor.words


def test_the_page_speaks_the_language_that_was_asked_for_last(visit: Open) -> None:
    visitor = visit()
    for language, words in (("en", "Shuffled for you"), ("zh", "为你"), ("en", "Shuffled for you")):
        visitor.get(f"/c/ss27/?lang={language}")
        visitor.get("/c/ss27/")
        assert words in visitor.words


def test_each_viewer_sees_their_own_picks_marks_and_token_on_one_kept_page(visit: Open) -> None:
    anna, bo, cleo = visit(), visit(), visit()
    pages = [visitor.get("/c/ss27/") for visitor in (anna, bo, cleo)]
    tokens = [re.findall(r'name="csrf_token" value="([^"]+)"', page) for page in pages]
    assert len({token for (token,) in tokens}) == 3
    assert len({tuple(codes(visitor)) for visitor in (anna, bo, cleo)}) == 3
    anna.press("Vote")
    anna.get("/c/ss27/")
    bo.get("/c/ss27/")
    assert ("2 votes left" in anna.words, "3 votes left" in bo.words) == (True, True)
    assert ("Sign in to count" in anna.words, "Sign in to count" in bo.words) == (True, False)


def test_signing_in_and_out_changes_the_page_at_once(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Vote")
    visitor.get("/c/ss27/")
    assert "Sign in to count" in visitor.words
    sign_in(visitor)
    visitor.get("/c/ss27/")
    assert "Sign in to count" not in visitor.words
    visitor.get("/me")
    visitor.press("Sign out")
    visitor.get("/c/ss27/")
    assert "3 votes left" in visitor.words


def test_what_an_action_said_is_said_once(visit: Open) -> None:
    anna, bo = visit(), visit()
    anna.get("/c/ss27/")
    anna.press("Vote")
    assert "Voted for" in anna.words
    for visitor in (anna, bo):
        visitor.get("/c/ss27/")
        assert "Voted for" not in visitor.words


def test_no_page_shows_what_stands_for_cards_and_token(visit: Open) -> None:
    visitor = visit()
    for address in ("", "?q=nothing+at+all", "?seen=picked"):
        page = visitor.get(f"/c/ss27/{address}")
        assert gallery._CARDS not in page
        assert gallery._TOKEN not in page
        assert page.count('name="csrf_token"') == 1


ADDRESSES = [
    "",
    "?page=2",
    "?cat=Shirts",
    "?price=200-300",
    "?q=knit",
    "?seen=yes",
    "?seen=picked",
    "?show=all",
    "?c=K01&c=K02",
    "?cat=none",
]


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY, CampaignState.CANCELLED])
def test_a_kept_page_is_the_page_that_is_made_anew(visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    anna, bo, cleo = visit(), visit("zh"), visit()
    for visitor in (anna, bo):
        visitor.get("/c/ss27/")
        visitor.press({"en": "Vote", "zh": "投"}["zh" if visitor is bo else "en"])
    sign_in(anna)
    change(sqlite_database, state=state)
    for address in ADDRESSES:
        for visitor in (anna, bo, cleo):
            visitor.get(f"/c/ss27/{address}")
            warm = visitor.get(f"/c/ss27/{address}")
            kept._KEPT.clear()
            gallery.rendered.cache_clear()
            assert visitor.get(f"/c/ss27/{address}") == warm, (address, visitor is bo)


def test_what_is_written_while_a_page_is_made_was_seen_all_the_same(app: Flask, visit: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor, impressions, asked = visit(), app.extensions["c2b"].impressions, visits.visit
    visitor.get("/c/ss27/")

    def then_it_is_written(*args: Any, **named: Any) -> visits.Visit | None:
        found = asked(*args, **named)
        impressions.flush()
        return found

    monkeypatch.setattr(visits, "visit", then_it_is_written)
    visitor.get("/c/ss27/")
    assert "Seen 24 of 30" in visitor.words


def test_a_page_that_is_kept_costs_one_statement(app: Flask, visit: Open) -> None:
    visitor = visit()
    sign_in(visitor)
    visitor.get("/c/ss27/")
    with counted(app.extensions["c2b"].database) as statements:
        visitor.get("/c/ss27/")
    assert len(statements) == 1


def test_a_draft_is_nobodys_page_though_it_is_kept(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    change(sqlite_database, state=CampaignState.DRAFT)
    visitor.get("/c/ss27/", expect=404)
    visitor.get("/c/nothing/", expect=404)
