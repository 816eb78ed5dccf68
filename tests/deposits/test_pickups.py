"""Store pickup: chosen without shipping costs, announced when the goods are there, handed out once."""

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.deposits import actions, address, leaving, parcels, pickup_views, pickups, queries
from c2b.deposits.models import Obligation, Order, Pickup, Withdrawal
from c2b.deposits.pickup_views import Goods
from c2b.deposits.placing import ShippingAddress
from c2b.deposits.rights import Right
from c2b.deposits.rules import Fulfilment, Money, ObligationKind, ObligationState, Outcome
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.ledger import queries as ledger
from c2b.messages.models import Message
from c2b.production import actions as production
from c2b.production import undeliverable
from c2b.stores.actions import close
from c2b.work import audit
from tests import make
from tests.deposits.test_parcels import ACTOR, AT, HEADER, read
from tests.production import shop
from tests.production.test_defaults import DECIDED, DUE, SANDBOX, decided, money, pays, states
from tests.statements import counted

CLERK = "staff:li@example.com"
HOME = ShippingAddress(recipient="Anna", phone="1", country="CN", address="1 Road")


def chooses(session: Session, order: Order, store: str = "HZ1", now: Any = DECIDED) -> str:
    return pickups.choose(session, order_ref=order.ref, person_id=order.person_id, store=store, now=now)


def goes_home(session: Session, order: Order, now: Any = DECIDED) -> None:
    address.change(session, order_ref=order.ref, person_id=order.person_id, address=HOME, now=now)


def sku_of(session: Session, order: Order) -> str:
    (line,) = make.lines_of(session, order)
    return line.variant.sku


def arrives(session: Session, *orders: Order, store: str = "HZ1", now: Any = AT, came: int = 0) -> int:
    """Let come what a store's customers wait for of these orders' SKUs, or so many pieces of each."""
    found = pickup_views.by_store(session, make.campaign_of(session, "ss27"), locale="en")
    sent = {goods.sku: goods.on_the_way for each in found if each.store.code == store for goods in each.goods}
    pieces = {sku: came or sent.get(sku) or 1 for sku in (sku_of(session, order) for order in orders)}
    return pickups.arrive(session, slug="ss27", store=store, came=pieces, actor=CLERK, now=now)


def code_of(session: Session, order: Order) -> str:
    return session.scalars(select(Pickup.code).where(Pickup.order_id == order.id)).one()


def hands_out(session: Session, code: str, *, store_id: int | None = None, now: Any = AT) -> int:
    return pickups.hand_out(session, code=code, store_id=store_id, actor=CLERK, now=now)


def collected(session: Session, customers: int = 1, **campaign: Any) -> list[Order]:
    """Let customers choose the store HZ1 and pay the rest."""
    _, orders = decided(session, customers=customers, **campaign)
    make.store(session)
    for order in orders:
        chooses(session, order)
        pays(session, order, DUE)
    return orders


def test_who_collects_pays_no_shipping_and_needs_no_address(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    order.address = ""
    assert chooses(session, order) == "Store HZ1"
    assert states(session, order)[ObligationKind.SHIPPING] is ObligationState.VOID
    pays(session, order, DUE)
    assert money(session, order) is Money.PAID
    assert ledger.balances(session, [f"ship:{order.ref}"]) == {f"ship:{order.ref}": 0}
    assert audit(session) == []


def test_who_chose_before_the_decision_is_never_asked_for_shipping(session: Session) -> None:
    of = shop.settling(session, balance_due=DUE, grace_days=7, shipping=1500)
    one = shop.variant(session, shop.product(session, of, "K1"))
    first, second = (shop.buys(session, of, (one, 12)) for _ in range(2))
    make.store(session)
    chooses(session, first)
    production.decide(session, slug="ss27", actor="cli:test", now=DECIDED)
    assert ObligationKind.SHIPPING not in states(session, first)
    assert states(session, second)[ObligationKind.SHIPPING] is ObligationState.DUE
    goes_home(session, first)
    assert states(session, first)[ObligationKind.SHIPPING] is ObligationState.DUE


def test_the_shipping_is_owed_again_when_it_is_to_be_sent_after_all(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    for _ in range(2):
        chooses(session, order)
        goes_home(session, order)
    rows = session.execute(select(Obligation.kind, Obligation.state, Obligation.amount).where(Obligation.line_id.is_(None))).all()
    assert rows == [(ObligationKind.SHIPPING, ObligationState.DUE, 1500)]
    pays(session, order, DUE)
    assert ledger.balances(session, [f"ship:{order.ref}"]) == {f"ship:{order.ref}": 1500}


def test_no_shipping_is_owed_for_an_order_of_which_nothing_is_made_any_more(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    chooses(session, order)
    for line in make.lines_of(session, order):
        line.outcome = Outcome.CANCELLED
    session.flush()
    goes_home(session, order)
    assert states(session, order)[ObligationKind.SHIPPING] is ObligationState.VOID


def test_an_order_that_is_partly_in_a_parcel_stays_where_it_goes(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    pays(session, order, DUE)
    entries = read(HEADER + f"{order.ref},{sku_of(session, order)},5,SF,SF1,,")
    assert not parcels.enter(session, slug="ss27", entries=entries, actor=ACTOR, now=AT).findings.problems
    for move in (chooses, goes_home):
        with pytest.raises(Refused, match="has left already"):
            move(session, order)
    assert not queries.order(session, ref=order.ref, person_id=order.person_id, locale="en", now=AT).may_move


def test_where_shipping_is_free_nothing_is_owed_either_way(session: Session) -> None:
    _, (order,) = decided(session, shipping=0)
    make.store(session)
    chooses(session, order)
    goes_home(session, order)
    assert ObligationKind.SHIPPING not in states(session, order)


def test_another_store_can_be_chosen_until_the_goods_are_there(session: Session) -> None:
    (order,) = collected(session)
    make.store(session, "SH1")
    code = code_of(session, order)
    chooses(session, order, "SH1")
    assert code_of(session, order) == code
    with pytest.raises(Refused, match="Store HZ1 waits for 0 of ss27-K1-S, not for 1"):
        arrives(session, order)
    assert arrives(session, order, store="SH1") == 1
    for move in (chooses, goes_home):
        with pytest.raises(Refused, match="has left already"):
            move(session, order)


def test_only_open_stores_can_be_chosen_and_only_for_ones_own_order(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    with pytest.raises(Invalid, match="Choose one of the stores") as problem:
        chooses(session, order, "ZZ9")
    assert problem.value.field == "store"
    with pytest.raises(NotFound):
        pickups.choose(session, order_ref=order.ref, person_id=order.person_id + 1, store="HZ1", now=DECIDED)
    close(session, code="HZ1", actor=CLERK, now=DECIDED)
    with pytest.raises(Invalid):
        chooses(session, order)


def test_shipping_that_is_paid_or_being_paid_is_not_given_up_silently(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    key = actions.start_payment(session, order_ref=order.ref, person_id=order.person_id, by=SANDBOX, now=DUE)
    assert key
    with pytest.raises(Refused, match="A payment is being processed"):
        chooses(session, order)


def test_shipping_that_was_paid_is_a_matter_for_a_person(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    pays(session, order, DUE)
    with pytest.raises(Refused, match="The shipping is paid already"):
        chooses(session, order)
    assert session.get(Pickup, order.id) is None


def test_goods_that_arrived_are_handed_out_once_and_their_money_is_ours_then(session: Session) -> None:
    (order,) = collected(session)
    assert arrives(session, order) == 1
    (line,) = make.lines_of(session, order)
    assert (line.fulfilment, line.handed_over_at) == (Fulfilment.READY, None)
    code = code_of(session, order)
    assert hands_out(session, f" {code[:4].lower()}-{code[4:]} ") == 1
    assert (line.fulfilment, line.handed_over_at) == (Fulfilment.PICKED_UP, AT)
    assert ledger.balances(session, [f"dep:{line.id}", "revenue"])["revenue"] == 120000
    with pytest.raises(Refused, match="was handed out already"):
        hands_out(session, code)
    assert audit(session) == []
    acts = list(session.execute(select(AuditEntry.action, AuditEntry.actor).order_by(AuditEntry.id.desc()).limit(2)).all())
    assert acts == [("deposits.hand_over", CLERK), ("deposits.arrive", CLERK)]


@pytest.mark.parametrize("code", ["", "ABC", "ABCDEFGH", "ABCDEFGHJ", "'; --", "é" * 8])
def test_a_code_that_no_order_has_hands_nothing_out(session: Session, code: str) -> None:
    collected(session)
    with pytest.raises(Invalid, match="No order has this code") as problem:
        hands_out(session, code)
    assert problem.value.field == "code"


def test_in_another_store_the_code_says_where_to_go(session: Session) -> None:
    (order,) = collected(session)
    other = make.store(session, "SH1")
    arrives(session, order)
    with pytest.raises(Refused, match="collected in Store HZ1"):
        hands_out(session, code_of(session, order), store_id=other.id)
    with pytest.raises(Refused, match="collected in Store HZ1"):
        pickups.waiting(session, code=code_of(session, order), store_id=other.id, locale="en")


def test_before_the_goods_are_there_the_code_hands_nothing_out(session: Session) -> None:
    (order,) = collected(session)
    with pytest.raises(Refused, match="Nothing of this order is in the store yet"):
        hands_out(session, code_of(session, order))


def test_the_counter_sees_what_it_hands_out(session: Session) -> None:
    (order,) = collected(session)
    arrives(session, order)
    found = pickups.waiting(session, code=code_of(session, order), store_id=None, locale="en")
    assert (found.order, found.store, found.goods, found.units) == (
        order.ref,
        "Store HZ1",
        (("Design K1", sku_of(session, order), 12),),
        12,
    )


def test_what_is_not_paid_does_not_wait_in_a_store(session: Session) -> None:
    _, (order,) = decided(session)
    make.store(session)
    chooses(session, order)
    with pytest.raises(Refused, match="Store HZ1 waits for 0 of ss27-K1-S, not for 1"):
        arrives(session, order)
    with pytest.raises(Refused, match="Enter how many pieces have arrived"):
        pickups.arrive(session, slug="ss27", store="HZ1", came={"K1-S": 0}, actor=CLERK, now=AT)


def test_who_withdraws_while_it_waits_is_handed_nothing(session: Session) -> None:
    (order,) = collected(session)
    arrives(session, order)
    (line,) = make.lines_of(session, order)
    session.add(Withdrawal(line_id=line.id, order_id=order.id, right=Right.WITHDRAWAL, received_at=AT))
    session.flush()
    with pytest.raises(Refused, match="Nothing of this order"):
        hands_out(session, code_of(session, order))


def test_the_warehouse_sends_no_parcel_of_what_is_collected(session: Session) -> None:
    (order,) = collected(session)
    entries = read(HEADER + f"{order.ref},{sku_of(session, order)},12,SF,SF1,,")
    sent = parcels.enter(session, slug="ss27", entries=entries, actor=ACTOR, now=AT)
    assert [each.message for each in sent.findings.problems] == ["the customer collects this order in a store"]


def test_staff_see_store_by_store_what_goes_there_waits_and_was_handed_out(session: Session) -> None:
    first, _, third = collected(session, customers=3)
    make.store(session, "SH1")
    chooses(session, third, "SH1")
    arrives(session, first)
    hands_out(session, code_of(session, first))
    of = make.campaign_of(session, "ss27")
    here, there = pickup_views.by_store(session, of, locale="en")
    sku = sku_of(session, first)
    assert here.goods == (Goods(sku, "Design K1", "S", on_the_way=0, waiting=12, handed_out=12, unpaid=0),)
    assert there.goods == (Goods(sku, "Design K1", "S", on_the_way=12, waiting=0, handed_out=0, unpaid=0),)
    assert (here.total("waiting"), here.to_send, there.to_send) == (12, (), there.goods)
    assert pickup_views.chosen(session, of) == {"HZ1": 2, "SH1": 1}


def test_a_store_is_shown_by_as_many_statements_as_many_are(database: Database) -> None:
    counts = []
    for customers in (1, 6):
        with database.transaction() as session:
            orders = collected(session, customers=customers) if customers == 1 else []
            for number in range(customers):
                make.store(session, f"S{customers}{number}")
            for number, order in enumerate(orders):
                chooses(session, order, f"S{customers}{number}")
        with counted(database) as statements, database.transaction() as session:
            pickup_views.by_store(session, make.campaign_of(session, "ss27"), locale="en")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_its_customers_are_told_once_of_each_arrival_with_where_and_without_the_code(database: Database) -> None:
    with database.transaction() as session:
        first, second = collected(session, customers=2)
        codes = {code_of(session, order) for order in (first, second)}
        arrives(session, first, second)
    with database.reading() as session:
        (payload,) = session.scalars(select(Job.payload).where(Job.kind == "deposits.tell_pickups"))
    for _ in range(2):
        pickup_views.tell_pickups(database, payload, AT)
    with database.reading() as session:
        told = session.scalars(select(Message).where(Message.template == "pickup_ready").order_by(Message.id)).all()
    assert Counter(message.recipient for message in told) == {"anna0@example.com": 1, "anna1@example.com": 1}
    assert {message.fields["where"] for message in told} == {"Hangzhou 1 Lake Road 10:00-22:00"}
    assert not any(code in str(message.fields) for message in told for code in codes)


def test_the_customer_sees_the_code_once_the_goods_are_there(session: Session) -> None:
    (order,) = collected(session)

    def view() -> Any:
        return queries.order(session, ref=order.ref, person_id=order.person_id, locale="en", now=AT)

    assert (view().pickup.store.name, view().pickup_code, view().may_move) == ("Store HZ1", "", True)
    arrives(session, order)
    assert (view().pickup_code, view().may_move) == (code_of(session, order), False)
    (line,) = make.lines_of(session, order)
    line.outcome = Outcome.CANCELLED
    session.flush()
    assert view().pickup_code == "", "what was given back isn't collected any more"
    line.outcome = Outcome.ALLOCATED
    session.flush()
    hands_out(session, code_of(session, order))
    assert view().pickup_code == ""


def test_the_seven_days_to_send_back_run_from_the_counter(session: Session) -> None:
    (order,) = collected(session)
    arrives(session, order)
    hands_out(session, code_of(session, order))
    assert leaving.ways_out(session, order, now=AT + timedelta(days=3))
    assert not leaving.ways_out(session, order, now=AT + timedelta(days=9))


def test_what_waits_in_a_store_is_not_declared_undeliverable(session: Session) -> None:
    first, second = collected(session, customers=2)
    make.store(session, "SH1")
    chooses(session, second, "SH1")
    arrives(session, first)
    about: dict[str, Any] = {"slug": "ss27", "code": "K1", "reason": "Fire", "actor": ACTOR, "now": AT}
    assert undeliverable.cannot_deliver(session, **about) == 1
    assert [line.outcome for order in (first, second) for line in make.lines_of(session, order)] == [Outcome.ALLOCATED, Outcome.CANCELLED]


def test_an_arrival_entered_wrongly_is_taken_back_and_nothing_is_handed_out_then(session: Session) -> None:
    first, second = collected(session, customers=2)
    arrives(session, first)
    hands_out(session, code_of(session, first))
    about: dict[str, Any] = {"slug": "ss27", "store": "HZ1", "sku": sku_of(session, second), "actor": CLERK, "now": AT}
    assert pickups.not_there(session, **about) == 1
    assert set(session.scalars(select(Pickup.arrived_at))) == {None}, "nobody is told of what isn't there"
    assert [make.lines_of(session, order)[0].fulfilment for order in (first, second)] == [Fulfilment.PICKED_UP, Fulfilment.NONE]
    with pytest.raises(Refused, match="Nothing of this order is in the store yet"):
        hands_out(session, code_of(session, second))
    with pytest.raises(Refused, match="Nothing of this waits in Store HZ1"):
        pickups.not_there(session, **about)
    assert arrives(session, second) == 1
    assert audit(session) == []


def test_where_fewer_came_the_earliest_deposits_get_theirs_whole(session: Session) -> None:
    first, second, third = collected(session, customers=3)
    early = make.lines_of(session, second)[0]
    early.reserved_at = DECIDED - timedelta(days=90)
    session.flush()
    with pytest.raises(Refused, match="complete nobody’s order line yet"):
        arrives(session, first, came=11)
    assert arrives(session, first, came=23) == 1, "11 pieces more are nobody's whole line"
    assert [line.fulfilment for order in (first, second, third) for line in make.lines_of(session, order)] == [
        Fulfilment.NONE,
        Fulfilment.READY,
        Fulfilment.NONE,
    ]
    with pytest.raises(Refused, match="Store HZ1 waits for 24 of ss27-K1-S, not for 25"):
        arrives(session, first, came=25)
    assert arrives(session, first, came=24) == 2
    (last,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "deposits.arrive").order_by(AuditEntry.id.desc()).limit(1))
    assert last.after == {"lines": 2, "pieces": {sku_of(session, first): 24}}


def test_two_counters_at_once_hand_out_once(database: Database) -> None:
    with database.transaction() as session:
        (order,) = collected(session)
        arrives(session, order)
        code = code_of(session, order)
    start, said = threading.Barrier(8), []

    def counter() -> None:
        start.wait()
        try:
            with database.transaction() as session:
                said.append(str(hands_out(session, code)))
        except Refused as problem:
            said.append(problem.message)

    clerks = [threading.Thread(target=counter) for _ in range(8)]
    for clerk in clerks:
        clerk.start()
    for clerk in clerks:
        clerk.join()
    assert sorted(said) == ["1", *["This was handed out already; nothing more of this order is here"] * 7]
    with database.reading() as session:
        assert ledger.balances(session, ["revenue"]) == {"revenue": 120000}
