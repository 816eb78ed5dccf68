"""The guide: every state of a campaign has its step, with the campaign's own dates and the pages where things are done."""

import pytest

from c2b.admin import guide
from c2b.admin.page import CAMPAIGN_MENU
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests.admin import shop
from tests.admin.conftest import SignIn, spoken

STATES: list[CampaignState] = [state for state in CampaignState if state is not CampaignState.CANCELLED]


def open_in(database: Database, state: CampaignState, **changes: object) -> None:
    with database.transaction() as session:
        shop.campaign(session, state, **changes)


@pytest.mark.parametrize("state", STATES)
def test_every_state_has_its_step(state: CampaignState) -> None:
    assert [chapter.name for chapter in guide.CHAPTERS if state in chapter.states]


def test_the_steps_go_in_the_order_of_the_states() -> None:
    order = [STATES.index(chapter.states[0]) for chapter in guide.CHAPTERS]
    assert order == sorted(order)


def test_every_page_that_a_step_names_is_in_the_menu() -> None:
    pages = {entry.endpoint for entry in CAMPAIGN_MENU}
    assert {page for chapter in guide.CHAPTERS for page in chapter.pages} <= pages


def test_it_says_where_the_campaign_is_from_when_and_where_to_go(database: Database, sign_in: SignIn) -> None:
    open_in(database, CampaignState.VOTING)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/ss27/")
    assert "Guide" in spoken(browser)
    browser.get("/admin/ss27/guide")
    assert "3. Voting Now from 1 Mar" in spoken(browser)
    assert spoken(browser).count("Now") == 2, "in the list of steps and at the step"
    assert "No role can change a pick or a count, or bring a candidate forward." in spoken(browser)
    links = {link.get("href") for link in browser.tree.iter("a")}
    assert "/admin/ss27/trust" in links


def test_who_reads_is_led_only_to_pages_that_they_may_open(database: Database, sign_in: SignIn) -> None:
    open_in(database, CampaignState.VOTING)
    browser = sign_in(Role.ASSISTANT)
    browser.get("/admin/ss27/guide")
    main = next(part for part in browser.tree.iter("main"))
    led = {str(link.get("href")) for link in main.iter("a") if str(link.get("href")).startswith("/")}
    assert led == {"/admin/ss27/counter", "/admin/ss27/pickups"}


def test_a_campaign_without_a_vote_is_told_nothing_of_one(database: Database, sign_in: SignIn) -> None:
    open_in(database, CampaignState.ORDERING, voting_opens=None, voting_closes=None)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/ss27/guide")
    assert "4. Pre-orders Now" in spoken(browser)
    assert "The selection runs once" not in spoken(browser)


def test_a_cancelled_campaign_says_so_and_is_at_no_step(database: Database, sign_in: SignIn) -> None:
    open_in(database, CampaignState.CANCELLED)
    browser = sign_in(Role.OWNER)
    browser.get("/admin/ss27/guide")
    assert "This campaign was cancelled" in spoken(browser)
    assert "Now" not in spoken(browser)


def test_it_speaks_chinese(database: Database, sign_in: SignIn) -> None:
    open_in(database, CampaignState.SETTLING)
    browser = sign_in(Role.OWNER, "zh")
    browser.get("/admin/ss27/guide")
    assert "定案 现在" in spoken(browser)
