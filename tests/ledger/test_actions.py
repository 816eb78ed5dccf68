from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.ledger import actions, queries
from c2b.ledger.models import GuardedAccount, Transfer
from c2b.ledger.rules import Posting

CAPTURED = Posting("cap:k:1", "psp:sandbox:shop", "dep:1", 5000, "captured")
BEGUN = Posting("hold:k-1:1", "dep:1", "hold:k-1", 5000, "refund_begun")
SETTLED = Posting("ref:k-1", "hold:k-1", "psp:sandbox:shop", 5000, "refund_settled")


def post(session: Session, now: datetime, *transfers: Posting, currency: str = "CNY") -> int:
    return actions.post(session, transfers, campaign="ss27", currency=currency, now=now)


def test_a_deposit_and_its_refund_end_with_nothing_on_any_account(session: Session, now: datetime) -> None:
    assert post(session, now, CAPTURED, BEGUN, SETTLED) == 3
    left = queries.balances(session, ["dep:1", "hold:k-1", "psp:sandbox:shop", "owed:nobody"])
    assert left == {"dep:1": 0, "hold:k-1": 0, "psp:sandbox:shop": 0, "owed:nobody": 0}


def test_a_transfer_keeps_when_and_where_it_was_booked(session: Session, now: datetime) -> None:
    post(session, now, CAPTURED)
    row = session.scalars(select(Transfer)).one()
    assert (row.id, row.debit, row.credit, row.amount) == ("cap:k:1", "psp:sandbox:shop", "dep:1", 5000)
    assert (row.currency, row.event, row.campaign, row.at) == ("CNY", "captured", "ss27", now)


def test_the_same_event_booked_twice_is_one_transfer(database: Database, now: datetime) -> None:
    for expected in (1, 0):
        with database.transaction() as session:
            assert post(session, now, CAPTURED) == expected
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Transfer)) == 1
        assert queries.balances(session, ["dep:1"]) == {"dep:1": 5000}


def test_of_a_batch_only_what_is_new_is_booked(session: Session, now: datetime) -> None:
    post(session, now, CAPTURED)
    assert post(session, now, CAPTURED, BEGUN) == 1
    assert queries.balances(session, ["dep:1", "hold:k-1"]) == {"dep:1": 0, "hold:k-1": 5000}


@pytest.mark.parametrize("changed", [{"amount": 4999}, {"debit": "bank"}, {"credit": "dep:2"}, {"event": "gift"}])
def test_an_id_never_stands_for_two_movements(session: Session, now: datetime, changed: dict[str, str]) -> None:
    post(session, now, CAPTURED)
    with pytest.raises(actions.OtherContent, match="cap:k:1"):
        post(session, now, replace(CAPTURED, **changed))  # type: ignore[arg-type]  # one field at a time


def test_an_id_never_stands_for_two_currencies(session: Session, now: datetime) -> None:
    post(session, now, CAPTURED)
    with pytest.raises(actions.OtherContent):
        post(session, now, CAPTURED, currency="EUR")


def test_one_batch_never_uses_an_id_twice(session: Session, now: datetime) -> None:
    with pytest.raises(actions.OtherContent):
        post(session, now, CAPTURED, replace(CAPTURED, amount=1))


def test_nothing_to_book_is_nothing_booked(session: Session, now: datetime) -> None:
    assert post(session, now) == 0


def test_booking_more_out_of_a_line_than_came_in_is_refused_whole(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        post(session, now, CAPTURED)
    with pytest.raises(DBAPIError), database.transaction() as session:
        post(session, now, replace(BEGUN, amount=5001))
    with database.reading() as session:
        assert queries.balances(session, ["dep:1", "hold:k-1"]) == {"dep:1": 5000, "hold:k-1": 0}
        assert session.scalars(select(GuardedAccount.account)).all() == ["dep:1"]


def test_shared_accounts_keep_no_running_sums(session: Session, now: datetime) -> None:
    post(session, now, CAPTURED, Posting("late:k", "psp:sandbox:shop", "owed:AbC", 100, "paid_late"))
    assert session.scalars(select(GuardedAccount.account)).all() == ["dep:1"]
