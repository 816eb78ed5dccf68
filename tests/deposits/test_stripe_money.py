"""Deposits and refunds by the real SDK and a local Stripe: whatever gets lost, Stripe's books and ours agree to the fen."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from c2b.deposits import pay, resolving, sending
from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.models import Payment
from c2b.payments.rules import PaymentState, RefundState
from tests.deposits.scene import Shop
from tests.payments.stripe_server import StripeServer, settings

PSP = "psp:stripe:acct_local"


@dataclass
class StripeShop:
    """The shop of the scene, with Stripe to pay by."""

    shop: Shop
    server: StripeServer
    stripe: Stripe

    def order(self) -> tuple[int, str]:
        anna = self.shop.customer()
        return anna, self.shop.order(anna, (self.shop.sells("K1")[0], 1))

    def pay(self, anna: int, ref: str) -> str:
        """Begin to pay; returns the payment's key."""
        gateways = {"stripe": self.stripe}
        pay.pay(self.shop.database, gateways, order_ref=ref, person_id=anna, gateway="stripe", now=self.shop.now)
        with self.shop.database.reading() as session:
            return session.scalars(select(Payment.key).where(Payment.payer == ref).order_by(Payment.id.desc())).first() or ""

    def check(self, key: str) -> PaymentState:
        return pay.check(self.shop.database, {"stripe": self.stripe}, key=key, now=self.shop.now)

    def work(self) -> None:
        """Do what the worker does in a round."""
        pay.sweep(self.shop.database, {"stripe": self.stripe}, self.shop.now)
        sending.send_refunds(self.shop.database, {"stripe": self.stripe}, self.shop.now)

    def bought(self) -> tuple[int, str]:
        anna, ref = self.order()
        key = self.pay(anna, ref)
        self.server.approve(key)
        assert self.check(key) is PaymentState.CAPTURED
        return anna, ref

    def agree(self) -> None:
        """Stripe's books, the ledger and the orders say the same."""
        assert -self.shop.balances(PSP)[PSP] == self.server.captured() - self.server.refunded()
        assert self.shop.findings() == []


@pytest.fixture
def by_stripe(shop: Shop, tmp_path: Path) -> Iterator[StripeShop]:
    with StripeServer(tmp_path / "stripe.db", lambda: shop.now) as server:
        yield StripeShop(shop, server, Stripe(settings(server), lambda: shop.now, patience=0.5))


def test_a_deposit_is_paid_on_stripes_page_and_reserved(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.order()
    key = by_stripe.pay(anna, ref)
    payment = by_stripe.shop.payment(key)
    assert payment.state is PaymentState.PENDING
    assert payment.page.startswith("https://checkout.stripe.com/")
    by_stripe.server.approve(key)
    assert by_stripe.check(key) is PaymentState.CAPTURED
    assert by_stripe.shop.lines(ref)[0].reserved_at == by_stripe.shop.now
    assert by_stripe.server.captured() == by_stripe.shop.payment(key).captured == 5980
    by_stripe.agree()


def test_a_declined_card_leaves_the_order_to_be_paid_again(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.order()
    key = by_stripe.pay(anna, ref)
    by_stripe.server.decline(key)
    assert by_stripe.check(key) is PaymentState.FAILED
    again = by_stripe.pay(anna, ref)
    by_stripe.server.approve(again)
    assert (again != key, by_stripe.check(again)) == (True, PaymentState.CAPTURED)
    by_stripe.agree()


@pytest.mark.parametrize("trouble", ["down", "lost", "error", "done-error", "slow"])
def test_whatever_happens_to_the_start_the_order_is_paid_once(by_stripe: StripeShop, trouble: str) -> None:
    anna, ref = by_stripe.order()
    by_stripe.server.troubles = [trouble]
    key = by_stripe.pay(anna, ref)
    assert by_stripe.shop.payment(key).state is PaymentState.UNKNOWN
    for _ in range(3):
        by_stripe.shop.forward(seconds=61)
        by_stripe.work()
        by_stripe.server.approve(key)
    assert by_stripe.shop.payment(key).state is PaymentState.CAPTURED
    assert (by_stripe.server.count("session"), by_stripe.server.captured()) == (1, 5980)
    by_stripe.agree()


@pytest.mark.parametrize("trouble", ["down", "lost", "error", "done-error", "slow"])
def test_whatever_happens_to_a_refund_the_money_goes_back_once(by_stripe: StripeShop, trouble: str) -> None:
    anna, ref = by_stripe.bought()
    by_stripe.shop.cancel(ref, anna)
    by_stripe.server.troubles = [trouble]
    for _ in range(3):
        by_stripe.work()
        by_stripe.shop.forward(hours=1)
    assert [(refund.state, refund.amount) for refund in by_stripe.shop.refunds()] == [(RefundState.SETTLED, 5980)]
    assert (by_stripe.server.count("refund"), by_stripe.server.refunded()) == (1, 5980)
    by_stripe.agree()


def test_sending_refunds_twice_sends_each_once(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.bought()
    by_stripe.shop.cancel(ref, anna)
    by_stripe.work()
    by_stripe.work()
    by_stripe.shop.forward(days=2)
    by_stripe.work()
    assert (by_stripe.server.count("refund"), by_stripe.server.refunded()) == (1, 5980)
    by_stripe.agree()


def test_a_refund_that_waits_for_money_is_settled_when_it_is_there(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.bought()
    by_stripe.shop.cancel(ref, anna)
    by_stripe.server.refunds_wait = True
    by_stripe.work()
    (refund,) = by_stripe.shop.refunds()
    assert refund.state is RefundState.UNKNOWN
    by_stripe.server.settle(refund.key)
    by_stripe.shop.forward(hours=1)
    by_stripe.work()
    assert by_stripe.shop.refunds()[0].state is RefundState.SETTLED
    by_stripe.agree()


@pytest.mark.parametrize(
    ("hours", "states"), [(2, [RefundState.SETTLED]), (24, [RefundState.SETTLED]), (25, [RefundState.FAILED, RefundState.SETTLED])]
)
def test_a_refund_refused_for_want_of_money_goes_when_it_is_there_by_itself_for_a_day_and_then_by_a_person(
    by_stripe: StripeShop, hours: int, states: list[RefundState]
) -> None:
    anna, ref = by_stripe.bought()
    by_stripe.shop.cancel(ref, anna)
    by_stripe.server.refunds_refused = "balance_insufficient"
    by_stripe.work()
    by_stripe.shop.forward(minutes=1)
    by_stripe.work()
    (refund,) = by_stripe.shop.refunds()
    assert (refund.state, refund.last_error) == (RefundState.UNKNOWN, "balance_insufficient")
    by_stripe.server.refunds_refused = ""
    by_stripe.shop.forward(hours=hours, minutes=-1)
    by_stripe.work()
    if len(states) > 1:
        by_stripe.shop.resolves(resolving.send_refund_again, key=refund.key)
        by_stripe.shop.forward(seconds=1)
        by_stripe.work()
    assert [refund.state for refund in by_stripe.shop.refunds()] == states
    assert (by_stripe.server.count("refund"), by_stripe.server.refunded()) == (1, 5980)
    by_stripe.agree()


def test_an_order_nobody_paid_in_half_an_hour_can_not_be_paid_on_the_old_page_any_more(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.order()
    key = by_stripe.pay(anna, ref)
    by_stripe.shop.forward(minutes=30)
    by_stripe.work()
    assert by_stripe.shop.payment(key).state is PaymentState.FAILED
    by_stripe.server.approve(key)
    assert by_stripe.server.captured() == 0
    by_stripe.agree()


def test_money_that_comes_days_after_the_order_was_cancelled_goes_straight_back(by_stripe: StripeShop) -> None:
    anna, ref = by_stripe.order()
    key = by_stripe.pay(anna, ref)
    by_stripe.server.begin(key)
    by_stripe.shop.cancel(ref, anna)
    by_stripe.shop.forward(days=2)
    by_stripe.server.approve(key)
    by_stripe.work()
    assert by_stripe.shop.payment(key).state is PaymentState.CAPTURED
    assert (by_stripe.server.captured(), by_stripe.server.refunded()) == (5980, 5980)
    by_stripe.agree()
