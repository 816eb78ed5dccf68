"""A gateway behind a bad line: whatever gets lost, c2b's books and the gateway's agree in the end."""

import sqlite3
from datetime import datetime, timedelta
from itertools import product

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits import actions, pay, sending
from c2b.deposits.apply import apply
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.rules import Outcome
from c2b.errors import Invalid, NotFound
from c2b.payments.models import Payment
from c2b.payments.protocol import Answer, way
from c2b.payments.rules import PaymentState, RefundState, wait
from tests.deposits.scene import Shop

PSP = "psp:sandbox:main"


def gateway_holds(shop: Shop) -> int:
    """What the sandbox's own books say it keeps for us."""
    with sqlite3.connect(shop.sandbox._path) as books:
        paid = books.execute("SELECT coalesce(sum(amount), 0) FROM payment WHERE paid_at IS NOT NULL").fetchone()[0]
        returned = books.execute("SELECT coalesce(sum(amount), 0) FROM refund").fetchone()[0]
    return int(paid) - int(returned)


def agree(shop: Shop) -> None:
    assert -shop.balances(PSP)[PSP] == gateway_holds(shop)
    assert shop.findings() == []


def cancel(shop: Shop, ref: str, person: int) -> None:
    with shop.database.transaction() as session:
        actions.cancel_order(session, order_ref=ref, person_id=person, now=shop.now)


@pytest.mark.parametrize("troubles", list(product(["", "lost", "down"], repeat=3)))
def test_whatever_the_line_does_a_paid_order_ends_reserved_and_the_books_agree(shop: Shop, troubles: tuple[str, ...]) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.gateway.troubles = list(troubles)
    key = shop.pay(ref, anna)
    for _ in range(4):
        shop.forward(seconds=61)
        shop.sweep()
        if shop.sandbox.find(key):
            shop.sandbox.approve(key)
    assert shop.payment(key).state is PaymentState.CAPTURED
    assert shop.lines(ref)[0].reserved_at is not None
    agree(shop)


@pytest.mark.parametrize("troubles", list(product(["", "lost", "down"], repeat=3)))
def test_whatever_the_line_does_a_refund_leaves_exactly_once(shop: Shop, troubles: tuple[str, ...]) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    cancel(shop, ref, anna)
    shop.gateway.troubles = list(troubles)
    for _ in range(5):
        shop.send_refunds()
        shop.forward(hours=1)
    assert [(refund.state, refund.amount) for refund in shop.refunds()] == [(RefundState.SETTLED, 5980)]
    assert gateway_holds(shop) == 0
    agree(shop)


def test_a_refund_that_was_sent_before_is_asked_for_by_its_key_first(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    cancel(shop, ref, anna)
    shop.gateway.calls.clear()
    shop.gateway.troubles = ["lost"]
    shop.send_refunds()
    shop.forward(hours=1)
    shop.send_refunds()
    assert shop.gateway.calls == ["refund", "query_refund"]


def test_a_refund_that_surely_never_arrived_is_sent_again_with_the_same_key(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    cancel(shop, ref, anna)
    shop.gateway.calls.clear()
    shop.gateway.troubles = ["down"]
    shop.send_refunds()
    key = shop.refunds()[0].key
    shop.forward(hours=1)
    shop.send_refunds()
    assert shop.gateway.calls == ["refund", "query_refund", "refund"]
    assert [(refund.key, refund.attempts, refund.state) for refund in shop.refunds()] == [(key, 2, RefundState.SETTLED)]


def test_a_worker_that_dies_after_claiming_leaves_a_refund_that_is_asked_for_later(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    cancel(shop, ref, anna)
    with shop.database.transaction() as session:
        assert len(sending._claim(session, way({"sandbox": shop.gateway}, "sandbox"), shop.now, 10)) == 1
    assert shop.send_refunds() == 0
    shop.forward(seconds=60)
    assert shop.send_refunds() == 1
    assert shop.refunds()[0].state is RefundState.SETTLED
    agree(shop)


def test_each_attempt_waits_longer_up_to_an_hour() -> None:
    assert [wait(attempt) for attempt in (1, 2, 3)] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert wait(50) == timedelta(hours=1)


def test_a_refund_that_the_gateway_refuses_is_owed_and_not_tried_again(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    with sqlite3.connect(shop.sandbox._path) as books:
        books.execute("INSERT INTO refund SELECT 'by-hand', key, 1 FROM payment")
    cancel(shop, ref, anna)
    shop.send_refunds()
    shop.forward(days=1)
    assert shop.send_refunds() == 0
    (refund,) = shop.refunds()
    assert (refund.state, refund.last_error) == (RefundState.FAILED, "more than was captured")
    assert shop.balances(f"owed:{ref}") == {f"owed:{ref}": 5980}


def test_refunds_are_sent_in_small_batches_up_to_the_limit(shop: Shop) -> None:
    shirt = shop.sells("K1")
    for _ in range(3):
        anna = shop.customer()
        cancel(shop, shop.buys(anna, (shirt[0], 1)), anna)
    gateways = {"sandbox": shop.gateway}
    assert sending.send_refunds(shop.database, gateways, shop.now, limit=2) == 2
    assert sending.send_refunds(shop.database, gateways, shop.now, limit=2) == 1
    assert sending.send_refunds(shop.database, gateways, shop.now, limit=2) == 0
    assert gateway_holds(shop) == 0


def test_no_gateway_is_called_within_a_transaction(sqlite_database: Database, tmp_path: object) -> None:
    shop = Shop(sqlite_database, tmp_path)  # type: ignore[arg-type]  # pytest's own path
    busy: list[bool] = []
    through = shop.gateway._through

    def watch(call: str, facts: object) -> object:
        busy.append(sqlite_database._one_writer.locked())
        return through(call, facts)

    shop.gateway._through = watch  # type: ignore[method-assign,assignment]  # a look over its shoulder
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 1))
    cancel(shop, ref, anna)
    shop.send_refunds()
    assert busy == [False, False, False]


def test_the_intent_is_written_before_the_gateway_hears_of_it(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    seen: list[str] = []
    through = shop.gateway._through

    def watch(call: str, facts: object) -> object:
        with shop.database.reading() as session:
            seen.extend(session.scalars(select(Payment.key).where(Payment.state == PaymentState.STARTED)))
        return through(call, facts)

    shop.gateway._through = watch  # type: ignore[method-assign,assignment]  # a look over its shoulder
    key = shop.pay(ref, anna)
    assert seen == [key]


def test_a_payment_that_never_reached_the_gateway_fails_once_its_time_is_over(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    shop.gateway.troubles = ["down"]
    key = shop.pay(ref, anna)
    shop.forward(minutes=31)
    assert shop.check(key) is PaymentState.FAILED
    assert shop.payment(key).note == "never arrived"
    assert shop.lines(ref)[0].outcome is Outcome.OPEN
    assert shop.pay(ref, anna) != key


def test_an_abandoned_payment_page_fails_when_it_expires(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.forward(minutes=30)
    assert shop.sweep() == 1
    assert (shop.payment(key).state, shop.payment(key).note) == (PaymentState.FAILED, "expired")
    assert shop.sweep() == 0


def test_the_sweeper_takes_the_longest_unasked_first(shop: Shop) -> None:
    shirt, keys = shop.sells("K1"), []
    for _ in range(3):
        anna = shop.customer()
        keys.append(shop.pay(shop.order(anna, (shirt[0], 1)), anna))
        shop.forward(seconds=1)
    shop.forward(seconds=60)
    assert pay.sweep(shop.database, {"sandbox": shop.gateway}, shop.now, limit=2) == 2
    assert [shop.payment(key).checked_at == shop.now for key in keys] == [True, True, False]


def test_a_payment_whose_answer_cannot_be_applied_stops_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shirt = shop.sells("K1")
    keys = []
    for person in (shop.customer(), shop.customer()):
        keys.append(shop.pay(shop.order(person, (shirt[0], 1)), person))
        shop.sandbox.approve(keys[-1])
    real = apply

    def stuck(session: Session, *, key: str, answer: Answer, now: datetime) -> PaymentState:
        if key == keys[0]:
            raise ValueError("anna@example.com")
        return real(session, key=key, answer=answer, now=now)

    monkeypatch.setattr("c2b.deposits.pay.apply", stuck)
    shop.forward(seconds=61)
    assert shop.sweep() == 2
    assert [shop.payment(key).state for key in keys] == [PaymentState.PENDING, PaymentState.CAPTURED]
    assert keys[0] in caplog.text
    assert "anna@example.com" not in caplog.text
    assert shop.sweep() == 0, "it is asked about again after a minute, not at once"
    monkeypatch.undo()
    shop.forward(seconds=60)
    assert shop.sweep() == 1
    assert shop.payment(keys[0]).state is PaymentState.CAPTURED
    agree(shop)


def test_a_refund_whose_answer_cannot_be_applied_stops_no_other(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shirt = shop.sells("K1")
    for person in (shop.customer(), shop.customer()):
        cancel(shop, shop.buys(person, (shirt[0], 1)), person)
    stuck_key, other_key = (refund.key for refund in shop.refunds())
    real = apply_refund

    def stuck(session: Session, *, key: str, answer: Answer, now: datetime) -> RefundState:
        if key == stuck_key:
            raise ValueError("anna@example.com")
        return real(session, key=key, answer=answer, now=now)

    monkeypatch.setattr("c2b.deposits.sending.apply_refund", stuck)
    assert shop.send_refunds() == 2
    assert [refund.state for refund in shop.refunds()] == [RefundState.UNKNOWN, RefundState.SETTLED]
    assert stuck_key in caplog.text
    assert other_key not in caplog.text
    monkeypatch.undo()
    shop.forward(minutes=1)
    assert shop.send_refunds() == 1
    agree(shop)


def test_the_decision_can_ask_what_is_still_unknown(shop: Shop) -> None:
    shirt, anna, berta = shop.sells("K1"), shop.customer(), shop.customer()
    shop.pay(shop.order(anna, (shirt[0], 1)), anna)
    shop.gateway.troubles = ["lost"]
    shop.pay(shop.order(berta, (shirt[0], 1)), berta)
    with shop.database.reading() as session:
        assert pay.unheard(session, campaign_id=shop.campaign_id) == 1
        assert pay.running(session, campaign_id=shop.campaign_id) == 2
        assert pay.running(session, campaign_id=shop.campaign_id + 1) == 0


def test_an_unknown_gateway_or_payment_is_refused_politely(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    with pytest.raises(Invalid):
        pay.pay(shop.database, {}, order_ref=ref, person_id=anna, gateway="sandbox", now=shop.now)
    with pytest.raises(NotFound):
        shop.check("nothing")


def test_while_its_gateway_is_switched_off_a_payment_waits(shop: Shop) -> None:
    anna = shop.customer()
    key = shop.pay(shop.order(anna, (shop.sells("K1")[0], 1)), anna)
    shop.forward(days=1)
    assert pay.check(shop.database, {}, key=key, now=shop.now) is PaymentState.PENDING
    assert pay.sweep(shop.database, {}, shop.now) == 0
    assert sending.send_refunds(shop.database, {}, shop.now) == 0


def test_the_customer_is_sent_to_the_page_or_to_wait(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    first, second = shop.order(anna, (shirt[0], 1)), shop.order(anna, (shirt[0], 1))
    gateways = {"sandbox": shop.gateway}
    page = pay.pay(shop.database, gateways, order_ref=first, person_id=anna, gateway="sandbox", now=shop.now)
    assert page.startswith("/sandbox/pay/")
    shop.gateway.troubles = ["lost"]
    page = pay.pay(shop.database, gateways, order_ref=second, person_id=anna, gateway="sandbox", now=shop.now)
    assert page.startswith("/c/ss27/pay/")
