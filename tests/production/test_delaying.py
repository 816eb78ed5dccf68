"""A product comes later: who is told, who is asked, and what silence does, on both databases."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.rules import LegalProfile
from c2b.db import Database
from c2b.deposits import reminding
from c2b.deposits.models import Delay, DelayAnswer, Order, RefundLine
from c2b.deposits.rules import Money, Outcome, RefundReason
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.payments.protocol import Limits
from c2b.people.models import Person
from c2b.production import delaying, telling_ends
from c2b.production.models import ProductionOrderLine
from c2b.work import audit
from tests import make
from tests.production.test_defaults import DUE, decided, money, pays

NOW = datetime(2027, 5, 1, 12, tzinfo=UTC)
OLD = date(2027, 6, 1)
SECOND = timedelta(seconds=1)


def late(session: Session, expected: date, *, profile: LegalProfile = LegalProfile.US, customers: int = 1) -> tuple[int, list[Order]]:
    """Promise K1 for the first of June, and put it off."""
    _, orders = decided(session, customers=customers, legal_profile=profile, delivery_expected=OLD, time_zone="America/New_York")
    return put_off(session, expected), orders


def put_off(session: Session, expected: date, **changes: Any) -> int:
    asked: dict[str, Any] = {"slug": "ss27", "code": "K1", "reason": "No yarn", "limits": {}, "actor": "staff:a@example.com", "now": NOW}
    return delaying.announce(session, expected=expected, **(asked | changes))


def says(session: Session, order: Order, *, agrees: bool, now: datetime = NOW) -> None:
    (line,) = make.lines_of(session, order)
    delaying.answer(session, order_ref=order.ref, line_id=line.id, person_id=order.person_id, agrees=agrees, now=now)


def ends(last: date) -> datetime:
    return datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo("America/New_York"))


def test_who_refuses_gets_everything_back_and_the_units_become_stock(session: Session) -> None:
    _, (order,) = late(session, date(2027, 6, 20))
    pays(session, order, DUE)
    says(session, order, agrees=False)
    assert sorted(session.scalars(select(RefundLine.amount))) == [1500, 24000, 96000]
    assert set(session.scalars(select(RefundLine.reason))) == {RefundReason.WITHDRAWN}
    (made,) = session.scalars(select(ProductionOrderLine))
    assert (made.units_ordered, made.units_extra) == (0, 12)
    with pytest.raises(Refused, match="Nothing is asked"):
        says(session, order, agrees=True)
    assert audit(session) == []


@pytest.mark.parametrize(
    ("new", "last", "stays"),
    [(date(2027, 7, 1), date(2027, 7, 1), True), (date(2027, 7, 2), date(2027, 7, 1), False)],
)
def test_silence_agrees_to_a_short_first_delay_and_ends_the_order_at_a_long_one(
    session: Session,
    new: date,
    last: date,
    stays: bool,  # noqa: FBT001
) -> None:
    delay, (order,) = late(session, new)
    assert delaying.over(session, now=ends(last) - SECOND) == []
    assert delaying.settle(session, delay_id=delay, now=ends(last) - SECOND) == 0
    assert delaying.over(session, now=ends(last)) == [delay]
    assert delaying.settle(session, delay_id=delay, now=ends(last)) == (0 if stays else 24000)
    assert delaying.settle(session, delay_id=delay, now=ends(last) + SECOND) == 0
    (line,) = make.lines_of(session, order)
    assert line.outcome is (Outcome.ALLOCATED if stays else Outcome.CANCELLED)
    assert audit(session) == []


def test_who_agreed_stays_when_the_others_silence_ends_their_orders(session: Session) -> None:
    delay, (anna, bert) = late(session, date(2027, 9, 1), customers=2)
    says(session, anna, agrees=True)
    says(session, anna, agrees=True)
    assert delaying.settle(session, delay_id=delay, now=ends(date(2027, 7, 1))) == 24000
    assert money(session, anna, NOW) is Money.OVERDUE
    assert money(session, bert, NOW) is Money.REFUND_DUE
    assert [tuple(row) for row in session.execute(select(DelayAnswer.delay_id, DelayAnswer.agrees))] == [(delay, True)]
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "production.delay_unanswered")).one()
    assert entry.after == {"refund_amount": 24000}


def test_a_second_delay_replaces_the_first_and_silence_ends_the_order_by_the_old_day(session: Session) -> None:
    first, (order,) = late(session, date(2027, 6, 20))
    says(session, order, agrees=True)
    second = put_off(session, date(2027, 6, 25))
    found = session.get_one(Delay, second)
    assert (found.promised, found.answer_by, found.silence_agrees) == (date(2027, 6, 20), ends(date(2027, 6, 20)), False)
    assert delaying.over(session, now=ends(date(2027, 6, 20))) == [second]
    assert session.get_one(Delay, first).settled_at == NOW
    assert delaying.settle(session, delay_id=second, now=ends(date(2027, 6, 20))) == 24000  # a yes to the first is none to the second


@pytest.mark.parametrize("answered", [timedelta(0), SECOND])
def test_after_the_last_instant_no_answer_is_taken(session: Session, answered: timedelta) -> None:
    _, (order,) = late(session, date(2027, 9, 1))
    says(session, order, agrees=True, now=ends(date(2027, 7, 1)) - SECOND)
    with pytest.raises(Refused, match="Nothing is asked"):
        says(session, order, agrees=False, now=ends(date(2027, 7, 1)) + answered)


@pytest.mark.parametrize("profile", [each for each in LegalProfile if each is not LegalProfile.US])
def test_elsewhere_nothing_is_asked_and_nothing_ends(session: Session, profile: LegalProfile) -> None:
    delay, (order,) = late(session, date(2027, 9, 1), profile=profile)
    assert delaying.over(session, now=NOW + timedelta(days=400)) == []
    assert delaying.settle(session, delay_id=delay, now=NOW + timedelta(days=400)) == 0
    with pytest.raises(Refused):
        says(session, order, agrees=False)


def test_a_day_that_is_not_later_no_reason_or_no_such_product_is_refused(session: Session) -> None:
    late(session, date(2027, 6, 20))
    with pytest.raises(Invalid, match="later than 2027-06-20"):
        put_off(session, date(2027, 6, 20))
    with pytest.raises(Invalid, match="reason"):
        put_off(session, date(2027, 7, 20), reason=" ")
    with pytest.raises(NotFound, match="K9"):
        put_off(session, date(2027, 7, 20), code="K9")


def test_without_a_promised_day_today_is_the_old_one(session: Session) -> None:
    decided(session, legal_profile=LegalProfile.US, delivery_expected=None)
    delay = session.get_one(Delay, put_off(session, date(2027, 5, 20)))
    assert delay.promised == date(2027, 5, 1)


def test_other_peoples_lines_are_not_there(session: Session) -> None:
    _, (anna, bert) = late(session, date(2027, 9, 1), customers=2)
    (theirs,) = make.lines_of(session, bert)
    for ref in (anna.ref, bert.ref):
        with pytest.raises(NotFound):
            delaying.answer(session, order_ref=ref, line_id=theirs.id, person_id=anna.person_id, agrees=False, now=NOW)


@pytest.mark.parametrize(("profile", "template"), [(LegalProfile.US, "delay_question"), (LegalProfile.EU, "delay_told")])
def test_each_customer_is_told_once(database: Database, profile: LegalProfile, template: str) -> None:
    with database.transaction() as session:
        delay, _ = late(session, date(2027, 9, 1), profile=profile, customers=2)
    for _ in range(2):
        delaying.tell_delay(database, {"delay": delay}, NOW)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.event.startswith("delay:"))).all()
    assert sorted(message.recipient for message in told) == ["anna0@example.com", "anna1@example.com"]
    assert {message.template for message in told} == {template}
    assert all("September 1, 2027" in message.fields["expected"] for message in told)


def test_who_never_answered_is_told_once_that_the_order_ended_and_what_comes_back(database: Database) -> None:
    with database.transaction() as session:
        delay, (anna, bert, carl) = late(session, date(2027, 9, 1), customers=3)
        says(session, anna, agrees=True)
        says(session, bert, agrees=False)
        silent = carl.ref
    at = ends(date(2027, 7, 1))
    with database.transaction() as session:
        assert delaying.settle(session, delay_id=delay, now=at) == 24000
    with database.transaction() as session:
        delaying.settle(session, delay_id=delay, now=at + SECOND)
        (job,) = session.scalars(select(Job).where(Job.kind == "production.tell_unanswered"))
        payload = job.payload
    for _ in range(2):
        telling_ends.tell_unanswered(database, payload, at)
    with database.reading() as session:
        (told,) = session.scalars(select(Message).where(Message.template == "delay_unanswered")).all()
    assert (told.recipient, told.fields["order"]) == ("anna2@example.com", silent)
    assert "240.00" in told.fields["amount"]


def test_every_address_of_a_customer_is_told_wherever_a_step_ends(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    for room in (delaying, reminding, telling_ends):
        monkeypatch.setattr(room, "STEP", 1)
    with database.transaction() as session:
        delay, (anna, _) = late(session, date(2027, 9, 1), customers=2)
        make.address(session, session.get_one(Person, anna.person_id), "anna@work.example.com")
        campaign = anna.campaign_id
    delaying.tell_delay(database, {"delay": delay}, NOW)
    reminding.remind(database, {"campaign": campaign, "reminder": "3"}, NOW)
    with database.transaction() as session:
        delaying.settle(session, delay_id=delay, now=ends(date(2027, 7, 1)))
    telling_ends.tell_unanswered(database, {"delay": delay}, ends(date(2027, 7, 1)))
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.created_at != DUE)).all()
    everybody = ["anna0@example.com", "anna1@example.com", "anna@work.example.com"]
    for event in ("delay:", "balance:", "ended:"):
        assert sorted(message.recipient for message in told if message.event.startswith(event)) == everybody


def test_where_silence_agrees_nobody_is_told_of_an_end(database: Database) -> None:
    with database.transaction() as session:
        delay, _ = late(session, date(2027, 7, 1))
        delaying.settle(session, delay_id=delay, now=ends(date(2027, 7, 1)))
        assert session.scalars(select(Job.kind).where(Job.kind == "production.tell_unanswered")).all() == []


def test_a_day_after_which_a_gateway_could_not_return_the_money_is_refused_and_nobody_is_told(session: Session) -> None:
    decided(session, legal_profile=LegalProfile.US, delivery_expected=OLD)
    within = {"sandbox": Limits(refunded_within=timedelta(days=180)), "wechat": Limits(refunded_within=timedelta(days=1))}
    last = (make.ORDERING_OPENS + timedelta(days=180 - 14 - 1)).date()
    with pytest.raises(Invalid, match=f"sandbox sends nothing back later than 180 days after a payment.*after {last}") as refused:
        put_off(session, last + timedelta(days=1), limits=within)
    assert refused.value.field == "expected"
    assert session.scalars(select(Delay)).all() == []
    assert put_off(session, last, limits=within), "the last day is early enough, and nobody paid by WeChat"


def test_only_the_payments_of_who_still_waits_for_the_product_count(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.US, delivery_expected=OLD)
    (line,) = make.lines_of(session, order)
    year = {"sandbox": Limits(refunded_within=timedelta(days=100))}
    with pytest.raises(Invalid, match="100 days"):
        put_off(session, date(2027, 12, 1), limits=year)
    line.outcome = Outcome.CANCELLED
    session.flush()
    assert put_off(session, date(2027, 12, 1), limits=year)
