"""What a shared link shows: title, sentence and picture, by its one address, and never a count."""

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Picture
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting.models import VoteEvent
from tests import make
from tests.web.pages import Browser
from tests.web.test_fresh_pages import Open

pytestmark = pytest.mark.usefixtures("campaign")


def told(browser: Browser) -> dict[str, str]:
    return {str(each.get("property")): str(each.get("content")) for each in browser.tree.iter("meta") if each.get("property")}


@pytest.mark.parametrize(("language", "sentence"), [("en", "only what sells enough is made"), ("zh", "订够起订量的才生产")])
def test_the_gallery_says_what_it_is_in_the_readers_language(visit: Open, language: str, sentence: str) -> None:
    browser = visit(language)
    browser.get("/c/ss27/?seen=yes&s=poster")
    card = told(browser)
    assert sentence in card["og:description"]
    assert card["og:url"].endswith("/c/ss27/"), "whoever shares it shares neither a filter nor a source"
    assert card["og:title"]


def test_a_candidate_is_shared_with_its_name_and_picture(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.reading() as session:
        found = make.candidate_of(session, make.campaign_of(session, "ss27"), "K05")
        picture = session.scalars(select(Picture.file).where(Picture.candidate_id == found.id)).one()
        name = found.name_en
    browser = visit()
    browser.get("/c/ss27/p/K05")
    card = told(browser)
    assert card["og:title"].startswith(name)
    assert card["og:image"] == f"http://localhost/media/{picture}"


def test_no_count_travels_with_a_link(visit: Open) -> None:
    browser = visit()
    browser.get("/c/ss27/")
    browser.press("Vote")
    browser.get("/c/ss27/")
    assert "vote" not in " ".join(told(browser).values()).lower()


def leads(browser: Browser, source: str = "store-1") -> str:
    browser.get(f"/s/{source}")
    return browser.url


@pytest.mark.parametrize(
    ("states", "slug"),
    [
        ({"aw27": CampaignState.ORDERING}, "ss27"),
        ({"aw27": CampaignState.VOTING}, "aw27"),
        ({"ss27": CampaignState.DECIDED, "aw27": CampaignState.ORDERING}, "aw27"),
    ],
    ids=["a vote before pre-orders", "of two votes the newer", "pre-orders where nobody votes"],
)
def test_a_stores_code_leads_to_the_campaign_that_runs(
    visit: Open, sqlite_database: Database, states: dict[str, CampaignState], slug: str
) -> None:
    with sqlite_database.transaction() as session:
        make.campaign(session, slug="aw27", created_at=make.OPENS)
        for name, state in states.items():
            make.campaign_of(session, name).state = state
    assert leads(visit()) == f"/c/{slug}/?s=store-1"


def test_between_seasons_it_leads_to_all_campaigns(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        make.campaign_of(session, "ss27").state = CampaignState.DECIDED
    assert leads(visit()) == "/"


def test_a_name_that_is_no_source_is_dropped(visit: Open) -> None:
    assert leads(visit(), "<b>") == "/c/ss27/"


def test_where_they_came_from_is_kept_with_their_vote(visit: Open, sqlite_database: Database) -> None:
    browser = visit()
    leads(browser)
    browser.press("Vote")
    with sqlite_database.reading() as session:
        assert session.scalars(select(VoteEvent.referrer)).one() == "store-1"
