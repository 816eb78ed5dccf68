"""What a gateway doesn't let anybody do: how late, how often, how fast, and how long it remembers."""

from datetime import timedelta
from typing import Any

import pytest

from c2b.deposits import pay, resolving
from c2b.payments import pace
from c2b.payments.protocol import Answer, Heard, Limits
from c2b.payments.rules import PaymentState, RefundState
from tests.deposits.scene import DAY, Shop

DEPOSIT = 5980


def cancelled(shop: Shop, orders: int = 1, **limits: Any) -> list[str]:
    """Let customers pay and cancel, at a gateway with limits; returns the refunds' keys."""
    shop.gateway.limits = Limits(**limits)
    shirt = shop.sells("K1")
    for _ in range(orders):
        anna = shop.customer()
        shop.cancel(shop.buys(anna, (shirt[0], 1)), anna)
    return [refund.key for refund in shop.refunds()]


def states(shop: Shop) -> list[RefundState]:
    return [refund.state for refund in shop.refunds()]


@pytest.mark.parametrize(("days", "state"), [(364, RefundState.SETTLED), (365, RefundState.SETTLED), (366, RefundState.FAILED)])
def test_after_its_last_day_a_refund_is_not_even_asked_for_and_the_money_is_owed(shop: Shop, days: int, state: RefundState) -> None:
    cancelled(shop, refunded_within=timedelta(days=365))
    shop.gateway.calls.clear()
    shop.forward(days=days)
    shop.send_refunds()
    (refund,) = shop.refunds()
    assert refund.state is state
    if state is RefundState.FAILED:
        assert shop.gateway.calls == []
        assert refund.last_error == "the gateway sends nothing back after 365 days"
    assert shop.findings() == []


def three_lines(shop: Shop, **limits: Any) -> tuple[str, int]:
    """Let a customer pay for three products in one payment."""
    shop.gateway.limits = Limits(**limits)
    anna = shop.customer()
    return shop.buys(anna, *((shop.sells(code)[0], 1) for code in ("K1", "K2", "K3"))), anna


def test_refunds_of_one_payment_keep_their_distance(shop: Shop) -> None:
    ref, anna = three_lines(shop, refund_gap=timedelta(minutes=1))
    for line in shop.lines(ref):
        shop.cancel_line(ref, line.id, anna)
    settled = []
    for _ in range(4):
        shop.send_refunds()
        settled.append(states(shop).count(RefundState.SETTLED))
        shop.forward(seconds=59)
        shop.send_refunds()
        settled.append(states(shop).count(RefundState.SETTLED))
        shop.forward(seconds=1)
    assert settled == [1, 1, 2, 2, 3, 3, 3, 3]


def test_refunds_of_different_payments_need_no_distance(shop: Shop) -> None:
    cancelled(shop, 3, refund_gap=timedelta(minutes=1))
    shop.send_refunds()
    assert states(shop) == [RefundState.SETTLED] * 3


def test_more_refunds_than_a_payment_may_have_are_owed(shop: Shop) -> None:
    ref, anna = three_lines(shop, refunds_each=2)
    for line in shop.lines(ref):
        shop.cancel_line(ref, line.id, anna)
        shop.send_refunds()
    assert states(shop) == [RefundState.SETTLED, RefundState.SETTLED, RefundState.FAILED]
    assert shop.balances(f"owed:{ref}") == {f"owed:{ref}": DEPOSIT}


def test_a_key_that_the_gateway_may_have_forgotten_is_never_sent_again(shop: Shop) -> None:
    (key,) = cancelled(shop, key_lasts=timedelta(hours=24))
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    shop.gateway.calls.clear()
    shop.forward(hours=25)
    shop.send_refunds()
    assert shop.gateway.calls == ["query_refund"]
    (refund,) = shop.refunds()
    assert (refund.state, refund.last_error) == (RefundState.FAILED, "the gateway doesn’t know it; it isn’t sent again by itself")
    assert shop.balances(f"hold:{key}") == {f"hold:{key}": 0}
    shop.resolves(resolving.send_refund_again, key=key)
    shop.send_refunds()
    assert states(shop) == [RefundState.FAILED, RefundState.SETTLED]
    assert shop.findings() == []


def test_a_key_that_may_be_forgotten_waits_as_long_as_nobody_knows(shop: Shop) -> None:
    cancelled(shop, key_lasts=timedelta(hours=24))
    shop.gateway.troubles = ["lost", "down"]
    shop.send_refunds()
    shop.forward(hours=25)
    shop.send_refunds()
    assert states(shop) == [RefundState.UNKNOWN]
    shop.forward(hours=1)
    shop.send_refunds()
    assert states(shop) == [RefundState.SETTLED]


def gone_astray(shop: Shop) -> str:
    """Let a refund be answered with another amount; returns its key."""
    (key,) = cancelled(shop)
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    shop.gateway.says[key] = Answer(Heard.DONE, amount=DEPOSIT - 1, currency="CNY", merchant="main", reference="R1")
    shop.forward(hours=1)
    shop.send_refunds()
    assert states(shop) == [RefundState.UNKNOWN]
    return key


def test_a_refund_that_nobody_knows_the_end_of_for_a_week_is_given_up_and_owed(shop: Shop) -> None:
    key = gone_astray(shop)
    shop.forward(days=6)
    with pytest.raises(Exception, match="given up after a week"):
        shop.resolves(resolving.give_up, key=key)
    shop.forward(days=1)
    with pytest.raises(Exception, match="Say why"):
        shop.resolves(resolving.give_up, key=key, reason=" ")
    shop.resolves(resolving.give_up, key=key, reason="Not on the gateway's list")
    (refund,) = shop.refunds()
    assert (refund.state, refund.last_error) == (RefundState.FAILED, "given up; last heard: the gateway says 5979 CNY went back")
    assert shop.log()[-1] == ("deposits.give_up_refund", key, "Not on the gateway's list")
    shop.resolves(resolving.paid_by_hand, key=key, reference="BANK-1")
    assert shop.findings() == []


def test_only_a_refund_that_nobody_knows_the_end_of_is_given_up(shop: Shop) -> None:
    (key,) = cancelled(shop)
    shop.forward(days=8)
    with pytest.raises(Exception, match="given up after a week"):
        shop.resolves(resolving.give_up, key=key)
    shop.send_refunds()
    with pytest.raises(Exception, match="given up after a week"):
        shop.resolves(resolving.give_up, key=key)
    assert states(shop) == [RefundState.SETTLED]


def test_within_its_memory_a_lost_key_is_sent_again(shop: Shop) -> None:
    cancelled(shop, key_lasts=timedelta(hours=24))
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    shop.forward(hours=24)
    shop.send_refunds()
    assert states(shop) == [RefundState.SETTLED]


def test_all_workers_together_keep_to_a_gateways_rate(shop: Shop) -> None:
    cancelled(shop, 7, refunds_a_second=2)
    settled = []
    for _ in range(4):
        shop.send_refunds()
        shop.send_refunds()  # another worker, in the same second
        settled.append(states(shop).count(RefundState.SETTLED))
        shop.forward(seconds=1)
    assert settled == [2, 4, 6, 7]


@pytest.mark.parametrize(
    ("wanted", "a_second", "granted"), [(0, 5, 0), (3, None, 3), (3, 5, 3), (5, 5, 5), (6, 5, 5), (2, 0.5, 1), (100, 150, 100)]
)
def test_a_second_of_the_rate_may_be_used_at_once(shop: Shop, wanted: int, a_second: float | None, granted: int) -> None:
    with shop.database.transaction() as session:
        assert pace.grant(session, gateway="g", merchant="m", wanted=wanted, a_second=a_second, now=DAY) == granted


def test_an_idle_hour_is_not_saved_up(shop: Shop) -> None:
    for hours in (0, 1):
        with shop.database.transaction() as session:
            now = DAY + timedelta(hours=hours)
            assert pace.grant(session, gateway="g", merchant="m", wanted=50, a_second=10, now=now) == 10


def test_a_customer_has_as_long_to_pay_as_the_gateway_says_and_the_place_lasts_as_long(shop: Shop) -> None:
    shop.gateway.lasts = timedelta(days=3)
    (small, *_) = shop.sells("K1", offer={"cap": 1})
    anna, bert = shop.customer(), shop.customer()
    key = shop.pay(shop.order(anna, (small, 1)), anna)
    shop.forward(days=2)
    with pytest.raises(Exception, match="Only 0 of K1 are left"):
        shop.order(bert, (small, 1))
    assert shop.payment(key).expires_at == DAY + timedelta(days=3)


def test_a_payment_that_never_arrived_is_not_begun_again_after_its_time(shop: Shop) -> None:
    anna = shop.customer()
    shop.gateway.troubles = ["down"]
    key = shop.pay(shop.order(anna, (shop.sells("K1")[0], 1)), anna)
    shop.forward(minutes=30)
    assert pay.check(shop.database, {"sandbox": shop.gateway}, key=key, now=shop.now) is PaymentState.FAILED
    assert shop.payment(key).note == "never arrived"
