"""After the decision: a balance is paid, forgotten or can't be honoured; every fen and every unit is accounted for."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert, literal, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import approve
from c2b.audit.models import AuditEntry
from c2b.audit.two_people import ask
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import LegalProfile
from c2b.db import Database, Instant
from c2b.deposits import actions as deposits
from c2b.deposits import queries, reminding, resolving
from c2b.deposits.apply import apply
from c2b.deposits.handing_over import hand_over
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart, RefundLine
from c2b.deposits.refunds import queue_shipping
from c2b.deposits.rules import Fulfilment, Money, ObligationKind, ObligationState, Outcome, RefundReason, Reminder
from c2b.deposits.standing import money_states
from c2b.deposits.timeline import Event
from c2b.errors import Invalid, NotFound, Refused
from c2b.ledger import queries as ledger
from c2b.ledger.actions import post_rows
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Heard, Limits, Way
from c2b.payments.rules import PaymentState, RefundState
from c2b.production import actions, defaults, penalties, telling_ends, undeliverable, unpaid
from c2b.production.models import ProductionOrderLine
from c2b.work import audit
from tests import books, make
from tests.production import shop
from tests.statements import counted, reading

DECIDED = make.ORDERING_CLOSES + timedelta(hours=24)
DUE = DECIDED + timedelta(days=10)
OVER = DUE + timedelta(days=7)
SECOND = timedelta(seconds=1)
SANDBOX = Way("sandbox", "main", timedelta(minutes=30), Limits())


def decided(session: Session, *, reminded: bool = True, customers: int = 1, **campaign: Any) -> tuple[Campaign, list[Order]]:
    """Let customers buy twelve each of K1 at 100.00, deposits of 240.00, and decide; their reminders are delivered."""
    rules: dict[str, Any] = {"balance_due": DUE, "grace_days": 7, "shipping": 1500, **campaign}
    of = shop.settling(session, **rules)
    one = shop.variant(session, shop.product(session, of, "K1"))
    orders = []
    for number in range(customers):
        person = make.person(session, locale="en")
        make.address(session, person, f"anna{number}@example.com")
        order = shop.buys(session, of, (one, 12), by=person)
        order.recipient, order.address, order.country = "Anna", "1 Road", "CN"
        orders.append(order)
        if reminded:
            told = {"event": reminding.event(order.ref, Reminder.ONE_DAY), "channel": "email", "recipient": f"anna{number}@example.com"}
            sent = {"state": MessageState.SENT, "created_at": DUE, "sent_at": DUE}
            session.add(Message(**told, about=order.ref, template="balance_reminder", fields={}, locale="en", **sent))
    actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    return of, orders


def pays(session: Session, order: Order, now: Any) -> PaymentState:
    """Begin to pay all that is due and let the gateway say that it came."""
    key = deposits.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=now)
    amount = session.scalars(select(Payment.amount).where(Payment.key == key)).one()
    answer = Answer(Heard.DONE, amount=amount, currency="CNY", merchant="main", reference=f"R-{key}")
    return apply(session, key=key, answer=answer, now=now)


def money(session: Session, order: Order, now: Any = OVER) -> Money:
    (line,) = make.lines_of(session, order)
    return money_states(session, lines=books.ids(line.id), now=now)[line.id]


def states(session: Session, order: Order) -> dict[ObligationKind, ObligationState]:
    rows = session.execute(select(Obligation.kind, Obligation.state).where(Obligation.order_id == order.id))
    return {row.kind: row.state for row in rows}


def test_the_balance_is_paid_with_the_shipping_in_one_payment(session: Session) -> None:
    _, (order,) = decided(session)
    assert money(session, order, DECIDED) is Money.BALANCE_DUE
    assert pays(session, order, DUE - SECOND) is PaymentState.CAPTURED
    assert states(session, order) == dict.fromkeys(ObligationKind, ObligationState.PAID)
    (line,) = make.lines_of(session, order)
    assert ledger.balances(session, [f"dep:{line.id}", f"ship:{order.ref}"]) == {f"dep:{line.id}": 120000, f"ship:{order.ref}": 1500}
    assert money(session, order) is Money.PAID
    assert audit(session) == []


@pytest.mark.parametrize(
    ("when", "why"), [(DECIDED - SECOND, "can’t be paid now"), (OVER, "can’t be paid now"), (OVER + timedelta(days=9), "can’t be paid now")]
)
def test_outside_of_its_window_a_balance_cannot_be_paid(session: Session, when: Any, why: str) -> None:
    _, (order,) = decided(session, balance_opens=DECIDED)
    with pytest.raises(Refused, match=why):
        pays(session, order, when)


def test_without_an_address_no_balance_is_taken(session: Session) -> None:
    _, (order,) = decided(session)
    order.address = ""
    with pytest.raises(Refused, match="where the goods go"):
        pays(session, order, DUE)


def test_it_can_still_be_paid_in_the_last_second_of_the_grace(session: Session) -> None:
    _, (order,) = decided(session)
    pays(session, order, OVER - SECOND)
    assert defaults.over(session, now=OVER) == []
    assert money(session, order) is Money.PAID


def shipping_owed(session: Session, *, beside: bool) -> Order:
    """Decide an order whose product K1 was paid whole by its deposit, so that its shipping is owed; `beside` it the balance of K2."""
    of = shop.settling(session, balance_due=DUE, grace_days=7, shipping=1500)
    codes = ("K1", "K2") if beside else ("K1",)
    order = books.unpaid(session, of, *((shop.variant(session, shop.product(session, of, code)), 12) for code in codes))
    order.recipient, order.address, order.country = "Anna", "1 Road", "CN"
    line = make.lines_of(session, order)[0]
    line.deposit = line.unit_price * line.units
    session.execute(update(Obligation).where(Obligation.line_id == line.id).values(amount=line.deposit))
    session.expire_all()
    books.pay(session, order)
    actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    return order


def gets_it(session: Session, order: Order, now: Any) -> int:
    first = make.lines_of(session, order)[0].id
    about: dict[str, Any] = {"lines": [first], "how": Fulfilment.SHIPPED, "at": now, "actor": "staff:a@example.com", "now": now}
    return hand_over(session, order_ref=order.ref, **about)


def test_an_order_that_owes_its_shipping_alone_can_pay_it_until_the_goods_leave(session: Session) -> None:
    order, later = shipping_owed(session, beside=False), OVER + timedelta(days=9)
    assert defaults.over(session, now=later) == []
    seen = queries.order(session, ref=order.ref, person_id=order.person_id, locale="en", now=later)
    assert (seen.due, seen.may_pay, seen.is_balance, seen.pay_until) == (1500, True, True, None)
    assert pays(session, order, later) is PaymentState.CAPTURED
    assert gets_it(session, order, later) == 1
    assert audit(session) == []


def test_shipping_beside_a_balance_that_comes_too_late_is_owed_again_once_that_line_has_ended(session: Session) -> None:
    order = shipping_owed(session, beside=True)
    seen = queries.order(session, ref=order.ref, person_id=order.person_id, locale="en", now=OVER)
    assert (seen.due, seen.may_pay) == (0, False)
    with pytest.raises(Refused, match="can’t be paid now"):
        pays(session, order, OVER)
    defaults.release(session, slug="ss27", line=None, reason="Never told", actor="staff:a@example.com", now=OVER)
    assert pays(session, order, OVER + SECOND) is PaymentState.CAPTURED
    assert states(session, order)[ObligationKind.SHIPPING] is ObligationState.PAID
    assert gets_it(session, order, OVER + 2 * SECOND) == 1
    assert audit(session) == []


def test_nothing_ends_before_the_grace_is_over(session: Session) -> None:
    decided(session)
    assert defaults.over(session, now=OVER - SECOND) == []
    with pytest.raises(Refused, match="can still be paid"):
        defaults.settle(session, slug="ss27", actor="worker", now=OVER - SECOND)


def test_in_china_a_reminded_customer_loses_the_deposit_and_the_units_become_stock(session: Session) -> None:
    _, (order,) = decided(session)
    assert defaults.over(session, now=OVER) == ["ss27"]
    figures = defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    assert (figures.forfeited, figures.forfeited_amount, figures.returned, figures.waiting) == (1, 24000, 0, 0)
    (line,) = make.lines_of(session, order)
    assert (line.outcome, line.ended_at) == (Outcome.CANCELLED, OVER)
    assert money(session, order) is Money.FORFEITED
    assert ledger.balances(session, ["forfeit"]) == {"forfeit": 24000}
    assert states(session, order)[ObligationKind.SHIPPING] is ObligationState.VOID
    (made,) = session.scalars(select(ProductionOrderLine))
    assert (made.units_ordered, made.units_extra) == (0, 12)
    assert audit(session) == []


def test_nobody_loses_a_deposit_whose_reminder_was_not_delivered(session: Session) -> None:
    _, (order,) = decided(session, reminded=False)
    figures = defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    assert (figures.forfeited, figures.waiting) == (0, 1)
    assert money(session, order) is Money.OVERDUE
    assert ledger.balances(session, ["forfeit"]) == {"forfeit": 0}


@pytest.mark.parametrize("profile", [LegalProfile.CN_PREPAY, LegalProfile.EU, LegalProfile.US, LegalProfile.GENERIC])
def test_elsewhere_the_deposit_goes_back_reminded_or_not(session: Session, profile: LegalProfile) -> None:
    _, (order,) = decided(session, reminded=False, legal_profile=profile)
    figures = defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    assert (figures.returned, figures.returned_amount, figures.forfeited) == (1, 24000, 0)
    assert [tuple(row) for row in session.execute(select(RefundLine.amount, RefundLine.reason))] == [(24000, RefundReason.UNPAID)]
    assert money(session, order) is Money.REFUND_DUE
    assert audit(session) == []


def test_ending_unpaid_balances_twice_ends_them_once(session: Session) -> None:
    decided(session)
    defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    again = defaults.settle(session, slug="ss27", actor="worker", now=OVER + timedelta(days=1))
    assert vars(again) == {"forfeited": 0, "forfeited_amount": 0, "returned": 0, "returned_amount": 0, "waiting": 0}
    assert ledger.balances(session, ["forfeit"]) == {"forfeit": 24000}


def test_who_is_paying_in_that_moment_loses_nothing(session: Session) -> None:
    _, (order,) = decided(session)
    at = OVER - SECOND
    key = deposits.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=at)
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER).forfeited == 0
    answer = Answer(Heard.DONE, amount=97500, currency="CNY", merchant="main", reference="R")
    apply(session, key=key, answer=answer, now=OVER + SECOND)
    assert money(session, order) is Money.PAID


@pytest.mark.parametrize(("decision", "becomes"), [("accept_mismatch", Money.PAID), ("return_mismatch", Money.FORFEITED)])
def test_a_balance_with_another_amount_forfeits_nothing_until_finance_has_decided(session: Session, decision: str, becomes: Money) -> None:
    _, (order,) = decided(session)
    at = OVER - SECOND
    key = deposits.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=at)
    apply(session, key=key, answer=Answer(Heard.DONE, amount=97501, currency="CNY", merchant="main", reference="R"), now=at)
    assert defaults.over(session, now=OVER) == []
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER).forfeited == 0
    getattr(resolving, decision)(session, key=key, reason="The bank rounded", actor="staff:a@example.com", now=OVER + SECOND)
    defaults.settle(session, slug="ss27", actor="worker", now=OVER + 2 * SECOND)
    assert money(session, order) is becomes
    assert audit(session) == []


def test_a_balance_that_comes_after_its_line_ended_goes_back(session: Session) -> None:
    _, (order,) = decided(session)
    at = OVER - SECOND
    key = deposits.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=at)
    apply(session, key=key, answer=Answer(Heard.FAILED, why="expired"), now=OVER)
    defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    answer = Answer(Heard.DONE, amount=97500, currency="CNY", merchant="main", reference="R")
    apply(session, key=key, answer=answer, now=OVER + timedelta(hours=25))
    assert [tuple(row) for row in session.execute(select(RefundLine.amount, RefundLine.reason))] == [(97500, RefundReason.PAID_LATE)]
    assert audit(session) == []


def test_where_two_people_are_asked_for_a_second_one_agrees_to_forfeits(session: Session) -> None:
    campaign, _ = decided(session)
    campaign.two_person = True
    assert defaults.settle(session, slug="ss27", actor="staff:a@example.com", now=OVER).forfeited == 0
    count, amount, digest = defaults.forfeits(session, slug="ss27", now=OVER)
    assert (count, amount) == (1, 24000)
    approve(session, campaign="ss27", action=defaults.FORFEIT, digest=digest, actor="staff:a@example.com", now=OVER)
    assert defaults.settle(session, slug="ss27", actor="staff:a@example.com", now=OVER).forfeited == 0
    assert defaults.settle(session, slug="ss27", actor="staff:b@example.com", now=OVER).forfeited == 1


@pytest.mark.parametrize(("late", "kept"), [(SECOND, 0), (timedelta(), 0), (-SECOND, 1)])
def test_a_reminder_that_came_when_nothing_could_be_paid_any_more_takes_nobodys_deposit(
    session: Session, late: timedelta, kept: int
) -> None:
    decided(session)
    session.execute(update(Message).values(sent_at=OVER + late))
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER + timedelta(days=1)).forfeited == kept


def test_two_people_agree_to_these_deposits_and_to_no_others(session: Session) -> None:
    campaign, (first, second) = decided(session, customers=2)
    campaign.two_person = True
    told = update(Message).where(Message.about == second.ref)
    session.execute(told.values(state=MessageState.FAILED))
    for actor in ("staff:a@example.com", "staff:b@example.com"):
        defaults.agree_to_forfeit(session, slug="ss27", actor=actor, now=OVER)
    session.execute(told.values(state=MessageState.SENT))
    figures = defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    assert (figures.forfeited, figures.waiting) == (0, 2)
    assert [line.ended_at for order in (first, second) for line in make.lines_of(session, order)] == [None, None]
    assert defaults.forfeits(session, slug="ss27", now=OVER)[:2] == (2, 48000)
    for actor in ("staff:a@example.com", "staff:b@example.com"):
        defaults.agree_to_forfeit(session, slug="ss27", actor=actor, now=OVER + SECOND)
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER + SECOND).forfeited_amount == 48000
    assert audit(session) == []


def test_what_cannot_be_delivered_goes_back_whole_and_in_china_the_deposit_is_owed_once_more(session: Session) -> None:
    _, (order,) = decided(session)
    pays(session, order, DUE)
    assert (
        undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="The mill burnt down", actor="staff:a@example.com", now=OVER)
        == 1
    )
    lines = [tuple(row) for row in session.execute(select(RefundLine.amount, RefundLine.reason).order_by(RefundLine.id))]
    assert sorted(lines) == [(1500, RefundReason.UNDELIVERED), (24000, RefundReason.UNDELIVERED), (96000, RefundReason.UNDELIVERED)]
    assert ledger.balances(session, [f"owed:{order.ref}", "penalty"]) == {f"owed:{order.ref}": 24000, "penalty": -24000}
    assert undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="again", actor="staff:a@example.com", now=OVER) == 0
    assert audit(session) == []
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "production.cannot_deliver")).one()
    assert (entry.object, entry.reason, entry.after["lines"]) == ("K1", "The mill burnt down", 1)


def test_elsewhere_nothing_is_doubled(session: Session) -> None:
    _, (order,) = decided(session, legal_profile=LegalProfile.GENERIC)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=DUE)
    assert ledger.balances(session, [f"owed:{order.ref}", "penalty"]) == {f"owed:{order.ref}": 0, "penalty": 0}
    assert audit(session) == []


def test_a_product_that_is_not_there_or_no_reason_is_refused(session: Session) -> None:
    decided(session)
    with pytest.raises(NotFound, match="K9"):
        undeliverable.cannot_deliver(session, slug="ss27", code="K9", reason="x", actor="staff:a@example.com", now=DUE)
    with pytest.raises(Invalid, match="reason"):
        undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason=" ", actor="staff:a@example.com", now=DUE)


@pytest.mark.parametrize("profile", [LegalProfile.CN_DINGJIN, LegalProfile.GENERIC])
def test_ending_takes_a_constant_number_of_statements(database: Database, profile: LegalProfile) -> None:
    taken = []
    for customers in (1, 8):
        slug = f"c{customers}"
        with database.transaction() as session:
            of, _ = decided_as(session, slug, customers, profile)
        with database.transaction() as session, counted(database) as statements:
            defaults.settle(session, slug=of.slug, actor="worker", now=OVER)
        taken.append(len(statements))
    assert taken[0] == taken[1]


def decided_as(session: Session, slug: str, customers: int, profile: LegalProfile) -> tuple[Campaign, list[Order]]:
    of = shop.settling(session, slug=slug, balance_due=DUE, grace_days=7, legal_profile=profile)
    one = shop.variant(session, shop.product(session, of, "K1", by=make.supplier(session, f"F{customers}")))
    orders = [shop.buys(session, of, (one, 12)) for _ in range(customers)]
    for order in orders:
        told = {"event": reminding.event(order.ref, Reminder.TODAY), "channel": "email", "recipient": f"{order.ref}@example.com"}
        sent = {"state": MessageState.SENT, "created_at": DUE, "sent_at": DUE}
        session.add(Message(**told, about=order.ref, template="balance_reminder", fields={}, locale="en", **sent))
    actions.decide(session, slug=slug, actor="cli:test", now=DECIDED)
    return of, orders


@pytest.mark.parametrize(
    ("profile", "template", "amount"),
    [(LegalProfile.CN_DINGJIN, "deposit_forfeited", "240.00"), (LegalProfile.EU, "order_refunded_unpaid", "240.00")],
)
def test_customers_are_told_what_became_of_their_money_once(database: Database, profile: LegalProfile, template: str, amount: str) -> None:
    with database.transaction() as session:
        of, _ = decided(session, customers=2, legal_profile=profile)
    with database.transaction() as session:
        defaults.settle(session, slug="ss27", actor="worker", now=OVER)
    for _ in range(2):
        telling_ends.tell_defaults(database, {"campaign": of.id, "at": OVER.isoformat()}, OVER)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == template)).all()
        assert sorted(message.recipient for message in told) == ["anna0@example.com", "anna1@example.com"]
        assert all(amount in message.fields["amount"] for message in told)


def test_customers_of_what_cannot_be_delivered_are_told_why_once_in_the_mail_and_on_their_order(database: Database) -> None:
    with database.transaction() as session:
        of, (order, _) = decided(session, customers=2)
        whose: dict[str, Any] = {"ref": order.ref, "person_id": order.person_id}
    with database.transaction() as session:
        facts = {"slug": "ss27", "code": "K1", "reason": " The mill\nburnt down ", "actor": "staff:a@example.com"}
        undeliverable.cannot_deliver(session, now=DUE, **facts)
    with database.reading() as session:
        candidate = session.scalars(select(Candidate.id)).one()
    for _ in range(2):
        telling_ends.tell_undelivered(database, {"campaign": of.id, "candidate": candidate, "at": DUE.isoformat()}, DUE)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.event.startswith("ended:"))).all()
        assert [message.template for message in told] == ["seller_default", "seller_default"]
        assert {message.fields["reason"] for message in told} == {"The mill burnt down"}
        seen = queries.order(session, locale="en", now=DUE, **whose)
    assert seen.lines[0].after.undelivered == "The mill\nburnt down"
    ended = [entry for entry in seen.timeline if entry.at == DUE]
    assert (ended[0].event, ended[0].why) == (Event.UNDELIVERED, "The mill\nburnt down")
    assert Event.CANCELLED not in {entry.event for entry in seen.timeline}, "nobody cancelled it"


def test_where_two_people_are_asked_for_nobody_gives_a_product_up_alone(session: Session) -> None:
    campaign, _ = decided(session)
    campaign.two_person = True
    about: dict[str, Any] = {"slug": "ss27", "code": "K1", "reason": "No yarn", "now": DUE}
    with pytest.raises(Refused, match="needs a second person"):
        undeliverable.cannot_deliver(session, actor="staff:a@example.com", **about)
    ask(session, undeliverable.undelivering(campaign, "K1"), reason="No yarn", actor="staff:a@example.com", now=DUE)
    with pytest.raises(Refused, match="needs a second person"):
        undeliverable.cannot_deliver(session, actor="staff:a@example.com", **about)
    assert undeliverable.cannot_deliver(session, actor="staff:b@example.com", **about) == 1


def test_a_line_that_ended_otherwise_before_is_not_told_that_the_product_cannot_be_delivered(database: Database) -> None:
    with database.transaction() as session:
        of, (gone, _) = decided(session, customers=2, legal_profile=LegalProfile.EU)
        whose: dict[str, Any] = {"ref": gone.ref, "person_id": gone.person_id}
        lines = select(OrderLine.id).where(OrderLine.order_id == gone.id)
        campaign = of.id
        defaults.end_left(session, of, lines=lines, reason=RefundReason.WITHDRAWN, now=DECIDED)
    with database.transaction() as session:
        undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=DUE)
        candidate = session.scalars(select(Candidate.id)).one()
    telling_ends.tell_undelivered(database, {"campaign": campaign, "candidate": candidate, "at": DUE.isoformat()}, DUE)
    with database.reading() as session:
        assert len(session.scalars(select(Message).where(Message.template == "seller_default")).all()) == 1
        seen = queries.order(session, locale="en", now=DUE, **whose)
    assert seen.lines[0].after.undelivered == ""


def test_the_worker_is_nobodys_second_person(session: Session) -> None:
    campaign, _ = decided(session)
    campaign.two_person = True
    with pytest.raises(Refused, match="No deposit"):
        defaults.agree_to_forfeit(session, slug="ss27", actor="staff:a@example.com", now=OVER - SECOND)
    defaults.agree_to_forfeit(session, slug="ss27", actor="staff:a@example.com", now=OVER)
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER).forfeited == 0
    defaults.agree_to_forfeit(session, slug="ss27", actor="staff:b@example.com", now=OVER)
    assert defaults.settle(session, slug="ss27", actor="worker", now=OVER).forfeited == 1


def test_who_was_not_reminded_gets_the_deposit_back_from_a_person_with_a_reason(session: Session) -> None:
    campaign, (first, second) = decided(session, reminded=False, customers=2)
    (line,) = make.lines_of(session, first)
    assert [one.line for one in unpaid.balances(session, campaign).unreminded] == [line.id, make.lines_of(session, second)[0].id]
    about: dict[str, Any] = {"slug": "ss27", "actor": "staff:a@example.com"}
    with pytest.raises(Refused, match="waits"):
        defaults.release(session, line=line.id, reason="x", now=OVER - SECOND, **about)
    with pytest.raises(Invalid, match="Say why"):
        defaults.release(session, line=line.id, reason=" ", now=OVER, **about)
    assert defaults.release(session, line=line.id, reason="Mail bounced", now=OVER, **about).returned_amount == 24000
    assert (money(session, first), money(session, second)) == (Money.REFUND_DUE, Money.OVERDUE)
    with pytest.raises(Refused, match="waits"):
        defaults.release(session, line=line.id, reason="again", now=OVER + SECOND, **about)
    assert defaults.release(session, line=None, reason="Mail bounced", now=OVER + SECOND, **about).returned == 1
    assert ledger.balances(session, ["forfeit"]) == {"forfeit": 0}
    assert audit(session) == []
    entries = session.scalars(select(AuditEntry.reason).where(AuditEntry.action == "production.release"))
    assert list(entries) == ["Mail bounced", "Mail bounced"]


def test_nobody_who_was_reminded_is_released(session: Session) -> None:
    _, (order,) = decided(session)
    with pytest.raises(Refused, match="waits"):
        defaults.release(session, slug="ss27", line=None, reason="x", actor="staff:a@example.com", now=OVER)
    assert money(session, order) is Money.OVERDUE


@pytest.mark.parametrize(("profile", "penalty"), [(LegalProfile.CN_DINGJIN, 24000), (LegalProfile.GENERIC, 0)])
def test_what_it_means_not_to_deliver_is_said_before_and_is_what_happens(session: Session, profile: LegalProfile, penalty: int) -> None:
    campaign, (order,) = decided(session, legal_profile=profile, shipping=0)
    before = unpaid.undelivered(session, campaign, "K1")
    assert before == unpaid.Undelivered("K1", lines=1, units=12, refunds=1, amount=24000, penalty=penalty)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=DUE)
    assert unpaid.undelivered(session, campaign, "K1") is None
    assert [one.amount for one in session.scalars(select(Refund))] == [before.amount]
    assert ledger.balances(session, [f"owed:{order.ref}"]) == {f"owed:{order.ref}": penalty}


def test_a_penalty_is_paid_out_once_with_a_reference(session: Session) -> None:
    campaign, (order,) = decided(session)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=DUE)
    (one,) = penalties.owed(session, campaign.id)
    assert (one.order, one.code, one.amount) == (order.ref, "K1", 24000)
    about: dict[str, Any] = {"campaign_id": campaign.id, "line": one.line, "actor": "staff:a@example.com", "now": OVER}
    with pytest.raises(Invalid, match="Give the reference"):
        penalties.pay(session, reference=" ", **about)
    penalties.pay(session, reference="BANK-9", **about)
    with pytest.raises(Refused, match="paid already"):
        penalties.pay(session, reference="BANK-10", **about)
    assert ledger.balances(session, [f"owed:{order.ref}", "bank"]) == {f"owed:{order.ref}": 0, "bank": 24000}
    assert penalties.owed(session, campaign.id) == []
    assert audit(session) == []


def shipping_is_paid(session: Session, of: Campaign) -> None:
    """Let the deposits' payments have brought the shipping too."""
    paid = select(Payment.id, Obligation.id, Obligation.amount, literal(value=True)).join(Order, Order.ref == Payment.payer)
    paid = paid.join(Obligation, (Obligation.order_id == Order.id) & (Obligation.kind == ObligationKind.SHIPPING))
    session.execute(insert(PaymentPart).from_select(["payment_id", "obligation_id", "amount", "applied"], paid))
    session.execute(update(Obligation).where(Obligation.kind == ObligationKind.SHIPPING).values(state=ObligationState.PAID))
    key, account = literal("cap:").concat(Payment.key).concat(":shipping"), literal("ship:").concat(Order.ref)
    about = (literal(1500), literal("CNY"), literal("shipping_captured"), literal(of.slug), literal(DECIDED, Instant()))
    columns: list[Any] = [key, literal(books.PSP), account, *about]
    post_rows(session, select(*columns).join(Order, Order.ref == Payment.payer))
    session.execute(update(Payment).values(captured=Payment.captured + 1500, amount=Payment.amount + 1500))


@pytest.mark.parametrize("customers", [3, 300])
def test_the_shipping_of_many_orders_goes_back_by_as_many_statements_as_of_few(database: Database, customers: int) -> None:
    with database.transaction() as session:
        of = shop.settling(session, balance_due=DUE, grace_days=7, shipping=1500, legal_profile=LegalProfile.EU)
        one = shop.variant(session, shop.product(session, of, "K1"))
        shop.crowd(session, of, [one], max(customers, 10), lines_each=1)
        actions.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
        shipping_is_paid(session, of)
    with database.transaction() as session, counted(database) as sent:
        chosen = select(Order.id).where(Order.id <= customers)
        queue_shipping(session, orders=chosen, reason=RefundReason.UNDELIVERED, now=OVER)
    assert len(sent) == 5
    with database.transaction() as session:
        queue_shipping(session, orders=chosen, reason=RefundReason.UNDELIVERED, now=OVER)  # once more in the same instant
        queue_shipping(session, orders=chosen, reason=RefundReason.UNDELIVERED, now=OVER + SECOND)
        rows = session.execute(select(Refund.amount, Refund.state, RefundLine.line_id, RefundLine.reason).join(RefundLine)).all()
        assert [tuple(row) for row in rows] == [(1500, RefundState.QUEUED, None, RefundReason.UNDELIVERED)] * customers
        assert ledger.balances(session, ["ship:order-1", "owed:order-1"]) == {"ship:order-1": 0, "owed:order-1": 0}
        assert audit(session) == []


def test_shipping_of_which_a_bank_holds_a_part_goes_back_as_far_as_it_is_there(session: Session) -> None:
    of, (order,) = decided(session, legal_profile=LegalProfile.EU)
    pays(session, order, DUE)
    own = f"ship:{order.ref}"
    make.transfer(session, of, "dis:dp_1:ship", 600, debit=own, credit=books.PSP, event="chargeback")
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=OVER)
    assert sorted(session.scalars(select(Refund.amount))) == [900, 24000, 96000]
    assert ledger.balances(session, [own, f"owed:{order.ref}"]) == {own: 0, f"owed:{order.ref}": 0}


def test_of_many_penalties_the_oldest_are_shown_and_each_can_be_paid(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(penalties, "MOST", 1)
    campaign, (first, last) = decided(session, customers=2)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="No yarn", actor="staff:a@example.com", now=DUE)
    assert [each.order for each in penalties.owed(session, campaign.id)] == [first.ref]
    assert penalties.count(session, campaign.id) == 2
    (line,) = make.lines_of(session, last)
    penalties.pay(session, campaign_id=campaign.id, line=line.id, reference="BANK-9", actor="staff:a@example.com", now=DUE)
    assert (penalties.count(session, campaign.id), penalties.owed(session, campaign.id)[0].order) == (1, first.ref)


def test_whether_a_customer_was_reminded_is_found_whatever_else_was_told(sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        decided(session, reminded=False)
    facts = {"channel": "email", "template": "balance_reminder", "fields": {}, "locale": "en", "state": MessageState.SENT}
    others = [{"event": f"balance:{number}:1", "about": str(number), "recipient": "bert@example.com"} for number in range(1000)]
    looked = []
    for told in (others[:1], others[1:]):
        with sqlite_database.transaction() as session:
            session.execute(insert(Message), [each | facts | {"created_at": DUE} for each in told])
        with reading(sqlite_database) as seen, sqlite_database.reading() as session:
            assert defaults.forfeits(session, slug="ss27", now=OVER)[0] == 0
        looked.append(sum(seen))
    assert looked[1] <= looked[0] + 10
