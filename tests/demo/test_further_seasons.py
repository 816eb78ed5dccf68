"""The campaigns that are further on came about by the program's own rules, so that everything proves."""

import random
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.campaigns.rules import CampaignState, ordering_is_open
from c2b.db import Base, Database
from c2b.demo import buyers, seasons, shop
from c2b.demo.seasons import Season
from c2b.demo.shop import Shop
from c2b.deposits import finance
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import ObligationState, Outcome
from c2b.ledger.models import Transfer
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Heard, PaymentFacts
from c2b.payments.rules import CaseKind, RefundState
from c2b.production.models import Decision, DecisionLine, ProductionOrder, ProductionOrderLine
from c2b.voting.models import Ballot, Selection
from c2b.work import GATES, audit
from tests import databases
from tests.statements import counted

NOW = datetime(2026, 11, 22, 21, 0, tzinfo=UTC)
FIRST = seasons.voting(20)


def smaller(season: Season, **changes: object) -> Season:
    few: dict[str, Any] = {"candidates": 20, "places": 10, "voters": 60, "orders": 50, "minimums": (3, 6, 9)}
    return Season(**(vars(season) | few | changes))


ORDERING, DECIDED = smaller(seasons.ORDERING), smaller(seasons.DECIDED)


def open_shop(database: Database, folder: Path) -> Shop:
    return Shop(database, folder, "k" * 40, GATES, {"sandbox": Sandbox(folder / "sandbox.db", lambda: NOW)}, NOW)


def fill(made: Shop) -> None:
    few = smaller(FIRST, orders=0)
    shop.open_doors(made, few)
    shop.fill(made, few, ORDERING, DECIDED)


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Fill a shop once, for all tests that only look."""
    folder = tmp_path_factory.mktemp("demo")
    with databases.sqlite(folder) as database:
        made = open_shop(database, folder)
        fill(made)
        yield made


@pytest.fixture
def session(filled: Shop) -> Iterator[Session]:
    with filled.database.reading() as session:
        yield session


def campaign(session: Session, season: Season) -> Campaign:
    return session.scalars(select(Campaign).where(Campaign.slug == season.slug)).one()


def count(session: Session, table: type[Base]) -> int:
    return session.scalars(select(func.count()).select_from(table)).one()


def test_the_audit_finds_nothing_wrong_on_either_database(database: Database, tmp_path: Path) -> None:
    fill(open_shop(database, tmp_path))
    with database.reading() as session:
        assert audit(session) == []
        assert count(session, Refund) > 0


def test_finance_finds_a_statement_that_agrees_but_for_a_strangers_transfer(session: Session) -> None:
    (statement,) = finance.statements(session)
    assert statement.matched == statement.lines - 1 > 50
    assert statement.sums["CNY"]["payout"] < 0 < statement.sums["CNY"]["fees"]
    assert finance.counts(session) == {CaseKind.UNKNOWN_REFERENCE: 1}


def test_a_shop_filled_twice_has_one_statement_and_one_case(database: Database, tmp_path: Path) -> None:
    for _ in range(2):
        fill(open_shop(database, tmp_path))
    with database.reading() as session:
        assert len(finance.statements(session)) == 1
        assert finance.counts(session) == {CaseKind.UNKNOWN_REFERENCE: 1}


def test_one_votes_one_orders_one_is_decided(session: Session) -> None:
    states = {season.slug: campaign(session, season).state for season in (FIRST, ORDERING, DECIDED)}
    assert list(states.values()) == [CampaignState.VOTING, CampaignState.ORDERING, CampaignState.DECIDED]
    assert ordering_is_open(campaign(session, ORDERING), NOW)


def test_both_were_selected_by_a_vote(session: Session) -> None:
    for season in (ORDERING, DECIDED):
        chosen = session.scalars(select(Selection).where(Selection.campaign_id == campaign(session, season).id)).one()
        assert (chosen.voters, chosen.places) == (60, 10)
    voters = select(func.count(Ballot.person_id.distinct())).where(
        Ballot.campaign_id.in_([campaign(session, s).id for s in (ORDERING, DECIDED)])
    )
    assert session.scalars(voters).one() == 60  # the same people; the ring of the campaign that takes votes is not among them


def test_only_what_was_selected_is_ordered(session: Session) -> None:
    for season in (ORDERING, DECIDED):
        ordered = select(OrderLine.candidate_id).distinct().where(OrderLine.campaign_id == campaign(session, season).id)
        assert 5 < len(session.scalars(ordered).all()) <= 10


def test_orders_were_placed_while_ordering_was_open(session: Session) -> None:
    for season in (ORDERING, DECIDED):
        of = campaign(session, season)
        placed = sorted(session.scalars(select(Order.placed_at).where(Order.campaign_id == of.id)))
        assert of.ordering_opens <= placed[0] < placed[-1] < min(of.ordering_closes, NOW)


def test_every_order_is_paid_by_one_captured_payment(session: Session) -> None:
    paid = Counter(session.scalars(select(Payment.payer)))
    assert set(paid) == set(session.scalars(select(Order.ref)))
    assert set(paid.values()) == {1}
    assert set(session.scalars(select(Obligation.state).where(Obligation.kind == "deposit"))) == {ObligationState.PAID}
    assert all(part.applied for part in session.scalars(select(PaymentPart)))


def test_the_gateways_own_books_say_the_same(filled: Shop, session: Session) -> None:
    sandbox = filled.gateways["sandbox"]
    for payment in session.scalars(select(Payment)):
        facts = PaymentFacts(payment.key, payment.amount, payment.currency, "main", NOW, "/")
        answer = sandbox.query(facts)
        assert (answer.heard, answer.amount, answer.reference) == (Heard.DONE, payment.captured, payment.provider_reference)


def test_terms_are_those_of_the_legal_profile(session: Session) -> None:
    orders = list(session.scalars(select(Order)))
    assert all("定金" in order.terms and len(order.terms_hash) == 64 for order in orders)


def test_the_decision_made_some_and_missed_some(session: Session) -> None:
    outcomes = set(session.scalars(select(DecisionLine.made)))
    assert outcomes == {True, False}
    assert count(session, Decision) == 1
    lines = set(session.scalars(select(OrderLine.outcome).where(OrderLine.campaign_id == campaign(session, DECIDED).id)))
    assert lines == {Outcome.ALLOCATED, Outcome.MISSED}


def test_who_took_a_colour_with_a_minimum_of_its_own_may_have_named_another_in_the_same_size(session: Session) -> None:
    lines = session.scalars(select(OrderLine).where(OrderLine.second_id.is_not(None))).all()
    assert lines
    for line in lines:
        ordered, second = line.first or line.variant, line.second
        assert ordered.option1 is not None
        assert second is not None
        assert ordered.option1.minimum is not None
        assert (ordered.option2_id, ordered.price) == (second.option2_id, second.price)
        assert ordered.option1_id != second.option1_id


def test_factories_make_exactly_what_is_allocated(session: Session) -> None:
    assert count(session, ProductionOrder) >= 2
    made = session.scalars(select(func.sum(ProductionOrderLine.units_ordered))).one()
    assert made == session.scalars(select(func.sum(OrderLine.units)).where(OrderLine.outcome == Outcome.ALLOCATED)).one()


def test_most_refunds_are_settled_and_a_few_wait(session: Session) -> None:
    states = Counter(session.scalars(select(Refund.state)))
    assert set(states) <= {RefundState.SETTLED, RefundState.QUEUED}
    assert states[RefundState.QUEUED] == min(shop.WAITING, sum(states.values()))


def test_filling_again_changes_nothing(filled: Shop) -> None:
    tables = (Campaign, Candidate, Order, OrderLine, Payment, Refund, Transfer, Ballot)
    with filled.database.reading() as session:
        before = {table: count(session, table) for table in tables}
    shop.fill(filled, smaller(FIRST, orders=0), ORDERING, DECIDED)
    with filled.database.reading() as session:
        assert {table: count(session, table) for table in tables} == before
        assert audit(session) == []


def test_many_orders_take_as_many_statements_as_few(sqlite_database: Database, tmp_path: Path) -> None:
    made, used = open_shop(sqlite_database, tmp_path), []
    for orders in (10, 60):
        season = smaller(ORDERING, slug=f"orders-{orders}", orders=orders)
        with counted(sqlite_database) as statements, sqlite_database.transaction() as session:
            shop._sell(session, made, season)
        used.append(len([each for each in statements if "customer_order" in each or "transfer" in each or "payment" in each]))
    assert used[0] == used[1]


def test_an_interrupted_season_leaves_nothing_and_is_made_the_next_time(sqlite_database: Database, tmp_path: Path) -> None:
    made = open_shop(sqlite_database, tmp_path)
    broken = Shop(made.database, made.data, made.secret_key, made.gates, {}, NOW)
    with pytest.raises(KeyError), sqlite_database.transaction() as session:
        shop._sell(session, broken, ORDERING)
    with sqlite_database.reading() as session:
        assert count(session, Campaign) == count(session, Order) == 0
    with sqlite_database.transaction() as session:
        shop._sell(session, made, ORDERING)
        assert campaign(session, ORDERING).state is CampaignState.ORDERING


def test_the_full_seasons_have_products_near_their_minimums_and_tiers(sqlite_database: Database, tmp_path: Path) -> None:
    made = open_shop(sqlite_database, tmp_path)
    with sqlite_database.transaction() as session:
        shop._sell(session, made, seasons.ORDERING)
        units = func.sum(OrderLine.units)
        rows = session.execute(
            select(Offer.minimum, Offer.tier2_units, units)
            .join(OrderLine, OrderLine.candidate_id == Offer.candidate_id)
            .group_by(Offer.candidate_id)
        ).all()
    assert len(rows) > 20
    assert any(taken < minimum for minimum, _, taken in rows if minimum)
    assert any(taken >= tier for _, tier, taken in rows if tier)
    assert any(minimum * 0.6 <= taken < minimum for minimum, _, taken in rows if minimum)


def variant(candidate: int, number: int = 0) -> Variant:
    return Variant(
        id=candidate * 10 + number, candidate_id=candidate, campaign_id=1, position=number, sku=f"{candidate}-{number}", price=10000
    )


def test_a_cap_is_never_oversold() -> None:
    choice = [[variant(1), variant(1, 1)], [variant(2)]]
    people = [(number, NOW) for number in range(200)]
    baskets = list(buyers.fill_baskets(choice, {1: 7}, people, random.Random("caps")))  # noqa: S311  made-up orders
    taken = Counter[int]()
    for basket in baskets:
        for each, units in basket.units.items():
            taken[each.candidate_id] += units
    assert 5 <= taken[1] <= 7
    assert taken[2] > 100


def test_an_empty_basket_is_no_order() -> None:
    people = [(1, NOW), (2, NOW), (3, NOW)]
    assert list(buyers.fill_baskets([[variant(1)]], {1: 0}, people, random.Random("none"))) == []  # noqa: S311  made-up orders


def test_the_sandbox_remembers_a_payment_once(tmp_path: Path) -> None:
    sandbox = Sandbox(tmp_path / "sandbox.db", lambda: NOW)
    earlier = NOW - timedelta(days=2)
    sandbox.remember([("k1", 500, "CNY", earlier), ("k2", 700, "CNY", earlier)])
    sandbox.remember([("k1", 999, "CNY", NOW)])
    row = sandbox.find("k1")
    assert row is not None
    assert (row["amount"], row["paid_at"]) == (500, earlier.isoformat())
    assert not sandbox.is_open("k2")
