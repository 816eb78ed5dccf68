from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.deposits import rules
from c2b.deposits.rules import Arrival, LineMoney, Money, ObligationKind, ObligationState, Outcome, Prices, RefundReason

CLOSES = datetime(2027, 3, 30, 14, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
amounts = st.integers(1, 10**9)


@dataclass(frozen=True)
class Campaign:
    """The facts of a campaign that closings depend on."""

    state: CampaignState = CampaignState.ORDERING
    ordering_closes: datetime = CLOSES
    settle_hours: int = 24


@pytest.mark.parametrize(
    ("units", "tier", "missing"),
    [(0, 1, 100), (99, 1, 1), (100, 2, 200), (299, 2, 1), (300, 3, None), (10_000, 3, None)],
)
def test_a_tier_begins_with_its_first_unit(units: int, tier: int, missing: int | None) -> None:
    assert rules.tier(units, 100, 300) == tier
    assert rules.units_to_next_tier(units, 100, 300) == missing


def test_without_thresholds_there_is_one_price() -> None:
    assert rules.tier(10**6, None, None) == 1
    assert rules.units_to_next_tier(0, None, None) is None


def test_a_product_may_have_two_tiers_only() -> None:
    assert [rules.tier(units, 10, None) for units in (9, 10, 99)] == [1, 2, 2]
    assert rules.units_to_next_tier(10, 10, None) is None


@pytest.mark.parametrize(
    ("prices", "by_tier"),
    [
        (Prices(300, 250, 200), [300, 250, 200]),
        (Prices(300), [300, 300, 300]),
        (Prices(300, 250), [300, 250, 250]),
        (Prices(300, None, 200), [300, 300, 200]),
    ],
)
def test_a_tier_without_a_price_costs_what_the_one_before_does(prices: Prices, by_tier: list[int]) -> None:
    assert [prices.at(tier) for tier in (1, 2, 3)] == by_tier
    assert prices.lowest == by_tier[-1]


@given(first=amounts, fall2=st.integers(0, 10**6), fall3=st.integers(0, 10**6), units=st.integers(0, 10**6), more=st.integers(0, 10**6))
def test_more_units_never_raise_the_price_and_nobody_pays_above_the_promise(
    first: int, fall2: int, fall3: int, units: int, more: int
) -> None:
    prices = Prices(first, max(first - fall2, 0), max(first - fall2 - fall3, 0))
    before, after = prices.at(rules.tier(units, 100, 1000)), prices.at(rules.tier(units + more, 100, 1000))
    assert after <= before <= prices.first


@pytest.mark.parametrize(
    ("profile", "percent", "amount", "deposit"),
    [
        (LegalProfile.CN_DINGJIN, 20, None, 3980),
        (LegalProfile.CN_DINGJIN, 10, None, 1990),
        (LegalProfile.CN_DINGJIN, 50, None, 3980),  # the law's cap
        (LegalProfile.CN_DINGJIN, None, 5000, 3980),
        (LegalProfile.CN_DINGJIN, None, 1000, 1000),
        (LegalProfile.CN_PREPAY, 50, None, 9950),
        (LegalProfile.EU, None, 5000, 5000),
        (LegalProfile.US, 100, None, 19900),
        (LegalProfile.GENERIC, None, 99900, 19900),  # never more than the lowest price
    ],
)
def test_a_deposit_is_reckoned_from_the_lowest_price(profile: LegalProfile, percent: int | None, amount: int | None, deposit: int) -> None:
    prices = Prices(29900, 25900, 19900)
    assert rules.deposit_per_unit(prices, percent=percent, amount=amount, profile=profile, currency="CNY") == deposit


def test_a_deposit_is_rounded_down() -> None:
    assert rules.deposit_per_unit(Prices(999), percent=20, amount=None, profile=LegalProfile.CN_DINGJIN, currency="CNY") == 199


@pytest.mark.parametrize(("percent", "amount"), [(20, None), (None, 2_598)])
@pytest.mark.parametrize(("currency", "deposit"), [("CNY", 2_598), ("JPY", 2_598), ("KWD", 2_590), ("TND", 2_590)])
def test_a_deposit_is_an_amount_that_cards_take(currency: str, deposit: int, percent: int | None, amount: int | None) -> None:
    rule = {"percent": percent, "amount": amount}
    assert rules.deposit_per_unit(Prices(12_990), profile=LegalProfile.CN_DINGJIN, currency=currency, **rule) == deposit


@given(price=amounts, percent=st.integers(1, 100))
def test_a_dingjin_deposit_never_exceeds_a_fifth_of_the_price(price: int, percent: int) -> None:
    deposit = rules.deposit_per_unit(Prices(price), percent=percent, amount=None, profile=LegalProfile.CN_DINGJIN, currency="CNY")
    assert 0 <= deposit * 5 <= price


@given(price=amounts, fixed=amounts, profile=st.sampled_from(LegalProfile))
def test_a_fixed_deposit_never_exceeds_the_price(price: int, fixed: int, profile: LegalProfile) -> None:
    assert rules.deposit_per_unit(Prices(price), percent=None, amount=fixed, profile=profile, currency="CNY") <= min(price, fixed)


@pytest.mark.parametrize(("after", "may"), [(-TICK, True), (timedelta(0), False), (TICK, False)])
def test_cancelling_is_free_until_the_very_instant_that_ordering_closes(after: timedelta, *, may: bool) -> None:
    assert rules.may_cancel(Campaign(), CLOSES + after) is may


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.ORDERING])
def test_outside_of_ordering_nothing_is_cancelled_whatever_the_clock_says(state: CampaignState) -> None:
    assert not rules.may_cancel(Campaign(state=state), CLOSES - timedelta(days=1))


@pytest.mark.parametrize(
    ("state", "started", "heard", "counts"),
    [
        (CampaignState.ORDERING, -timedelta(hours=1), -timedelta(minutes=59), True),
        (CampaignState.ORDERING, -TICK, TICK, True),  # the worker hasn't closed it yet
        (CampaignState.SETTLING, -TICK, timedelta(hours=24), True),
        (CampaignState.SETTLING, -TICK, timedelta(hours=24) + TICK, False),
        (CampaignState.SETTLING, timedelta(0), timedelta(hours=1), False),  # begun too late
        (CampaignState.DECIDED, -TICK, timedelta(hours=1), False),
        (CampaignState.COMPLETED, -TICK, timedelta(hours=1), False),
        (CampaignState.CANCELLED, -timedelta(hours=2), -timedelta(hours=1), False),
    ],
)
def test_a_payment_counts_if_begun_before_the_close_and_heard_of_before_the_decision(
    state: CampaignState, started: timedelta, heard: timedelta, *, counts: bool
) -> None:
    assert rules.arrives_in_time(Campaign(state=state), started_at=CLOSES + started, now=CLOSES + heard) is counts


@pytest.mark.parametrize(
    ("before", "settle_hours", "lasts", "given"),
    [
        (timedelta(days=9), 24, timedelta(days=3), timedelta(days=3)),
        (timedelta(hours=1), 24, timedelta(days=3), timedelta(hours=25)),
        (timedelta(hours=1), 24, timedelta(minutes=30), timedelta(minutes=30)),
        (TICK, 0, timedelta(minutes=30), rules.SHORTEST),
    ],
)
def test_a_deposit_may_take_as_long_as_the_gateway_lets_but_not_until_it_is_too_late(
    before: timedelta, settle_hours: int, lasts: timedelta, given: timedelta
) -> None:
    assert rules.time_to_pay(Campaign(settle_hours=settle_hours), lasts=lasts, now=CLOSES - before) == given


FINE = Arrival(
    in_time=True, kind=ObligationKind.DEPOSIT, owed=ObligationState.DUE, outcome=Outcome.OPEN, cancel_requested=False, has_place=True
)


@pytest.mark.parametrize(
    ("arrival", "reason"),
    [
        (FINE, None),
        (replace(FINE, in_time=False), RefundReason.PAID_LATE),
        (replace(FINE, has_place=False), RefundReason.PAID_LATE),
        (replace(FINE, outcome=Outcome.MISSED), RefundReason.PAID_LATE),
        (replace(FINE, outcome=Outcome.ALLOCATED), RefundReason.PAID_LATE),
        (replace(FINE, owed=ObligationState.VOID), RefundReason.PAID_LATE),
        (replace(FINE, owed=ObligationState.PAID), RefundReason.OVERPAID),
        (replace(FINE, owed=ObligationState.PAID, in_time=False), RefundReason.OVERPAID),
        (replace(FINE, cancel_requested=True), RefundReason.CANCELLED),
        (replace(FINE, outcome=Outcome.CANCELLED, owed=ObligationState.VOID), RefundReason.CANCELLED),
        (replace(FINE, outcome=Outcome.CANCELLED, owed=ObligationState.VOID, in_time=False), RefundReason.PAID_LATE),
    ],
)
def test_captured_money_is_the_lines_or_goes_back_with_a_reason(arrival: Arrival, reason: RefundReason | None) -> None:
    assert rules.refund_reason(arrival) is reason


NOW = datetime(2027, 4, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    ("line", "money"),
    [
        (LineMoney(Outcome.OPEN), Money.DEPOSIT_DUE),
        (LineMoney(Outcome.CANCELLED), Money.NOTHING),
        (LineMoney(Outcome.OPEN, captured=50, held=50), Money.HELD),
        (LineMoney(Outcome.ALLOCATED, captured=50, held=50), Money.HELD),
        (LineMoney(Outcome.MISSED, captured=50, held=50), Money.REFUND_DUE),
        (LineMoney(Outcome.MISSED, captured=50, held=0, going_back=50), Money.REFUND_DUE),
        (LineMoney(Outcome.MISSED, captured=50, held=0), Money.REFUNDED),
        (LineMoney(Outcome.CANCELLED, captured=50, held=0), Money.REFUNDED),
        (LineMoney(Outcome.ALLOCATED, captured=50, held=50, balance_due_at=NOW), Money.BALANCE_DUE),
        (LineMoney(Outcome.ALLOCATED, captured=50, held=50, balance_due_at=NOW - TICK), Money.OVERDUE),
        (LineMoney(Outcome.ALLOCATED, captured=250, held=250, balance_paid=True), Money.PAID),
    ],
)
def test_where_the_money_of_a_line_stands_follows_from_the_books(line: LineMoney, money: Money) -> None:
    assert rules.money_state(line, NOW) is money
