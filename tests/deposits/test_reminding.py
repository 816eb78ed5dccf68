"""Who hears what about their money, and when: deposits, balances, reminders, late payments; each once."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from c2b.db import Database
from c2b.deposits import reminding
from c2b.deposits.rules import Reminder, due_reminder
from c2b.deposits.telling import tell_late, tell_paid
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.payments.models import Payment
from tests.production.test_defaults import DECIDED, DUE, OVER, decided, pays

HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)


def told(database: Database) -> list[tuple[str, str]]:
    """Template and recipient of every message of ours but those that were there before."""
    with database.reading() as session:
        rows = session.execute(select(Message.template, Message.recipient).where(Message.created_at != DUE).order_by(Message.id))
        return [(template, recipient) for template, recipient in rows]


@pytest.mark.parametrize(
    ("at", "reminder"),
    [
        (DECIDED - SECOND, None),
        (DECIDED, Reminder.OPENS),
        (DUE - timedelta(days=3) - SECOND, Reminder.OPENS),
        (DUE - timedelta(days=3), Reminder.THREE_DAYS),
        (DUE - timedelta(days=1), Reminder.ONE_DAY),
        (DUE - 6 * HOUR, Reminder.TODAY),
        (DUE - SECOND, Reminder.TODAY),
        (DUE, Reminder.OVERDUE),
        (OVER - SECOND, Reminder.OVERDUE),
        (OVER, None),
    ],
)
def test_the_last_reminder_whose_hour_has_come_is_due(database: Database, at: datetime, reminder: Reminder | None) -> None:
    with database.transaction() as session:
        of, _ = decided(session, balance_opens=DECIDED)
        assert due_reminder(of, at) is reminder


def test_each_reminder_is_asked_for_once_however_often_the_worker_looks(database: Database) -> None:
    with database.transaction() as session:
        decided(session)
    for at in (DUE - timedelta(days=3), DUE - timedelta(days=3) + HOUR, DUE - timedelta(days=1)):
        with database.transaction() as session:
            reminding.ask(session, now=at)
    with database.reading() as session:
        asked = session.scalars(select(Job.payload).where(Job.kind == "deposits.remind").order_by(Job.id)).all()
    assert [payload["reminder"] for payload in asked] == ["3", "1"]


@pytest.mark.parametrize(
    ("reminder", "template"),
    [(Reminder.OPENS, "balance_due"), (Reminder.ONE_DAY, "balance_reminder"), (Reminder.OVERDUE, "balance_overdue")],
)
def test_whoever_owes_is_reminded_once_and_whoever_has_paid_is_not(database: Database, reminder: Reminder, template: str) -> None:
    with database.transaction() as session:
        of, orders = decided(session, customers=3, reminded=False)
        pays(session, orders[0], DUE - timedelta(days=5))
    for _ in range(2):
        reminding.remind(database, {"campaign": of.id, "reminder": reminder.value}, DUE - timedelta(days=1))
    assert told(database) == [(template, "anna1@example.com"), (template, "anna2@example.com")]


def test_a_reminder_names_the_sum_with_the_shipping_and_what_happens_otherwise(database: Database) -> None:
    with database.transaction() as session:
        of, _ = decided(session, reminded=False)
    reminding.remind(database, {"campaign": of.id, "reminder": "1"}, DUE - timedelta(days=1))
    with database.reading() as session:
        fields = session.scalars(select(Message.fields)).one()
    assert (fields["amount"], fields["days"]) == ("¥975.00", "1")
    assert "the deposit is kept" in fields["consequence"]


def test_a_balance_that_arrived_is_told_as_one(database: Database) -> None:
    with database.transaction() as session:
        _, (order,) = decided(session, reminded=False)
        pays(session, order, DUE)
        (deposit, balance) = session.scalars(select(Payment.id).order_by(Payment.id)).all()
    for payment in (deposit, balance, balance):
        tell_paid(database, {"payment": payment}, DUE + HOUR)
    assert [template for template, _ in told(database)] == ["order_paid", "balance_paid"]


def test_money_that_came_too_late_is_told_so_once(database: Database) -> None:
    with database.transaction() as session:
        decided(session, reminded=False)
        payment = session.scalars(select(Payment.id)).one()
    for _ in range(2):
        tell_late(database, {"payment": payment, "amount": 24000}, DUE + HOUR)
    assert told(database) == [("paid_late", "anna0@example.com")]
    with database.reading() as session:
        assert session.scalars(select(Message.fields)).one()["amount"] == "¥240.00"
