"""Hand-written SQL by somebody at the database's prompt: what would lose or make money is refused there."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from c2b.db import Database
from c2b.ledger import actions
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState

AT = datetime(2027, 3, 20, 4, 0, tzinfo=UTC)
TRANSFER = "(id, debit, credit, amount, currency, event, campaign, at)"


@pytest.fixture
def books(database: Database) -> Iterator[Database]:
    """Keep 50.00 of line 1, of which 20.00 are on their way back, and 9.00 of line 2."""
    with database.transaction() as session:
        transfers = [
            Posting("cap:k:1", "psp:sandbox:shop", "dep:1", 5000, "captured"),
            Posting("cap:k:2", "psp:sandbox:shop", "dep:2", 900, "captured"),
            Posting("hold:k-1:1", "dep:1", "hold:k-1", 2000, "refund_begun"),
        ]
        actions.post(session, transfers, campaign="ss27", currency="CNY", now=AT)
        payment = Payment(key="k", payer="AbC", gateway="sandbox", merchant="shop", amount=5900, currency="CNY", captured=5900)
        payment.state, payment.created_at, payment.checked_at = PaymentState.CAPTURED, AT, AT
        session.add(payment)
        session.flush()
        session.add(Refund(key="k-1", payment_id=payment.id, amount=2000, queued_at=AT, next_attempt_at=AT))
    yield database
    with database.reading() as session:
        sums = session.execute(text("SELECT account, credits, debits FROM guarded_account ORDER BY account")).all()
        assert [tuple(row) for row in sums] == [("dep:1", 5000, 2000), ("dep:2", 900, 0), ("hold:k-1", 2000, 0)]
        assert session.execute(text("SELECT captured, refunded FROM payment")).one() == (5900, 2000)
        assert session.execute(text("SELECT count(*) FROM transfer")).scalar_one() == 3
        assert session.execute(text("SELECT amount, state FROM refund")).one() == (2000, "queued")


def refused(database: Database, statement: str) -> None:
    with pytest.raises(DBAPIError), database.transaction() as session:
        session.execute(text(statement))


@pytest.mark.parametrize(
    ("debit", "credit", "amount"),
    [
        ("dep:1", "hold:k-9", 3001),  # more than the 30.00 that are left
        ("dep:1", "bank", 5000),  # the part that is on its way back, once more
        ("dep:2", "hold:k-1", 901),
        ("dep:3", "bank", 1),  # nothing ever came in
        ("ship:AbC", "bank", 1),
        ("hold:k-1", "psp:sandbox:shop", 2001),
        ("dep:1", "dep:1", 5),  # to itself
        ("dep:1", "bank", 0),
        ("dep:1", "bank", -1),
    ],
)
def test_money_that_is_not_there_cannot_be_taken_out(books: Database, debit: str, credit: str, amount: int) -> None:
    refused(books, f"INSERT INTO transfer {TRANSFER} VALUES ('x', '{debit}', '{credit}', {amount}, 'CNY', 'x', 'ss27', '{AT}')")


def test_several_rows_of_one_statement_cannot_take_out_more_than_one_could(books: Database) -> None:
    rows = ", ".join(f"('x{n}', 'dep:1', 'bank', 2000, 'CNY', 'x', 'ss27', '{AT}')" for n in range(2))
    refused(books, f"INSERT INTO transfer {TRANSFER} VALUES {rows}")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE transfer SET amount = 1 WHERE id = 'hold:k-1:1'",
        "UPDATE transfer SET credit = 'bank'",
        "DELETE FROM transfer WHERE id = 'hold:k-1:1'",
        "DELETE FROM transfer",
        "UPDATE refund SET amount = 1",
        "UPDATE refund SET payment_id = payment_id + 1",
        "DELETE FROM refund",
        "UPDATE payment SET refunded = 5901",
        "UPDATE payment SET captured = 1999",
        "UPDATE payment SET refunded = -1",
        "UPDATE guarded_account SET debits = 5001 WHERE account = 'dep:1'",
        "UPDATE guarded_account SET credits = 1999 WHERE account = 'dep:1'",
    ],
)
def test_what_was_booked_stays(books: Database, statement: str) -> None:
    refused(books, statement)


def test_a_transfer_cannot_be_replaced_on_sqlite(books: Database) -> None:
    verb = "INSERT OR REPLACE" if books.is_sqlite else "INSERT"
    refused(books, f"{verb} INTO transfer {TRANSFER} VALUES ('cap:k:1', 'psp:sandbox:shop', 'dep:1', 9999, 'CNY', 'x', 'ss27', '{AT}')")


def test_a_transfer_cannot_be_changed_by_way_of_a_conflict(books: Database) -> None:
    values = f"('cap:k:1', 'psp:sandbox:shop', 'dep:1', 9999, 'CNY', 'x', 'ss27', '{AT}')"
    refused(books, f"INSERT INTO transfer {TRANSFER} VALUES {values} ON CONFLICT (id) DO UPDATE SET amount = 9999")


def test_the_table_of_transfers_cannot_be_emptied(books: Database) -> None:
    refused(books, "DELETE FROM transfer" if books.is_sqlite else "TRUNCATE transfer")


def test_a_payment_cannot_give_back_more_than_it_brought(books: Database) -> None:
    columns = "(key, payment_id, amount, state, attempts, queued_at, next_attempt_at, last_error)"
    refused(books, f"INSERT INTO refund {columns} SELECT 'k-2', id, 3901, 'queued', 0, '{AT}', '{AT}', '' FROM payment")


def test_a_refund_that_was_refused_for_good_cannot_come_back_to_life(database: Database) -> None:
    with database.transaction() as session:
        payment = Payment(key="k", payer="AbC", gateway="sandbox", merchant="shop", amount=100, currency="CNY", captured=100)
        payment.state, payment.created_at, payment.checked_at = PaymentState.CAPTURED, AT, AT
        session.add(payment)
        session.flush()
        session.add(Refund(key="k-1", payment_id=payment.id, amount=100, queued_at=AT, next_attempt_at=AT))
        session.flush()
        session.execute(text("UPDATE refund SET state = 'failed'"))
        assert session.execute(text("SELECT refunded FROM payment")).scalar_one() == 0
    refused(database, "UPDATE refund SET state = 'queued'")
