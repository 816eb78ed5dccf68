"""Links and posters of a source: its name is in the address, and nobody chooses the designs on the poster."""

import pytest
import segno

from c2b.campaigns.models import Picture
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin.conftest import SignIn, spoken
from tests.web.pages import Browser


@pytest.fixture
def merchandiser(database: Database, sign_in: SignIn) -> Browser:
    """Twelve candidates with pictures."""
    with database.transaction() as session:
        of = make.campaign(session)
        for number in range(12):
            made = make.candidate(session, of, f"K{number:02}", position=number)
            session.add(Picture(candidate_id=made.id, position=1, source="a.jpg", file=f"{number}.webp", width=4, height=5))
    return sign_in(Role.MERCHANDISER)


def test_a_source_has_a_link_and_a_code_that_leads_there(merchandiser: Browser) -> None:
    merchandiser.get("/admin/ss27/links")
    merchandiser.press("Make the link", s="store-hangzhou")
    address = "http://localhost/c/ss27/?s=store-hangzhou"
    assert address in spoken(merchandiser)
    code = segno.make(address, error="m", micro=False).svg_data_uri(border=4, dark="#000", light="#fff")
    assert next(image.get("src") for image in merchandiser.tree.iter("img")) == code


@pytest.mark.parametrize("wrong", ["杭州", "a b", "x" * 41, "a&b=c", "<b>"])
def test_a_name_that_no_visit_would_keep_is_refused(merchandiser: Browser, wrong: str) -> None:
    merchandiser.get("/admin/ss27/links")
    merchandiser.press("Make the link", s=wrong)
    assert "Use up to 40 letters" in spoken(merchandiser)
    assert "http://localhost/c/ss27/" in spoken(merchandiser)
    assert "?s=" not in spoken(merchandiser)


def posters_designs(browser: Browser, source: str) -> list[str]:
    browser.get(f"/admin/ss27/poster?s={source}")
    return [str(image.get("src")) for image in browser.tree.iter("img") if "/media/" in str(image.get("src"))]


def test_a_poster_shows_designs_that_its_source_draws_by_lot(merchandiser: Browser) -> None:
    drawn = {source: posters_designs(merchandiser, source) for source in ("a", "b", "c", "d")}
    assert all(len(set(designs)) == 6 for designs in drawn.values())
    assert len({tuple(designs) for designs in drawn.values()}) > 1
    assert posters_designs(merchandiser, "a") == drawn["a"], "the same store prints the same poster again"
    assert "Voting closes 14 Mar 22:00" in spoken(merchandiser)


def test_a_poster_of_pre_orders_says_until_when(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.ORDERING, voting_opens=None, voting_closes=None)
    browser = sign_in(Role.OWNER, "zh")
    browser.get("/admin/ss27/poster")
    assert "扫码预订" in spoken(browser)


def test_each_store_has_its_link(merchandiser: Browser, database: Database) -> None:
    with database.transaction() as session:
        make.store(session, "SH1", name="Jing’an")
    merchandiser.get("/admin/ss27/links")
    assert "Links of the stores Jing’an" in spoken(merchandiser)
    merchandiser.get("/admin/ss27/links?s=SH1")
    assert "http://localhost/c/ss27/?s=SH1" in spoken(merchandiser)
    assert "http://localhost/s/SH1" in spoken(merchandiser)
