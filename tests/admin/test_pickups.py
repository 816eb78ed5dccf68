"""Store pickup, as those in the stores use it."""

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits.models import Order
from c2b.deposits.rules import Fulfilment
from c2b.people.rules import Role
from c2b.stores.actions import assign
from tests import make
from tests.admin.conftest import Clock, SignIn, spoken
from tests.deposits.test_parcels import AT
from tests.deposits.test_pickups import arrives, chooses, code_of, collected
from tests.web.pages import Browser

PAGE, COUNTER = "/admin/ss27/pickups", "/admin/hand-out"


@pytest.fixture
def code(database: Database, clock: Clock) -> str:
    """Of an order of twelve K1, paid, collected in HZ1."""
    clock.now = AT
    with database.transaction() as session:
        (order,) = collected(session)
        return code_of(session, order)


def works_in(database: Database, store: str, role: Role = Role.ASSISTANT) -> None:
    with database.transaction() as session:
        assign(session, email=f"{role.value}@example.com", code=store, actor="cli:test", now=AT)


def looks_up(browser: Browser, code: str, *, expect: int = 200) -> None:
    browser.get(COUNTER)
    browser.press("Look it up", code=code, expect=expect)


def test_goods_arrive_are_looked_up_and_handed_out(database: Database, sign_in: SignIn, code: str) -> None:
    assistant = sign_in(Role.ASSISTANT)
    works_in(database, "HZ1")
    assistant.get(PAGE)
    assert "Store HZ1 1 order" in spoken(assistant)
    assert "Together 12 0 0 0" in spoken(assistant)
    assistant.press("It has arrived")
    assert "1 order line is ready to be collected. The customers are told." in spoken(assistant)
    assert "Together 0 12 0 0" in spoken(assistant)
    looks_up(assistant, f"{code[:4].lower()} {code[4:]}")
    assert "× 12 Design K1" in spoken(assistant)
    assert code not in assistant.url
    assistant.press("12 pieces are handed out")
    assert "1 product is handed out." in spoken(assistant)
    assert "1. The customer’s pickup code" in spoken(assistant), "ready for the next customer"
    looks_up(assistant, code, expect=409)
    assert "This was handed out already" in spoken(assistant)


def test_an_arrival_is_taken_back(sign_in: SignIn, code: str) -> None:
    assert code
    assistant = sign_in(Role.ASSISTANT)
    assistant.get(PAGE)
    assistant.press("It has arrived")
    assistant.press("Take back")
    assert "is on its way again" in spoken(assistant)
    assert "Together 12 0 0 0" in spoken(assistant)


def test_another_customer_is_served_without_handing_out(database: Database, sign_in: SignIn, code: str) -> None:
    with database.transaction() as session:
        arrives(session, *_orders(session))
    assistant = sign_in(Role.ASSISTANT)
    looks_up(assistant, code)
    assistant.press("Another customer")
    assert "1. The customer’s pickup code" in spoken(assistant)
    with database.reading() as session:
        assert {line.fulfilment for order in _orders(session) for line in make.lines_of(session, order)} == {Fulfilment.READY}


def _orders(session: Session) -> list[Order]:
    return list(session.scalars(select(Order)))


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize("typed", ["", "ABCDEFGH", "<b>"])
def test_a_wrong_code_is_said_at_the_field_and_kept(sign_in: SignIn, typed: str) -> None:
    assistant = sign_in(Role.ASSISTANT)
    looks_up(assistant, typed, expect=400)
    assert "No order has this code; read it again" in spoken(assistant)
    kept = next(field.get("value") for field in assistant.tree.iter("input") if field.get("name") == "code")
    assert kept == typed


def test_before_the_goods_are_there_the_counter_says_so(sign_in: SignIn, code: str) -> None:
    assistant = sign_in(Role.ASSISTANT)
    looks_up(assistant, code, expect=409)
    assert "Nothing of this order is in the store yet" in spoken(assistant)


def test_an_assistant_sees_and_does_only_what_is_of_their_store(database: Database, sign_in: SignIn, code: str) -> None:
    with database.transaction() as session:
        make.store(session, "SH1")
        arrives(session, *_orders(session))
    assistant = sign_in(Role.ASSISTANT)
    works_in(database, "SH1")
    assistant.get(PAGE)
    assert "Nothing to collect" in spoken(assistant)
    looks_up(assistant, code, expect=409)
    assert "These goods are collected in Store HZ1" in spoken(assistant)


def test_another_stores_arrival_is_refused_to_an_assistant(database: Database, sign_in: SignIn, code: str) -> None:
    assert code
    with database.transaction() as session:
        make.store(session, "SH1")
    assistant = sign_in(Role.ASSISTANT)
    assistant.get(PAGE)
    works_in(database, "SH1")
    assistant.press("It has arrived", expect=409)
    assert "You work in Store SH1 and can do this only there" in spoken(assistant)


def test_somebody_else_was_faster(database: Database, sign_in: SignIn, code: str) -> None:
    with database.transaction() as session:
        arrives(session, *_orders(session))
    one, other = sign_in(Role.ASSISTANT), sign_in(Role.MANAGER)
    for browser in (one, other):
        looks_up(browser, code)
    one.press("12 pieces are handed out")
    other.press("12 pieces are handed out", expect=409)
    assert "This was handed out already" in spoken(other)


def came(browser: Browser) -> str:
    """Return the name of the one field for pieces that came."""
    (name,) = (str(field.get("name")) for field in browser.tree.iter("input") if str(field.get("name")).startswith("came-"))
    return name


@pytest.mark.parametrize(
    ("typed", "status", "says"),
    [
        ("", 409, "Enter how many pieces have arrived"),
        ("0", 409, "Enter how many pieces have arrived"),
        ("13", 409, "Store HZ1 waits for 12 of ss27-K1-S, not for 13"),
        ("5", 409, "These pieces complete nobody’s order line yet"),
        ("a few", 400, "“a few” is no number of pieces"),
        ("-1", 400, "“-1” is no number of pieces"),
    ],
)
def test_pieces_that_cannot_be_are_said_and_stay_in_the_form(sign_in: SignIn, code: str, typed: str, status: int, says: str) -> None:
    assert code
    browser = sign_in(Role.OWNER)
    browser.get(PAGE)
    name = came(browser)
    browser.press("It has arrived", expect=status, **{name: typed})
    assert says in spoken(browser)
    assert next(field.get("value") for field in browser.tree.iter("input") if field.get("name") == name) == typed
    assert "Together 12 0 0 0" in spoken(browser)


def test_the_pages_speak_chinese(database: Database, sign_in: SignIn, code: str) -> None:
    assert code
    with database.transaction() as session:
        make.store(session, "SH1", name="静安店")
        (order,) = _orders(session)
        chooses(session, order, "SH1")
    browser = sign_in(Role.OWNER, "zh")
    browser.get(PAGE)
    assert "静安店 1 个订单" in spoken(browser)
    browser.press("已到店")
    assert "1 个订单行可以自提了。" in spoken(browser)
    browser.get(COUNTER)
    assert "取货码" in spoken(browser)


def test_staff_see_on_an_order_where_it_is_collected(database: Database, sign_in: SignIn, code: str) -> None:
    assert code
    with database.reading() as session:
        (order,) = _orders(session)
    browser = sign_in(Role.SUPPORT)
    browser.get(f"/admin/ss27/orders/{order.ref}")
    assert "Collected in Store HZ1" in spoken(browser)
