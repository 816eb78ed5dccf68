"""A campaign is made and changed in the browser, by the same rules as by its file."""

import tomllib
from datetime import UTC, datetime
from typing import Any

import pytest

from c2b.campaigns import campaign_file, document, queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin import shop
from tests.admin.conftest import Logged, SignIn, spoken
from tests.campaigns.test_campaign_file import EXAMPLE
from tests.web.pages import Browser

TYPED: dict[str, Any] = {
    "slug": "ss27",
    "title": "2027 春夏",
    "title_en": "Spring/Summer 2027",
    "voting.opens": "2027-04-01T10:00",
    "voting.closes": "2027-04-14T22:00",
    "voting.places": "150",
    "ordering.opens": "2027-04-17T10:00",
    "ordering.closes": "2027-04-30T22:00",
    "balance.opens": "2027-05-05T10:00",
    "balance.due": "2027-05-20T22:00",
    "delivery.expected": "2027-07-05",
    "delivery.shipping": "12.00",
}


def stored(database: Database, slug: str = "ss27") -> Campaign:
    with database.reading() as session:
        found = queries.campaign(session, slug)
        session.expunge(found)
        return found


def new(browser: Browser, *, expect: int = 200, **changes: Any) -> Browser:
    browser.get("/admin/new")
    browser.press("Make the draft", expect=expect, **(TYPED | changes))
    return browser


def press(browser: Browser, name: str, typed: dict[str, Any], *, expect: int = 200) -> None:
    browser.press(name, expect=expect, **typed)


def shown(browser: Browser, name: str) -> str:
    """Return what stands in a control."""
    control = next(each for each in browser.tree.iter("input") if each.get("name") == name)
    return control.get("value") or ""


def test_a_merchant_without_a_campaign_is_led_to_the_first(sign_in: SignIn) -> None:
    browser = sign_in()
    browser.get("/admin/")
    assert "No campaign yet" in spoken(browser)
    assert '<a class="btn q" href="/admin/new">New campaign</a>' in browser.html


def test_who_may_not_make_one_is_told_who_does(sign_in: SignIn) -> None:
    support = sign_in(Role.SUPPORT)
    support.get("/admin/")
    assert "An owner or manager makes one" in spoken(support)
    assert "/admin/new" not in support.html


def test_a_campaign_made_in_the_browser_is_the_one_that_its_file_would_make(database: Database, sign_in: SignIn, logged: Logged) -> None:
    browser = new(sign_in(Role.MANAGER))
    assert browser.url == "/admin/ss27/"
    assert "Made as a draft" in spoken(browser)
    text = EXAMPLE.replace("2027-03", "2027-04x").replace("2027-04-05", "2027-05-05").replace("2027-04-20", "2027-05-20")
    wanted = tomllib.loads(text.replace("2027-04x", "2027-04").replace("2027-06-05", "2027-07-05"))
    assert campaign_file.read(document.of(stored(database))).values == campaign_file.read(wanted).values
    assert [entry.actor for entry in logged("campaign.create")] == ["staff:manager@example.com"]


def test_what_is_missing_next_is_linked(sign_in: SignIn) -> None:
    browser = new(sign_in())
    assert "Missing It has no candidates" in spoken(browser)
    assert 'class="lk" href="/admin/ss27/import"' in browser.html


def test_every_mistake_stands_at_its_control_and_what_was_typed_stays(database: Database, sign_in: SignIn) -> None:
    changes = {
        "voting.places": "many",
        "ordering.closes": "2027-04-01T00:00",
        "delivery.shipping": "twelve",
        "currency": "CNY",
        "title": "",
    }
    browser = new(sign_in(), expect=400, **changes)
    assert "Places: must be a whole number" in spoken(browser)
    assert "Title in Chinese: is missing" in spoken(browser)
    assert (shown(browser, "voting.places"), shown(browser, "title_en")) == ("many", "Spring/Summer 2027")
    press(browser, "Make the draft", {"voting.places": "150", "title": "春夏"}, expect=400)
    assert "Shipping of an order: “twelve” is not an amount" in spoken(browser)
    assert "Ordering closes: must be later than “Ordering opens”" in spoken(browser)
    press(browser, "Make the draft", {"ordering.closes": "2027-04-30T22:00", "delivery.shipping": "0"})
    assert stored(database).places == 150


@pytest.mark.parametrize("currency", ["YUAN", "cny", ""])
def test_a_currency_that_does_not_exist_is_refused_at_its_control(sign_in: SignIn, currency: str) -> None:
    browser = new(sign_in(), expect=400, currency=currency)
    assert 'href="#currency"' in browser.html


def test_an_address_that_is_taken_changes_nothing_of_the_older_campaign(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    browser = new(sign_in(), expect=400, title="Another")
    assert "Web address: another campaign has this one already" in spoken(browser)
    assert stored(database).title == "2027 春夏"


def test_a_campaign_without_a_vote_and_without_a_balance(database: Database, sign_in: SignIn) -> None:
    new(sign_in(), voting=[], balance=[])
    found = stored(database)
    assert (found.voting_opens, found.balance_opens) == (None, None)


def test_a_new_season_begins_with_the_rules_of_an_older_one(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, minimum=77, votes_each=9)
    browser = sign_in()
    browser.get("/admin/new")
    browser.press("Fill in", like="ss27")
    assert (shown(browser, "ordering.minimum"), shown(browser, "voting.votes_each"), shown(browser, "title")) == ("77", "9", "")
    assert shown(browser, "voting.opens") == "2027-03-15T10:00"


def test_a_draft_is_changed_in_its_settings(database: Database, sign_in: SignIn, logged: Logged) -> None:
    browser = new(sign_in())
    browser.get("/admin/ss27/settings")
    press(browser, "Save", {"voting.votes_each": "10", "delivery.countries": "cn，hk", "ordering.two_person": "1"})
    assert "Saved." in spoken(browser)
    found = stored(database)
    assert (found.votes_each, found.countries, found.two_person, found.places) == (10, ["CN", "HK"], True, 150)
    assert logged("campaign.update")[-1].after == {"votes_each": 10, "countries": ["CN", "HK"], "two_person": True}


def test_saving_what_is_there_changes_nothing(sign_in: SignIn, logged: Logged) -> None:
    browser = new(sign_in())
    browser.get("/admin/ss27/settings")
    browser.press("Save")
    assert logged("campaign.update") == []


def test_the_second_of_two_who_change_at_once_is_told(database: Database, sign_in: SignIn) -> None:
    first = new(sign_in())
    second = sign_in(Role.MANAGER)
    for browser in (first, second):
        browser.get("/admin/ss27/settings")
    press(first, "Save", {"voting.votes_each": "10"})
    press(second, "Save", {"voting.places": "20"}, expect=409)
    assert "Somebody changed these settings" in spoken(second)
    assert (stored(database).places, shown(second, "voting.places")) == (150, "20")
    press(second, "Save", {"voting.votes_each": "10"})
    assert (stored(database).places, stored(database).votes_each) == (20, 10)


def test_once_voting_opens_the_rules_can_be_read_only(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    browser = sign_in()
    browser.get("/admin/ss27/settings")
    assert "Rules are frozen once voting opens" in spoken(browser)
    assert "<button" not in browser.html[browser.html.index('name="seen"') :]
    browser.client.post("/admin/ss27/settings", data={"voting.votes_each": "99"})
    assert stored(database).votes_each == 15


def test_between_vote_and_ordering_the_days_to_come_can_be_moved(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.SELECTED)
    browser = sign_in()
    browser.get("/admin/ss27/settings")
    press(browser, "Save", {"ordering.closes": "2027-04-02T22:00", "voting.votes_each": "99"})
    found = stored(database)
    assert (found.ordering_closes, found.votes_each) == (datetime(2027, 4, 2, 14, 0, tzinfo=UTC), 15)


def test_settings_speak_chinese(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    browser = sign_in(language="zh")
    browser.get("/admin/ss27/settings")
    press(browser, "保存", {"voting.places": "很多"}, expect=400)
    assert "取几款：要是整数" in spoken(browser)
