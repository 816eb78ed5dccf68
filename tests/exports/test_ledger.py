import subprocess
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Open, Transaction
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from c2b.exports.kinds import Format, Kind
from c2b.exports.writers import beancount
from tests import make
from tests.exports import files
from tests.exports.conftest import Shop

KIND = Kind.LEDGER
PROVIDER = "psp:sandbox:main"


@pytest.fixture
def booked(session: Session, shop: Shop) -> Shop:
    """A deposit kept, one on its way back, one settled, one paid late."""
    books = shop.campaign
    make.transfer(session, books, "cap:p1:1", 5980, debit=PROVIDER, credit="dep:1")
    make.transfer(session, books, "cap:p2:2", 11960, debit=PROVIDER, credit="dep:2")
    make.transfer(session, books, "ref:r1:2", 11960, debit="dep:2", credit="hold:-_Ab9", event="refund begun", at=make.ORDERING_CLOSES)
    make.transfer(session, books, "set:r1", 11960, debit="hold:-_Ab9", credit=PROVIDER, event='refund "settled"\\', at=make.ORDERING_CLOSES)
    make.transfer(session, books, "late:p3", 1, debit=PROVIDER, credit="owed:order-1", event="paid late", at=make.ORDERING_CLOSES)
    return shop


def book(session: Session) -> str:
    data, _ = files.made(session, KIND, Format.BEANCOUNT)
    return data.decode()


@pytest.mark.usefixtures("booked")
def test_one_row_a_transfer_oldest_first(session: Session) -> None:
    rows = files.table(session, KIND)
    assert files.header(session, KIND) == ["id", "at", "event", "debit", "credit", "amount", "currency"]
    assert [row["id"] for row in rows] == ["cap:p1:1", "cap:p2:2", "late:p3", "ref:r1:2", "set:r1"]
    assert list(rows[0].values()) == ["cap:p1:1", "2027-03-17T10:00:00+08:00", "captured", PROVIDER, "dep:1", "59.80", "CNY"]


@pytest.mark.usefixtures("booked")
def test_totals_equal_the_sum_of_the_rows(session: Session) -> None:
    _, info = files.made(session, KIND)
    assert (info.rows, info.totals) == (5, {"amount": 41861})
    assert sum(Decimal(row["amount"]) for row in files.table(session, KIND)) == Decimal("418.61")


@pytest.mark.usefixtures("booked")
def test_beancount_loads_every_transfer_and_finds_no_error(session: Session) -> None:
    entries, errors, options = loader.load_string(book(session))
    assert errors == []
    assert options["operating_currency"] == ["CNY"]
    assert options["title"] == "2027 春夏 (ss27)"
    transactions = [entry for entry in entries if isinstance(entry, Transaction)]
    assert {entry.meta["id"] for entry in transactions} == {"cap:p1:1", "cap:p2:2", "ref:r1:2", "set:r1", "late:p3"}
    assert {entry.meta["c2b"] for entry in entries if isinstance(entry, Open)} == {PROVIDER, "dep:1", "dep:2", "hold:-_Ab9", "owed:order-1"}


@pytest.mark.usefixtures("booked")
def test_balances_in_beancount_are_ours(session: Session) -> None:
    entries, _, _ = loader.load_string(book(session))
    left: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        for posting in entry.postings if isinstance(entry, Transaction) else ():
            assert posting.units
            left[posting.account] += posting.units.number or Decimal(0)
    assert {account: amount for account, amount in left.items() if amount} == {
        "Assets:Gateways:Sandbox:Main": Decimal("59.81"),
        "Liabilities:Deposits:1": Decimal("-59.80"),
        "Liabilities:Owed:Order-2D1": Decimal("-0.01"),
    }


@pytest.mark.usefixtures("booked")
def test_bean_check_accepts_the_books(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    path.write_text(book(session), encoding="utf-8")
    assert bean_check(path) == (0, "")


@pytest.mark.usefixtures("booked")
def test_bean_check_would_notice_a_missing_fen(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "books.beancount"
    path.write_text(book(session).replace("  -59.80 CNY", "  -59.79 CNY", 1), encoding="utf-8")
    status, said = bean_check(path)
    assert status == 1
    assert "does not balance" in said


def bean_check(path: Path) -> tuple[int, str]:
    program = Path(sys.executable).with_name("bean-check")
    done = subprocess.run([program, "--no-cache", path], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def test_a_currency_without_decimals_balances_too(session: Session) -> None:
    campaign = make.campaign(session, currency="JPY")
    make.transfer(session, campaign, "cap:1", 1500, debit=PROVIDER, credit="dep:1")
    text = book(session)
    assert "  1500 JPY" in text
    assert loader.load_string(text)[1] == []


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("bank", "Assets:Bank"),
        ("dep:12", "Liabilities:Deposits:12"),
        ("psp:wechat:1900000109", "Assets:Gateways:Wechat:1900000109"),
        ("hold:Ab-_", "Liabilities:Refunds:0--Ab-2D-5F"),
        ("hold:ab", "Liabilities:Refunds:Ab"),
        ("suspense:sandbox", "Liabilities:Suspense:Sandbox"),
        ("something:new", "Equity:Other:Something:New"),
    ],
)
def test_accounts_have_legal_names(ours: str, theirs: str) -> None:
    assert beancount.account(ours) == theirs


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text("aAbBzZ019-_é", min_size=1, max_size=6), unique=True, min_size=2, max_size=20))
def test_no_two_accounts_become_one_and_beancount_takes_them_all(references: list[str]) -> None:
    names = [beancount.account(f"hold:{reference}") for reference in references]
    assert len(set(names)) == len(references)
    assert loader.load_string("".join(f"2027-01-01 open {name}\n" for name in names))[1] == []
