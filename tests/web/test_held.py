"""What customers see of a held ballot, how they object, and how signing in again frees it."""

from collections.abc import Callable
from datetime import datetime

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting import holding, suspicions
from c2b.voting.models import Ballot, Objection, Suspicion
from c2b.voting.rules import SuspicionRule, SuspicionState
from tests import make
from tests.voting.test_holding import Ring
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_voting_pages import sign_in

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")


def voter(visit: Open, language: str = "en") -> Browser:
    """Return a browser that voted once and signed in."""
    browser = visit(language)
    browser.get("/c/ss27/")
    browser.press({"en": "Vote ", "zh": "投一票"}[language])
    if language == "zh":
        browser.get("/?lang=en")
    sign_in(browser, "anna@example.com")
    browser.get(f"/?lang={language}")
    return browser


def decide(database: Database, state: SuspicionState, now: datetime, *rules: SuspicionRule) -> None:
    """Decide so about all ballots that there are, found by these rules."""
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        people = list(session.scalars(select(Ballot.person_id)))
        found = [Ring(people, rule) for rule in rules or (SuspicionRule.BURST,)]
        suspicions.store(session, campaign_id=campaign.id, found=found, now=now)
        for group in session.scalars(select(Suspicion)).all():
            values = {"slug": "ss27", "digest": group.digest, "reason": "vouchers in a chat", "actor": "staff:a@example.com"}
            holding.decide(session, group=group.id, state=state, now=now, **values)


def test_the_bar_and_my_page_say_that_the_ballot_is_held_and_lead_to_why(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    browser.get("/c/ss27/")
    assert "Your ballot is held" not in browser.words
    decide(sqlite_database, SuspicionState.HELD, now)
    for page in ("/c/ss27/", "/me"):
        browser.get(page)
        assert "held" in browser.words
        assert "not counted for now" in browser.words
        assert 'href="/c/ss27/held"' in browser.html


def test_the_reason_is_told_in_words_that_accuse_nobody(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now, SuspicionRule.BURST, SuspicionRule.DEVICE)
    browser.get("/c/ss27/held")
    assert "It came together with many others within a short time." in browser.words
    assert "Many ballots came from the same device or browser." in browser.words
    assert "nobody says that you did anything wrong" in browser.words
    for word in ("vouchers", "staff:a", "fraud"):
        assert word not in browser.html


def test_a_counted_ballot_has_nothing_to_explain(visit: Open) -> None:
    browser = voter(visit)
    browser.get("/c/ss27/held")
    assert "Your ballot is not held" in browser.words
    assert "Object" not in browser.words


def test_who_isnt_signed_in_is_asked_to(visit: Open) -> None:
    browser = visit()
    browser.get("/c/ss27/held")
    assert browser.url.startswith("/sign-in?next=")


def test_an_objection_is_kept_shown_and_replaced_by_the_next(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now)
    browser.get("/c/ss27/held")
    browser.press("Object", words="We are a school class")
    assert "Somebody reads it before the result is made." in browser.words
    assert "We are a school class" in browser.html
    browser.press("Say it this way instead", words="A class of thirty, one tablet")
    with sqlite_database.reading() as session:
        assert session.scalars(select(Objection.words)).all() == ["A class of thirty, one tablet"]


def test_an_empty_objection_says_what_is_missing_and_keeps_nothing(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now)
    browser.get("/c/ss27/held")
    browser.press("Object", words="  ", expect=400)
    assert "Write in a few words why your ballot should count" in browser.words
    browser.press("Object", words="x" * 501, expect=400)
    assert "At most 500 characters" in browser.words
    assert "x" * 501 in browser.html
    with sqlite_database.reading() as session:
        assert session.scalars(select(Objection)).all() == []


def test_an_objection_that_comes_after_the_release_is_answered_by_it(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now)
    browser.get("/c/ss27/held")
    decide(sqlite_database, SuspicionState.KEPT, now)
    browser.press("Object", words="We are a school class")
    assert "Your ballot is not held; there is nothing to object to" in browser.words


def test_after_the_selection_the_page_says_that_it_is_too_late(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now)
    with sqlite_database.transaction() as session:
        session.scalars(select(Campaign)).one().state = CampaignState.SELECTED
    browser.get("/c/ss27/held")
    assert "ballots can’t be released any more" in browser.words
    assert "Object" not in [button.text for button in browser.tree.iter("button")]


def test_who_is_asked_signs_in_again_and_counts(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.ASKED, now)
    browser.get("/c/ss27/held")
    assert "Sign in once more and it counts" in browser.words
    sign_in(browser, "anna@example.com")
    browser.get("/c/ss27/held")
    assert "Your ballot is not held" in browser.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Ballot.held_at)).all() == [None]


def test_who_is_held_for_good_is_not_freed_by_signing_in(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.HELD, now)
    browser.get("/c/ss27/held")
    assert "Sign in once more" not in browser.words
    sign_in(browser, "anna@example.com")
    browser.get("/c/ss27/held")
    assert "Your ballot is held" in browser.words


def test_once_voting_has_closed_signing_in_helps_no_more(visit: Open, sqlite_database: Database, now: datetime, clock: Clock) -> None:
    browser = voter(visit)
    decide(sqlite_database, SuspicionState.ASKED, now)
    clock.at = make.CLOSES
    with sqlite_database.transaction() as session:
        session.scalars(select(Campaign)).one().state = CampaignState.TALLY
    browser.get("/c/ss27/held")
    assert "Sign in once more" not in browser.words
    assert "If it is yours, say so" in browser.words


def test_the_page_speaks_chinese(visit: Open, sqlite_database: Database, now: datetime) -> None:
    browser = voter(visit, "zh")
    decide(sqlite_database, SuspicionState.ASKED, now)
    browser.get("/c/ss27/held")
    assert "你的选票被暂扣" in browser.words
    assert "再登录一次" in browser.words
