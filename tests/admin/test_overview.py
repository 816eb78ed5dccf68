"""Where the campaign stands, what waits for a person, and moving it on."""

import pytest

from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import NOON, Clock, Logged, SignIn, spoken


def state_of(database: Database) -> tuple[CampaignState, bool, str]:
    with database.reading() as session:
        found = queries.campaign(session, "ss27")
        return found.state, found.paused, found.reason


def test_counts_are_hidden_while_people_vote_until_a_look_is_logged(
    database: Database, sign_in: SignIn, logged: Logged, clock: Clock
) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/")
    assert "Counted votes" not in spoken(browser)
    assert "Hidden until the result is published" in spoken(browser)
    assert logged("voting.look_at_counts") == []
    browser.press("Show counts")
    assert "Counted votes 6 3 ballots; 1 more votes held" in spoken(browser)
    assert "this look was logged at 8 Mar 12:00" in spoken(browser)
    assert [entry.actor for entry in logged("voting.look_at_counts")] == ["staff:manager@example.com"]
    clock.now = NOON.replace(minute=16)
    browser.get("/admin/ss27/")
    assert "Counted votes" not in spoken(browser)


def test_one_persons_look_opens_the_counts_to_nobody_else(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    manager, owner = sign_in(Role.MANAGER), sign_in(Role.OWNER)
    manager.get("/admin/ss27/")
    manager.press("Show counts")
    owner.get("/admin/ss27/")
    assert "Counted votes" not in spoken(owner)


def test_staff_without_the_permission_are_not_even_offered_the_counts(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, CampaignState.TALLY))
    support = sign_in(Role.SUPPORT)
    support.get("/admin/ss27/")
    assert "Counted votes" not in spoken(support)
    assert "Show counts" not in spoken(support)


@pytest.mark.parametrize("state", [CampaignState.TALLY, CampaignState.CANCELLED])
def test_until_the_result_is_published_each_look_is_logged_also_when_voting_is_over(
    database: Database, sign_in: SignIn, logged: Logged, state: CampaignState
) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, state))
    manager = sign_in(Role.MANAGER)
    for page in ("", "selection", "trust", "candidates"):
        manager.get(f"/admin/ss27/{page}")
        assert "Show counts" in manager.words
    assert "Counted votes" not in spoken(manager)
    assert logged("voting.look_at_counts") == []
    manager.press("Show counts")
    manager.get("/admin/ss27/")
    assert "Counted votes 6" in spoken(manager)
    assert [entry.actor for entry in logged("voting.look_at_counts")] == ["staff:manager@example.com"]


def test_a_campaign_that_is_cancelled_after_its_selection_keeps_its_result_public(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SELECTED)
        shop.votes(session, of)
        shop.selected(session, of)
        of.state = CampaignState.CANCELLED
    support = sign_in(Role.SUPPORT)
    support.get("/admin/ss27/")
    assert "Counted votes 6" in spoken(support)


def test_after_the_selection_the_counts_are_public(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SELECTED)
        shop.votes(session, of)
        shop.selected(session, of)
    support = sign_in(Role.SUPPORT)
    support.get("/admin/ss27/")
    assert "Counted votes 6" in spoken(support)
    assert "Votes by rank, all 4 candidates" in spoken(support)
    assert 'aria-label="Votes by rank: 3 for the first, 2 at place 2"' in support.html


def test_the_chart_of_days_stands_as_a_table_too(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.TALLY)
        first = shop.candidates(session, of)[0]
        make.ballot(session, of, first, created_at=make.OPENS)
        make.ballot(session, of, first, created_at=NOON.replace(hour=17))  # the ninth in Shanghai
    browser = sign_in(looks=True)
    browser.get("/admin/ss27/")
    assert "1 Mar 1 0 9 Mar 1 0" in spoken(browser)


def test_the_overview_lists_what_is_missing_before_the_next_phase(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = make.campaign(session, state=CampaignState.DRAFT)
        for code in ("K1", "K2", "K3"):
            make.candidate(session, of, code, price=None)
    browser = sign_in()
    browser.get("/admin/ss27/")
    assert "Missing Candidate K1 has no estimated price and 2 more like this" in spoken(browser)
    assert "Watch Candidate K1 has no picture and 2 more like this" in spoken(browser)


def test_a_waiting_run_is_the_first_thing_that_needs_a_person(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.SETTLING)
    browser = sign_in()
    browser.get("/admin/ss27/")
    assert "Needs you Run The decision is waiting Payments settle until 31 Mar 22:00 at the latest" in spoken(browser)
    assert "To the decision" in spoken(browser)


def test_a_manager_moves_the_campaign_on(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/")
    browser.press("Close voting now")
    assert "The campaign is now: Waiting for the selection" in spoken(browser)
    assert state_of(database)[0] is CampaignState.TALLY
    entry = logged("campaign.advance")[-1]
    assert (entry.actor, entry.before["state"], entry.after["state"]) == ("staff:manager@example.com", "voting", "tally")


def test_a_campaign_that_is_not_ready_stays_and_the_page_says_what_is_missing(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.SCHEDULED)
    browser = sign_in()
    browser.get("/admin/ss27/")
    browser.press("Open voting now", expect=409)
    assert "There is a problem" in spoken(browser)
    assert "it has no candidates" in spoken(browser)
    assert state_of(database)[0] is CampaignState.SCHEDULED


def test_pausing_needs_a_public_reason_and_resuming_undoes_it(database: Database, sign_in: SignIn, logged: Logged) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    browser.get("/admin/ss27/")
    browser.press("Pause votes and orders", reason="  ", expect=400)
    assert "Say why: the reason is shown to everybody" in spoken(browser)
    assert state_of(database) == (CampaignState.VOTING, False, "")
    browser.press("Pause votes and orders", reason="The mill is flooded")
    assert "Customers read: “The mill is flooded”" in spoken(browser)
    assert state_of(database) == (CampaignState.VOTING, True, "The mill is flooded")
    browser.press("Resume votes and orders")
    assert state_of(database) == (CampaignState.VOTING, False, "")
    assert [entry.action for entry in logged("campaign.pause") + logged("campaign.resume")] == ["campaign.pause", "campaign.resume"]


def test_a_forged_state_is_refused(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    browser.get("/admin/ss27/")
    browser.press("Close voting now", to="elsewhere", expect=400)
    browser.get("/admin/ss27/")
    browser.press("Close voting now", to="ordering", expect=409)
    assert "waits for the selection" in spoken(browser)
    assert state_of(database)[0] is CampaignState.VOTING


def test_money_on_the_overview_counts_held_deposits_only(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SETTLING)
        shop.selected(session, of)
        shop.order(session, of, "K101", 5)
        shop.missed(session, of)
    browser = sign_in()
    browser.get("/admin/ss27/")
    assert "Units ordered 5 1 orders Deposits held ¥299.00 ¥0.00 returned" in spoken(browser)
