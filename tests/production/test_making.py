"""A production order's way: states, revisions, deliveries in parts, and who gets goods when too little comes."""

from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.audit.two_people import ask
from c2b.db import Database
from c2b.deposits.models import Order, OrderLine, RefundLine, SellerDefault
from c2b.deposits.rules import Fulfilment, Outcome, RefundReason
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.production import actions, checks, making, queries, sharing, telling_ends, undeliverable
from c2b.production.making import Opened, Words
from c2b.production.models import ProductionOrderLine
from c2b.production.progress import Progress, progress
from c2b.production.rules import Claim, Grade, ProductionOrderState, left_without
from c2b.work import audit
from tests import make
from tests.production import shop
from tests.statements import counted

AT = make.ORDERING_CLOSES + timedelta(days=2)
DAY = date(2027, 5, 3)
SECOND = timedelta(seconds=1)
State = ProductionOrderState
Goods = Callable[[], Opened]


@pytest.fixture
def goods(session: Session) -> Goods:
    """Twelve customers' units of K1 in S (7 of Anna, then 5 of Bo), three in M of Cleo, packs of five; decided."""
    of = shop.settling(session)
    k1 = shop.product(session, of, "K1", pack=5)
    small, medium = shop.variant(session, k1), shop.variant(session, k1, "M")
    for place, wanted in enumerate(((small, 7), (small, 5), (medium, 3))):
        order = shop.buys(session, of, wanted)
        for line in make.lines_of(session, order):
            line.reserved_at = make.ORDERING_OPENS + place * SECOND
    actions.decide(session, slug="ss27", actor="cli:test", now=AT)
    number = queries.orders(session, of.id)[0].number

    def again() -> Opened:
        return making.opened(session, slug="ss27", number=number, actor="staff:mill@example.com", now=AT + timedelta(days=30))

    return again


def sent(goods: Goods) -> Opened:
    for state in (State.APPROVED, State.SENT):
        making.advance(goods(), state, Words())
    return goods()


def of(at: Opened) -> Progress:
    return progress(at.session, at.order.id)


def units(at: Opened) -> list[tuple[int, int]]:
    return [(line.units_ordered, line.units_extra) for line in at.lines()]


def come(at: Opened, small: int, medium: int = 0, *, rejects: int = 0) -> int:
    return making.receive(at, {(1, Grade.A): small, (2, Grade.B): medium, (1, Grade.REJECT): rejects}, on=DAY)


def test_a_production_order_goes_its_way_with_every_step_dated(goods: Goods) -> None:
    making.advance(sent(goods), State.ACKNOWLEDGED, Words(date(2027, 6, 1), "one week later"))
    making.advance(goods(), State.PRODUCING, Words())
    come(goods(), 15, 5)
    making.advance(goods(), State.CLOSED, Words())
    found = of(goods())
    assert [step.state for step in found.steps] == list(State)[1:]
    assert (found.promised, found.reached(State.SENT), found.reached(State.DRAFT)) == (date(2027, 6, 1), AT + timedelta(days=30), None)


@pytest.mark.parametrize("to", [State.SENT, State.PRODUCING, State.RECEIVED, State.CLOSED, State.DRAFT])
def test_no_step_is_left_out(goods: Goods, to: State) -> None:
    with pytest.raises(Refused, match="can’t become"):
        making.advance(goods(), to, Words())


def test_a_factory_that_never_answers_may_produce_all_the_same(goods: Goods) -> None:
    making.advance(sent(goods), State.PRODUCING, Words())
    assert goods().order.state is State.PRODUCING


def test_an_order_of_another_campaign_is_not_found(goods: Goods) -> None:
    with pytest.raises(NotFound):
        making.opened(goods().session, slug="ss27", number="PO-1", actor="staff:a@example.com", now=AT)


def test_before_it_is_sent_extra_stock_changes_without_a_revision(goods: Goods) -> None:
    assert making.change(goods(), {1: 8, 2: 2}, "") == 1
    at = goods()
    assert (units(at), at.order.revision, of(at).revisions) == ([(12, 8), (3, 2)], 1, ())


def test_once_sent_a_change_is_a_revision_that_says_what_and_why(session: Session, goods: Goods) -> None:
    sent(goods)
    with pytest.raises(Invalid, match="say why"), session.begin_nested():
        making.change(goods(), {1: 8}, " ")
    making.change(goods(), {1: 0, 2: 7}, "The buyer of the outlet wants M")
    (revision,) = of(goods()).revisions
    assert (revision.number, revision.reason) == (2, "The buyer of the outlet wants M")
    assert [(sku[-1], before, after) for sku, before, after in revision.lines] == [("S", 15, 12), ("M", 5, 10)]


def test_the_same_numbers_again_change_nothing(goods: Goods) -> None:
    assert making.change(sent(goods), {1: 3, 2: 2}, "") == 0
    assert goods().order.revision == 1


@pytest.mark.parametrize(("extra", "why"), [(-1, "no pieces left"), (-13, "no pieces left")])
def test_customers_units_are_never_cut_by_a_change(goods: Goods, extra: int, why: str) -> None:
    with pytest.raises(Invalid, match=why):
        making.change(goods(), {1: extra}, "less")


def test_what_came_cannot_be_taken_off_the_order(goods: Goods) -> None:
    come(sent(goods), 14)
    with pytest.raises(Invalid, match="14 pieces came already"):
        making.change(goods(), {1: 1}, "less")


def test_goods_come_in_parts_and_rejects_do_not_count(goods: Goods) -> None:
    come(sent(goods), 6, rejects=4)
    come(goods(), 5, 5)
    found = of(goods())
    assert (found.arrived, goods().order.state) == ({1: 11, 2: 5}, State.RECEIVED)
    assert [(each.good, each.rejected) for each in found.deliveries] == [(6, 4), (10, 0)]


@pytest.mark.parametrize(("small", "medium"), [(16, 0), (0, 6)])
def test_more_than_was_ordered_is_not_taken_silently(goods: Goods, small: int, medium: int) -> None:
    at = sent(goods)
    with pytest.raises(Invalid, match="raise its extra stock first"):
        come(at, small, medium)
    assert of(goods()).deliveries == ()


@pytest.mark.parametrize("wrong", [{(9, Grade.A): 1}, {(1, Grade.A): -1}, {}, {(1, Grade.A): 0}])
def test_a_delivery_of_nothing_or_of_what_is_not_on_the_order_is_refused(goods: Goods, wrong: dict[tuple[int, Grade], int]) -> None:
    at = sent(goods)
    with pytest.raises(Invalid):
        making.receive(at, wrong, on=DAY)


def test_nothing_comes_of_an_order_that_was_not_sent(goods: Goods) -> None:
    with pytest.raises(Refused, match="once it is sent"):
        come(goods(), 1)


def test_a_delivery_that_was_entered_wrongly_is_taken_back_once(goods: Goods) -> None:
    wrong = come(sent(goods), 15)
    making.take_back(goods(), wrong)
    assert (of(goods()).arrived, [each.taken_back for each in of(goods()).deliveries]) == ({}, [True])
    with pytest.raises(Refused, match="already"):
        making.take_back(goods(), wrong)
    with pytest.raises(NotFound):
        making.take_back(goods(), wrong + 99)
    come(goods(), 15)


def test_it_closes_with_missing_stock_only_with_a_note(goods: Goods) -> None:
    come(sent(goods), 12, 3)
    with pytest.raises(Invalid, match="note why"):
        making.advance(goods(), State.CLOSED, Words())
    making.advance(goods(), State.CLOSED, Words(note="The mill had no more yarn"))
    with pytest.raises(Refused, match="is closed"):
        making.change(goods(), {1: 9}, "more")


def test_it_does_not_close_while_customers_wait_for_what_did_not_come(goods: Goods) -> None:
    come(sent(goods), 11, 3)
    with pytest.raises(Refused, match="share out"):
        making.advance(goods(), State.CLOSED, Words(note="short"))


def claim(line: int, units: int, second: int, variant: int = 1) -> Claim:
    return Claim(line, variant, units, make.ORDERING_OPENS + second * SECOND)


@pytest.mark.parametrize(
    ("came", "short"),
    [(12, []), (11, [3]), (8, [2]), (7, [2, 3]), (6, [1]), (1, [1, 2]), (0, [1, 2, 3])],
)
def test_the_earliest_deposit_is_served_first_and_a_line_whole_or_not_at_all(came: int, short: list[int]) -> None:
    claims = [claim(3, 1, 3), claim(2, 4, 2), claim(1, 7, 1)]
    assert [each.line for each in left_without(claims, {1: came})] == short


def test_of_equal_deposits_the_lower_key_is_served() -> None:
    assert left_without([claim(9, 1, 1), claim(4, 1, 1)], {1: 1}) == [claim(9, 1, 1)]


def test_one_variants_goods_are_no_others() -> None:
    assert left_without([claim(1, 1, 1), claim(2, 1, 2, variant=2)], {2: 5}) == [claim(1, 1, 1)]


def shared(goods: Goods, reason: str = "The mill burnt down") -> int:
    at = goods()
    expected = sharing.shortage(at.session, at.campaign, at.order.id).digest
    return undeliverable.share_out(at, expected=expected, reason=reason)


def test_a_short_delivery_goes_to_the_earliest_and_everybody_else_gets_everything_back(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    assert shared(goods) == 1
    outcomes = session.execute(select(OrderLine.units, OrderLine.outcome).order_by(OrderLine.id)).all()
    assert [tuple(row) for row in outcomes] == [(7, Outcome.ALLOCATED), (5, Outcome.CANCELLED), (3, Outcome.ALLOCATED)]
    back = session.execute(select(RefundLine.amount, RefundLine.reason)).all()
    assert [tuple(row) for row in back] == [(10000, RefundReason.UNDELIVERED)]
    assert units(goods()) == [(7, 3), (3, 0)]
    (revision,) = of(goods()).revisions
    assert [(before, after) for _sku, before, after in revision.lines] == [(15, 10), (5, 3)]
    making.advance(goods(), State.CLOSED, Words())
    assert audit(session) == []


def test_nobody_is_left_out_where_enough_came(session: Session, goods: Goods) -> None:
    come(sent(goods), 12, 3)
    assert shared(goods) == 0
    assert session.scalars(select(SellerDefault)).all() == []


def test_what_was_handed_over_is_not_given_twice(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    bo = session.scalars(select(Order).join(OrderLine).where(OrderLine.units == 5)).one()
    (line,) = make.lines_of(session, bo)
    line.fulfilment, line.handed_over_at = Fulfilment.PICKED_UP, AT
    session.flush()
    at = goods()
    short = sharing.shortage(session, at.campaign, at.order.id)
    assert [(each.units, short.served) for each in short.lines] == [(7, 3)]


def test_the_share_out_does_what_was_looked_at_or_nothing(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    at = goods()
    seen = sharing.shortage(session, at.campaign, at.order.id).digest
    come(goods(), 1)
    come(goods(), 1)
    with pytest.raises(Refused, match="look at the new list"):
        undeliverable.share_out(goods(), expected=seen, reason="short")


def test_nothing_is_shared_out_before_goods_came_or_without_a_reason(goods: Goods) -> None:
    sent(goods)
    with pytest.raises(Refused, match="Enter the deliveries first"):
        shared(goods)
    come(goods(), 10, 3)
    with pytest.raises(Invalid, match="customers read it"):
        shared(goods, reason=" ")


def test_where_two_people_are_asked_for_nobody_shares_out_alone(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    at = goods()
    at.campaign.two_person = True
    short = sharing.shortage(session, at.campaign, at.order.id)
    with pytest.raises(Refused, match="needs a second person"):
        shared(goods)
    step = undeliverable.sharing_out(at.campaign, at.order.number, short)
    ask(session, step, reason="The mill burnt down", actor="staff:b@example.com", now=AT)
    with pytest.raises(Refused, match="needs a second person"):
        shared(goods, "Another reason")
    assert shared(goods) == 1


def test_a_second_short_delivery_of_a_product_has_its_own_reason(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    shared(goods, "The first fire")
    at = goods()
    later = Opened(at.session, at.campaign, at.order, at.actor, at.now + SECOND)
    undeliverable.cannot_deliver(session, slug="ss27", code="K1", reason="The second fire", actor=later.actor, now=later.now)
    assert [each.reason for each in session.scalars(select(SellerDefault).order_by(SellerDefault.at))] == [
        "The first fire",
        "The second fire",
    ]


def test_every_step_stands_in_the_audit_log_with_who_and_why(session: Session, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    shared(goods)
    making.advance(goods(), State.CLOSED, Words())
    entries = session.scalars(select(AuditEntry).where(AuditEntry.actor == "staff:mill@example.com").order_by(AuditEntry.id)).all()
    assert [entry.action.partition(".")[2] for entry in entries] == ["advance", "advance", "receive", "share_out", "advance"]
    assert entries[3].reason == "The mill burnt down"


def test_the_audit_finds_more_goods_than_an_order_asks_for(session: Session, goods: Goods) -> None:
    come(sent(goods), 15, 5)
    line = session.scalars(select(ProductionOrderLine).order_by(ProductionOrderLine.line).limit(1)).one()
    line.units_extra = 0
    session.flush()
    assert [finding.check for finding in checks.checks(session)] == ["production.receipts"]


def test_reading_the_progress_costs_five_statements(database: Database, goods: Goods) -> None:
    come(sent(goods), 10, 3)
    come(goods(), 1)
    at = goods()
    with counted(database) as statements:
        of(at)
    assert len(statements) == 5


def test_only_those_who_got_nothing_are_told_and_why(database: Database) -> None:
    with database.transaction() as session:
        of = shop.settling(session)
        small = shop.variant(session, shop.product(session, of, "K1"))
        for place, name in enumerate(("anna", "bo")):
            person = make.person(session, locale="en")
            make.address(session, person, f"{name}@example.com")
            for line in make.lines_of(session, shop.buys(session, of, (small, 6), by=person)):
                line.reserved_at = make.ORDERING_OPENS + place * SECOND
        actions.decide(session, slug="ss27", actor="cli:test", now=AT)
        number = queries.orders(session, of.id)[0].number

    def at_work() -> Iterator[Opened]:
        with database.transaction() as session:
            yield making.opened(session, slug="ss27", number=number, actor="staff:mill@example.com", now=AT)

    for at in at_work():
        making.advance(at, State.APPROVED, Words())
        making.advance(at, State.SENT, Words())
        making.receive(at, {(1, Grade.A): 8}, on=DAY)
        undeliverable.share_out(at, expected=sharing.shortage(at.session, of, at.order.id).digest, reason="No more yarn")
    with database.reading() as session:
        (payload,) = session.scalars(select(Job.payload).where(Job.kind == "production.tell_undelivered"))
    telling_ends.tell_undelivered(database, payload, AT)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == "seller_default")).all()
        assert [(message.recipient, message.fields["reason"]) for message in told] == [("bo@example.com", "No more yarn")]
