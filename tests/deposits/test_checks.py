from typing import Any

import pytest
from sqlalchemy import text, update

from c2b.db import Database
from c2b.deposits import actions
from c2b.deposits.checks import checks
from c2b.deposits.models import Obligation, OrderLine, PaymentPart, RefundLine
from c2b.deposits.rules import ObligationState, Outcome
from c2b.payments.models import Payment, Refund
from tests import make
from tests.deposits.scene import Shop
from tests.statements import counted


def found(shop: Shop) -> list[str]:
    with shop.database.reading() as session:
        return [finding.check for finding in checks(session)]


def tamper(shop: Shop, table: type, **values: Any) -> None:
    """Change every row of a table behind the program's back."""
    with shop.database.transaction() as session:
        session.execute(update(table).values(**values))


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """One order that stands, one cancelled with its refund waiting, one unpaid."""
    shirt = shop.sells("K1", offer={"cap": 9})
    shop.buys(shop.customer(), (shirt[0], 2))
    shop.order(shop.customer(), (shirt[1], 1))
    return shop


@pytest.fixture
def returning(busy: Shop) -> Shop:
    with busy.database.transaction() as session:
        actions.cancel_campaign(session, slug="ss27", reason="no yarn", actor="staff:a@example.com", now=busy.now)
    return busy


def test_what_the_program_does_has_no_findings(busy: Shop) -> None:
    assert found(busy) == []


def test_neither_has_a_refund_at_any_stage(returning: Shop) -> None:
    assert found(returning) == []
    returning.send_refunds()
    assert found(returning) == []


def test_a_capture_that_the_ledger_does_not_know_is_found(busy: Shop) -> None:
    tamper(busy, Payment, captured=20000)
    assert found(busy) == ["deposits.captured"]


def test_a_reserved_line_whose_deposit_was_never_paid_is_found(busy: Shop) -> None:
    tamper(busy, OrderLine, reserved_at=busy.now)
    assert found(busy) == ["deposits.reserved"]


def test_a_paid_deposit_whose_line_is_not_reserved_is_found(busy: Shop) -> None:
    tamper(busy, Obligation, state=ObligationState.PAID)
    assert found(busy) == ["deposits.reserved"]


def test_money_on_a_line_that_no_payment_brought_is_found(busy: Shop) -> None:
    tamper(busy, PaymentPart, applied=False)
    assert found(busy) == ["deposits.parts"]


def test_a_missed_line_whose_money_stays_is_found(busy: Shop) -> None:
    with busy.database.transaction() as session:
        session.execute(update(OrderLine).where(OrderLine.reserved_at.is_not(None)).values(outcome=Outcome.MISSED))
    assert found(busy) == ["deposits.given_back"]


def test_a_refund_that_differs_from_its_lines_is_found(returning: Shop) -> None:
    tamper(returning, RefundLine, amount=1)
    assert found(returning) == ["deposits.refund_lines"]


def test_a_refund_called_settled_whose_money_still_waits_is_found(returning: Shop) -> None:
    tamper(returning, Refund, state="settled")
    assert found(returning) == ["deposits.refunds"]


def test_a_refund_that_holds_nothing_is_found(busy: Shop) -> None:
    with busy.database.transaction() as session:
        row = "SELECT 'forged', id, 5, 'queued', 0, :now, :now, '' FROM payment"
        session.execute(
            text(f"INSERT INTO refund (key, payment_id, amount, state, attempts, queued_at, next_attempt_at, last_error) {row}"),
            {"now": busy.now.replace(tzinfo=None) if busy.database.is_sqlite else busy.now},
        )
    assert found(busy) == ["deposits.refunds", "deposits.refund_lines"]


def test_a_refused_refund_whose_money_is_not_owed_is_found(returning: Shop) -> None:
    tamper(returning, Refund, state="failed")
    assert found(returning) == ["deposits.refunds", "deposits.owed"]


def test_money_owed_that_nobody_sends_or_pays_out_is_found(busy: Shop) -> None:
    with busy.database.transaction() as session:
        make.transfer(
            session, make.campaign_of(session, "ss27"), "won:x", 5, debit="psp:sandbox:main", credit=f"owed:{busy.payments()[0].payer}"
        )
    assert found(busy) == ["deposits.owed"]


def test_a_cap_below_what_was_captured_is_found(busy: Shop) -> None:
    with busy.database.transaction() as session:
        session.execute(text("UPDATE offer SET cap = 1"))
    assert found(busy) == ["deposits.caps"]


def test_a_payment_that_did_not_match_stands_there_until_it_is_dealt_with(busy: Shop) -> None:
    with busy.database.transaction() as session:
        session.execute(text("UPDATE payment SET state = 'mismatch'"))
    assert found(busy) == ["deposits.mismatch"]


@pytest.mark.parametrize("buyers", [1, 10])
def test_the_audit_takes_as_many_statements_for_many_orders_as_for_one(database: Database, tmp_path: Any, buyers: int) -> None:
    shop = Shop(database, tmp_path)
    shirt = shop.sells("K1", offer={"cap": 99})
    for _ in range(buyers):
        shop.buys(shop.customer(), (shirt[0], 1))
    with counted(shop.database) as sent:
        assert found(shop) == []
    assert len(sent) == 10
