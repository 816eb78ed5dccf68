"""What a browser was shown is remembered, away from the page; what nobody looked at isn't."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import candidate_ids
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.ui.shell import Parts
from c2b.voting import queries, seen
from c2b.voting.models import Seen
from tests.web.pages import Browser
from tests.web.test_voting_pages import change, codes, sign_in

Open = Callable[..., Browser]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@pytest.fixture
def written(app: Flask) -> Callable[[], None]:
    """Write what waits now, instead of in a second."""
    parts: Parts = app.extensions["c2b"]
    return parts.impressions.flush


def views(database: Database) -> dict[str, int]:
    with database.reading() as session:
        campaign = session.scalars(select(Campaign.id)).one()
        name = dict(session.execute(select(Candidate.id, Candidate.code)).all())
        return {name[key]: count for key, count in queries.views(session, campaign).items()}


@pytest.mark.usefixtures("campaign")
def test_a_page_counts_a_view_of_each_card_on_it(visit: Open, sqlite_database: Database, written: Callable[[], None]) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    assert views(sqlite_database) == {}
    written()
    assert views(sqlite_database) == dict.fromkeys(codes(visitor), 1)


@pytest.mark.usefixtures("campaign")
def test_looking_again_is_no_new_view_but_another_browser_is(visit: Open, sqlite_database: Database, written: Callable[[], None]) -> None:
    one, other = visit(), visit()
    for visitor in (one, one, other):
        for page in (1, 2):
            visitor.get(f"/c/ss27/?page={page}")
        written()
    assert set(views(sqlite_database).values()) == {2}


@pytest.mark.usefixtures("campaign")
def test_a_products_own_page_is_a_view(visit: Open, sqlite_database: Database, written: Callable[[], None]) -> None:
    visit().get("/c/ss27/p/K25")
    written()
    assert views(sqlite_database) == {"K25": 1}


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    "headers",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)"},
        {"User-Agent": "Mozilla/5.0 AppleWebKit/537.36 (compatible; bingbot/2.0)"},
        {"User-Agent": "Sogou web spider/4.0"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "Mozilla/5.0 (compatible; Yahoo! Slurp)"},
        {"User-Agent": "curl/8.5.0"},
        {"User-Agent": FIREFOX, "Sec-Purpose": "prefetch"},
        {"User-Agent": FIREFOX, "Sec-Purpose": "prefetch;prerender"},
        {"User-Agent": FIREFOX, "Purpose": "prefetch"},
    ],
)
def test_what_a_robot_or_a_prefetch_gets_is_no_view(
    app: Flask, sqlite_database: Database, written: Callable[[], None], headers: dict[str, str]
) -> None:
    for url in ("/c/ss27/", "/c/ss27/p/K25"):
        assert app.test_client().get(url, headers=headers).status_code == 200
    written()
    assert views(sqlite_database) == {}


@pytest.mark.usefixtures("campaign")
def test_a_head_request_is_no_view_but_a_browser_is(app: Flask, sqlite_database: Database, written: Callable[[], None]) -> None:
    assert app.test_client().head("/c/ss27/", headers={"User-Agent": FIREFOX}).status_code == 200
    written()
    assert views(sqlite_database) == {}
    app.test_client().get("/c/ss27/", headers={"User-Agent": FIREFOX})
    written()
    assert len(views(sqlite_database)) == 24


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.TALLY, CampaignState.ORDERING])
def test_only_what_is_shown_during_the_vote_counts(
    visit: Open, sqlite_database: Database, written: Callable[[], None], state: CampaignState
) -> None:
    change(sqlite_database, state=state)
    visit().get("/c/ss27/?show=all")
    written()
    assert views(sqlite_database) == {}


@pytest.mark.usefixtures("campaign")
def test_what_a_second_browser_was_shown_belongs_to_the_account_after_signing_in(
    visit: Open, sqlite_database: Database, written: Callable[[], None]
) -> None:
    phone, laptop = visit(), visit()
    phone.get("/c/ss27/p/K01")
    sign_in(phone)
    written()
    laptop.get("/c/ss27/p/K07")
    written()
    laptop.get("/c/ss27/p/K08")
    sign_in(laptop)
    phone.get("/c/ss27/p/K02")
    written()
    with sqlite_database.reading() as session:
        ids = candidate_ids(session, session.scalars(select(Campaign.id)).one())
        marks = dict(session.execute(select(Seen.viewer, Seen.marks)).all())
    account = min(marks, key=lambda viewer: viewer)
    known = seen.chosen(int.from_bytes(marks[account], "little"), ids)
    assert {ids[1], ids[2], ids[7], ids[8]} <= known
