from datetime import timedelta

import pytest
from sqlalchemy import insert, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.actions import approve, record
from c2b.campaigns.models import Candidate, Variant
from c2b.db import TRIGGERS, Database
from c2b.deposits.models import OrderLine
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.rules import How
from c2b.production import actions, making
from c2b.production.making import Words
from c2b.production.models import DecisionLine, ProductionOrder, ProductionOrderLine
from c2b.production.rules import Grade, ProductionOrderState
from c2b.voting.models import VoteEvent
from tests import make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(days=2)


class Decided:
    """A decided campaign: K1 is made, K2 missed its minimum, K3 was withdrawn and never decided."""

    def __init__(self, session: Session) -> None:
        self.campaign = shop.settling(session)
        self.k1, self.k2 = shop.product(session, self.campaign, "K1"), shop.product(session, self.campaign, "K2")
        self.k3 = make.candidate(session, self.campaign, "K3", withdrawn_at=NOW)
        shop.buys(session, self.campaign, (shop.variant(session, self.k1), 12), (shop.variant(session, self.k2), 3))
        actions.decide(session, slug="ss27", actor="cli:test", now=NOW)
        self.order = session.query(ProductionOrder).one()

    def produce(self, session: Session, of: Candidate, variant: Variant, *, made: bool = True) -> None:
        """Ask the factory to make a product, by hand."""
        keys = {"campaign_id": self.campaign.id, "production_order_id": self.order.id, "candidate_id": of.id, "variant_id": variant.id}
        session.execute(insert(ProductionOrderLine).values(line=9, units_ordered=5, units_extra=0, made=made, **keys))


@pytest.fixture
def decided(session: Session) -> Decided:
    return Decided(session)


@pytest.mark.parametrize("made", [True, False])
def test_a_missed_product_is_never_ordered_from_a_factory(session: Session, decided: Decided, made: bool) -> None:  # noqa: FBT001  pytest's own way
    with pytest.raises(IntegrityError), session.begin_nested():
        decided.produce(session, decided.k2, shop.variant(session, decided.k2), made=made)


def test_a_product_that_was_not_decided_is_never_ordered_from_a_factory(session: Session, decided: Decided) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        decided.produce(session, decided.k3, shop.variant(session, decided.k3))


def test_another_products_variant_does_not_slip_in_under_a_reached_product(session: Session, decided: Decided) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        decided.produce(session, decided.k1, shop.variant(session, decided.k2))


def test_the_same_statement_is_taken_for_a_product_that_reached(session: Session, decided: Decided) -> None:
    decided.produce(session, decided.k1, shop.variant(session, decided.k1, "M"))
    assert session.query(ProductionOrderLine).count() == 2


def test_a_missed_product_cannot_be_called_reached_afterwards(session: Session, decided: Decided) -> None:
    with pytest.raises(DBAPIError, match="append-only"), session.begin_nested():
        session.execute(update(DecisionLine).where(DecisionLine.candidate_id == decided.k2.id).values(made=True, reason="so be it"))


def test_nothing_is_called_reached_below_its_minimum(session: Session, decided: Decided) -> None:
    values = {"units": 9, "minimum": 10, "outcome": "reached", "made": True, "tier": 1}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(DecisionLine).values(campaign_id=decided.campaign.id, candidate_id=decided.k3.id, **values))


def test_what_missed_is_made_only_with_a_public_reason(session: Session, decided: Decided) -> None:
    values = {"campaign_id": decided.campaign.id, "candidate_id": decided.k3.id, "units": 9, "minimum": 10, "outcome": "missed", "tier": 1}
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(insert(DecisionLine).values(made=True, **values))
    session.execute(insert(DecisionLine).values(made=True, reason="The mill had yarn left", **values))
    decided.produce(session, decided.k3, shop.variant(session, decided.k3))
    assert session.query(ProductionOrderLine).count() == 2


@pytest.mark.usefixtures("decided")
def test_nobody_pays_more_than_was_promised(session: Session) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(OrderLine).values(final_unit_price=OrderLine.unit_price + 1))


@pytest.mark.usefixtures("decided")
def test_a_line_that_nobody_paid_for_is_never_allocated(session: Session) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        session.execute(update(OrderLine).values(reserved_at=None))


APPEND_ONLY = sorted(trigger.name.removesuffix("_append_only") for trigger in TRIGGERS if trigger.name.endswith("_append_only"))


def fill(session: Session) -> None:
    """Put at least one row into every table that is never rewritten."""
    decided = Decided(session)
    record(session, actor="cli:test", action="test", now=NOW)
    approve(session, campaign="ss27", action="test", digest="1" * 64, actor="staff:bo@example.com", now=NOW)
    make.ballot(session, decided.campaign)
    make.selection(session, decided.campaign, (decided.k1, 2))
    keys = {"campaign_id": decided.campaign.id, "person_id": 1, "candidate_id": decided.k1.id}
    session.add(VoteEvent(**keys, undo=False, at=NOW))
    make.override(session, decided.k1, made=False)
    payment, refund = session.query(Payment).first(), session.query(Refund).first()
    assert payment
    assert refund
    at = making.opened(session, slug="ss27", number=decided.order.number, actor="staff:a@example.com", now=NOW)
    for state in (ProductionOrderState.APPROVED, ProductionOrderState.SENT):
        making.advance(at, state, Words())
    making.change(at, {1: 3}, "for the outlet")
    making.receive(at, {(1, Grade.A): 1}, on=NOW.date())
    entered = {"reference": "B1", "entered_by": "staff:a@example.com", "entered_at": NOW}
    session.add(ManualReceipt(payment_key=payment.key, amount=1, currency="CNY", received_at=NOW, how=How.CASH, **entered))
    session.add(ManualPayout(refund_key=refund.key, amount=1, paid_at=NOW, **entered))
    session.flush()


def test_the_books_the_result_and_the_log_are_never_rewritten() -> None:
    assert set(APPEND_ONLY) >= {
        "approval",
        "audit_entry",
        "ballot_seal",
        "decision",
        "decision_line",
        "production_revision",
        "production_step",
        "receipt",
        "receipt_line",
        "seal_block",
        "selection",
        "selection_line",
        "transfer",
        "vote_event",
    }


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_what_is_written_once_stays(database: Database, table: str) -> None:
    with database.transaction() as session:
        fill(session)
        rows = session.execute(text(f"SELECT * FROM {table}")).mappings().all()
        assert rows
    column = next(iter(rows[0]))
    forbidden = [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}"]
    forbidden += [f"INSERT OR REPLACE INTO {table} SELECT * FROM {table}"] if database.is_sqlite else [f"TRUNCATE {table} CASCADE"]
    for statement in forbidden:
        with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
            session.execute(text(statement))
    with database.reading() as session:
        assert session.execute(text(f"SELECT * FROM {table}")).mappings().all() == rows
