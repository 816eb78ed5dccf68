from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from c2b.audit.queries import entries
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits import actions, legal, places
from c2b.deposits.models import Obligation, Order, OrderLine, Place
from c2b.deposits.placing import ShippingAddress
from c2b.deposits.refunds import RefundFigures
from c2b.deposits.rules import ObligationState, Outcome
from c2b.errors import Invalid, NotFound, Refused
from c2b.payments.rules import PaymentState, RefundState
from c2b.voting.checks import checks as voting_checks
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource
from tests import make
from tests.deposits.scene import Shop
from tests.statements import counted

STAFF = "staff:mara@example.com"


def change(shop: Shop, **values: Any) -> None:
    """Change the campaign as the timetable or staff would."""
    with shop.database.transaction() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        for name, value in values.items():
            setattr(campaign, name, value)


def count(database: Database, table: type) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def cancel(shop: Shop, ref: str, person: int, line: int | None = None) -> None:
    with shop.database.transaction() as session:
        if line is None:
            actions.cancel_order(session, order_ref=ref, person_id=person, now=shop.now)
        else:
            actions.cancel_line(session, order_ref=ref, line_id=line, person_id=person, now=shop.now)


def cancel_campaign(shop: Shop, reason: str = "the mill burned down") -> RefundFigures:
    with shop.database.transaction() as session:
        return actions.cancel_campaign(session, slug="ss27", reason=reason, actor=STAFF, now=shop.now)


def withdraw(shop: Shop, code: str, reason: str = "the yarn is gone") -> RefundFigures:
    with shop.database.transaction() as session:
        return actions.withdraw(session, slug="ss27", code=code, reason=reason, actor=STAFF, now=shop.now)


# placing


def test_an_order_owes_a_deposit_a_line(shop: Shop) -> None:
    shirt, skirt = shop.sells("K1"), shop.sells("K2", price=9999)
    ref = shop.order(shop.customer(), (shirt[0], 2), (shirt[1], 1), (skirt[0], 3))
    lines = shop.lines(ref)
    assert [(line.variant_id, line.units, line.unit_price, line.deposit) for line in lines] == [
        (shirt[0], 2, 29900, 11960),
        (shirt[1], 1, 29900, 5980),
        (skirt[0], 3, 9999, 5997),  # three times 19.99, not a fifth of 299.97
    ]
    with shop.database.reading() as session:
        owed = session.scalars(select(Obligation).order_by(Obligation.id)).all()
        assert [(each.line_id, each.amount, each.state, each.due_at) for each in owed] == [
            (line.id, line.deposit, ObligationState.DUE, shop.now) for line in lines
        ]


def test_the_same_variant_twice_is_one_line(shop: Shop) -> None:
    shirt = shop.sells("K1")
    assert [line.units for line in shop.lines(shop.order(shop.customer(), (shirt[0], 1), (shirt[0], 2)))] == [3]


def test_the_terms_are_kept_as_they_were_accepted(shop: Shop) -> None:
    ref = shop.order(shop.customer(), (shop.sells("K1")[0], 1), locale="zh_Hans_CN")
    with shop.database.reading() as session:
        order = session.scalars(select(Order).where(Order.ref == ref)).one()
        campaign = session.get_one(Campaign, shop.campaign_id)
        assert order.terms == legal.terms(LegalProfile.CN_DINGJIN, **legal.facts(campaign, "zh_Hans_CN"))
        assert order.terms_hash == legal.digest(order.terms)
        assert (order.terms_accepted_at, order.placed_at, order.legal_profile) == (shop.now, shop.now, LegalProfile.CN_DINGJIN)


def test_the_same_form_sent_twice_is_one_order(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    assert shop.order(anna, (shirt[0], 1), key="form-1") == shop.order(anna, (shirt[0], 1), key="form-1")
    assert shop.order(anna, (shirt[0], 1), key="form-2") != shop.order(anna, (shirt[0], 1), key="form-1")
    assert count(shop.database, Order) == 2


def test_the_same_form_sent_again_after_the_close_still_finds_its_order(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.order(anna, (shirt[0], 1), key="form-1")
    shop.now = make.ORDERING_CLOSES
    assert shop.order(anna, (shirt[0], 1), key="form-1") == ref


@pytest.mark.parametrize("changed", [[(0, 2)], [(1, 1)], [(0, 1), (1, 1)]])
def test_a_form_that_was_changed_after_it_was_sent_is_not_taken_for_the_old_order(shop: Shop, changed: list[tuple[int, int]]) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.order(anna, (shirt[0], 1), key="form-1")
    with pytest.raises(Refused, match=f"made order {ref} of other products or pieces"):
        shop.order(anna, *((shirt[size], units) for size, units in changed), key="form-1")
    assert [(line.variant_id, line.units) for line in shop.lines(ref)] == [(shirt[0], 1)]


def test_two_people_may_send_the_same_key(shop: Shop) -> None:
    shirt = shop.sells("K1")
    assert shop.order(shop.customer(), (shirt[0], 1), key="k") != shop.order(shop.customer(), (shirt[0], 1), key="k")


@pytest.mark.parametrize(
    ("at", "is_open"),
    [
        (make.ORDERING_OPENS - timedelta(microseconds=1), False),
        (make.ORDERING_OPENS, True),
        (make.ORDERING_CLOSES - timedelta(microseconds=1), True),
        (make.ORDERING_CLOSES, False),
    ],
)
def test_the_clock_decides_to_the_microsecond_whether_an_order_is_taken(shop: Shop, at: Any, *, is_open: bool) -> None:
    shirt, anna = shop.sells("K1"), shop.customer()
    shop.now = at
    if is_open:
        assert shop.order(anna, (shirt[0], 1))
    else:
        with pytest.raises(Refused, match="closed"):
            shop.order(anna, (shirt[0], 1))
    assert count(shop.database, Order) == int(is_open)


@pytest.mark.parametrize("values", [{"paused": True}, {"state": CampaignState.SELECTED}, {"state": CampaignState.SETTLING}])
def test_a_paused_or_closed_campaign_takes_no_orders_and_no_payments(shop: Shop, values: dict[str, Any]) -> None:
    shirt, anna = shop.sells("K1"), shop.customer()
    ref = shop.order(anna, (shirt[0], 1))
    change(shop, **values)
    with pytest.raises(Refused):
        shop.order(anna, (shirt[0], 1))
    with pytest.raises(Refused):
        shop.pay(ref, anna)


@pytest.mark.parametrize("lines", [[], [(0, 1)], [(-1, 0)]])
def test_what_is_not_in_the_campaign_cannot_be_ordered(shop: Shop, lines: list[tuple[int, int]]) -> None:
    shop.sells("K1")
    with pytest.raises((Invalid, Refused)):
        shop.order(shop.customer(), *lines)
    assert count(shop.database, Order) == 0


@pytest.mark.parametrize("units", [0, -1, 1000])
def test_units_must_make_sense(shop: Shop, units: int) -> None:
    shirt = shop.sells("K1")
    with pytest.raises(Invalid):
        shop.order(shop.customer(), (shirt[0], units))


@pytest.mark.parametrize("key", ["k" * 65])
def test_a_damaged_form_is_refused(shop: Shop, key: str) -> None:
    shirt = shop.sells("K1")
    with pytest.raises(Invalid):
        shop.order(shop.customer(), (shirt[0], 1), key=key)


def test_a_product_without_an_offer_cannot_be_ordered(shop: Shop) -> None:
    with shop.database.transaction() as session:
        candidate = make.candidate(session, session.get_one(Campaign, shop.campaign_id), "K1")
        variant = make.variants(session, candidate)[0].id
    with pytest.raises(Refused, match="K1"):
        shop.order(shop.customer(), (variant, 1))


def test_a_product_that_was_not_selected_cannot_be_ordered(database: Database, tmp_path: Any) -> None:
    shop = Shop(database, tmp_path, voting_opens=make.OPENS, voting_closes=make.CLOSES)
    won, lost = shop.sells("K1"), shop.sells("K2")
    with shop.database.transaction() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        found = {each.code: each for each in session.scalars(select(Candidate))}
        make.selection(session, campaign, (found["K1"], 9), (found["K2"], 3), places=1)
    anna = shop.customer()
    assert shop.order(anna, (won[0], 1))
    with pytest.raises(Refused, match="K2"):
        shop.order(anna, (lost[0], 1))


def test_a_product_too_cheap_for_a_deposit_cannot_be_ordered(shop: Shop) -> None:
    with pytest.raises(Refused, match="too little"):
        shop.order(shop.customer(), (shop.sells("K1", price=4)[0], 1))


def test_one_bad_line_leaves_nothing_of_the_order(shop: Shop) -> None:
    shirt, free = shop.sells("K1"), shop.sells("K2", price=0)
    with pytest.raises(Refused, match="K2"):
        shop.order(shop.customer(), (shirt[0], 1), (free[0], 1))
    assert count(shop.database, Order) == count(shop.database, OrderLine) == 0


def test_goods_go_only_where_the_campaign_ships(shop: Shop) -> None:
    shirt, anna = shop.sells("K1"), shop.customer()
    about: dict[str, Any] = {"slug": "ss27", "person_id": anna, "lines": [(shirt[0], 1)], "locale": "en", "now": shop.now}
    with pytest.raises(Invalid, match="FR") as caught, shop.database.transaction() as session:
        actions.place_order(session, address=ShippingAddress(country="FR"), idempotency_key="a", **about)
    assert caught.value.field == "country"
    with shop.database.transaction() as session:
        where = ShippingAddress("Anna", "138", "CN", "310000", "West Lake 1")
        ref = actions.place_order(session, address=where, idempotency_key="b", **about)
        order = session.scalars(select(Order).where(Order.ref == ref)).one()
        assert (order.recipient, order.country, order.address) == ("Anna", "CN", "West Lake 1")


@pytest.mark.parametrize(("field", "most"), [("recipient", 100), ("phone", 40), ("postal_code", 20), ("address", 300)])
def test_an_address_is_kept_whole_or_refused_by_its_field(shop: Shop, field: str, most: int) -> None:
    shirt, anna = shop.sells("K1"), shop.customer()
    about: dict[str, Any] = {"slug": "ss27", "person_id": anna, "lines": [(shirt[0], 1)], "locale": "en", "now": shop.now}
    with pytest.raises(Invalid, match=f"room for {most} characters") as caught, shop.database.transaction() as session:
        actions.place_order(session, address=ShippingAddress(**{field: "纺" * (most + 1)}), idempotency_key="a", **about)
    assert caught.value.field == field
    with shop.database.transaction() as session:
        ref = actions.place_order(session, address=ShippingAddress(**{field: "纺" * most}), idempotency_key="b", **about)
        assert getattr(session.scalars(select(Order).where(Order.ref == ref)).one(), field) == "纺" * most


def test_a_customers_limit_counts_all_their_orders_and_sizes(database: Database, tmp_path: Any) -> None:
    shop = Shop(database, tmp_path, per_customer=3)
    shirt, skirt, anna = shop.sells("K1"), shop.sells("K2"), shop.customer()
    first = shop.order(anna, (shirt[0], 2))
    with pytest.raises(Refused, match="K1"):
        shop.order(anna, (shirt[1], 2))
    shop.order(anna, (shirt[1], 1), (skirt[0], 3))
    shop.order(shop.customer(), (shirt[0], 3))
    cancel(shop, first, anna)
    assert shop.order(anna, (shirt[2], 2))


def test_an_unknown_campaign_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound), shop.database.transaction() as session:
        actions.place_order(session, slug="aw99", person_id=1, lines=[(1, 1)], address=None, idempotency_key="k", locale="en", now=shop.now)


@pytest.mark.parametrize("products", [1, 40])
def test_a_large_order_takes_as_many_statements_as_a_small_one(shop: Shop, products: int) -> None:
    variants = [shop.sells(f"K{number}")[0] for number in range(products)]
    anna = shop.customer()
    with counted(shop.database) as sent:
        shop.order(anna, *((variant, 1) for variant in variants))
    assert len(sent) <= 11


# places


def test_places_are_kept_from_the_start_of_a_payment_for_thirty_minutes(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 3})
    anna, berta = shop.customer(), shop.customer()
    first, second = shop.order(anna, (shirt[0], 2)), shop.order(berta, (shirt[1], 2))
    shop.pay(first, anna)
    with pytest.raises(Refused, match="Only 1 of K1"):
        shop.pay(second, berta)
    shop.forward(minutes=30, microseconds=-1)
    with pytest.raises(Refused):
        shop.pay(second, berta)
    shop.forward(microseconds=1)
    assert shop.pay(second, berta)


def test_an_order_larger_than_what_is_left_is_refused_at_once(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 3})
    with pytest.raises(Refused, match="Only 3 of K1"):
        shop.order(shop.customer(), (shirt[0], 2), (shirt[1], 2))


def test_a_place_outlives_its_half_hour_while_nobody_knows_about_its_payment(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    anna, berta = shop.customer(), shop.customer()
    first, second = shop.order(anna, (shirt[0], 1)), shop.order(berta, (shirt[0], 1))
    shop.gateway.troubles = ["lost"]
    key = shop.pay(first, anna)
    shop.sandbox.approve(key)
    shop.forward(days=1)
    with pytest.raises(Refused):
        shop.pay(second, berta)
    assert shop.check(key) is PaymentState.CAPTURED
    assert shop.lines(first)[0].reserved_at == shop.now
    assert shop.findings() == []


def test_a_product_without_a_cap_takes_no_places(shop: Shop) -> None:
    anna = shop.customer()
    shop.pay(shop.order(anna, (shop.sells("K1")[0], 500)), anna)
    assert count(shop.database, Place) == 0


def test_a_place_is_gone_once_its_unit_is_captured(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 2})
    shop.buys(shop.customer(), (shirt[0], 1))
    assert count(shop.database, Place) == 0
    with shop.database.reading() as session:
        candidate = shop.variants("K1")[0].candidate_id
        assert places.free(session, [candidate], besides=None, now=shop.now) == {candidate: 1}


# starting to pay


def test_an_order_of_nothing_due_starts_no_payment(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    with pytest.raises(Refused, match="Nothing is due"):
        shop.pay(ref, anna)


def test_nobody_pays_or_cancels_for_somebody_else(shop: Shop) -> None:
    anna, berta = shop.customer(), shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    with pytest.raises(NotFound):
        shop.pay(ref, berta)
    with pytest.raises(NotFound):
        cancel(shop, ref, berta)
    with pytest.raises(NotFound):
        cancel(shop, "no such order", anna)


def test_only_lines_that_still_stand_are_paid(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.order(anna, (shirt[0], 1), (shirt[1], 2))
    cancel(shop, ref, anna, shop.lines(ref)[0].id)
    assert shop.payment(shop.pay(ref, anna)).amount == 11960


# cancelling


def test_an_unpaid_line_is_simply_cancelled(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.order(anna, (shirt[0], 1), (shirt[1], 1))
    first, second = shop.lines(ref)
    cancel(shop, ref, anna, first.id)
    assert [(line.outcome, line.ended_at) for line in shop.lines(ref)] == [(Outcome.CANCELLED, shop.now), (Outcome.OPEN, None)]
    with shop.database.reading() as session:
        states = dict(session.execute(select(Obligation.line_id, Obligation.state)).all())
    assert states == {first.id: ObligationState.VOID, second.id: ObligationState.DUE}
    assert shop.refunds() == []


def test_a_paid_line_is_cancelled_alone_and_its_money_goes_back(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.buys(anna, (shirt[0], 1), (shirt[1], 2))
    first, second = shop.lines(ref)
    cancel(shop, ref, anna, second.id)
    cancel(shop, ref, anna, second.id)
    (refund,) = shop.refunds()
    assert (refund.amount, refund.state) == (11960, RefundState.QUEUED)
    assert shop.balances(f"dep:{first.id}", f"dep:{second.id}") == {f"dep:{first.id}": 5980, f"dep:{second.id}": 0}
    assert shop.findings() == []


def test_cancelling_everything_twice_returns_the_money_once(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ref = shop.buys(anna, (shirt[0], 1), (shirt[1], 2))
    cancel(shop, ref, anna)
    cancel(shop, ref, anna)
    assert [refund.amount for refund in shop.refunds()] == [17940]


def test_cancelling_gives_a_capped_place_to_others(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    anna, berta = shop.customer(), shop.customer()
    ref = shop.buys(anna, (shirt[0], 1))
    with pytest.raises(Refused):
        shop.order(berta, (shirt[0], 1))
    cancel(shop, ref, anna)
    shop.buys(berta, (shirt[0], 1))
    assert shop.findings() == []


@pytest.mark.parametrize(("after", "may"), [(timedelta(microseconds=-1), True), (timedelta(0), False)])
def test_cancelling_ends_at_the_very_instant_that_ordering_closes(shop: Shop, after: timedelta, *, may: bool) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    shop.now = make.ORDERING_CLOSES + after
    if may:
        cancel(shop, ref, anna)
    else:
        with pytest.raises(Refused, match="closed"):
            cancel(shop, ref, anna)
    assert len(shop.refunds()) == int(may)


def test_a_paused_campaign_lets_customers_leave(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    change(shop, paused=True)
    cancel(shop, ref, anna)
    assert [refund.amount for refund in shop.refunds()] == [5980]


def test_a_line_of_another_order_is_not_found(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    mine, other = shop.order(anna, (shirt[0], 1)), shop.order(shop.customer(), (shirt[0], 1))
    with pytest.raises(NotFound):
        cancel(shop, mine, anna, shop.lines(other)[0].id)


def test_while_nobody_knows_about_a_payment_the_cancelling_waits(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.gateway.troubles = ["lost"]
    key = shop.pay(ref, anna)
    cancel(shop, ref, anna)
    (line,) = shop.lines(ref)
    assert (line.outcome, line.cancel_requested_at) == (Outcome.OPEN, shop.now)
    shop.sandbox.approve(key)
    shop.forward(minutes=2)
    shop.sweep()
    (line,) = shop.lines(ref)
    assert (line.outcome, line.reserved_at) == (Outcome.CANCELLED, None)
    assert [refund.amount for refund in shop.refunds()] == [5980]
    assert shop.findings() == []


def test_a_waiting_cancelling_is_done_when_the_payment_turns_out_to_have_failed(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1", offer={"cap": 1})[0], 1))
    shop.gateway.troubles = ["lost"]
    key = shop.pay(ref, anna)
    cancel(shop, ref, anna)
    shop.sandbox.decline(key)
    assert shop.check(key) is PaymentState.FAILED
    assert [line.outcome for line in shop.lines(ref)] == [Outcome.CANCELLED]
    assert shop.refunds() == []
    assert count(shop.database, Place) == 0


def test_one_who_cancels_at_the_payment_page_and_pays_all_the_same_gets_it_back(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    cancel(shop, ref, anna)
    assert [line.outcome for line in shop.lines(ref)] == [Outcome.CANCELLED]
    shop.sandbox.approve(key)
    assert shop.check(key) is PaymentState.CAPTURED
    assert [refund.amount for refund in shop.refunds()] == [5980]
    assert shop.findings() == []


# the campaign, a candidate


def test_cancelling_a_campaign_returns_everything_by_a_fixed_number_of_statements(shop: Shop) -> None:
    shirt, skirt = shop.sells("K1"), shop.sells("K2", offer={"cap": 9})
    for _ in range(5):
        shop.buys(shop.customer(), (shirt[0], 1), (skirt[1], 1))
    berta = shop.customer()
    unpaid = shop.order(berta, (skirt[0], 1))
    shop.pay(unpaid, berta)
    with counted(shop.database) as sent:
        assert cancel_campaign(shop) == RefundFigures(5, 5 * 2 * 5980)
    assert len(sent) <= 12
    assert {line.outcome for line in shop.lines(unpaid)} == {Outcome.CANCELLED}
    assert count(shop.database, Place) == 0
    assert shop.findings() == []


def test_a_cancelled_campaign_stays_cancelled_and_says_why(shop: Shop) -> None:
    shop.buys(shop.customer(), (shop.sells("K1")[0], 1))
    cancel_campaign(shop)
    assert cancel_campaign(shop, "again") == RefundFigures(0, 0)
    with shop.database.reading() as session:
        campaign = session.get_one(Campaign, shop.campaign_id)
        assert (campaign.state, campaign.reason) == (CampaignState.CANCELLED, "the mill burned down")
        (entry,) = entries(session, campaign="ss27")
        assert (entry.actor, entry.action, entry.reason) == (STAFF, "deposits.cancel_campaign", "the mill burned down")
        assert (entry.before, entry.after) == ({"state": "ordering"}, {"state": "cancelled", "refunds": 1, "refund_amount": 5980})


@pytest.mark.parametrize("state", [CampaignState.DECIDED, CampaignState.COMPLETED])
def test_a_decided_campaign_cannot_be_cancelled(shop: Shop, state: CampaignState) -> None:
    change(shop, state=state)
    with pytest.raises(Refused, match="decided"):
        cancel_campaign(shop)


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.VOTING, CampaignState.TALLY, CampaignState.SETTLING])
def test_before_its_decision_a_campaign_can_always_be_cancelled(shop: Shop, state: CampaignState) -> None:
    change(shop, state=state)
    assert cancel_campaign(shop) == RefundFigures(0, 0)


@pytest.mark.parametrize("reason", ["", "  "])
def test_customers_are_told_why(shop: Shop, reason: str) -> None:
    shop.sells("K1")
    with pytest.raises(Invalid):
        cancel_campaign(shop, reason)
    with pytest.raises(Invalid):
        withdraw(shop, "K1", reason)


def test_money_that_arrives_after_the_campaign_was_cancelled_goes_back(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.gateway.troubles = ["lost"]
    key = shop.pay(ref, anna)
    shop.sandbox.approve(key)
    cancel_campaign(shop)
    shop.check(key)
    shop.send_refunds()
    assert [(refund.amount, refund.state) for refund in shop.refunds()] == [(5980, RefundState.SETTLED)]
    assert shop.balances("psp:sandbox:main", f"owed:{ref}") == {"psp:sandbox:main": 0, f"owed:{ref}": 0}
    assert shop.findings() == []


def test_a_withdrawn_product_gives_its_own_deposits_back_and_no_others(shop: Shop) -> None:
    shirt, skirt = shop.sells("K1"), shop.sells("K2")
    ref = shop.buys(shop.customer(), (shirt[0], 1), (skirt[0], 2))
    assert withdraw(shop, "K1") == RefundFigures(1, 5980)
    assert withdraw(shop, "K1") == RefundFigures(0, 0)
    assert [line.outcome for line in shop.lines(ref)] == [Outcome.CANCELLED, Outcome.OPEN]
    with pytest.raises(Refused, match="withdrawn"):
        shop.order(shop.customer(), (shirt[0], 1))
    with shop.database.reading() as session:
        (entry,) = entries(session, campaign="ss27")
        assert (entry.action, entry.object, entry.reason) == ("deposits.withdraw", "K1", "the yarn is gone")
        assert entry.after == {"votes_given_back": 0, "refunds": 1, "refund_amount": 5980}
    assert shop.findings() == []


def voting(database: Database, folder: Any, now: datetime, *, state: CampaignState = CampaignState.VOTING) -> tuple[Shop, dict[str, int]]:
    """Open a vote in which K1 and K2 have a vote each, the merchant's clock at `now`; return the candidates' keys by code."""
    shop = Shop(database, folder, state=state, voting_opens=make.OPENS, voting_closes=make.CLOSES)
    shop.sells("K1")
    shop.sells("K2")
    with shop.database.transaction() as session:
        found = {each.code: each for each in session.scalars(select(Candidate))}
        make.ballot(session, session.get_one(Campaign, shop.campaign_id), found["K1"], found["K2"])
    shop.now = now
    return shop, {code: each.id for code, each in found.items()}


def votes_of(shop: Shop) -> set[int]:
    """Return the candidates that have votes, after making sure that `c2b audit` has nothing to say."""
    with shop.database.reading() as session:
        assert [finding for finding in voting_checks(session) if finding.check in {"voting.withdrawn", "voting.in_time"}] == []
        return set(session.scalars(select(Pick.candidate_id)))


def test_votes_for_a_withdrawn_candidate_go_back_while_voting_is_open(database: Database, tmp_path: Any) -> None:
    shop, keys = voting(database, tmp_path, make.CLOSES - timedelta(seconds=1))
    withdraw(shop, "K1")
    assert votes_of(shop) == {keys["K2"]}


def test_votes_that_would_not_go_back_are_found_by_the_audit(database: Database, tmp_path: Any) -> None:
    shop, _ = voting(database, tmp_path, make.OPENS)
    with shop.database.transaction() as session:
        session.execute(update(Candidate).where(Candidate.code == "K1").values(withdrawn_at=shop.now, withdrawn_reason="no yarn"))
        findings = [str(finding.what) for finding in voting_checks(session) if finding.check == "voting.withdrawn"]
    assert findings == ["ss27: 1 votes stand on K1, which was withdrawn while voting was open"]


@pytest.mark.parametrize(
    ("state", "at"),
    [
        (CampaignState.VOTING, make.CLOSES),  # the worker hasn't closed it yet
        (CampaignState.TALLY, make.CLOSES + timedelta(hours=1)),
        (CampaignState.TALLY, make.CLOSES - timedelta(seconds=1)),  # asked in time, but waited for the close
    ],
)
def test_after_voting_has_closed_no_vote_goes_back(database: Database, tmp_path: Any, state: CampaignState, at: datetime) -> None:
    shop, keys = voting(database, tmp_path, at, state=state)
    withdraw(shop, "K1")
    assert votes_of(shop) == set(keys.values())


def test_imported_votes_for_what_is_withdrawn_before_voting_go_back_and_were_no_taps(database: Database, tmp_path: Any) -> None:
    shop, keys = voting(database, tmp_path, make.OPENS - timedelta(days=1), state=CampaignState.SCHEDULED)
    with shop.database.transaction() as session:
        session.execute(update(Ballot).values(source=BallotSource.IMPORTED))
    withdraw(shop, "K1")
    assert votes_of(shop) == {keys["K2"]}


def test_an_unknown_candidate_is_not_found(shop: Shop) -> None:
    with pytest.raises(NotFound, match="K9"):
        withdraw(shop, "K9")


@pytest.mark.parametrize("state", [CampaignState.DECIDED, CampaignState.COMPLETED, CampaignState.CANCELLED])
def test_after_the_decision_nothing_is_withdrawn(shop: Shop, state: CampaignState) -> None:
    shop.sells("K1")
    change(shop, state=state)
    with pytest.raises(Refused):
        withdraw(shop, "K1")


def test_where_two_people_are_asked_for_nobody_cancels_alone(shop: Shop) -> None:
    shop.buys(shop.customer(), (shop.sells("K1")[0], 1))
    change(shop, two_person=True)
    with pytest.raises(Refused, match="needs a second person"):
        cancel_campaign(shop)
    shop.asks_to_cancel(STAFF, "the mill burned down")
    with pytest.raises(Refused, match="needs a second person"):
        cancel_campaign(shop)  # one's own wish is not a second person's
    shop.asks_to_cancel("staff:b@example.com", "no yarn")
    with pytest.raises(Refused, match="with exactly this reason"):
        cancel_campaign(shop)
    assert shop.refunds() == []
    assert cancel_campaign(shop, " no yarn ") == RefundFigures(1, 5980)


def test_where_two_people_are_asked_for_nobody_withdraws_a_candidate_alone(shop: Shop) -> None:
    shop.buys(shop.customer(), (shop.sells("K1")[0], 1))
    shop.sells("K2")
    change(shop, two_person=True)
    with pytest.raises(Refused, match="needs a second person"):
        withdraw(shop, "K1")
    shop.asks_to_withdraw("K2", "staff:b@example.com", "the yarn is gone")
    with pytest.raises(Refused, match="needs a second person"):
        withdraw(shop, "K1")  # a wish for another candidate is none for this one
    shop.asks_to_withdraw("K1", "staff:b@example.com", "the yarn is gone")
    assert withdraw(shop, "K1") == RefundFigures(1, 5980)


def test_a_wish_to_cancel_ends_with_the_phase_in_which_it_was_uttered(shop: Shop) -> None:
    change(shop, two_person=True)
    shop.asks_to_cancel("staff:b@example.com", "the mill burned down")
    change(shop, state=CampaignState.SETTLING)
    with pytest.raises(Refused, match="needs a second person"):
        cancel_campaign(shop)


def test_the_command_line_is_nobodys_second_person(shop: Shop) -> None:
    change(shop, two_person=True)
    with pytest.raises(Refused, match="Only a signed-in member of staff"):
        shop.asks_to_cancel("cli:root", "no yarn")
