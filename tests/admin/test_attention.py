"""Staff compare votes with views, and see the sizes of a candidate's voters: under the rule of all counts."""

import pytest

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from c2b.voting import seen
from tests import make
from tests.admin.conftest import Logged, SignIn, spoken


@pytest.fixture
def campaign(database: Database) -> Campaign:
    """K1 was shown to four, who gave it two votes; K2 to one."""
    with database.transaction() as session:
        made = make.campaign(session)
        one, two, three = (make.candidate(session, made, f"K{number}", position=number) for number in (1, 2, 3))
        one.option1_name = "尺码"
        seen.write(session, made.id, {1: {one.id, two.id}, 2: {one.id}, 3: {one.id}, 4: {one.id}})
        for size in ("L", "L", "S", ""):
            make.ballot(session, made, one, by=make.person(session, size=size))
        assert three.id
        return made


def change(database: Database, state: CampaignState) -> None:
    with database.transaction() as session:
        make.campaign_of(session, "ss27").state = state


@pytest.mark.usefixtures("campaign")
def test_while_people_vote_the_response_is_hidden_until_a_look_is_logged(sign_in: SignIn, logged: Logged) -> None:
    browser = sign_in(Role.MANAGER)
    for page in ("candidates", "candidates/K1"):
        browser.get(f"/admin/ss27/{page}")
        assert "Votes per 100 viewers" not in browser.words
        assert "Sizes of its voters" not in browser.words
    assert logged("voting.look_at_counts") == []
    browser.press("Show counts")
    assert browser.url == "/admin/ss27/candidates"
    assert len(logged("voting.look_at_counts")) == 1
    assert "Votes per 100 viewers" in browser.words
    assert "Each design was shown to 0 to 4 viewers. Least seen: K3, K2, K1" in browser.words
    assert "100.0" in browser.words
    browser.get("/admin/ss27/candidates/K1")
    assert "3 of 4 said which size they wear." in browser.words
    assert "S1 33 %L2 66 %" in browser.words


@pytest.mark.usefixtures("campaign")
def test_who_may_not_see_counts_is_not_even_offered_them(sign_in: SignIn) -> None:
    browser = sign_in(Role.MERCHANDISER)
    for page in ("candidates", "candidates/K1"):
        browser.get(f"/admin/ss27/{page}")
        assert "Show counts" not in spoken(browser)
        assert "Votes per 100 viewers" not in browser.words
        assert "Sizes of its voters" not in browser.words


@pytest.mark.usefixtures("campaign")
def test_after_the_selection_all_who_work_on_candidates_see_it(database: Database, sign_in: SignIn) -> None:
    change(database, CampaignState.SELECTED)
    browser = sign_in(Role.MERCHANDISER)
    browser.get("/admin/ss27/candidates")
    assert "Votes per 100 viewers" in browser.words
    browser.get("/admin/ss27/candidates/K2")
    assert "Nobody who voted for it said a size." in browser.words


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.SCHEDULED])
def test_before_the_vote_there_is_nothing_to_ask_for(database: Database, sign_in: SignIn, state: CampaignState) -> None:
    change(database, state)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/candidates")
    assert "Show counts" not in spoken(browser)
    assert "Seen by" not in browser.words


def test_a_withdrawn_candidate_has_no_response(database: Database, campaign: Campaign, sign_in: SignIn) -> None:
    with database.transaction() as session:
        gone = make.candidate_of(session, campaign, "K3")
        gone.withdrawn_at, gone.withdrawn_reason = campaign.created_at, "the mill closed"
    change(database, CampaignState.SELECTED)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/candidates")
    assert "Least seen: K2, K1" in browser.words
    browser.get("/admin/ss27/candidates/K3")
    assert "Withdrawn: its votes went back." in browser.words


def test_where_nobody_looked_yet_the_list_says_so(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.candidate(session, make.campaign(session), "K1")
    change(database, CampaignState.SELECTED)
    browser = sign_in(Role.MANAGER)
    browser.get("/admin/ss27/candidates")
    assert "Nobody has looked at the designs yet." in browser.words
