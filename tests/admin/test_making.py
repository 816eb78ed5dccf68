"""Sourcing moves production orders on in the browser: steps, extra stock, deliveries, and a short one that is shared out."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from c2b.db import Database
from c2b.deposits.models import OrderLine, RefundLine
from c2b.deposits.rules import Outcome
from c2b.people.rules import Role
from c2b.production import actions, queries
from c2b.production.progress import progress
from c2b.production.rules import ProductionOrderState
from tests import make
from tests.admin.conftest import Clock, SignIn, spoken
from tests.production import shop
from tests.production.test_making import AT, SECOND
from tests.web.pages import Browser

Order = Callable[[], Browser]


@pytest.fixture
def order(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> Browser:
    """The page of a draft: twelve units of K1 in S, seven of one customer and five of a later one."""
    clock.now = AT
    with sqlite_database.transaction() as session:
        of = shop.settling(session)
        small = shop.variant(session, shop.product(session, of, "K1", pack=5))
        for place, units in enumerate((7, 5)):
            for line in make.lines_of(session, shop.buys(session, of, (small, units))):
                line.reserved_at = make.ORDERING_OPENS + place * SECOND
        actions.decide(session, slug="ss27", actor="cli:test", now=AT)
        number = queries.orders(session, of.id)[0].number
    browser = sign_in(Role.OWNER)
    browser.get(f"/admin/ss27/production/{number}")
    return browser


def press(browser: Browser, name: str, typed: dict[str, Any], *, expect: int = 200) -> None:
    browser.press(name, expect=expect, **typed)


def send(browser: Browser) -> None:
    browser.press("Enter: Approved")
    browser.press("Enter: Sent")


def state(database: Database) -> ProductionOrderState:
    with database.reading() as session:
        return queries.orders(session, make.campaign_of(session, "ss27").id)[0].state


def test_each_step_is_a_button_and_shows_its_day(sqlite_database: Database, order: Browser) -> None:
    send(order)
    press(order, "Enter: Acknowledged", {"expected": "2027-06-09", "note": "one week later"})
    assert "promised for 9 Jun" in spoken(order)
    order.press("Enter: Producing")
    assert "Producing 1 Apr" in spoken(order)
    assert state(sqlite_database) is ProductionOrderState.PRODUCING


@pytest.mark.parametrize("wrong", ["tomorrow", "2027-13-01"])
def test_a_promised_day_that_is_none_is_refused_and_kept(order: Browser, wrong: str) -> None:
    send(order)
    press(order, "Enter: Acknowledged", {"expected": wrong}, expect=400)
    assert f"“{wrong}” is not a day" in spoken(order)


def test_a_state_that_is_none_is_refused(sqlite_database: Database, order: Browser) -> None:
    order.press("Enter: Approved", to="finished", expect=400)
    assert "Choose the state from the page" in spoken(order)
    assert state(sqlite_database) is ProductionOrderState.DRAFT


def test_extra_stock_is_changed_and_a_revision_shows_the_difference(order: Browser) -> None:
    send(order)
    press(order, "Save the change", {"extra-1": "8"}, expect=400)
    assert "say why it changes" in spoken(order)
    press(order, "Save the change", {"extra-1": "8", "reason": "for the outlet"})
    assert "Revision 1 to revision 2" in spoken(order)
    assert "<del>15</del>" in order.html
    assert "<ins>20</ins>" in order.html


@pytest.mark.parametrize("wrong", ["many", "-3", "2.5", "99999999999"])
def test_pieces_that_are_no_number_are_an_error_and_never_zero(sqlite_database: Database, order: Browser, wrong: str) -> None:
    send(order)
    press(order, "Enter the delivery", {"a-1": wrong}, expect=400)
    assert "is not a number of pieces" in spoken(order)
    press(order, "Save the change", {"extra-1": wrong, "reason": "x"}, expect=400)
    assert state(sqlite_database) is ProductionOrderState.SENT


def test_a_delivery_is_entered_and_taken_back(sqlite_database: Database, order: Browser) -> None:
    send(order)
    press(order, "Enter the delivery", {"a-1": "10", "b-1": "2", "reject-1": "3", "arrived": "2027-04-01", "note": "first lorry"})
    assert "12 / 15" in spoken(order)
    assert "first lorry" in spoken(order)
    order.press("Take back")
    assert "taken back" in spoken(order)
    with sqlite_database.reading() as session:
        found = queries.orders(session, make.campaign_of(session, "ss27").id)[0]
        assert progress(session, found.id).arrived == {}


def test_a_delivery_needs_its_day_and_a_piece(order: Browser) -> None:
    send(order)
    press(order, "Enter the delivery", {"a-1": "10", "arrived": ""}, expect=400)
    assert "on which day it came" in spoken(order)
    press(order, "Enter the delivery", {"a-1": "", "arrived": "2027-04-01"}, expect=400)
    assert "Enter at least one piece" in spoken(order)


def test_a_short_delivery_is_previewed_and_shared_out(sqlite_database: Database, order: Browser) -> None:
    send(order)
    press(order, "Enter the delivery", {"a-1": "9", "arrived": "2027-04-01"})
    assert "Customers still wait for 5 pieces" in spoken(order)
    order.get(order.url + "/share")
    assert "Units that customers get 7" in spoken(order)
    assert "Give back ¥100.00" in spoken(order)
    press(order, "Give back", {"reason": ""}, expect=400)
    press(order, "Give back", {"reason": "The mill ran out of yarn"})
    assert "1 lines ended" in spoken(order)
    with sqlite_database.reading() as session:
        assert list(session.scalars(select(OrderLine.outcome).order_by(OrderLine.id))) == [Outcome.ALLOCATED, Outcome.CANCELLED]
        assert list(session.scalars(select(RefundLine.amount))) == [10000]


def test_where_two_people_are_asked_for_one_asks_and_the_other_shares_out(
    sqlite_database: Database, order: Browser, sign_in: SignIn
) -> None:
    with sqlite_database.transaction() as session:
        make.campaign_of(session, "ss27").two_person = True
    send(order)
    press(order, "Enter the delivery", {"a-1": "9", "arrived": "2027-04-01"})
    order.get(order.url + "/share")
    assert "Give back ¥" not in order.html
    press(order, "Ask for it", {"reason": "The mill ran out of yarn"})
    assert "You asked for it, with this reason: “The mill ran out of yarn”" in spoken(order)
    other = sign_in(Role.OWNER, email="second@example.com")
    other.get(order.url)
    assert "owner@example.com asked for it" in spoken(other)
    other.press("Give back")
    assert "1 lines ended" in spoken(other)


def test_sourcing_previews_and_finance_decides(order: Browser, sign_in: SignIn) -> None:
    send(order)
    press(order, "Enter the delivery", {"a-1": "9", "arrived": "2027-04-01"})
    merchandiser = sign_in(Role.MERCHANDISER)
    merchandiser.get(order.url + "/share")
    assert "Finance decides it." in spoken(merchandiser)


def test_where_enough_came_nothing_is_shared_out(order: Browser) -> None:
    order.get(order.url + "/share")
    assert "Nothing came yet" in spoken(order)
    order.get(order.url.removesuffix("/share"))
    send(order)
    press(order, "Enter the delivery", {"a-1": "15", "arrived": "2027-04-01"})
    order.get(order.url + "/share")
    assert "Enough came for everybody" in spoken(order)


def test_an_order_that_does_not_exist_is_not_found(order: Browser) -> None:
    for path in ("/admin/ss27/production/nothing", "/admin/ss27/production/nothing/share"):
        order.get(path, expect=404)


def test_it_speaks_chinese(order: Browser, sign_in: SignIn) -> None:
    manager = sign_in(Role.MANAGER, "zh")
    manager.get(order.url)
    press(manager, "登记为：批准", {"note": "可以"})
    manager.press("登记为：发出")
    press(manager, "保存修改", {"extra-1": "9"}, expect=400)
    assert "请写明修改原因" in spoken(manager)
