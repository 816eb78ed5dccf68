"""The sandbox's statements: what it writes of its own books, and what it takes for one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from c2b.errors import Invalid
from c2b.payments.gateways.sandbox import statement as sheet
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.gateways.sandbox.statement import COLUMNS, Movement, fee, lines, read
from c2b.payments.protocol import Entry, PaymentFacts, RefundFacts, StatementLine
from tests.payments.conftest import START, Clock

HEAD = ",".join(COLUMNS)
LONG_AGO, NEVER = START - timedelta(days=365), START + timedelta(days=365)
MIDNIGHT = datetime(2027, 3, 21, tzinfo=UTC)


@pytest.fixture
def busy(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts, clock: Clock) -> Sandbox:
    """One payment today, a part of it back tomorrow."""
    sandbox.start(payment)
    sandbox.approve("pay-1")
    clock.forward(timedelta(days=1))
    sandbox.refund(refund)
    clock.forward(timedelta(days=1))
    return sandbox


def test_a_statement_has_payments_refunds_fees_and_what_went_to_the_bank_at_midnight(busy: Sandbox) -> None:
    assert list(busy.statement(busy.write_statement(since=LONG_AGO, until=NEVER))) == [
        StatementLine(2, Entry.PAYMENT, "pay-1", "SBX-pay-1", 5980, 35, "CNY", START),
        StatementLine(3, Entry.PAYOUT, "", "SBX-CNY-2027-03-20", -5945, 0, "CNY", MIDNIGHT),
        StatementLine(4, Entry.REFUND, "pay-1-1", "SBX-pay-1-1", -5000, -30, "CNY", START + timedelta(days=1)),
    ]


def test_references_are_those_that_its_answers_name(busy: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    named = {line.key: line.reference for line in busy.statement(busy.write_statement(since=LONG_AGO, until=NEVER)) if line.key}
    assert named == {"pay-1": busy.query(payment).reference, "pay-1-1": busy.query_refund(refund).reference}


def test_statements_of_days_put_together_are_the_statement_of_all_days(busy: Sandbox) -> None:
    whole = list(read(busy.write_statement(since=LONG_AGO, until=NEVER)))
    days = [(MIDNIGHT + timedelta(days=n), MIDNIGHT + timedelta(days=n + 1)) for n in range(-2, 3)]
    pieces = [line for since, until in days for line in read(busy.write_statement(since=since, until=until))]
    assert [replace(line, line=0) for line in pieces] == [replace(line, line=0) for line in whole]


def test_what_has_not_happened_yet_is_on_no_statement(sandbox: Sandbox, payment: PaymentFacts, clock: Clock) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1", delay=timedelta(seconds=60))
    assert sandbox.write_statement(since=LONG_AGO, until=NEVER) == f"{HEAD}\n".encode()
    clock.forward(timedelta(seconds=61))
    assert len(list(read(sandbox.write_statement(since=LONG_AGO, until=NEVER)))) == 1


def test_a_refund_that_was_asked_for_twice_stands_once_at_its_first_instant(busy: Sandbox, refund: RefundFacts) -> None:
    before = busy.write_statement(since=LONG_AGO, until=NEVER)
    busy.refund(refund)
    assert busy.write_statement(since=LONG_AGO, until=NEVER) == before


def test_books_from_before_refunds_had_an_instant_can_still_be_read(tmp_path: Path, busy: Sandbox) -> None:
    assert (tmp_path / "books" / "sandbox.db").is_file()
    with busy._books() as books:
        books.execute("DROP TABLE refunded_at")
    refunds = [line for line in read(busy.write_statement(since=LONG_AGO, until=NEVER)) if line.entry is Entry.REFUND]
    assert [line.at for line in refunds] == [START]


def test_the_account_never_pays_out_what_is_not_there(sandbox: Sandbox) -> None:
    assert sandbox
    moved = [Movement("a", 1000, "CNY", START), Movement("a-1", -1000, "CNY", START), Movement("b-1", -500, "CNY", START)]
    moved.append(Movement("c", 700, "CNY", START + timedelta(days=1)))
    paid_out = [line.amount for line in lines(moved, since=LONG_AGO, until=NEVER) if line.entry is Entry.PAYOUT]
    assert paid_out == [-(700 - fee(700) - 500 + fee(500))]


def test_each_currency_is_paid_out_by_itself() -> None:
    moved = [Movement("a", 1000, "CNY", START), Movement("b", 2000, "EUR", START)]
    paid_out = [(line.currency, line.amount) for line in lines(moved, since=LONG_AGO, until=NEVER) if line.entry is Entry.PAYOUT]
    assert paid_out == [("CNY", -994), ("EUR", -1988)]


@given(st.integers(1, 10**9))
def test_a_fee_comes_back_to_the_fen(amount: int) -> None:
    assert fee(-amount) == -fee(amount)
    assert 0 <= fee(amount) <= amount * 6 / 1000


@settings(max_examples=50)
@given(
    st.lists(
        st.builds(
            StatementLine,
            line=st.just(0),
            entry=st.sampled_from(Entry),
            key=st.text("aZ09-_", max_size=20),
            reference=st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20),
            amount=st.integers(-(10**12), 10**12),
            fee=st.integers(-(10**9), 10**9),
            currency=st.sampled_from(["CNY", "EUR", "JPY"]),
            at=st.datetimes(timezones=st.just(UTC)),
        )
    )
)
def test_what_is_written_is_read_again(of: list[StatementLine]) -> None:
    numbered = [replace(line, line=number) for number, line in enumerate(of, start=2)]
    assert list(sheet.read(sheet.write(numbered))) == numbered


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"a,b\n", HEAD.replace("fee", "fees").encode()])
def test_another_file_is_no_statement(sandbox: Sandbox, content: bytes) -> None:
    with pytest.raises(Invalid, match="its first line has to be line,entry,key"):
        list(sandbox.statement(content))


GOOD = "2,payment,pay-1,SBX-pay-1,5980,35,CNY,2027-03-20T04:00:00+00:00"


@pytest.mark.parametrize(
    "bad",
    [
        "2,payment,pay-1,SBX-pay-1,5980,35,CNY",
        f"{GOOD},more",
        GOOD.replace("payment", "gift"),
        GOOD.replace("5980", "59.80"),
        GOOD.replace("CNY", "yuan"),
        GOOD.replace("+00:00", ""),
        GOOD.replace("2027", "soon"),
        "",
    ],
)
def test_a_line_that_cannot_be_read_is_named_and_nothing_is_guessed(sandbox: Sandbox, bad: str) -> None:
    with pytest.raises(Invalid, match=r"Line 3 can't be read") as refused:
        list(sandbox.statement(f"{HEAD}\n{GOOD}\n{bad}\n".encode()))
    assert refused.value.field == "file"


def test_a_byte_order_mark_does_no_harm(sandbox: Sandbox) -> None:
    assert len(list(sandbox.statement(f"\ufeff{HEAD}\n{GOOD}\n".encode()))) == 1
