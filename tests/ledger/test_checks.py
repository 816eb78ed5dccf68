from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from c2b.ledger import actions
from c2b.ledger.checks import checks
from c2b.ledger.rules import Posting


def booked(session: Session, now: datetime) -> None:
    transfers = [
        Posting("cap:a:1", "psp:sandbox:shop", "dep:1", 5000, "captured"),
        Posting("hold:a-1:1", "dep:1", "hold:a-1", 2000, "refund_begun"),
    ]
    actions.post(session, transfers, campaign="ss27", currency="CNY", now=now)


def found(session: Session) -> list[tuple[str, str]]:
    return [(finding.check, finding.what) for finding in checks(session)]


def test_books_kept_by_the_program_have_no_findings(session: Session, now: datetime) -> None:
    booked(session, now)
    assert found(session) == []


def test_a_sum_changed_by_hand_is_found(session: Session, now: datetime) -> None:
    booked(session, now)
    session.execute(text("UPDATE guarded_account SET credits = 9000 WHERE account = 'dep:1'"))
    assert found(session) == [("ledger.guarded_sums", "dep:1: sums kept (9000, 2000), transfers say (5000, 2000)")]


def test_a_sum_removed_by_hand_is_found(session: Session, now: datetime) -> None:
    booked(session, now)
    session.execute(text("DELETE FROM guarded_account WHERE account = 'hold:a-1'"))
    assert found(session) == [("ledger.guarded_sums", "hold:a-1: sums kept None, transfers say (2000, 0)")]


def test_money_taken_out_after_the_sums_were_forged_is_found(session: Session, now: datetime) -> None:
    booked(session, now)
    session.execute(text("UPDATE guarded_account SET credits = 9000 WHERE account = 'dep:1'"))
    actions.post(session, [Posting("x", "dep:1", "bank", 7000, "theft")], campaign="ss27", currency="CNY", now=now)
    assert ("ledger.overdrawn", "dep:1: -4000") in found(session)


def test_paying_out_more_than_is_owed_to_a_customer_is_found(session: Session, now: datetime) -> None:
    actions.post(session, [Posting("x", "owed:AbC", "bank", 10, "paid_out")], campaign="ss27", currency="CNY", now=now)
    assert found(session) == [("ledger.overdrawn", "owed:AbC: -10")]
