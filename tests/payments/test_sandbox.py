import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest

from c2b.db import Database
from c2b.payments.gateways import blueprints, build
from c2b.payments.gateways.sandbox.books import DELAY, Sandbox
from c2b.payments.protocol import Answer, Heard, PaymentFacts, RefundFacts
from c2b.settings import Settings
from tests.payments.conftest import Clock

PAID = Answer(Heard.DONE, amount=5980, currency="CNY", merchant="main", reference="SBX-pay-1")
RETURNED = Answer(Heard.DONE, amount=5000, currency="CNY", merchant="main", reference="SBX-pay-1-1")
WAITING = Answer(Heard.PENDING, page="/sandbox/pay/pay-1")


def test_a_key_that_was_never_started_is_absent(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    assert sandbox.query(payment) == Answer(Heard.ABSENT)
    assert sandbox.query_refund(refund) == Answer(Heard.ABSENT)


def test_a_started_payment_waits_for_the_customer_at_its_page(sandbox: Sandbox, payment: PaymentFacts) -> None:
    assert sandbox.start(payment) == WAITING
    assert sandbox.query(payment) == WAITING


def test_an_approved_payment_is_captured_once_however_often_it_is_started(sandbox: Sandbox, payment: PaymentFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    assert [sandbox.start(payment), sandbox.query(payment), sandbox.start(payment)] == [PAID, PAID, PAID]


def test_a_declined_payment_has_failed_and_stays_so(sandbox: Sandbox, payment: PaymentFacts) -> None:
    sandbox.start(payment)
    sandbox.decline("pay-1")
    sandbox.approve("pay-1")
    assert sandbox.query(payment) == Answer(Heard.FAILED, why="declined")


def test_an_approved_payment_can_not_be_declined_afterwards(sandbox: Sandbox, payment: PaymentFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    sandbox.decline("pay-1")
    assert sandbox.query(payment) == PAID


def test_a_delayed_payment_is_pending_for_sixty_seconds(sandbox: Sandbox, payment: PaymentFacts, clock: Clock) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1", delay=DELAY)
    clock.forward(timedelta(seconds=59, microseconds=999_999))
    assert sandbox.query(payment) == WAITING
    clock.forward(timedelta(microseconds=1))
    assert sandbox.query(payment) == PAID


def test_nobody_can_pay_after_the_place_expired(sandbox: Sandbox, payment: PaymentFacts, clock: Clock) -> None:
    sandbox.start(payment)
    clock.forward(timedelta(minutes=30))
    sandbox.approve("pay-1")
    assert sandbox.query(payment) == Answer(Heard.FAILED, why="expired")


def test_one_microsecond_before_it_expires_a_payment_can_still_be_made(sandbox: Sandbox, payment: PaymentFacts, clock: Clock) -> None:
    sandbox.start(payment)
    clock.forward(timedelta(minutes=30) - timedelta(microseconds=1))
    sandbox.approve("pay-1")
    clock.forward(timedelta(days=1))
    assert sandbox.query(payment) == PAID


@pytest.mark.parametrize("change", [{"amount": 1}, {"currency": "EUR"}])
def test_a_key_never_stands_for_two_payments(sandbox: Sandbox, payment: PaymentFacts, change: dict[str, object]) -> None:
    sandbox.start(payment)
    with pytest.raises(ValueError, match="another payment"):
        sandbox.start(replace(payment, **change))  # type: ignore[arg-type]  # one field at a time


def test_a_refund_is_sent_once_however_often_it_is_asked_for(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    assert [sandbox.refund(refund), sandbox.refund(refund), sandbox.query_refund(refund)] == [RETURNED, RETURNED, RETURNED]
    assert total(sandbox) == 5000


def test_repeating_a_refund_of_everything_is_the_same_refund(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    whole = replace(refund, amount=5980)
    assert sandbox.refund(whole).heard is Heard.DONE
    assert sandbox.refund(whole).heard is Heard.DONE
    assert total(sandbox) == 5980


def test_refunds_never_exceed_what_was_captured(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    sandbox.refund(refund)
    assert sandbox.refund(replace(refund, key="pay-1-2", amount=981)) == Answer(Heard.FAILED, why="more than was captured")
    assert sandbox.refund(replace(refund, key="pay-1-3", amount=980)).heard is Heard.DONE
    assert total(sandbox) == 5980


def test_a_payment_that_was_not_captured_cannot_be_refunded(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    assert sandbox.refund(refund).heard is Heard.FAILED
    sandbox.start(payment)
    assert sandbox.refund(refund).heard is Heard.FAILED
    sandbox.decline("pay-1")
    assert sandbox.refund(refund).heard is Heard.FAILED
    assert total(sandbox) == 0


def test_refunds_of_different_keys_asked_for_at_once_never_exceed_it(sandbox: Sandbox, payment: PaymentFacts, refund: RefundFacts) -> None:
    sandbox.start(payment)
    sandbox.approve("pay-1")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: sandbox.refund(replace(refund, key=f"pay-1-{n}", amount=1000)), range(16)))
    assert [answer.heard for answer in answers].count(Heard.DONE) == 5
    assert total(sandbox) == 5000


def test_customers_who_all_pay_first_find_books_that_are_whole(tmp_path: Path, payment: PaymentFacts, clock: Clock) -> None:
    with ThreadPoolExecutor(8) as pool:
        for shop in range(60):  # it went wrong one time in twelve
            path, gate = tmp_path / f"{shop}" / "sandbox.db", Barrier(8)

            def pays(number: int, path: Path = path, gate: Barrier = gate) -> Heard:
                gate.wait()
                return Sandbox(path, clock).start(replace(payment, key=f"pay-{number}")).heard

            assert set(pool.map(pays, range(8))) == {Heard.PENDING}
            assert [each.name for each in path.parent.iterdir() if each.is_dir()] == []
            with closing(sqlite3.connect(path)) as books:
                assert books.execute("PRAGMA journal_mode").fetchone() == ("wal",)
                assert books.execute("SELECT count(*) FROM payment").fetchone() == (8,)


def test_the_books_outlive_the_program(tmp_path: Path, payment: PaymentFacts, clock: Clock) -> None:
    Sandbox(tmp_path / "sandbox.db", clock).start(payment)
    Sandbox(tmp_path / "sandbox.db", clock).approve("pay-1")
    assert Sandbox(tmp_path / "sandbox.db", clock).query(payment) == PAID


def test_the_settings_name_the_gateways(tmp_path: Path, payment: PaymentFacts, clock: Clock, sqlite_database: Database) -> None:
    gateways = build(Settings(data=tmp_path, gateways=("sandbox",)), sqlite_database, now=clock)
    assert list(gateways) == ["sandbox"]
    gateways["sandbox"].start(payment)
    assert (tmp_path / "sandbox.db").exists()
    assert [blueprint.name for blueprint in blueprints(gateways)] == ["sandbox"]
    assert build(Settings(data=tmp_path, gateways=()), sqlite_database) == {}


def total(sandbox: Sandbox) -> int:
    """Sum what the sandbox's own books say was sent back."""
    with sqlite3.connect(sandbox._path) as books:
        return int(books.execute("SELECT coalesce(sum(amount), 0) FROM refund").fetchone()[0])
