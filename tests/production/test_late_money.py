"""Money that arrives after the decision: one stuck payment blocks nobody, and no fen of it is lost or kept."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits.apply import apply
from c2b.deposits.models import Obligation, Order, PaymentPart, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.payments.models import Payment
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import PaymentState
from c2b.production import actions, queries
from c2b.production.rules import DecisionFigures
from c2b.work import audit
from tests import make
from tests.production import shop

AFTER = make.ORDERING_CLOSES + timedelta(hours=24)


def stuck(session: Session, code: str) -> tuple[Order, Payment]:
    """Let K1 reach its minimum and K2 miss it, and a third customer's payment for one of them stay unknown."""
    campaign = shop.settling(session, settle_hours=24)
    products = {name: shop.variant(session, shop.product(session, campaign, name)) for name in ("K1", "K2")}
    shop.buys(session, campaign, (products["K1"], 12), (products["K2"], 3))
    order = shop.buys(session, campaign, (products[code], 9), paid=False)
    times = {"settled_at": None, "captured": 0}
    payment = make.payment(session, order, 18000, state=PaymentState.UNKNOWN, key="pay-000000000001", **times)
    (owed,) = session.scalars(select(Obligation).where(Obligation.order_id == order.id))
    session.add(PaymentPart(payment_id=payment.id, obligation_id=owed.id, amount=owed.amount))
    session.flush()
    return order, payment


def captured(payment: Payment) -> Answer:
    return Answer(Heard.DONE, amount=payment.amount, currency="CNY", merchant="main", reference="sandbox-1")


def decide(session: Session) -> DecisionFigures:
    return actions.decide(session, slug="ss27", actor="cli:test", now=AFTER)


@pytest.mark.parametrize("code", ["K1", "K2"])
def test_money_that_arrives_after_the_decision_goes_back_by_itself(database: Database, code: str) -> None:
    with database.transaction() as session:
        order, payment = stuck(session, code)
    with database.transaction() as session:
        decide(session)
    with database.transaction() as session:
        apply(session, key=payment.key, answer=captured(payment), now=AFTER + timedelta(hours=1))
    with database.reading() as session:
        late = select(RefundLine.amount, RefundLine.reason).where(RefundLine.order_id == order.id)
        assert [tuple(row) for row in session.execute(late)] == [(18000, RefundReason.PAID_LATE)]
        assert [line.outcome for line in make.lines_of(session, order)] == [Outcome.CANCELLED]
        assert audit(session) == []


def test_late_money_changes_no_figure_of_the_decision(database: Database) -> None:
    with database.transaction() as session:
        _, payment = stuck(session, "K2")
    with database.transaction() as session:
        figures = decide(session)
    with database.transaction() as session:
        apply(session, key=payment.key, answer=captured(payment), now=AFTER + timedelta(hours=1))
    with database.transaction() as session:
        assert decide(session) == figures
        assert queries.preview(session, slug="ss27") == figures
    assert [(product.units, product.outcome) for product in figures.products] == [(12, "reached"), (3, "missed")]


def test_money_that_arrives_while_it_is_waited_for_counts(database: Database) -> None:
    with database.transaction() as session:
        order, payment = stuck(session, "K2")
    with database.transaction() as session:
        apply(session, key=payment.key, answer=captured(payment), now=make.ORDERING_CLOSES + timedelta(minutes=5))
    with database.transaction() as session:
        figures = actions.decide(session, slug="ss27", actor="cli:test", now=make.ORDERING_CLOSES + timedelta(minutes=6))
    assert [(product.units, product.outcome) for product in figures.products] == [(12, "reached"), (12, "reached")]
    with database.reading() as session:
        assert [line.outcome for line in make.lines_of(session, order)] == [Outcome.ALLOCATED]
        assert audit(session) == []


def test_a_payment_that_never_arrived_leaves_nothing_to_give_back(database: Database) -> None:
    with database.transaction() as session:
        order, payment = stuck(session, "K1")
    with database.transaction() as session:
        decide(session)
    with database.transaction() as session:
        apply(session, key=payment.key, answer=Answer(Heard.FAILED), now=AFTER + timedelta(hours=1))
    with database.reading() as session:
        assert session.scalar(select(func.count()).where(RefundLine.order_id == order.id)) == 0
        assert audit(session) == []
