"""Every way that a payment and a refund can go at the sandbox, and how often they are asked about."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from c2b.payments.gateways.sandbox.books import DELAY, Sandbox
from c2b.payments.protocol import Heard, PaymentFacts, RefundFacts
from c2b.payments.rules import KEY_LENGTH, OPEN, UNHEARD, PaymentState, new_key, wait, written
from tests.payments.conftest import START, Clock

TICK = timedelta(microseconds=1)
LIFE = timedelta(minutes=30)
Step = Callable[[Sandbox, Clock], None]


def approve(sandbox: Sandbox, _clock: Clock) -> None:
    sandbox.approve("pay-1")


def approve_later(sandbox: Sandbox, _clock: Clock) -> None:
    sandbox.approve("pay-1", delay=DELAY)


def decline(sandbox: Sandbox, _clock: Clock) -> None:
    sandbox.decline("pay-1")


def expire(_sandbox: Sandbox, clock: Clock) -> None:
    clock.forward(LIFE)


def nearly_expire(_sandbox: Sandbox, clock: Clock) -> None:
    clock.forward(LIFE - TICK)


def pass_delay(_sandbox: Sandbox, clock: Clock) -> None:
    clock.forward(DELAY)


@pytest.mark.parametrize(
    ("steps", "heard", "is_open"),
    [
        ([], Heard.PENDING, True),
        ([approve], Heard.DONE, False),
        ([decline], Heard.FAILED, False),
        ([expire], Heard.FAILED, False),
        ([nearly_expire], Heard.PENDING, True),
        ([approve_later], Heard.PENDING, False),
        ([approve_later, pass_delay], Heard.DONE, False),
        ([approve_later, decline, pass_delay], Heard.DONE, False),
        ([approve_later, approve], Heard.PENDING, False),
        ([approve, expire], Heard.DONE, False),
        ([decline, approve], Heard.FAILED, False),
        ([decline, expire], Heard.FAILED, False),
        ([expire, approve], Heard.FAILED, False),
        ([expire, decline], Heard.FAILED, False),
        ([nearly_expire, approve], Heard.DONE, False),
        ([nearly_expire, approve_later, pass_delay], Heard.DONE, False),
        ([nearly_expire, decline], Heard.FAILED, False),
        ([approve, approve], Heard.DONE, False),
        ([decline, decline], Heard.FAILED, False),
    ],
)
def test_what_a_customer_did_first_holds(
    sandbox: Sandbox, clock: Clock, payment: PaymentFacts, steps: list[Step], heard: Heard, *, is_open: bool
) -> None:
    sandbox.start(payment)
    for step in steps:
        step(sandbox, clock)
    assert sandbox.query(payment).heard is heard
    assert sandbox.is_open("pay-1") is is_open
    assert sandbox.start(payment) == sandbox.query(payment), "starting again is asking"


@pytest.mark.parametrize("spoil", [approve, decline])
def test_an_unknown_key_stays_unknown(sandbox: Sandbox, clock: Clock, payment: PaymentFacts, spoil: Step) -> None:
    spoil(sandbox, clock)
    assert sandbox.query(payment).heard is Heard.ABSENT
    assert not sandbox.is_open("pay-1")
    assert sandbox.find("pay-1") is None


def test_an_answer_names_money_only_when_it_moved(sandbox: Sandbox, payment: PaymentFacts) -> None:
    waiting = sandbox.start(payment)
    assert (waiting.amount, waiting.currency, waiting.reference) == (0, "", "")
    sandbox.approve("pay-1")
    paid = sandbox.query(payment)
    assert (paid.amount, paid.currency, paid.merchant, paid.page) == (payment.amount, payment.currency, "main", "")


@pytest.mark.parametrize(
    ("amounts", "heard"),
    [
        ([5980], [Heard.DONE]),
        ([5981], [Heard.FAILED]),
        ([1, 5979], [Heard.DONE, Heard.DONE]),
        ([1, 5980], [Heard.DONE, Heard.FAILED]),
        ([5980, 1], [Heard.DONE, Heard.FAILED]),
        ([3000, 3000, 2980], [Heard.DONE, Heard.FAILED, Heard.DONE]),
    ],
)
def test_parts_of_a_payment_go_back_until_it_is_used_up(
    sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts, amounts: list[int], heard: list[Heard]
) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    answers = [sandbox.refund(replace(refund, key=f"pay-1-{number}", amount=amount)) for number, amount in enumerate(amounts)]
    assert [answer.heard for answer in answers] == heard
    returned = sum(answer.amount for answer in answers)
    assert returned <= payment.amount


def test_a_refused_refund_is_not_remembered_as_sent(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    assert sandbox.refund(replace(refund, amount=payment.amount + 1)).heard is Heard.FAILED
    assert sandbox.query_refund(refund).heard is Heard.ABSENT


def test_payments_of_an_earlier_season_can_be_returned(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.remember([("pay-1", 5980, "CNY", START - timedelta(days=30))])
    assert sandbox.query(payment).heard is Heard.DONE
    assert sandbox.refund(refund).heard is Heard.DONE
    sandbox.remember([("pay-1", 1, "CNY", START)])
    assert sandbox.query(payment).amount == 5980, "what is known stays as it is"


@pytest.mark.parametrize(
    ("attempts", "minutes"), [(1, 1), (2, 2), (3, 4), (4, 8), (5, 16), (6, 32), (7, 60), (8, 60), (100, 60), (10_000, 60)]
)
def test_a_refund_is_tried_ever_more_rarely_but_every_hour(attempts: int, minutes: int) -> None:
    assert wait(attempts) == timedelta(minutes=minutes)


def test_money_that_may_have_moved_may_still_move() -> None:
    assert set(UNHEARD) < set(OPEN)
    assert set(PaymentState) - set(OPEN) == {PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.MISMATCH}


def test_keys_are_of_one_length_and_never_the_same() -> None:
    keys = [new_key() for _ in range(2000)]
    assert {len(key) for key in keys} == {KEY_LENGTH}
    assert len(set(keys)) == 2000


def test_a_key_has_nothing_that_alipay_refuses_a_bank_drops_or_a_person_misreads() -> None:
    assert {letter for _ in range(500) for letter in new_key()} == set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")


@pytest.mark.parametrize("typed", ["GEZDGNBVGY3TQOJQ", "gezd gnbv gy3t qojq", " GEZD-GNBV-GY3T-QOJQ. ", "/gezdgnbvgy3tqojq/"])
def test_a_reference_is_known_however_it_was_written(typed: str) -> None:
    assert written(typed) == "GEZDGNBVGY3TQOJQ"
