"""Bank transfers and cash, from the customer's order to the books: what people enter counts once and stays."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.deposits import pay, sending
from c2b.deposits.apply import apply
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.rules import Outcome, RefundReason
from c2b.errors import Invalid, NotFound, Refused
from c2b.payments import inbox, manual
from c2b.payments.gateways.manual.books import Manual
from c2b.payments.manual import Came
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.protocol import About, Answer, Call, Client, Forged, Heard, PaymentFacts, RefundFacts
from c2b.payments.rules import How, PaymentState, RefundState
from c2b.settings import Settings
from tests import make
from tests.deposits.scene import DAY, Shop

BELLA, CARL = "staff:bella@example.com", "staff:carl@example.com"
MORNING = datetime.combine(DAY.date(), datetime.min.time(), DAY.tzinfo)
TRANSFER = Came(5980, How.TRANSFER, "2027032000017", MORNING)
CASH = Came(5980, How.CASH, "", MORNING)


class Desk:
    """A shop that takes transfers and cash, and the people who enter them."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.shop = Shop(database, folder)
        self.database = database
        settings = Settings(data=folder, gateways=("manual",), manual_account="Bank of Examples, 6222 0000, c2b", manual_days=3)
        self.manual = Manual(settings, database, lambda: self.shop.now)
        self.gateways = {"manual": self.manual}
        self.anna = self.shop.customer()

    def begins(self) -> str:
        """Let a customer order one shirt and choose a transfer of the deposit of 59.80; returns the payment's key."""
        ref = self.shop.order(self.anna, (self.shop.sells(f"K{self.count(Payment)}")[0], 1))
        pay.pay(self.database, self.gateways, order_ref=ref, person_id=self.anna, gateway="manual", now=self.shop.now)
        with self.database.reading() as session:
            return session.scalars(select(Payment.key).where(Payment.payer == ref)).one()

    def enters(self, key: str, came: Came = TRANSFER, *, differs: bool = False, by: str = BELLA) -> None:
        with self.database.transaction() as session:
            manual.receive(session, key=key, came=came, differs=differs, campaign="ss27", actor=by, now=self.shop.now)

    def pays_out(self, key: str, reference: str = "OUT-1", *, by: str = BELLA, on: datetime = MORNING) -> None:
        with self.database.transaction() as session:
            manual.pay_out(session, key=key, reference=reference, on=on, campaign="ss27", actor=by, now=self.shop.now)

    def asks(self, key: str) -> PaymentState:
        return pay.check(self.database, self.gateways, key=key, now=self.shop.now)

    def sends_refunds(self) -> int:
        return sending.send_refunds(self.database, self.gateways, self.shop.now)

    def settles(self, refund: Refund, key: str) -> RefundState:
        answer = self.manual.query_refund(RefundFacts(refund.key, key, refund.amount, "CNY", ""))
        with self.database.transaction() as session:
            return apply_refund(session, key=refund.key, answer=answer, now=self.shop.now)

    def facts(self, key: str) -> PaymentFacts:
        payment = self.shop.payment(key)
        return PaymentFacts(key, payment.amount, "CNY", "main", payment.created_at + self.manual.lasts, f"/c/ss27/pay/{key}")

    def count(self, table: type[Any]) -> int:
        with self.database.reading() as session:
            return session.scalars(select(func.count()).select_from(table)).one()

    def refunded_order(self) -> tuple[str, Refund]:
        """Let a customer pay and cancel; returns the payment's key and the refund that a person has to pay out."""
        key = self.begins()
        self.enters(key)
        assert self.asks(key) is PaymentState.CAPTURED
        self.shop.cancel(self.shop.payment(key).payer, self.anna)
        (refund,) = self.shop.refunds()
        return key, refund


@pytest.fixture
def desk(database: Database, tmp_path: Path) -> Desk:
    return Desk(database, tmp_path)


def test_a_customer_is_told_where_to_pay_and_waited_for(desk: Desk) -> None:
    key = desk.begins()
    assert desk.shop.payment(key).state is PaymentState.PENDING
    assert desk.shop.payment(key).page == f"/manual/pay/{key}?back=%2Fc%2Fss27%2Fpay%2F{key}"
    assert desk.asks(key) is PaymentState.PENDING


@pytest.mark.parametrize("came", [TRANSFER, CASH], ids=["transfer", "cash"])
def test_money_that_was_entered_is_the_lines(desk: Desk, came: Came) -> None:
    key = desk.begins()
    desk.enters(key, came)
    assert desk.asks(key) is PaymentState.CAPTURED
    (line,) = desk.shop.lines(desk.shop.payment(key).payer)
    assert desk.shop.balances(f"dep:{line.id}", "psp:manual:main") == {f"dep:{line.id}": 5980, "psp:manual:main": -5980}
    assert desk.shop.payment(key).provider_reference == f"MAN-{key}"
    assert desk.shop.findings() == []


def test_an_entry_leaves_its_trace_and_an_event_that_books_it_whatever_happens(desk: Desk) -> None:
    key = desk.begins()
    desk.enters(key)
    with desk.database.reading() as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "payments.receive")).one()
        (event,) = inbox.due(session, now=desk.shop.now)
    assert (entry.actor, entry.object, entry.campaign) == (BELLA, key, "ss27")
    assert entry.after == {"amount": 5980, "currency": "CNY", "how": "transfer", "reference": "2027032000017"}
    assert (event.gateway, event.about, event.key) == ("manual", About.PAYMENT, key)


def test_other_money_than_was_due_has_to_be_meant_and_waits_for_a_person(desk: Desk) -> None:
    key = desk.begins()
    with pytest.raises(Invalid, match=r"59\.80 CNY was due") as problem:
        desk.enters(key, replace(TRANSFER, amount=5000))
    assert problem.value.field == "amount"
    assert desk.count(ManualReceipt) == 0
    desk.enters(key, replace(TRANSFER, amount=5000), differs=True)
    assert desk.manual.query(desk.facts(key)).amount == 5000
    assert desk.asks(key) is PaymentState.MISMATCH


@pytest.mark.parametrize(("before", "shown"), [({"days": 5}, {"days": -2}), ({"hours": 1}, {"hours": 24}), ({"seconds": 1}, {"hours": 24})])
def test_money_that_is_there_by_the_deadline_that_the_customer_reads_is_never_too_late(
    desk: Desk, before: dict[str, float], shown: dict[str, float]
) -> None:
    desk.shop.now = make.ORDERING_CLOSES - timedelta(**before)
    key = desk.begins()
    until = make.ORDERING_CLOSES + timedelta(**shown)
    assert until - timedelta(minutes=1) < desk.shop.payment(key).expires_at <= until
    desk.shop.now = desk.shop.payment(key).expires_at - timedelta(microseconds=1)
    desk.enters(key, replace(TRANSFER, on=desk.shop.now))
    assert desk.asks(key) is PaymentState.CAPTURED
    (line,) = desk.shop.lines(desk.shop.payment(key).payer)
    assert (line.reserved_at, line.outcome) == (desk.shop.now, Outcome.OPEN)


def test_without_an_entry_the_payment_fails_at_its_deadline_and_not_before(desk: Desk) -> None:
    key = desk.begins()
    desk.shop.forward(days=3, microseconds=-1)
    assert desk.manual.query(desk.facts(key)).heard is Heard.PENDING
    desk.shop.forward(microseconds=1)
    assert desk.manual.query(desk.facts(key)) == Answer(Heard.FAILED, why="expired")


def test_the_settings_say_how_long_a_transfer_may_take(desk: Desk) -> None:
    assert desk.manual.lasts == timedelta(days=3)
    assert desk.manual.is_offered(Client(agent="MicroMessenger"))


def test_money_after_its_time_is_entered_too_and_goes_back(desk: Desk) -> None:
    key = desk.begins()
    desk.shop.forward(days=4)
    assert desk.asks(key) is PaymentState.FAILED
    desk.enters(key)
    answer = desk.manual.query(desk.facts(key))
    with desk.database.transaction() as session:
        assert apply(session, key=key, answer=answer, now=desk.shop.now) is PaymentState.CAPTURED
    (refund,) = desk.shop.refunds()
    assert desk.shop.reasons() == [RefundReason.PAID_LATE]
    desk.pays_out(refund.key, on=desk.shop.now - timedelta(hours=1))
    assert desk.settles(refund, key) is RefundState.SETTLED
    assert desk.shop.balances("psp:manual:main") == {"psp:manual:main": 0}
    assert desk.shop.findings() == []


def test_cash_that_two_people_enter_at_once_is_one(desk: Desk) -> None:
    key = desk.begins()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda by: desk.enters(key, CASH, by=by), [BELLA, CARL] * 8))
    assert desk.count(ManualReceipt) == 1
    with desk.database.reading() as session:
        assert len(session.scalars(select(AuditEntry).where(AuditEntry.action == "payments.receive")).all()) == 1
        assert len(inbox.due(session, now=desk.shop.now)) == 1


@pytest.mark.parametrize("other", [replace(TRANSFER, amount=6000), replace(TRANSFER, reference="2027032000018"), CASH])
def test_other_money_for_the_same_payment_is_refused_by_naming_who_entered_what(desk: Desk, other: Came) -> None:
    key = desk.begins()
    desk.enters(key)
    with pytest.raises(Refused, match=r"bella@example.com entered 59\.80 CNY .*2027032000017") as problem:
        desk.enters(key, other, differs=True, by=CARL)
    assert "Send a second transfer back" in str(problem.value)
    assert desk.count(ManualReceipt) == 1


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"amount": 0}, "amount", "more than nothing"),
        ({"reference": "  "}, "reference", "Enter the bank’s reference"),
        ({"reference": "9" * 81}, "reference", "at most 80"),
        ({"on": MORNING + timedelta(days=1)}, "day", "still to come"),
        ({"on": MORNING - timedelta(days=1)}, "day", "before the payment was begun"),
    ],
)
def test_what_can_not_be_is_refused_at_its_field(desk: Desk, changes: dict[str, Any], field: str, words: str) -> None:
    key = desk.begins()
    with pytest.raises(Invalid, match=words) as problem:
        desk.enters(key, replace(TRANSFER, **changes))
    assert problem.value.field == field
    assert desk.count(ManualReceipt) == 0
    assert desk.asks(key) is PaymentState.PENDING


def test_a_payment_by_another_gateway_is_nobodys_transfer(desk: Desk) -> None:
    sandbox = desk.shop.pay(desk.shop.order(desk.anna, (desk.shop.sells("K9")[0], 1)), desk.anna)
    for key in (sandbox, "NOTHING"):
        with pytest.raises(NotFound, match=key):
            desk.enters(key)
        with pytest.raises(NotFound, match=key):
            desk.pays_out(f"{key}-1")


def test_a_refund_waits_until_a_person_has_paid_it_out(desk: Desk) -> None:
    key, refund = desk.refunded_order()
    assert desk.sends_refunds() == 1
    assert desk.shop.refunds()[0].state is RefundState.UNKNOWN
    desk.pays_out(refund.key)
    assert desk.settles(refund, key) is RefundState.SETTLED
    assert desk.shop.refunds()[0].provider_reference == f"MAN-{refund.key}"
    assert desk.shop.balances("psp:manual:main", f"hold:{refund.key}") == {"psp:manual:main": 0, f"hold:{refund.key}": 0}
    assert desk.shop.findings() == []


def test_the_worker_settles_what_was_paid_out_by_itself(desk: Desk) -> None:
    _key, refund = desk.refunded_order()
    desk.sends_refunds()
    desk.pays_out(refund.key)
    desk.shop.forward(minutes=1)
    assert desk.sends_refunds() == 1
    assert desk.shop.refunds()[0].state is RefundState.SETTLED


def test_paying_out_twice_is_once(desk: Desk) -> None:
    key, refund = desk.refunded_order()
    desk.pays_out(refund.key)
    desk.pays_out(refund.key, by=CARL)
    with pytest.raises(Refused, match=r"entered by bella@example.com with OUT-1"):
        desk.pays_out(refund.key, "OUT-2", by=CARL)
    assert desk.count(ManualPayout) == 1
    assert desk.settles(refund, key) is RefundState.SETTLED
    desk.pays_out(refund.key, by=CARL)
    assert desk.count(ManualPayout) == 1


@pytest.mark.parametrize(("reference", "on", "field"), [(" ", MORNING, "reference"), ("OUT-1", MORNING - timedelta(days=1), "day")])
def test_a_payout_says_with_what_and_when(desk: Desk, reference: str, on: datetime, field: str) -> None:
    _key, refund = desk.refunded_order()
    with pytest.raises(Invalid) as problem:
        desk.pays_out(refund.key, reference, on=on)
    assert problem.value.field == field
    assert desk.count(ManualPayout) == 0


def test_a_refund_that_is_over_is_not_paid_out(desk: Desk) -> None:
    key, refund = desk.refunded_order()
    with desk.database.transaction() as session:
        apply_refund(session, key=refund.key, answer=Answer(Heard.FAILED, why="account closed"), now=desk.shop.now)
    with pytest.raises(Refused, match="not waiting"):
        desk.pays_out(refund.key)
    assert desk.manual.query_refund(RefundFacts(refund.key, key, refund.amount, "CNY", "")).heard is Heard.PENDING


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE manual_receipt SET amount = 1",
        "DELETE FROM manual_receipt",
        "UPDATE manual_payout SET reference = 'x'",
        "DELETE FROM manual_payout",
        "INSERT INTO manual_receipt (payment_key, amount, currency, received_at, reference, how, entered_by, entered_at) "
        "SELECT payment_key, 1, currency, received_at, reference, how, entered_by, entered_at FROM manual_receipt",
        "INSERT INTO manual_payout (refund_key, amount, reference, paid_at, entered_by, entered_at) "
        "SELECT refund_key, 1, reference, paid_at, entered_by, entered_at FROM manual_payout",
    ],
)
def test_what_was_entered_is_never_changed_by_hand_nor_entered_a_second_time(desk: Desk, statement: str) -> None:
    _key, refund = desk.refunded_order()
    desk.pays_out(refund.key)
    with pytest.raises(DBAPIError), desk.database.transaction() as session:
        session.execute(text(statement))
    assert (desk.count(ManualReceipt), desk.count(ManualPayout)) == (1, 1)


def test_nobody_tells_this_gateway_anything_but_people(desk: Desk) -> None:
    with pytest.raises(Forged):
        desk.manual.notice(Call({}, b"", desk.shop.now))
    with pytest.raises(Invalid, match="under Transfers"):
        desk.manual.statement(b"")


@pytest.mark.parametrize("call", [Manual.start, Manual.query])
def test_asking_again_changes_nothing(desk: Desk, call: Callable[[Manual, PaymentFacts], Answer]) -> None:
    key = desk.begins()
    desk.enters(key)
    assert {call(desk.manual, desk.facts(key)) for _ in range(3)} == {desk.manual.query(desk.facts(key))}
