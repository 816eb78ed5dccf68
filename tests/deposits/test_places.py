"""Places of a capped product: who has one, how long, and who gets it afterwards."""

from datetime import timedelta

import pytest

from c2b.deposits import places
from c2b.deposits.rules import Money, Outcome, RefundReason
from c2b.errors import Refused
from c2b.payments.rules import PaymentState
from tests.deposits.scene import Shop
from tests.deposits.test_queries import order

TICK = timedelta(microseconds=1)
LASTS = timedelta(minutes=30)


def left(shop: Shop, code: str = "K1", *, besides: int | None = None) -> int | None:
    """Return how many units anybody may still order; None: the product has no cap."""
    (variant, *_) = shop.variants(code)
    with shop.database.reading() as session:
        return places.free(session, [variant.candidate_id], besides=besides, now=shop.now).get(variant.candidate_id)


def test_without_a_cap_there_is_nothing_to_run_out_of(shop: Shop) -> None:
    shirt = shop.sells("K1")
    shop.buys(shop.customer(), (shirt[0], 999))
    assert left(shop) is None


def test_an_order_alone_takes_no_place(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 3})
    shop.order(shop.customer(), (shirt[0], 3))
    assert left(shop) == 3


@pytest.mark.parametrize(("after", "free"), [(timedelta(0), 1), (LASTS - TICK, 1), (LASTS, 3), (LASTS + TICK, 3)])
def test_a_place_lasts_half_an_hour_to_the_tick(shop: Shop, after: timedelta, free: int) -> None:
    shirt = shop.sells("K1", offer={"cap": 3})
    person = shop.customer()
    shop.pay(shop.order(person, (shirt[0], 2)), person)
    shop.now += after
    assert left(shop) == free


def test_all_sizes_share_one_cap(shop: Shop) -> None:
    small, middle, large = shop.sells("K1", offer={"cap": 5})
    shop.buys(shop.customer(), (small, 2), (middle, 1))
    person = shop.customer()
    shop.pay(shop.order(person, (large, 1)), person)
    assert left(shop) == 1


def test_an_orders_own_places_do_not_stand_in_its_way(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 2})
    person = shop.customer()
    ref = shop.order(person, (shirt[0], 2))
    shop.pay(ref, person)
    assert left(shop) == 0
    assert left(shop, besides=shop.lines(ref)[0].order_id) == 2


def test_a_place_whose_payment_nobody_knows_of_is_kept_until_somebody_does(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    person = shop.customer()
    shop.gateway.troubles = ["down"]
    key = shop.pay(shop.order(person, (shirt[0], 1)), person)
    assert shop.payment(key).state is PaymentState.UNKNOWN
    shop.now += LASTS * 2
    assert left(shop) == 0
    assert shop.check(key) is PaymentState.FAILED
    assert left(shop) == 1


def test_a_declined_payment_gives_its_place_back_at_once(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    person = shop.customer()
    key = shop.pay(shop.order(person, (shirt[0], 1)), person)
    shop.sandbox.decline(key)
    assert shop.check(key) is PaymentState.FAILED
    assert left(shop) == 1


def test_who_comes_second_is_told_how_many_are_left(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 3})
    shop.buys(shop.customer(), (shirt[0], 2))
    with pytest.raises(Refused, match="Only 1 of K1"):
        shop.order(shop.customer(), (shirt[1], 2))


def test_who_let_a_place_go_pays_only_while_there_is_another(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    slow, quick = shop.customer(), shop.customer()
    ref = shop.order(slow, (shirt[0], 1))
    first = shop.pay(ref, slow)
    shop.now += LASTS
    assert shop.check(first) is PaymentState.FAILED
    shop.buys(quick, (shirt[0], 1))
    with pytest.raises(Refused, match="Only 0 of K1"):
        shop.pay(ref, slow)
    assert left(shop) == 0


def test_cancelling_gives_the_units_back_to_the_others(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 2})
    person = shop.customer()
    ref = shop.buys(person, (shirt[0], 2))
    assert left(shop) == 0
    shop.cancel(ref, person)
    assert left(shop) == 2
    assert shop.findings() == []


def test_a_place_is_free_for_as_long_as_it_is_nobodys(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    for _ in range(3):
        person = shop.customer()
        ref = shop.buys(person, (shirt[0], 1))
        assert left(shop) == 0
        shop.cancel(ref, person)
    shop.send_refunds()
    assert left(shop) == 1
    assert [refund.amount for refund in shop.refunds()] == [5980] * 3
    assert shop.findings() == []


def test_an_order_is_shown_in_every_situation_of_its_money(shop: Shop) -> None:
    shirt = shop.sells("K1")
    person = shop.customer()
    ref = shop.order(person, (shirt[0], 2))
    told = order(shop, ref, person)
    assert (told.lines[0].money, told.due, told.may_pay, told.may_cancel, told.payment) == (Money.DEPOSIT_DUE, 11960, True, True, None)

    key = shop.pay(ref, person)
    told = order(shop, ref, person)
    assert told.payment is not None
    assert (told.payment.state, told.payment.is_open, told.due) == (PaymentState.PENDING, True, 11960)

    shop.sandbox.approve(key)
    shop.check(key)
    told = order(shop, ref, person)
    assert (told.lines[0].money, told.due, told.may_pay, told.may_cancel) == (Money.HELD, 0, False, True)
    assert told.payment is not None
    assert not told.payment.is_open

    shop.cancel(ref, person)
    told = order(shop, ref, person)
    assert (told.lines[0].money, told.lines[0].outcome, told.may_cancel) == (Money.REFUND_DUE, Outcome.CANCELLED, False)
    assert (told.deposit, told.balance) == (0, 0)

    shop.send_refunds()
    told = order(shop, ref, person)
    assert told.lines[0].money is Money.REFUNDED
    assert [entry.amount for entry in told.timeline if entry.amount] == [11960, 11960, 11960, 11960]
    assert shop.findings() == []


def test_an_unpaid_order_that_is_cancelled_owes_and_is_owed_nothing(shop: Shop) -> None:
    shirt = shop.sells("K1")
    person = shop.customer()
    ref = shop.order(person, (shirt[0], 1))
    shop.cancel(ref, person)
    told = order(shop, ref, person)
    assert (told.lines[0].money, told.due, told.may_pay) == (Money.NOTHING, 0, False)
    assert shop.refunds() == []


def test_after_ordering_has_closed_nothing_can_be_paid_or_cancelled(shop: Shop) -> None:
    shirt = shop.sells("K1")
    person = shop.customer()
    ref = shop.order(person, (shirt[0], 1))
    closes = order(shop, ref, person).ordering_closes
    shop.now = closes - TICK
    before = order(shop, ref, person)
    shop.now = closes
    after = order(shop, ref, person)
    assert (before.may_pay, before.may_cancel) == (True, True)
    assert (after.may_pay, after.may_cancel) == (False, False)


def test_money_that_comes_when_the_place_is_gone_goes_straight_back(shop: Shop) -> None:
    shirt = shop.sells("K1", offer={"cap": 1})
    slow, quick = shop.customer(), shop.customer()
    key = shop.pay(shop.order(slow, (shirt[0], 1)), slow)
    shop.sandbox.approve(key)
    shop.now += LASTS
    shop.buys(quick, (shirt[0], 1))
    assert shop.check(key) is PaymentState.CAPTURED
    (back,) = shop.refunds()
    assert (back.amount, shop.reasons()) == (5980, [RefundReason.PAID_LATE])
    assert shop.findings() == []
