"""Every page in both languages, in each state of a campaign: whole, labelled, without a word in the other language."""

import re

import pytest
from flask import Flask

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import SignIn, spoken

PAGES = (
    *("", "candidates", "candidates/K101", "import", "selection", "orders", "refunds", "decision", "production"),
    *("exports", "log", "cancel"),
)
STATES = [state for state in CampaignState if state is not CampaignState.COMPLETED]
HAN = re.compile(r"[\u4e00-\u9fff]")


def fill(database: Database, state: CampaignState) -> None:
    """Make a campaign in `state` with everything that can have happened by then."""
    order = list(CampaignState)
    with database.transaction() as session:
        of = shop.campaign(session, state)
        if state is not CampaignState.CANCELLED and order.index(state) >= order.index(CampaignState.VOTING):
            shop.votes(session, of)
        if state is not CampaignState.CANCELLED and order.index(state) >= order.index(CampaignState.SELECTED):
            shop.selected(session, of)
        if state in (CampaignState.ORDERING, CampaignState.SETTLING):
            shop.order(session, of, "K101", 5)
            shop.missed(session, of)
        if state is CampaignState.DECIDED:
            of.state = CampaignState.SETTLING
            shop.decided(session, of)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("state", STATES)
def test_every_page_of_a_campaign_is_whole_in_every_state(database: Database, sign_in: SignIn, state: CampaignState, language: str) -> None:
    fill(database, state)
    browser = sign_in(Role.OWNER, language)
    for page in PAGES:
        browser.get(f"/admin/ss27/{page}")
        assert browser.url == f"/admin/ss27/{page}"
        assert ("Spring/Summer 2027" if language == "en" else "2027 春夏") in spoken(browser)


@pytest.mark.parametrize("page", ["", "candidates", "orders", "refunds", "decision", "production", "log", "cancel", "exports"])
def test_an_unknown_campaign_is_a_page_that_says_so(app: Flask, sign_in: SignIn, page: str) -> None:
    if f"/admin/<slug>/{page}" not in {rule.rule for rule in app.url_map.iter_rules()}:
        pytest.skip("not there yet")
    browser = sign_in()
    browser.get(f"/admin/nothing/{page}", expect=404)
    assert "There is no campaign “nothing”" in spoken(browser)


def test_pages_without_a_campaign_are_whole(sign_in: SignIn) -> None:
    for language in ("en", "zh"):
        browser = sign_in(Role.OWNER, language, email=f"{language}@example.com")
        for page in ("/admin/", "/admin/staff", "/admin/messages"):
            browser.get(page)
            assert browser.url == page


def test_english_pages_hold_no_chinese_but_what_the_merchant_wrote(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = make.campaign(session, title="Spring", title_en="Spring")
        make.candidate(session, of, "K101", category="Shirts", name="Design", option1_name="Size")
    browser = sign_in()
    for page in PAGES:
        browser.get(f"/admin/ss27/{page}")
        words = spoken(browser).replace("中文", "")
        assert not HAN.search(words), (page, HAN.findall(words))


def test_the_list_shows_each_campaign_with_state_and_instants(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, paused=True, reason="a strike")
        make.campaign(session, slug="pre", title="预售", title_en="", state=CampaignState.ORDERING, voting_opens=None, voting_closes=None)
    browser = sign_in()
    browser.get("/admin/")
    assert "Spring/Summer 2027 ss27 Voting is open Paused 1 Mar – 14 Mar 22:00" in spoken(browser)
    assert "预售 pre Ordering is open no voting phase 17 Mar – 30 Mar 22:00" in spoken(browser)
