from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits.models import Order, OrderLine, RefundLine
from c2b.deposits.refunds import RefundFigures, queue_owed, queue_refunds, refund_figures
from c2b.deposits.rules import RefundReason
from c2b.ledger import actions as ledger
from c2b.ledger import checks, queries
from c2b.ledger.rules import Posting
from c2b.payments.models import Refund
from c2b.payments.rules import RefundState
from tests import books, make
from tests.statements import counted


def two_products(session: Session) -> tuple[Order, list[int]]:
    """One order of two products at 299.00 and 100.00, two pieces each, their deposits of 119.60 and 40.00 due."""
    campaign = make.campaign(session)
    first = make.variants(session, make.candidate(session, campaign, "K1"))[0]
    second = make.variants(session, make.candidate(session, campaign, "K2", price=10000))[0]
    order = books.unpaid(session, campaign, (first, 2), (second, 2))
    return order, [line.id for line in make.lines_of(session, order)]


def test_one_refund_a_payment_carries_every_line_of_it(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    payment = books.pay(session, order)
    assert queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.MISSED, now=now) == RefundFigures(1, 11960 + 4000)
    refund = session.scalars(select(Refund)).one()
    assert (refund.key, refund.payment_id, refund.amount) == (f"{payment.key}-1", payment.id, 15960)
    assert (refund.state, refund.attempts, refund.queued_at, refund.next_attempt_at) == (RefundState.QUEUED, 0, now, now)
    parts = session.scalars(select(RefundLine).order_by(RefundLine.line_id)).all()
    assert [(part.refund_id, part.order_id, part.line_id, part.amount) for part in parts] == [
        (refund.id, order.id, lines[0], 11960),
        (refund.id, order.id, lines[1], 4000),
    ]
    assert {part.reason for part in parts} == {RefundReason.MISSED}


def test_the_money_waits_in_the_refunds_hold_account(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    payment = books.pay(session, order)
    queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.MISSED, now=now)
    accounts = [f"dep:{lines[0]}", f"dep:{lines[1]}", f"hold:{payment.key}-1"]
    assert queries.balances(session, accounts) == {accounts[0]: 0, accounts[1]: 0, accounts[2]: 15960}
    assert checks.checks(session) == []


def test_the_preview_says_what_the_run_does_and_writes_nothing(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    books.pay(session, order)
    expected = refund_figures(session, lines=books.ids(*lines))
    assert session.scalars(select(Refund)).all() == []
    assert queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.MISSED, now=now) == expected


def test_doing_it_again_sends_nothing_more(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    books.pay(session, order)
    queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.MISSED, now=now)
    assert queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.CANCELLED, now=now) == RefundFigures(0, 0)
    assert len(session.scalars(select(Refund)).all()) == 1


def test_lines_of_one_payment_may_go_back_one_after_the_other(session: Session, now: datetime) -> None:
    order, (first, second) = two_products(session)
    payment = books.pay(session, order)
    assert queue_refunds(session, lines=books.ids(first), reason=RefundReason.CANCELLED, now=now) == RefundFigures(1, 11960)
    assert queue_refunds(session, lines=books.ids(first, second), reason=RefundReason.MISSED, now=now) == RefundFigures(1, 4000)
    refunds = session.scalars(select(Refund).order_by(Refund.id)).all()
    assert [(refund.key, refund.amount) for refund in refunds] == [(f"{payment.key}-1", 11960), (f"{payment.key}-2", 4000)]
    assert queries.balances(session, [f"hold:{payment.key}-2"]) == {f"hold:{payment.key}-2": 4000}
    carried = session.execute(select(RefundLine.refund_id, RefundLine.line_id, RefundLine.amount).order_by(RefundLine.id)).all()
    assert carried == [(refunds[0].id, first, 11960), (refunds[1].id, second, 4000)]
    assert checks.checks(session) == []


def test_a_line_that_nobody_paid_gets_nothing_back(session: Session, now: datetime) -> None:
    _, lines = two_products(session)
    assert queue_refunds(session, lines=books.ids(*lines), reason=RefundReason.CANCELLED, now=now) == RefundFigures(0, 0)
    assert session.scalars(select(Refund)).all() == []


def test_only_the_lines_asked_for_go_back(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    books.pay(session, order)
    campaign, variant = order.campaign, session.get_one(OrderLine, lines[0]).variant
    other, _ = books.paid(session, campaign, (variant, 1))
    assert queue_refunds(session, lines=books.ids(lines[0]), reason=RefundReason.CANCELLED, now=now).amount == 11960
    assert queries.balances(session, [f"dep:{lines[1]}", f"dep:{make.lines_of(session, other)[0].id}"]) == {
        f"dep:{lines[1]}": 4000,
        f"dep:{make.lines_of(session, other)[0].id}": 5980,
    }


def test_money_of_a_refused_refund_is_not_taken_from_the_line_again(session: Session, now: datetime) -> None:
    order, lines = two_products(session)
    payment = books.pay(session, order)
    queue_refunds(session, lines=books.ids(lines[0]), reason=RefundReason.CANCELLED, now=now)
    session.scalars(select(Refund)).one().state = RefundState.FAILED
    back = Posting(f"fail:{payment.key}-1", f"hold:{payment.key}-1", f"owed:{order.ref}", 11960, "refund_refused")
    ledger.post(session, [back], campaign="ss27", currency="CNY", now=now)
    assert queue_refunds(session, lines=books.ids(lines[0]), reason=RefundReason.CANCELLED, now=now) == RefundFigures(0, 0)


def test_what_is_owed_besides_the_lines_goes_back_by_its_payment(session: Session, now: datetime) -> None:
    order, _ = two_products(session)
    payment = books.pay(session, order)
    payment.captured += 500
    late = Posting(f"late:{payment.key}", "psp:sandbox:main", f"owed:{order.ref}", 500, "overpaid")
    ledger.post(session, [late], campaign="ss27", currency="CNY", now=now)
    key = queue_owed(session, payment=payment, order=order, amount=500, reason=RefundReason.OVERPAID, now=now)
    part = session.scalars(select(RefundLine)).one()
    assert (part.line_id, part.amount, part.reason) == (None, 500, RefundReason.OVERPAID)
    assert queries.balances(session, [f"owed:{order.ref}", f"hold:{key}"]) == {f"owed:{order.ref}": 0, f"hold:{key}": 500}


def test_no_refund_is_begun_beyond_what_its_payment_brought(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        order, _ = two_products(session)
        payment = books.pay(session, order)
    with pytest.raises(DBAPIError), database.transaction() as session:
        queue_owed(session, payment=payment, order=session.merge(order), amount=15961, reason=RefundReason.OVERPAID, now=now)


@pytest.mark.parametrize("buyers", [1, 30])
def test_a_thousand_refunds_take_as_many_statements_as_one(database: Database, now: datetime, buyers: int) -> None:
    with database.transaction() as session:
        campaign = make.campaign(session)
        variant = make.variants(session, make.candidate(session, campaign, "K1"))[0]
        for _ in range(buyers):
            books.paid(session, campaign, (variant, 1))
    with database.transaction() as session, counted(database) as sent:
        every = select(OrderLine.id).where(OrderLine.campaign_id == campaign.id)
        figures = queue_refunds(session, lines=every, reason=RefundReason.MISSED, now=now)
    assert figures == RefundFigures(buyers, buyers * 5980)
    assert len(sent) == 4
    with database.reading() as session:
        assert checks.checks(session) == []
