"""Collecting an order in a store, as its customer sees it: without JavaScript, in both languages."""

from collections.abc import Callable

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits.models import Order
from c2b.people.models import Address
from tests import make
from tests.deposits.test_parcels import AT
from tests.deposits.test_pickups import arrives, chooses, code_of, hands_out
from tests.production.test_defaults import DECIDED, DUE, decided, pays
from tests.web.conftest import Clock
from tests.web.pages import Browser, lint
from tests.web.test_voting_pages import sign_in

Open = Callable[..., Browser]


@pytest.fixture
def order(sqlite_database: Database, clock: Clock) -> Order:
    """Of twelve K1, decided, with ¥15 of shipping to pay; the brand has a store in Hangzhou and one in Shanghai."""
    clock.at = DECIDED
    with sqlite_database.transaction() as session:
        _, (order,) = decided(session)
        make.store(session)
        make.store(session, "SH1", name="静安店", city="上海", address="南京西路 1 号", latitude=31.23, longitude=121.45, hours="")
        session.expunge(order)
    return order


@pytest.fixture
def customer(visit: Open, sqlite_database: Database) -> Open:
    """Sign in whose orders these are."""

    def enters(language: str = "en") -> Browser:
        browser = visit("en")
        sign_in(browser, to="/me")
        with sqlite_database.transaction() as session:
            anna = session.scalars(select(Address.person_id).where(Address.value == "anna@example.com")).one()
            session.execute(update(Order).values(person_id=anna))
        browser.get(f"/me?lang={language}")
        return browser

    return enters


def test_a_store_is_chosen_and_the_shipping_falls_away(customer: Open, order: Order) -> None:
    anna, page = customer(), f"/me/orders/{order.ref}"
    assert lint(anna.get(page)) == []
    assert "Pay the balance, ¥975.00" in anna.words
    assert "Collect it in a store instead" in anna.words
    assert lint(anna.get(f"{page}/store")) == []
    anna.press("Collect it there", store="SH1")
    assert "Saved. You collect it in 静安店" in anna.words
    assert "Where you collect it" in anna.words
    assert "Pay the balance, ¥960.00" in anna.words
    assert "Choose another store" in anna.words


def test_the_nearest_come_first_and_what_is_asked_for_stays(customer: Open, order: Order) -> None:
    anna = customer()
    anna.get(f"/me/orders/{order.ref}/store")
    anna.press("Show the nearest", near="上海")
    assert anna.words.index("静安店") < anna.words.index("Store HZ1")
    assert "about 165 km" in anna.words
    assert anna.url.endswith("?near=%E4%B8%8A%E6%B5%B7")
    anna.press("Show the nearest", near="Atlantis")
    assert "No store is in “Atlantis” by name" in anna.words


def test_nothing_chosen_is_said_at_the_list(customer: Open, order: Order) -> None:
    anna = customer()
    anna.get(f"/me/orders/{order.ref}/store?near=上海")
    anna.press("Collect it there", expect=400)
    assert "Choose one of the stores" in anna.words
    assert lint(anna.html) == []


def test_the_code_stands_on_the_page_once_the_goods_are_there_and_goes_when_they_are_taken(
    customer: Open, order: Order, sqlite_database: Database, clock: Clock
) -> None:
    anna, page = customer(), f"/me/orders/{order.ref}"

    def in_the_shop(*acts: Callable[[Session, Order], object]) -> str:
        with sqlite_database.transaction() as session:
            own = session.get_one(Order, order.id)
            for act in acts:
                act(session, own)
            return code_of(session, own)

    code = in_the_shop(chooses)
    anna.get(page)
    assert "We write to you when it is there." in anna.words
    assert code not in anna.words.replace(" ", "")
    clock.at = AT
    in_the_shop(lambda session, own: pays(session, own, DUE), arrives)
    assert lint(anna.get(page)) == []
    assert code in anna.words.replace(" ", "")
    assert "Pickup code to scan" in anna.html
    assert "In the store, ready for you" in anna.words
    in_the_shop(lambda session, _: hands_out(session, code))
    anna.get(page)
    assert code not in anna.words.replace(" ", "")


def test_who_had_chosen_a_store_can_still_have_it_sent(customer: Open, order: Order, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        chooses(session, order)
    anna = customer()
    anna.get(f"/me/orders/{order.ref}")
    assert "Have it sent instead" in anna.words
    anna.press("Save the address", recipient="Anna", phone="1", address="1 Road", country="CN")
    assert "Where it goes" in anna.words
    assert "Pay the balance, ¥975.00" in anna.words


def test_who_paid_the_balance_and_then_has_it_sent_pays_the_shipping_alone(
    customer: Open, order: Order, sqlite_database: Database, clock: Clock
) -> None:
    with sqlite_database.transaction() as session:
        chooses(session, order)
        pays(session, session.get_one(Order, order.id), DUE)
    clock.at = AT
    anna = customer()
    anna.get(f"/me/orders/{order.ref}")
    anna.press("Save the address", recipient="Anna", phone="1", address="1 Road", country="CN")
    assert "Pay the shipping, ¥15.00" in anna.words
    assert "Pay the balance" not in anna.words


def test_somebody_elses_order_is_not_there(visit: Open, order: Order) -> None:
    stranger = visit()
    sign_in(stranger, "stranger@example.com", to="/me")
    stranger.get(f"/me/orders/{order.ref}/store", expect=404)


def test_without_stores_nobody_is_led_to_any(customer: Open, sqlite_database: Database, clock: Clock) -> None:
    clock.at = DECIDED
    with sqlite_database.transaction() as session:
        _, (order,) = decided(session)
        ref = order.ref
    anna = customer()
    anna.get(f"/me/orders/{ref}")
    assert "Collect it in a store" not in anna.words
    anna.get(f"/me/orders/{ref}/store")
    assert "There is no store now where orders can be collected." in anna.words


def test_the_pages_speak_chinese(customer: Open, order: Order) -> None:
    anna = customer("zh")
    anna.get(f"/me/orders/{order.ref}/store?near=上海")
    assert lint(anna.html) == []
    assert "约 165 公里" in anna.words
    anna.press("到这家店自提", store="HZ1")
    assert "已保存。你到Store HZ1自提" in anna.words
