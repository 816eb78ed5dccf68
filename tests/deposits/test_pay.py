from sqlalchemy import select

from c2b.deposits import actions
from c2b.deposits.models import Place
from c2b.deposits.rules import Outcome
from c2b.payments.rules import PaymentState, RefundState
from tests.deposits.scene import Shop


def test_an_order_of_two_products_is_paid_at_once_and_reserved(shop: Shop) -> None:
    anna = shop.customer()
    shirt, skirt = shop.sells("K1"), shop.sells("K2", price=10000)
    ref = shop.order(anna, (shirt[0], 2), (skirt[1], 1))
    key = shop.pay(ref, anna)
    assert shop.payment(key).state is PaymentState.PENDING
    assert shop.payment(key).page == f"/sandbox/pay/{key}"
    shop.sandbox.approve(key)
    assert shop.check(key) is PaymentState.CAPTURED
    lines = shop.lines(ref)
    assert [(line.units, line.deposit, line.reserved_at, line.outcome) for line in lines] == [
        (2, 11960, shop.now, Outcome.OPEN),
        (1, 2000, shop.now, Outcome.OPEN),
    ]
    assert shop.balances(f"dep:{lines[0].id}", f"dep:{lines[1].id}", "psp:sandbox:main") == {
        f"dep:{lines[0].id}": 11960,
        f"dep:{lines[1].id}": 2000,
        "psp:sandbox:main": -13960,
    }
    assert shop.findings() == []


def test_a_declined_payment_leaves_the_order_to_be_paid_again(shop: Shop) -> None:
    anna = shop.customer()
    shirt = shop.sells("K1", offer={"cap": 5})
    ref = shop.order(anna, (shirt[0], 2))
    first = shop.pay(ref, anna)
    shop.sandbox.decline(first)
    assert shop.check(first) is PaymentState.FAILED
    with shop.database.reading() as session:
        assert session.scalars(select(Place)).all() == []
    second = shop.pay(ref, anna)
    assert second != first
    shop.sandbox.approve(second)
    assert shop.check(second) is PaymentState.CAPTURED
    assert shop.findings() == []


def test_paying_again_while_a_payment_is_open_leads_to_the_same_payment(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    assert shop.pay(ref, anna) == shop.pay(ref, anna)


def test_a_lost_answer_is_unknown_and_asked_for_later(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.gateway.troubles = ["lost"]
    key = shop.pay(ref, anna)
    assert shop.payment(key).state is PaymentState.UNKNOWN
    assert shop.sweep() == 0
    shop.forward(seconds=60)
    assert shop.sweep() == 1
    assert shop.payment(key).state is PaymentState.PENDING
    assert shop.gateway.calls == ["start", "query"]


def test_a_cancelled_order_gets_its_money_back_the_way_it_came(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    with shop.database.transaction() as session:
        actions.cancel_order(session, order_ref=ref, person_id=anna, now=shop.now)
    assert shop.send_refunds() == 1
    (refund,) = shop.refunds()
    assert (refund.state, refund.amount, refund.attempts) == (RefundState.SETTLED, 5980, 1)
    assert shop.balances("psp:sandbox:main", f"hold:{refund.key}") == {"psp:sandbox:main": 0, f"hold:{refund.key}": 0}
    assert shop.findings() == []
