"""The warehouse's list is taken in by the page, all of it or nothing."""

import io

import pytest
from werkzeug.datastructures import FileStorage

from c2b.db import Database
from c2b.people.rules import Role
from tests.admin.conftest import Clock, SignIn, spoken
from tests.deposits.test_parcels import AT, HEADER, packed, ready
from tests.web.pages import Browser

PAGE = "/admin/ss27/shipping"


def paid(database: Database, clock: Clock) -> tuple[str, str]:
    """An order of twelve K1, paid whole, and the SKU."""
    clock.now = AT
    with database.transaction() as session:
        (order,), sku = ready(session)
        return order.ref, sku


def bring(browser: Browser, text: str, *, expect: int = 200) -> None:
    browser.get(PAGE)
    file = FileStorage(io.BytesIO(text.encode()), filename="parcels.csv")
    browser.press("Take it in" if "Take it in" in browser.html else "导入", expect=expect, file=file)


def test_a_list_is_taken_in_and_shown(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, sku = paid(sqlite_database, clock)
    browser = sign_in(Role.FINANCE)
    browser.get(PAGE)
    assert "Orders that wait 1" in spoken(browser)
    assert "Nothing was sent yet." in spoken(browser)
    bring(browser, f"{HEADER}{ref},{sku},12,SF,SF1,,")
    assert "1 new parcel, 0 lines delivered, 0 rows known before." in spoken(browser)
    assert f"SF1 SF {ref}" in spoken(browser)
    browser.get(f"{PAGE}?q=nothing")
    assert "No parcel has this order or number." in spoken(browser)


def test_what_is_wrong_stands_row_by_row_and_nothing_is_written(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, sku = paid(sqlite_database, clock)
    browser = sign_in(Role.OWNER)
    bring(browser, f"{HEADER}{ref},{sku},5,SF,SF1,,\n{ref},{sku},many,SF,SF2,,", expect=400)
    assert "1 problem; nothing was written" in spoken(browser)
    assert "3 units many is not a number of pieces write a whole number from 1, like 2" in spoken(browser)
    with sqlite_database.reading() as session:
        assert packed(session) == []


@pytest.mark.parametrize(("text", "says"), [("", "Choose the list of parcels first"), ("a,b\n1,2", "has no column")])
def test_a_file_that_is_no_list_is_refused(sqlite_database: Database, sign_in: SignIn, clock: Clock, text: str, says: str) -> None:
    paid(sqlite_database, clock)
    browser = sign_in(Role.OWNER)
    bring(browser, text, expect=400)
    assert says in spoken(browser)


def test_goods_that_came_but_cannot_be_handed_over_are_named(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, sku = paid(sqlite_database, clock)
    browser = sign_in(Role.OWNER)
    bring(browser, f"{HEADER}{ref},{sku},12,SF,SF1,2026-01-02,2026-01-03")
    assert f"{ref}: Goods can’t be handed over before they were ordered" in spoken(browser)
    assert "1 new parcel, 0 lines delivered" in spoken(browser)


def test_a_parcel_is_taken_out_again(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, sku = paid(sqlite_database, clock)
    browser = sign_in(Role.OWNER)
    bring(browser, f"{HEADER}{ref},{sku},12,SF,SF1,,")
    browser.press("Take out")
    assert "SF1 is taken out" in spoken(browser)
    with sqlite_database.reading() as session:
        assert packed(session) == []


def test_who_may_only_look_is_offered_no_form(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    paid(sqlite_database, clock)
    support = sign_in(Role.SUPPORT)
    support.get(PAGE)
    assert "Take it in" not in support.html


def test_problems_are_told_in_chinese(sqlite_database: Database, sign_in: SignIn, clock: Clock) -> None:
    ref, _ = paid(sqlite_database, clock)
    browser = sign_in(Role.OWNER, "zh")
    bring(browser, f"{HEADER}{ref},K9,1,SF,SF1,,", expect=400)
    assert "这个订单里没有这个 SKU 从发货清单里复制" in spoken(browser)
