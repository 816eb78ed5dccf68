from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit import queries as audit_log
from c2b.campaigns.models import Campaign, Candidate, OptionValue
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.models import Obligation, Order, OrderLine, Place, RefundLine
from c2b.deposits.rules import ObligationKind, ObligationState, Outcome, RefundReason
from c2b.errors import NotFound, Refused
from c2b.jobs.models import Job
from c2b.ledger.models import GuardedAccount
from c2b.payments.models import Refund
from c2b.payments.rules import PaymentState
from c2b.production import actions, queries
from c2b.production.checks import checks
from c2b.production.models import Decision, DecisionLine, ProductionOrder
from c2b.production.rules import DecisionFigures
from tests import make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(hours=1)
ANNA, BO = "staff:anna@example.com", "staff:bo@example.com"


def decide(session: Session, **changes: Any) -> DecisionFigures:
    values: dict[str, Any] = {"slug": "ss27", "actor": ANNA, "now": NOW}
    return actions.decide(session, **(values | changes))


def lines(session: Session, of: Order) -> list[OrderLine]:
    session.expire_all()
    return make.lines_of(session, of)


def state(session: Session) -> CampaignState:
    return session.scalars(select(Campaign.state)).one()


class Season:
    """K1 reaches its minimum with two customers, K2 misses it with one of them and a third."""

    def __init__(self, session: Session, **changes: Any) -> None:
        self.campaign = shop.settling(session, **changes)
        self.k1, self.k2 = shop.product(session, self.campaign, "K1"), shop.product(session, self.campaign, "K2")
        small, middle = (shop.variant(session, self.k1, size) for size in "SM")
        missed = shop.variant(session, self.k2)
        self.both = shop.buys(session, self.campaign, (small, 6), (missed, 3))
        self.reached = shop.buys(session, self.campaign, (small, 2), (middle, 4))
        self.missed = shop.buys(session, self.campaign, (missed, 1))


def test_a_product_that_reached_its_minimum_is_ordered_from_its_factory(session: Session) -> None:
    season = Season(session)
    figures = decide(session)
    (order,) = queries.orders(session, season.campaign.id)
    assert (order.number, order.supplier_code, order.units, order.amount) == ("ss27-01", "F-K1", 12, 120000)
    assert [(line.line, line.sku, line.option1, line.units_ordered, line.units_extra) for line in order.lines] == [
        (1, "ss27-K1-S", "S", 8, 0),
        (2, "ss27-K1-M", "M", 4, 0),
    ]
    assert (figures.made, figures.production_orders, figures.pieces) == (1, 1, 12)


def test_each_line_gets_its_outcome(session: Session) -> None:
    season = Season(session)
    decide(session)
    assert [line.outcome for line in lines(session, season.both)] == [Outcome.ALLOCATED, Outcome.MISSED]
    assert [line.outcome for line in lines(session, season.reached)] == [Outcome.ALLOCATED] * 2
    (missed,) = lines(session, season.missed)
    assert (missed.outcome, missed.ended_at, missed.final_unit_price) == (Outcome.MISSED, NOW, None)


def test_who_ordered_a_missed_product_gets_the_whole_deposit_back_the_way_it_came(session: Session) -> None:
    season = Season(session)
    figures = decide(session)
    back = session.execute(select(RefundLine.order_id, RefundLine.amount, RefundLine.reason).order_by(RefundLine.order_id)).all()
    assert [tuple(row) for row in back] == [(season.both.id, 6000, RefundReason.MISSED), (season.missed.id, 2000, RefundReason.MISSED)]
    assert (figures.refunds, figures.refund_amount) == (2, 8000)
    held = session.scalar(select(func.sum(GuardedAccount.credits)).where(GuardedAccount.account.like("hold:%")))
    assert held == 8000


def test_the_balance_is_the_final_price_less_the_deposit_due_when_the_campaign_says(session: Session) -> None:
    due = make.ORDERING_CLOSES + timedelta(days=20)
    season = Season(session, balance_due=due)
    decide(session)
    first, _ = lines(session, season.both)
    balance = session.scalars(select(Obligation).where(Obligation.kind == ObligationKind.BALANCE, Obligation.line_id == first.id)).one()
    assert (balance.amount, balance.due_at, balance.state) == (60000 - 12000, due, ObligationState.DUE)
    assert session.scalar(select(func.count()).where(Obligation.kind == ObligationKind.BALANCE)) == 3


def test_an_order_pays_for_one_parcel_if_anything_of_it_is_made(session: Session) -> None:
    season = Season(session, shipping=1200)
    decide(session)
    parcels = session.scalars(select(Obligation).where(Obligation.kind == ObligationKind.SHIPPING).order_by(Obligation.order_id)).all()
    assert [(parcel.order_id, parcel.amount) for parcel in parcels] == [(season.both.id, 1200), (season.reached.id, 1200)]


@pytest.mark.parametrize(("units", "price"), [(19, 10000), (20, 9000), (29, 9000), (30, 8000)])
def test_everybody_pays_the_price_of_the_tier_that_was_reached(session: Session, units: int, price: int) -> None:
    campaign = shop.settling(session)
    small = shop.variant(session, shop.product(session, campaign, "K1", tier2_units=20, tier3_units=30))
    small.tier2_price, small.tier3_price = 9000, 8000
    orders = [shop.buys(session, campaign, (small, units - 1)), shop.buys(session, campaign, (small, 1))]
    decide(session)
    assert [line.final_unit_price for order in orders for line in lines(session, order)] == [price, price]


def test_nobody_pays_more_than_was_promised_though_the_price_of_the_tier_was_raised(session: Session) -> None:
    campaign = shop.settling(session)
    small = shop.variant(session, shop.product(session, campaign, "K1", tier2_units=20))
    orders = []
    for promised in (8500, 9500):
        orders.append(shop.buys(session, campaign, (small, 20)))
        for line in make.lines_of(session, orders[-1]):
            line.unit_price = promised
    small.tier2_price = 9000
    decide(session)
    assert [line.final_unit_price for order in orders for line in lines(session, order)] == [8500, 9000]


@pytest.mark.parametrize("prices", [(8000, 8500, None), (8000, None, 8500), (8000, 7000, 7500)])
def test_the_database_takes_no_price_of_a_later_tier_above_an_earlier_one(
    session: Session, prices: tuple[int, int | None, int | None]
) -> None:
    small = shop.variant(session, shop.product(session, shop.settling(session), "K1"))
    small.price, small.tier2_price, small.tier3_price = prices
    with pytest.raises(IntegrityError, match="prices_fall"):
        session.flush()


def test_a_variant_without_a_lower_price_keeps_its_own_in_a_higher_tier(session: Session) -> None:
    campaign = shop.settling(session)
    k1 = shop.product(session, campaign, "K1", tier2_units=11, tier3_units=12)
    small, middle = shop.variant(session, k1, "S"), shop.variant(session, k1, "M")
    small.tier2_price = 9000
    order = shop.buys(session, campaign, (small, 6), (middle, 6))
    decide(session)
    assert [line.final_unit_price for line in lines(session, order)] == [9000, 10000]


def test_the_promise_holds_though_the_offer_was_raised_afterwards(session: Session) -> None:
    season = Season(session)
    shop.variant(session, season.k1).price = 99900
    decide(session)
    assert lines(session, season.both)[0].final_unit_price == 10000


def test_the_last_pack_is_filled_with_extra_stock_that_the_factory_sees(session: Session) -> None:
    campaign = shop.settling(session)
    small = shop.variant(session, shop.product(session, campaign, "K1", pack=10))
    shop.buys(session, campaign, (small, 13))
    figures = decide(session)
    (line,) = queries.orders(session, campaign.id)[0].lines
    assert (line.units_ordered, line.units_extra, line.units) == (13, 7, 20)
    assert (figures.pieces, figures.extra) == (20, 7)


def test_a_colour_that_misses_its_own_minimum_is_refunded_and_the_rest_is_made(session: Session) -> None:
    campaign = shop.settling(session)
    k1 = shop.product(session, campaign, "K1")
    session.scalars(select(OptionValue).where(OptionValue.candidate_id == k1.id, OptionValue.value == "L")).one().minimum = 5
    order = shop.buys(session, campaign, (shop.variant(session, k1, "S"), 10), (shop.variant(session, k1, "L"), 4))
    figures = decide(session)
    assert [line.outcome for line in lines(session, order)] == [Outcome.ALLOCATED, Outcome.MISSED]
    assert (figures.pieces, figures.refund_amount, figures.products[0].missed_units) == (10, 8000, 4)
    assert checks(session) == []


def test_one_factory_gets_one_production_order_by_the_day_its_slowest_product_is_made(session: Session) -> None:
    campaign = shop.settling(session)
    factory, other = make.supplier(session, "B", lead_days=20), make.supplier(session, "A")
    for code, by, lead in (("K1", factory, None), ("K2", factory, 30), ("K3", other, None)):
        shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code, by=by, lead_days=lead)), 10))
    decide(session)
    orders = queries.orders(session, campaign.id)
    assert [(order.number, order.supplier_code, len(order.lines)) for order in orders] == [("ss27-01", "A", 1), ("ss27-02", "B", 2)]
    assert [order.due_date for order in orders] == [None, date(2027, 4, 29)]


def test_what_was_ordered_and_never_paid_is_cancelled_and_not_owed_any_more(session: Session) -> None:
    season = Season(session)
    unpaid = shop.buys(session, season.campaign, (shop.variant(session, season.k2), 50), paid=False)
    (line,) = make.lines_of(session, unpaid)
    session.add(Place(line_id=line.id, candidate_id=season.k2.id, units=50, expires_at=NOW))
    session.flush()
    figures = decide(session)
    (line,) = lines(session, unpaid)
    assert (line.outcome, line.ended_at) == (Outcome.CANCELLED, NOW)
    assert session.scalars(select(Obligation.state).where(Obligation.line_id == line.id)).one() == ObligationState.VOID
    assert session.scalar(select(func.count()).select_from(Place)) == 0
    assert [product.units for product in figures.products] == [12, 4]


def test_a_line_that_was_cancelled_before_stays_as_it_was(session: Session) -> None:
    season = Season(session)
    gone = shop.buys(session, season.campaign, (shop.variant(session, season.k2), 50))
    make.lines_of(session, gone)[0].outcome = Outcome.CANCELLED
    before = session.scalar(select(func.count()).select_from(Refund))
    figures = decide(session)
    assert lines(session, gone)[0].outcome == Outcome.CANCELLED
    assert (before, figures.products[1].units) == (0, 4)


def test_another_campaign_is_left_alone(session: Session) -> None:
    Season(session)
    other = shop.settling(session, slug="aw27")
    order = shop.buys(session, other, (shop.variant(session, shop.product(session, other, "K9")), 5))
    decide(session)
    assert lines(session, order)[0].outcome == Outcome.OPEN
    assert session.scalars(select(Campaign.state).where(Campaign.slug == "aw27")).one() == CampaignState.SETTLING


def test_the_figures_are_those_of_the_dry_run(session: Session) -> None:
    Season(session)
    before = queries.preview(session, slug="ss27")
    assert decide(session, expected=before.input_hash) == before
    assert queries.preview(session, slug="ss27") == before
    refunds = session.execute(select(func.count(), func.sum(Refund.amount)).select_from(Refund)).one()
    assert tuple(refunds) == (before.refunds, before.refund_amount)
    assert session.scalar(select(func.count()).select_from(ProductionOrder)) == before.production_orders


def test_deciding_again_changes_nothing_and_says_the_same(session: Session) -> None:
    season = Season(session)
    first = decide(session)
    assert decide(session, now=NOW + timedelta(days=3), actor=BO) == first
    assert session.scalar(select(func.count()).select_from(Decision)) == 1
    assert session.scalar(select(func.count()).select_from(RefundLine)) == 2
    assert len(queries.orders(session, season.campaign.id)) == 1
    assert len(audit_log.entries(session, action=actions.ACTION)) == 1


def test_the_campaign_is_decided_the_log_says_by_whom_and_customers_will_be_told(session: Session) -> None:
    Season(session)
    figures = decide(session)
    assert state(session) == CampaignState.DECIDED
    (entry,) = audit_log.entries(session, campaign="ss27")
    assert (entry.actor, entry.action, entry.after["pieces"]) == (ANNA, "production.decide", 12)
    assert entry.after["input_hash"] == figures.input_hash
    assert session.scalars(select(Job.kind).where(Job.key == "production.tell:ss27")).one() == "production.tell"


def test_orders_that_came_in_after_the_dry_run_are_never_decided_unseen(session: Session) -> None:
    season = Season(session)
    seen = queries.preview(session, slug="ss27")
    shop.buys(session, season.campaign, (shop.variant(session, season.k2), 6))
    with pytest.raises(Refused, match=r"2 products, 22 pieces, 2 production orders and returns 0 payments"):
        decide(session, expected=seen.input_hash)
    assert state(session) == CampaignState.SETTLING


@pytest.mark.parametrize("early", [CampaignState.DRAFT, CampaignState.VOTING, CampaignState.SELECTED])
def test_there_is_no_dry_run_before_pre_orders_are_open(session: Session, early: CampaignState) -> None:
    Season(session, state=early)
    with pytest.raises(Refused, match=early.value):
        queries.preview(session, slug="ss27")


@pytest.mark.parametrize("wrong", [CampaignState.SELECTED, CampaignState.ORDERING, CampaignState.CANCELLED])
def test_only_a_campaign_whose_ordering_has_closed_is_decided(session: Session, wrong: CampaignState) -> None:
    season = Season(session, state=wrong)
    with pytest.raises(Refused, match=wrong.value):
        decide(session)
    assert lines(session, season.missed)[0].outcome == Outcome.OPEN


def test_a_dry_run_while_pre_orders_are_open_writes_nothing(database: Database) -> None:
    with database.transaction() as session:
        Season(session, state=CampaignState.ORDERING)
    with database.reading() as session:
        assert queries.preview(session, slug="ss27").made == 1
        assert session.scalar(select(func.count()).select_from(Decision)) == 0


def test_an_unknown_campaign_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        decide(session)
    with pytest.raises(NotFound):
        queries.preview(session, slug="ss27")


@pytest.mark.parametrize("unknown", [PaymentState.STARTED, PaymentState.PENDING, PaymentState.UNKNOWN, PaymentState.MISMATCH])
def test_a_payment_begun_in_time_is_waited_for_but_not_for_ever(session: Session, unknown: PaymentState) -> None:
    season = Season(session, settle_hours=24)
    order = shop.buys(session, season.campaign, (shop.variant(session, season.k2), 9), paid=False)
    make.payment(session, order, 18000, state=unknown, captured=0, settled_at=None)
    until = make.ORDERING_CLOSES + timedelta(hours=24)
    with pytest.raises(Refused, match="1 payments begun in time"):
        decide(session, now=until - timedelta(microseconds=1))
    assert decide(session, now=until).products[1].outcome == "missed"


def test_a_payment_that_failed_is_not_waited_for(session: Session) -> None:
    season = Season(session)
    order = shop.buys(session, season.campaign, (shop.variant(session, season.k2), 9), paid=False)
    make.payment(session, order, 18000, state=PaymentState.FAILED, captured=0)
    assert decide(session).made == 1


def test_a_product_without_supplier_stops_the_decision_and_is_named(session: Session) -> None:
    season = Season(session)
    k3 = make.candidate(session, season.campaign, "K3")
    shop.buys(session, season.campaign, (shop.variant(session, k3), 10))
    with pytest.raises(Refused, match="K3"):
        decide(session)
    assert session.scalar(select(func.count()).select_from(Decision)) == 0


def test_a_withdrawn_product_is_not_decided(session: Session) -> None:
    season = Season(session)
    make.candidate(session, season.campaign, "K3", withdrawn_at=NOW, withdrawn_reason="The yarn is gone")
    assert [product.code for product in decide(session).products] == ["K1", "K2"]


def test_only_selected_candidates_are_decided_where_there_was_a_vote(session: Session) -> None:
    season = Season(session, voting_opens=make.OPENS, voting_closes=make.CLOSES)
    loser = make.candidate(session, season.campaign, "K3")
    make.selection(session, season.campaign, (season.k2, 9), (season.k1, 8), (loser, 1), places=2)
    assert sorted(product.code for product in decide(session).products) == ["K1", "K2"]


def test_a_campaign_without_a_single_order_is_decided_too(session: Session) -> None:
    campaign = shop.settling(session)
    shop.product(session, campaign, "K1")
    figures = decide(session)
    assert (figures.made, figures.production_orders, figures.pieces, figures.refunds, figures.refund_amount) == (0, 0, 0, 0, 0)
    assert state(session) == CampaignState.DECIDED


class TestTwoPersons:
    """Where the campaign asks for it, a second member of staff agrees to the exact figures."""

    def test_nobody_decides_alone(self, session: Session) -> None:
        Season(session, two_person=True)
        with pytest.raises(Refused, match="second person"):
            decide(session)

    def test_ones_own_approval_is_no_second_person(self, session: Session) -> None:
        Season(session, two_person=True)
        self.approve(session, ANNA)
        with pytest.raises(Refused, match="second person"):
            decide(session)

    @pytest.mark.parametrize("decider", [ANNA, "cli:root"])
    def test_with_another_members_approval_it_is_decided(self, session: Session, decider: str) -> None:
        Season(session, two_person=True)
        self.approve(session, BO)
        assert decide(session, actor=decider).made == 1

    def test_an_approval_of_other_figures_does_not_count(self, session: Session) -> None:
        season = Season(session, two_person=True)
        self.approve(session, BO)
        shop.buys(session, season.campaign, (shop.variant(session, season.k1), 1))
        with pytest.raises(Refused, match="second person"):
            decide(session)

    def test_figures_that_are_out_of_date_cannot_be_approved(self, session: Session) -> None:
        Season(session, two_person=True)
        with pytest.raises(Refused, match="have changed"):
            actions.approve(session, slug="ss27", expected="0" * 64, actor=BO, now=NOW)

    def approve(self, session: Session, actor: str) -> None:
        seen = queries.preview(session, slug="ss27")
        actions.approve(session, slug="ss27", expected=seen.input_hash, actor=actor, now=NOW)


def test_the_decision_line_says_why_with_units_minimum_and_tier(session: Session) -> None:
    Season(session)
    decide(session)
    rows = session.execute(
        select(Candidate.code, DecisionLine.units, DecisionLine.minimum, DecisionLine.made, DecisionLine.tier)
        .join(Candidate, Candidate.id == DecisionLine.candidate_id)
        .order_by(Candidate.code)
    )
    assert [tuple(row) for row in rows] == [("K1", 12, 10, True, 1), ("K2", 4, 10, False, 1)]


def test_an_instant_of_the_refusal_is_named(session: Session) -> None:
    season = Season(session)
    order = shop.buys(session, season.campaign, (shop.variant(session, season.k2), 9), paid=False)
    make.payment(session, order, 18000, state=PaymentState.UNKNOWN, captured=0, settled_at=None)
    waiting = queries.waiting(session, season.campaign, now=NOW)
    assert waiting == queries.Waiting(payments=1, until=datetime.fromisoformat("2027-03-31T14:00:00+00:00"))
