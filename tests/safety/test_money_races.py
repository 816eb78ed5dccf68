"""Many people at the same instant: places, orders and refunds come out exact, on both databases."""

import sqlite3
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Barrier, Semaphore
from typing import Any

import pytest
from sqlalchemy import func, select

from c2b.db import Database
from c2b.deposits import actions, places
from c2b.deposits.apply import apply
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Outcome
from c2b.errors import Refused
from c2b.ledger.models import Transfer
from c2b.payments.protocol import Answer, Heard
from c2b.payments.rules import PaymentState, RefundState
from tests.deposits.scene import Shop

CLIENTS = 64
CONNECTIONS = 24
"""So many of them are in the database at the same time: the test server serves other races too."""


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    return Shop(database, tmp_path)


def at_once(jobs: Sequence[Callable[[], Any]]) -> Counter[str]:
    """Start all jobs at the same instant; count how they ended. Anything but done and refused is a bug."""
    start, door = Barrier(len(jobs)), Semaphore(CONNECTIONS)

    def run(job: Callable[[], Any]) -> str:
        start.wait()
        with door:
            try:
                job()
            except Refused:
                return "refused"
            return "done"

    with ThreadPoolExecutor(len(jobs)) as pool:
        return Counter(pool.map(run, jobs))


def captured_units(shop: Shop) -> int:
    with shop.database.reading() as session:
        counted = OrderLine.reserved_at.is_not(None) & (OrderLine.outcome == Outcome.OPEN)
        return session.scalar(select(func.coalesce(func.sum(OrderLine.units), 0)).where(counted)) or 0


def buyers_of_the_last_units(shop: Shop, cap: int) -> Counter[str]:
    """Let 64 buyers, who all have a written order, pay for the same few units."""
    shirt = shop.sells("K1", offer={"cap": cap})
    buyers = [shop.customer() for _ in range(CLIENTS)]
    orders = [shop.order(buyer, (shirt[0], 1)) for buyer in buyers]

    def buy(ref: str, buyer: int) -> None:
        key = shop.pay(ref, buyer)
        shop.sandbox.approve(key)
        assert shop.check(key) is PaymentState.CAPTURED

    return at_once([partial(buy, ref, buyer) for ref, buyer in zip(orders, buyers, strict=True)])


def test_sixty_four_buyers_of_the_last_five_units_get_exactly_five(shop: Shop) -> None:
    assert buyers_of_the_last_units(shop, cap=5) == {"done": 5, "refused": 59}
    assert captured_units(shop) == 5
    assert shop.refunds() == []
    assert shop.findings() == []


def test_control_without_a_fresh_look_under_the_lock_the_cap_is_oversold(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each buyer sees who looked before any other had written: the test above must be able to fail."""

    def seen_before(_session: object, candidate_ids: Collection[int], *, besides: int | None, now: datetime) -> dict[int, int]:
        assert besides is not None or now
        return dict.fromkeys(candidate_ids, 5)

    monkeypatch.setattr(places, "free", seen_before)
    assert buyers_of_the_last_units(shop, cap=5) == {"done": 64}
    assert captured_units(shop) == 64
    assert [finding.check for finding in shop.findings()] == ["deposits.caps"]


def test_one_form_sent_by_many_fingers_is_one_order(shop: Shop) -> None:
    anna, shirt = shop.customer(), shop.sells("K1")
    ended = at_once([lambda: shop.order(anna, (shirt[0], 1), key="form")] * 32)
    assert ended == {"done": 32}
    with shop.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Order)) == 1


def test_a_customers_limit_holds_against_orders_from_many_windows(database: Database, tmp_path: Path) -> None:
    shop = Shop(database, tmp_path, per_customer=3)
    anna, shirt = shop.customer(), shop.sells("K1")
    assert at_once([lambda: shop.order(anna, (shirt[0], 1))] * 32) == {"done": 3, "refused": 29}


def test_paying_from_many_windows_is_one_payment(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    keys: list[str] = []
    assert at_once([lambda: keys.append(shop.pay(ref, anna))] * 16) == {"done": 16}
    assert len(set(keys)) == 1


def test_one_answer_from_person_sweeper_and_webhook_at_once_is_booked_once(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.order(anna, (shop.sells("K1")[0], 1))
    key = shop.pay(ref, anna)
    shop.sandbox.approve(key)
    answer = Answer(Heard.DONE, amount=5980, currency="CNY", merchant="main", reference=f"SBX-{key}")

    def hear() -> None:
        with shop.database.transaction() as session:
            apply(session, key=key, answer=answer, now=shop.now)

    assert at_once([hear] * 32) == {"done": 32}
    with shop.database.reading() as session:
        assert session.scalars(select(Transfer.id)).all() == [f"cap:{key}:{shop.lines(ref)[0].id}"]
    assert shop.findings() == []


def test_cancelling_by_customer_and_staff_at_once_returns_the_money_once(shop: Shop) -> None:
    anna = shop.customer()
    ref = shop.buys(anna, (shop.sells("K1")[0], 2))

    def by_customer() -> None:
        with shop.database.transaction() as session:
            actions.cancel_order(session, order_ref=ref, person_id=anna, now=shop.now)

    def by_staff() -> None:
        with shop.database.transaction() as session:
            actions.withdraw(session, slug="ss27", code="K1", reason="no yarn", actor="staff:a@example.com", now=shop.now)

    assert at_once([by_customer, by_staff] * 8) == {"done": 16}
    assert [refund.amount for refund in shop.refunds()] == [11960]
    assert shop.findings() == []


def test_many_workers_send_each_refund_once(shop: Shop) -> None:
    shirt = shop.sells("K1")
    for _ in range(12):
        shop.buys(shop.customer(), (shirt[0], 1))
    with shop.database.transaction() as session:
        actions.cancel_campaign(session, slug="ss27", reason="no yarn", actor="staff:a@example.com", now=shop.now)
    assert at_once([shop.send_refunds] * 8) == {"done": 8}
    assert {(refund.state, refund.attempts) for refund in shop.refunds()} == {(RefundState.SETTLED, 1)}
    assert shop.gateway.calls.count("refund") == 12
    with sqlite3.connect(shop.sandbox._path) as books:
        assert books.execute("SELECT count(*), sum(amount) FROM refund").fetchone() == (12, 12 * 5980)
    assert shop.findings() == []


def test_money_that_is_captured_while_the_campaign_is_cancelled_all_goes_back(shop: Shop) -> None:
    shirt = shop.sells("K1")
    buyers = [shop.customer() for _ in range(16)]
    keys = [shop.pay(shop.order(buyer, (shirt[0], 1)), buyer) for buyer in buyers]
    for key in keys:
        shop.sandbox.approve(key)

    def end() -> None:
        with shop.database.transaction() as session:
            actions.cancel_campaign(session, slug="ss27", reason="no yarn", actor="staff:a@example.com", now=shop.now)

    jobs: list[Callable[[], Any]] = [partial(shop.check, key) for key in keys]
    assert at_once([*jobs[:8], end, *jobs[8:]]) == {"done": 17}
    shop.send_refunds()
    assert shop.balances("psp:sandbox:main") == {"psp:sandbox:main": 0}
    assert [refund.state for refund in shop.refunds()] == [RefundState.SETTLED] * 16
    assert shop.findings() == []
