from sqlalchemy.orm import Session

from c2b.deposits.rules import Outcome
from c2b.exports.kinds import Kind
from c2b.people.rules import AddressKind
from tests import make
from tests.exports import files
from tests.exports.conftest import FORMULA, Shop

KIND = Kind.CUSTOMERS
HOME = {"recipient": "+Anna", "phone": "+8613800000000", "country": "CN", "postal_code": "322000", "address": "新马路 1 号"}


def test_who_ordered_twice_is_one_row_with_the_last_orders_address(session: Session, shop: Shop) -> None:
    anna, sizes = make.person(session, name="Anna", locale="en", ref="anna-1"), shop.sizes(session, shop.knit)
    make.address(session, anna, "anna@example.com")
    make.address(session, anna, "+8613811111111", kind=AddressKind.PHONE)
    make.order(session, shop.campaign, (sizes["S"], 1), by=anna, address="旧址")
    make.order(session, shop.campaign, (sizes["M"], 2), (sizes["L"], 1), by=anna, **HOME)
    (row,) = files.table(session, KIND)
    assert list(row.items()) == [
        *(("customer", "anna-1"), ("name", "Anna"), ("email", "anna@example.com"), ("phone", "'+8613811111111"), ("locale", "en")),
        *(("orders", "2"), ("units", "4"), ("deposit", "239.20"), ("currency", "CNY")),
        *(("recipient", "'+Anna"), ("recipient_phone", "'+8613800000000"), ("country", "CN"), ("postal_code", "322000")),
        ("address", "新马路 1 号"),
    ]


def test_only_units_that_are_paid_and_stand_are_counted(session: Session, shop: Shop) -> None:
    sizes, anna = shop.sizes(session, shop.knit), make.person(session)
    make.order(session, shop.campaign, (sizes["S"], 1), by=anna)
    make.order(session, shop.campaign, (sizes["S"], 2), by=anna, line={"reserved_at": None})
    make.order(session, shop.campaign, (sizes["S"], 4), by=anna, line={"outcome": Outcome.CANCELLED})
    make.order(session, shop.campaign, (sizes["S"], 8), by=anna, line={"outcome": Outcome.ALLOCATED})
    (row,) = files.table(session, KIND)
    assert (row["orders"], row["units"], row["deposit"]) == ("4", "9", "538.20")


def test_who_only_voted_is_no_customer(session: Session, shop: Shop) -> None:
    voter = make.person(session)
    make.address(session, voter, "bob@example.com")
    make.ballot(session, shop.campaign, shop.knit, by=voter)
    data, info = files.made(session, KIND)
    assert b"bob@example.com" not in data
    assert info.rows == 0


def test_totals_equal_the_sum_of_the_rows(session: Session, shop: Shop) -> None:
    for units in (1, 2, 3):
        shop.order(session, shop.knit, "S", units)
    _, info = files.made(session, KIND)
    rows = files.table(session, KIND)
    assert info.totals == {"orders": 3, "units": 6, "deposit": 35880}
    assert sum(int(row["units"]) for row in rows) == 6


def test_a_telephone_number_stays_text_in_the_workbook(session: Session, shop: Shop) -> None:
    make.order(session, shop.campaign, (shop.sizes(session, shop.knit)["S"], 1), by=make.person(session, name=FORMULA), **HOME)
    page = files.workbook(session, KIND)["顾客"]
    shown = dict(zip([cell.value for cell in page[1]], page[2], strict=True))
    assert (shown["收件电话"].value, shown["收件电话"].data_type) == ("+8613800000000", "s")
    assert (shown["称呼"].value, shown["称呼"].data_type) == (FORMULA, "s")
    assert shown["件数"].data_type == "n"
