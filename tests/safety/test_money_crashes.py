"""The program dies before any one of its SQL statements; after a restart the books and the gateway's agree."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from c2b.db import Database
from c2b.deposits import actions
from c2b.deposits.models import Obligation, Order
from c2b.deposits.rules import Outcome
from c2b.payments.models import Payment
from c2b.payments.rules import PaymentState, RefundState
from tests.deposits.scene import Shop

PSP = "psp:sandbox:main"
DEPOSIT = 5980


class Killed(BaseException):
    """Nothing catches it, as nothing catches kill -9."""


@contextmanager
def dying_before(database: Database, number: int) -> Iterator[list[str]]:
    """Die before the statement with this number; what was sent until then is yielded."""
    sent: list[str] = []

    def count(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if statement.startswith("PRAGMA"):
            return
        if len(sent) == number:
            raise Killed
        sent.append(statement)

    event.listen(database.engine, "before_cursor_execute", count)
    try:
        yield sent
    finally:
        event.remove(database.engine, "before_cursor_execute", count)


def at_every_statement(shop: Shop, prepare: Callable[[], Any], work: Callable[[Any], Any], restart: Callable[[Any], None]) -> int:
    """Prepare, die in `work` one statement later each time, and restart, until it runs through; returns how many deaths there were."""
    for number in range(1000):
        about = prepare()
        died = False
        with dying_before(shop.database, number):
            try:
                work(about)
            except Killed:
                died = True
        restart(about)
        assert shop.findings() == []
        assert -shop.balances(PSP)[PSP] == gateway_holds(shop)
        if not died:
            return number
    raise AssertionError("it never ran through")


def gateway_holds(shop: Shop) -> int:
    if not shop.sandbox._path.exists():
        return 0
    with sqlite3.connect(shop.sandbox._path) as books:
        paid = books.execute("SELECT coalesce(sum(amount), 0) FROM payment WHERE paid_at IS NOT NULL").fetchone()[0]
        return int(paid - books.execute("SELECT coalesce(sum(amount), 0) FROM refund").fetchone()[0])


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    made = Shop(database, tmp_path)
    made.sells("K1", offer={"cap": 900})
    return made


def ordered(shop: Shop) -> tuple[str, int]:
    person = shop.customer()
    return shop.order(person, (shop.variants("K1")[0].id, 1)), person


def paid(shop: Shop) -> tuple[str, int]:
    person = shop.customer()
    return shop.buys(person, (shop.variants("K1")[0].id, 1)), person


def payments(shop: Shop, ref: str) -> list[Payment]:
    with shop.database.reading() as session:
        return list(session.scalars(select(Payment).where(Payment.payer == ref)))


def test_an_order_is_written_whole_or_not_at_all(shop: Shop) -> None:
    variant = shop.variants("K1")[0].id

    def restart(person: int) -> None:
        ref = shop.order(person, (variant, 2), key="form")
        assert [line.units for line in shop.lines(ref)] == [2]
        with shop.database.reading() as session:
            assert session.scalars(select(Order.ref).where(Order.person_id == person)).all() == [ref]
            assert session.scalars(select(Obligation.amount).join(Order).where(Order.ref == ref)).all() == [2 * DEPOSIT]

    assert at_every_statement(shop, shop.customer, lambda who: shop.order(who, (variant, 2), key="form"), restart) > 8


def test_beginning_to_pay_never_makes_two_payments(shop: Shop) -> None:
    def restart(about: tuple[str, int]) -> None:
        ref, person = about
        key = shop.pay(ref, person)
        shop.sandbox.approve(key)
        shop.forward(seconds=61)
        shop.sweep()
        assert [(each.key, each.state) for each in payments(shop, ref)] == [(key, PaymentState.CAPTURED)]
        assert [line.reserved_at is not None for line in shop.lines(ref)] == [True]

    assert at_every_statement(shop, lambda: ordered(shop), lambda about: shop.pay(*about), restart) > 15


def test_a_capture_is_applied_whole_or_again(shop: Shop) -> None:
    def prepare() -> tuple[str, str]:
        ref, person = ordered(shop)
        key = shop.pay(ref, person)
        shop.sandbox.approve(key)
        return ref, key

    def restart(about: tuple[str, str]) -> None:
        ref, key = about
        shop.forward(seconds=61)
        shop.sweep()
        assert shop.payment(key).state is PaymentState.CAPTURED
        (line,) = shop.lines(ref)
        assert shop.balances(f"dep:{line.id}") == {f"dep:{line.id}": DEPOSIT}

    assert at_every_statement(shop, prepare, lambda about: shop.check(about[1]), restart) > 15


def test_late_money_is_booked_and_sent_back_once(shop: Shop) -> None:
    def prepare() -> tuple[str, str]:
        ref, person = ordered(shop)
        key = shop.pay(ref, person)
        shop.sandbox.approve(key)
        with shop.database.transaction() as session:
            actions.cancel_order(session, order_ref=ref, person_id=person, now=shop.now)
        return ref, key

    def restart(about: tuple[str, str]) -> None:
        ref, key = about
        shop.forward(seconds=61)
        shop.sweep()
        shop.send_refunds()
        mine = [refund for refund in shop.refunds() if refund.key.startswith(key)]
        assert [(refund.amount, refund.state) for refund in mine] == [(DEPOSIT, RefundState.SETTLED)]
        assert shop.balances(f"owed:{ref}") == {f"owed:{ref}": 0}

    assert at_every_statement(shop, prepare, lambda about: shop.check(about[1]), restart) == 20


def test_a_cancelled_order_is_cancelled_with_its_refund_or_not_at_all(shop: Shop) -> None:
    def cancel(about: tuple[str, int]) -> None:
        with shop.database.transaction() as session:
            actions.cancel_order(session, order_ref=about[0], person_id=about[1], now=shop.now)

    def restart(about: tuple[str, int]) -> None:
        (line,) = shop.lines(about[0])
        queued = [refund for refund in shop.refunds() if refund.payment_id == payments(shop, about[0])[0].id]
        assert (line.outcome is Outcome.CANCELLED) == (len(queued) == 1)
        cancel(about)
        assert [each.outcome for each in shop.lines(about[0])] == [Outcome.CANCELLED]

    assert at_every_statement(shop, lambda: paid(shop), cancel, restart) > 8


def test_a_refund_leaves_exactly_once_wherever_the_worker_dies(shop: Shop) -> None:
    def prepare() -> str:
        ref, person = paid(shop)
        with shop.database.transaction() as session:
            actions.cancel_order(session, order_ref=ref, person_id=person, now=shop.now)
        return ref

    def restart(ref: str) -> None:
        shop.forward(hours=1)
        shop.send_refunds()
        payment = payments(shop, ref)[0]
        mine = [refund for refund in shop.refunds() if refund.payment_id == payment.id]
        assert [(refund.amount, refund.state) for refund in mine] == [(DEPOSIT, RefundState.SETTLED)]
        with sqlite3.connect(shop.sandbox._path) as books:
            sent = books.execute("SELECT count(*), sum(amount) FROM refund WHERE payment = ?", (payment.key,)).fetchone()
        assert sent == (1, DEPOSIT)

    assert at_every_statement(shop, prepare, lambda _ref: shop.send_refunds(), restart) > 5
