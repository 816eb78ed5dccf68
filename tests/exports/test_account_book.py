"""The books as a workbook: three pages whose totals agree, in words that accountants use."""

from decimal import Decimal
from typing import Any

import pytest
from openpyxl import Workbook
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.deposits import finance
from c2b.exports.kinds import Format, Kind
from c2b.exports.sheets.ledger import ACCOUNTS, EVENTS
from c2b.ledger.models import Transfer
from c2b.ledger.rules import CUSTOMERS, Group
from c2b.payments.rules import RefundState
from tests import books, make
from tests.exports import files
from tests.exports.conftest import Shop
from tests.exports.test_ledger import bean_check

PSP = books.PSP


@pytest.fixture
def busy(session: Session, shop: Shop) -> Shop:
    """Two paid orders: one is held, of the other one refund is on its way and one was refused; fees, and a payout of the whole shop."""
    of = shop.campaign
    size = shop.sizes(session, shop.knit)
    books.paid(session, of, (size["S"], 1))
    order, payment = books.paid(session, of, (size["M"], 1), (size["L"], 2))
    first, second = make.lines_of(session, order)
    going = make.refund(session, payment, first, key="going-1")
    refused = make.refund(session, payment, second, key="refused-1")
    refused.state = RefundState.FAILED
    session.flush()
    make.transfer(session, of, "hold:going-1", going.amount, debit=f"dep:{first.id}", credit="hold:going-1", event="refund_begun")
    make.transfer(session, of, "hold:refused-1", refused.amount, debit=f"dep:{second.id}", credit="hold:refused-1", event="refund_begun")
    make.transfer(session, of, "fail:refused-1", refused.amount, debit="hold:refused-1", credit=f"owed:{order.ref}", event="refund_refused")
    make.transfer(session, of, "ship:1", 1200, debit=PSP, credit=f"ship:{order.ref}", event="shipping_captured")
    make.transfer(session, of, "fee:1", 35, debit="fees", credit=PSP, event="fee")
    make.transfer(session, of, "odd:1", 1, debit=PSP, credit="suspense:sandbox", event="something_new")
    make.transfer(session, of, "payout:1", 900, debit="bank", credit=PSP, event="payout", campaign="")
    return shop


def rows(book: Workbook, number: int) -> list[tuple[Any, ...]]:
    return [tuple(cell.value for cell in row) for row in book.worksheets[number].iter_rows()]


def money(value: Any) -> int:
    return round(Decimal(str(value or 0)) * 100)


@pytest.mark.usefixtures("busy")
def test_the_pages_are_named_in_the_files_language(session: Session) -> None:
    assert files.workbook(session, Kind.LEDGER).sheetnames == ["试算平衡表", "顾客的钱", "账本", "说明"]
    assert files.workbook(session, Kind.LEDGER, locale="en").sheetnames == ["Trial balance", "Held for customers", "Ledger", "About"]


@pytest.mark.usefixtures("busy")
def test_the_trial_balance_balances_and_is_the_sum_of_all_transfers(session: Session) -> None:
    book = files.workbook(session, Kind.LEDGER)
    *accounts, total = rows(book, 0)[1:]
    sums = [sum(money(row[column]) for row in accounts) for column in range(2, 6)]
    assert [money(each) for each in total[2:]] == sums
    assert sums[0] == sums[1]
    assert sums[2] == sums[3]
    own = select(Transfer.amount).where(Transfer.campaign == "ss27")
    assert sums[0] == sum(session.scalars(own)) == money(rows(book, 2)[-1][4])
    assert [row[1] for row in accounts] == [PSP, "dep:", "ship:", "hold:", "owed:", "suspense:sandbox", "fees"]


@pytest.mark.usefixtures("busy")
def test_what_is_held_for_each_order_adds_up_to_the_trial_balance(session: Session) -> None:
    book = files.workbook(session, Kind.LEDGER)
    *orders, total = rows(book, 1)[1:]
    assert [[money(each) for each in row[2:]] for row in orders] == [[5980, 0, 0, 0], [0, 1200, 5980, 11960]]
    balance = {row[1]: money(row[5]) for row in rows(book, 0)[1:-1]}
    assert [money(each) for each in total[2:]] == [balance[account] for account in ("dep:", "ship:", "hold:", "owed:")]


@pytest.mark.usefixtures("busy")
def test_orders_for_which_nothing_is_held_are_left_out(session: Session, shop: Shop) -> None:
    before = len(session.execute(finance.customers_money(shop.campaign.id)).all())
    make.order(session, shop.campaign, (shop.sizes(session, shop.knit)["S"], 1))
    other = make.campaign(session, slug="aw27")
    knit = make.candidate(session, other, "K001")
    books.paid(session, other, (make.variants(session, knit)[0], 1))
    assert len(session.execute(finance.customers_money(shop.campaign.id)).all()) == before == 2


@pytest.mark.usefixtures("busy")
def test_transfers_say_what_happened_in_words(session: Session) -> None:
    chinese, english = (rows(files.workbook(session, Kind.LEDGER, locale=locale), 2) for locale in ("zh_Hans_CN", "en"))
    fee = next(row for row in chinese if row[8] == "fee:1")
    assert fee[1:8] == ("手续费", "手续费", "支付渠道存款", 0.35, "CNY", "fees", PSP)
    assert next(row for row in english if row[8] == "fee:1")[1:4] == ("Gateway fee", "Gateway fees", "At gateways")
    assert next(row for row in english if row[8] == "odd:1")[1] == "something_new"


@pytest.mark.usefixtures("busy")
def test_payouts_of_the_whole_shop_are_in_no_campaigns_books(session: Session) -> None:
    assert "payout:1" not in {row[8] for row in rows(files.workbook(session, Kind.LEDGER), 2)}
    assert "payout:1" not in {row["id"] for row in files.table(session, Kind.LEDGER)}


@pytest.mark.usefixtures("busy")
def test_beancount_takes_the_new_accounts(session: Session, tmp_path: Any) -> None:
    path = tmp_path / "books.beancount"
    data, _ = files.made(session, Kind.LEDGER, Format.BEANCOUNT)
    path.write_bytes(data)
    assert bean_check(path) == (0, "")
    assert "Expenses:Fees" in data.decode()
    assert "Liabilities:Suspense:Sandbox" in data.decode()


def test_books_without_a_transfer_are_a_workbook_too(session: Session, shop: Shop) -> None:
    assert shop.campaign.id
    book = files.workbook(session, Kind.LEDGER)
    assert [len(rows(book, number)) for number in range(3)] == [2, 2, 2]


def test_every_kind_of_account_has_words() -> None:
    assert set(ACCOUNTS) == set(Group)
    assert len(CUSTOMERS) == 4
    assert all(zh and en and zh != en for zh, en in [*ACCOUNTS.values(), *EVENTS.values()])
