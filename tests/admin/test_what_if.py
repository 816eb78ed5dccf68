"""Sourcing tries other numbers in the browser: a scenario is an address and changes nothing."""

import pytest

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from tests import make
from tests.admin.conftest import SignIn, spoken
from tests.production import shop
from tests.web.pages import Browser

PAGE = "/admin/ss27/decision/what-if"


@pytest.fixture
def sourcing(sqlite_database: Database, sign_in: SignIn) -> Browser:
    """K1 has twelve units of its ten, K2 eight."""
    with sqlite_database.transaction() as session:
        of = shop.settling(session)
        for code, units in (("K1", 12), ("K2", 8)):
            shop.buys(session, of, (shop.variant(session, shop.product(session, of, code)), units))
    return sign_in(Role.OWNER)


def test_two_scenarios_are_compared_with_the_published_rules(sourcing: Browser) -> None:
    sourcing.get("/admin/ss27/decision")
    assert f'href="{PAGE}"' in sourcing.html
    sourcing.get(PAGE)
    assert "The same products as by the published rules." in spoken(sourcing)
    sourcing.press("Try it", minimum="80")
    assert "1 product more Design K2 K2" in spoken(sourcing)
    assert "Products made 2 +1 1 by the rules" in spoken(sourcing)
    assert "minimum=80" in sourcing.url
    sourcing.press("Try it", minimum="130")
    assert "1 product less Design K1 K1" in spoken(sourcing)


@pytest.mark.parametrize(("name", "wrong"), [("minimum", "0"), ("minimum", "many"), ("max_products", "-1"), ("drop", "101"), ("drop", "٣")])
def test_a_number_that_cannot_be_is_named_at_its_field_and_nothing_is_assumed(sourcing: Browser, name: str, wrong: str) -> None:
    sourcing.get(f"{PAGE}?{name}={wrong}")
    assert f'id="{name}-error"' in sourcing.html
    assert "Write a whole number from" in spoken(sourcing)
    assert "The same products as by the published rules." in spoken(sourcing)


def test_the_curve_stands_as_a_table_too(sourcing: Browser) -> None:
    sourcing.get(PAGE)
    assert 'aria-label="Products that are made by the minimum: 2 at 50 % of it, 0 at 150 %"' in sourcing.html
    assert "80 % 2 90 % 1" in spoken(sourcing)


def test_before_ordering_there_is_nothing_to_try(sqlite_database: Database, sign_in: SignIn) -> None:
    with sqlite_database.transaction() as session:
        make.campaign(session, state=CampaignState.VOTING)
    browser = sign_in(Role.OWNER, "zh")
    browser.get(PAGE)
    assert "Try it" not in browser.html
