"""After the goods: handed over, withdrawn from, sent back; every fen is accounted for, on both databases."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import LegalProfile
from c2b.db import Database
from c2b.deposits import handing_over, leaving
from c2b.deposits.models import Order, OrderLine, RefundLine, Withdrawal
from c2b.deposits.rights import Right
from c2b.deposits.rules import Fulfilment, Money, Outcome, RefundReason
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.ledger import queries as ledger
from c2b.messages.models import Message
from c2b.payments.models import Dispute, Payment, Refund
from c2b.people.models import Address
from c2b.people.rules import AddressKind, address_digest
from c2b.production import actions, undeliverable, withdrawing
from c2b.production.models import ProductionOrderLine
from c2b.work import audit
from tests import books, make
from tests.production import shop
from tests.production.test_defaults import DECIDED, DUE, decided, money, pays

AT = datetime(2027, 6, 2, 4, 0, tzinfo=UTC)
"""A Wednesday noon in Shanghai."""
SECOND = timedelta(seconds=1)
KEY = "k" * 40
STAFF = "staff:finance@example.com"
EU_ENDS = datetime(2027, 6, 17, tzinfo=ZoneInfo("Atlantic/Azores"))
CN_ENDS = datetime(2027, 6, 10, tzinfo=ZoneInfo("Asia/Shanghai"))


def delivered(session: Session, **campaign: Any) -> tuple[Order, OrderLine]:
    """Let Anna buy twelve at 100.00 with a shipping of 15.00, pay everything, and have the goods."""
    _, (order,) = decided(session, **campaign)
    pays(session, order, DUE)
    (line,) = make.lines_of(session, order)
    hands_over(session, order)
    return order, line


def hands_over(session: Session, order: Order, *, at: datetime = AT, how: Fulfilment = Fulfilment.SHIPPED) -> int:
    lines = [line.id for line in make.lines_of(session, order)]
    return handing_over.hand_over(session, order_ref=order.ref, lines=lines, how=how, at=at, actor=STAFF, now=max(at, AT))


def leaves(session: Session, order: Order, now: datetime, *, by_link: bool = False) -> int:
    lines = [line.id for line in make.lines_of(session, order)]
    person = None if by_link else order.person_id
    return withdrawing.withdraw(session, order_ref=order.ref, lines=lines, person_id=person, now=now)


def refunds(session: Session) -> list[tuple[int, RefundReason]]:
    rows = session.execute(select(RefundLine.amount, RefundLine.reason).order_by(RefundLine.amount))
    return [(row.amount, row.reason) for row in rows]


def balances(session: Session, *names: str) -> tuple[int, ...]:
    return tuple(ledger.balances(session, names)[name] for name in names)


def test_goods_handed_over_make_the_money_ours_and_it_stays_paid(session: Session) -> None:
    order, line = delivered(session)
    assert (line.fulfilment, line.handed_over_at) == (Fulfilment.SHIPPED, AT)
    assert balances(session, f"dep:{line.id}", f"ship:{order.ref}", "revenue", "shipping") == (0, 0, 120000, 1500)
    assert money(session, order) is Money.PAID
    assert hands_over(session, order) == 0
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "deposits.hand_over")).one()
    assert (entry.object, entry.actor, entry.after["amount"]) == (order.ref, STAFF, 121500)
    assert audit(session) == []


def test_a_deposit_that_was_the_whole_price_is_paid_too(session: Session) -> None:
    _, (order,) = decided(session)
    pays(session, order, DUE)
    hands_over(session, order, how=Fulfilment.PICKED_UP)
    assert money(session, order) is Money.PAID


def test_what_is_not_paid_is_not_handed_over(session: Session) -> None:
    _, (order,) = decided(session)
    with pytest.raises(Refused, match="isn’t paid yet"):
        hands_over(session, order)
    assert audit(session) == []


@pytest.mark.parametrize("at", [make.ORDERING_OPENS - timedelta(days=90), AT + SECOND])
def test_nothing_is_handed_over_before_it_was_ordered_or_tomorrow(session: Session, at: datetime) -> None:
    _, (order,) = decided(session)
    pays(session, order, DUE)
    (line,) = make.lines_of(session, order)
    with pytest.raises(Invalid, match="correct the day"):
        handing_over.hand_over(session, order_ref=order.ref, lines=[line.id], how=Fulfilment.SHIPPED, at=at, actor=STAFF, now=AT)


def test_what_was_cancelled_or_taken_back_by_a_bank_is_not_handed_over(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    pays(session, order, DUE)
    leaves(session, order, DUE)
    with pytest.raises(Refused, match="Only confirmed"):
        hands_over(session, order)


def test_goods_that_are_there_are_not_undeliverable(session: Session) -> None:
    order, _ = delivered(session)
    assert undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="Fire", actor=STAFF, now=AT) == 0
    assert balances(session, "revenue", "penalty", f"owed:{order.ref}") == (120000, 0, 0)


@pytest.mark.parametrize("paid", [True, False])
def test_in_europe_everything_comes_back_at_once_before_the_goods_come(session: Session, paid: bool) -> None:  # noqa: FBT001
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    if paid:
        pays(session, order, DUE)
    amount = leaves(session, order, DUE + SECOND, by_link=True)
    (line,) = make.lines_of(session, order)
    assert (line.outcome, line.ended_at) == (Outcome.CANCELLED, DUE + SECOND)
    assert amount == (121500 if paid else 24000) == sum(each for each, _ in refunds(session))
    assert {reason for _, reason in refunds(session)} == {RefundReason.WITHDRAWN}
    assert money(session, order) is Money.REFUND_DUE
    (made,) = session.scalars(select(ProductionOrderLine))
    assert (made.units_ordered, made.units_extra) == (0, 12)
    assert audit(session) == []


def test_before_the_decision_one_can_withdraw_though_ordering_has_closed(session: Session) -> None:
    of = shop.settling(session, legal_profile=LegalProfile.EU)
    one = shop.variant(session, shop.product(session, of, "K1"))
    order = shop.buys(session, of, (one, 12))
    assert leaves(session, order, make.ORDERING_CLOSES + SECOND) == 24000
    assert refunds(session) == [(24000, RefundReason.WITHDRAWN)]
    assert audit(session) == []
    actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    assert audit(session) == []


@pytest.mark.parametrize(("when", "goes"), [(AT, True), (EU_ENDS - SECOND, True), (EU_ENDS, False), (EU_ENDS + SECOND, False)])
def test_in_europe_fourteen_days_after_the_goods(session: Session, when: datetime, goes: bool) -> None:  # noqa: FBT001
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    if not goes:
        with pytest.raises(Refused, match="any more"):
            leaves(session, order, when)
        assert refunds(session) == []
        return
    assert leaves(session, order, when) == 121500
    assert refunds(session) == []  # recorded; the money waits for the goods
    assert money(session, order) is Money.PAID
    returned = leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=when + timedelta(days=5))
    assert returned == 121500 == sum(each for each, _ in refunds(session))
    assert balances(session, "revenue", "shipping", f"owed:{order.ref}") == (0, 0, 0)
    assert money(session, order) is Money.REFUND_DUE
    assert session.get_one(OrderLine, line.id).fulfilment is Fulfilment.RETURNED
    assert leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=when + timedelta(days=6)) == 0
    assert audit(session) == []


@pytest.mark.parametrize("profile", [LegalProfile.CN_DINGJIN, LegalProfile.CN_PREPAY])
@pytest.mark.parametrize(("when", "goes"), [(CN_ENDS - SECOND, True), (CN_ENDS, False)])
def test_in_china_seven_days_after_the_goods_without_the_shipping(
    session: Session,
    profile: LegalProfile,
    when: datetime,
    goes: bool,  # noqa: FBT001
) -> None:
    order, line = delivered(session, legal_profile=profile)
    if not goes:
        with pytest.raises(Refused):
            leaves(session, order, when)
        return
    assert leaves(session, order, when) == 120000
    assert leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=when) == 120000
    assert {reason for _, reason in refunds(session)} == {RefundReason.RETURNED}
    assert balances(session, "revenue", "shipping") == (0, 1500)
    assert audit(session) == []


@pytest.mark.parametrize("profile", [LegalProfile.CN_DINGJIN, LegalProfile.US, LegalProfile.GENERIC])
def test_elsewhere_nobody_leaves_before_the_goods_come(session: Session, profile: LegalProfile) -> None:
    _, (order,) = decided(session, legal_profile=profile)
    with pytest.raises(Refused):
        leaves(session, order, DUE)
    assert refunds(session) == []


def test_goods_that_go_to_europe_carry_its_law_whatever_the_profile(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.GENERIC)
    order.country = "SE"
    pays(session, order, DUE)
    assert leaves(session, order, DUE) == 121500
    assert session.scalars(select(Withdrawal.right)).one() is Right.WITHDRAWAL


def test_of_two_products_one_goes_back_and_the_shipping_with_the_last(session: Session) -> None:
    of = shop.settling(session, legal_profile=LegalProfile.EU, balance_due=DUE, shipping=1500)
    one, two = (shop.variant(session, shop.product(session, of, code)) for code in ("K1", "K2"))
    order = shop.buys(session, of, (one, 12), (two, 10))
    order.address = "1 Road"
    actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    pays(session, order, DUE)
    first, second = (line.id for line in make.lines_of(session, order))
    handing_over.hand_over(session, order_ref=order.ref, lines=[first], how=Fulfilment.SHIPPED, at=AT, actor=STAFF, now=AT)
    assert balances(session, "shipping") == (1500,)
    mine: dict[str, Any] = {"order_ref": order.ref, "person_id": order.person_id}
    assert withdrawing.withdraw(session, lines=[first], now=AT, **mine) == 120000
    assert leaving.came_back(session, order_ref=order.ref, line_id=first, actor=STAFF, now=AT) == 120000
    assert balances(session, "shipping") == (1500,)
    assert withdrawing.withdraw(session, lines=[second], now=AT + SECOND, **mine) == 101500
    assert balances(session, "revenue", "shipping", f"owed:{order.ref}") == (0, 0, 0)
    assert sum(each for each, _ in refunds(session)) == 221500
    assert audit(session) == []


def test_sent_twice_it_is_done_and_confirmed_once(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    assert leaves(session, order, DUE) == 24000
    assert leaves(session, order, DUE + SECOND) == 0
    (told,) = session.scalars(select(Message).where(Message.template == "withdrawal_received"))
    assert (told.recipient, told.channel) == ("anna0@example.com", "email")
    assert "240.00" in told.fields["amount"]


def test_a_payment_that_runs_meanwhile_goes_back_when_it_arrives(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    from_before = session.scalar(select(func.count()).select_from(Payment))
    pays(session, order, DUE)
    assert session.scalar(select(func.count()).select_from(Payment)) == (from_before or 0) + 1
    leaves(session, order, DUE + SECOND)
    assert sum(each for each, _ in refunds(session)) == 121500
    assert audit(session) == []


def test_somebody_elses_order_is_not_there(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    (line,) = make.lines_of(session, order)
    with pytest.raises(NotFound):
        withdrawing.withdraw(session, order_ref=order.ref, lines=[line.id], person_id=make.person(session).id, now=DUE)


def test_a_line_of_another_order_is_left_alone(session: Session) -> None:
    _, (order, other) = decided(session, customers=2, legal_profile=LegalProfile.EU)
    (theirs,) = make.lines_of(session, other)
    with pytest.raises(Refused):
        withdrawing.withdraw(session, order_ref=order.ref, lines=[theirs.id], person_id=order.person_id, now=DUE)
    with pytest.raises(NotFound, match="hasn’t sent"):
        leaving.came_back(session, order_ref=order.ref, line_id=theirs.id, actor=STAFF, now=DUE)
    assert refunds(session) == []


def test_chinese_returns_need_a_login(session: Session) -> None:
    order, _ = delivered(session)
    with pytest.raises(NotFound):
        leaves(session, order, AT, by_link=True)


def test_what_never_left_cannot_come_back(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.EU)
    leaves(session, order, DUE)
    (line,) = make.lines_of(session, order)
    with pytest.raises(Refused, match="never handed over"):
        leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=DUE)


def test_while_a_bank_has_the_money_it_does_not_go_back_a_second_time(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    leaves(session, order, AT)
    payment = session.scalars(select(Payment).where(Payment.payer == order.ref).order_by(Payment.id.desc())).first()
    assert payment is not None
    session.add(Dispute(reference="dp_1", payment_id=payment.id, amount=100, opened_at=AT))
    session.flush()
    with pytest.raises(Refused, match="dispute"):
        leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=AT)
    assert refunds(session) == []


def test_a_link_is_for_one_order_and_one_day() -> None:
    signed = withdrawing.token(KEY, "A-b_1", AT)
    assert withdrawing.order_of(KEY, signed, AT + withdrawing.LINK_LIFE - SECOND) == "A-b_1"
    assert withdrawing.order_of("x" * 40, signed, AT) is None
    assert withdrawing.order_of(KEY, signed.replace("A-b_1", "A-b_2"), AT) is None
    assert withdrawing.order_of(KEY, "nothing", AT) is None
    with pytest.raises(Refused, match="older than a day"):
        withdrawing.order_of(KEY, signed, AT + withdrawing.LINK_LIFE)


@pytest.mark.parametrize(
    ("profile", "typed", "sent"),
    [
        (LegalProfile.EU, "Anna0@Example.com ", True),
        (LegalProfile.EU, "bert@example.com", False),
        (LegalProfile.CN_DINGJIN, "anna0@example.com", False),
    ],
)
def test_a_link_goes_to_the_customers_own_address_only(database: Database, profile: LegalProfile, typed: str, sent: bool) -> None:  # noqa: FBT001
    with database.transaction() as session:
        _, (order,) = decided(session, legal_profile=profile)
        digest = address_digest(KEY, AddressKind.EMAIL, "anna0@example.com")
        session.execute(update(Address).values(digest=digest))
        ref = order.ref
    asked = {"order_ref": ref, "email": typed, "locale": "en", "secret_key": KEY, "now": DUE}
    for _ in range(2):
        with database.transaction() as session:
            withdrawing.ask_for_link(session, **asked)  # type: ignore[arg-type]
    with database.reading() as session:
        (job,) = session.scalars(select(Job).where(Job.kind == "production.withdrawal_link"))
        assert "example.com" not in str(job.payload)
    for _ in range(2):
        withdrawing.send_link(database, KEY, job.payload, DUE)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == "withdrawal_link")).all()
    assert len(told) == sent
    for message in told:
        assert withdrawing.order_of(KEY, message.fields["path"].removeprefix("/withdraw/"), DUE) == ref


def test_refunds_of_returned_goods_are_sent_like_all_others(session: Session) -> None:
    order, line = delivered(session, legal_profile=LegalProfile.EU)
    leaves(session, order, AT)
    leaving.came_back(session, order_ref=order.ref, line_id=line.id, actor=STAFF, now=AT)
    keys = session.scalars(select(Refund.key)).all()
    assert sum(ledger.balances(session, [f"hold:{key}" for key in keys]).values()) == 121500
    assert books.PSP in {each.account for each in ledger.trial_balance(session)}
    assert session.scalars(select(Campaign.slug)).all() == ["ss27"]
