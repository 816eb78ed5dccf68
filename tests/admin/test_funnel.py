"""The funnel's page and export: under the rule of all counts."""

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.exports.kinds import Kind
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import SignIn, spoken
from tests.exports import files

PAGE = "/admin/ss27/funnel"


def test_before_the_result_the_funnel_is_shut_to_who_has_not_looked(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session))
    support = sign_in(Role.SUPPORT)
    support.get(PAGE)
    assert "Counts are hidden" in spoken(support)
    assert "K101" not in support.html
    owner = sign_in(looks=True)
    owner.get(PAGE)
    assert "Design K101 K101 0 3 0 0 0 0 0 0" in spoken(owner)


def test_after_the_selection_it_shows_what_votes_were_worth(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        shop.votes(session, of)
        shop.selected(session, of)
        shop.order(session, of, "K102", 4)
    browser = sign_in(Role.SUPPORT)
    browser.get(PAGE)
    assert "Design K102 K102 0 2 4 200 0 0 0 0" in spoken(browser)
    assert 'aria-label="Units with a deposit for 100 votes; K102 brought 200"' in browser.html
    assert "Nobody has voted here yet." in spoken(browser)


def test_the_export_has_the_same_numbers(database: Database) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        shop.votes(session, of)
        shop.order(session, of, "K102", 4)
        rows = {row["candidate_code"]: row for row in files.table(session, Kind.FUNNEL)}
    assert (rows["K102"]["votes"], rows["K102"]["units_ordered"], rows["K102"]["units_per_100_votes"]) == ("2", "4", "200")
    assert (rows["K104"]["votes"], rows["K104"]["units_per_100_votes"]) == ("0", "")


def test_an_empty_campaign_says_what_to_do(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.ORDERING)
    browser = sign_in(Role.OWNER, "zh", looks=False)
    browser.get(PAGE)
    assert "漏斗" in spoken(browser)
