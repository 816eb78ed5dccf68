"""How many deposits a second one process takes, and how long the decision takes to send everybody's money back."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.deposits import actions as deposits
from c2b.deposits import pay
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.rules import PaymentState
from c2b.people.models import Person
from c2b.production import actions as production
from tests import make
from tests.benchmarks import servers, takings
from tests.benchmarks.figures import Figure, Scale, compared

DECIDED = make.ORDERING_CLOSES + timedelta(days=2)
NOW = make.ORDERING_OPENS + timedelta(days=3)
QUOTED = 21.0
"""Orders a second of pretix's `_perform_order` on such a machine and PostgreSQL; measured elsewhere, not in this run."""
CUSTOMERS = 4
"""At once: while one waits for the disk another is served."""
_MANY = 10**9
"""Pieces that no product reaches."""

_BARE = (
    "UPDATE order_line SET outcome = 'missed', ended_at = {now} WHERE campaign_id = {campaign} AND outcome = 'open'",
    "INSERT INTO refund (key, payment_id, amount, state, attempts, queued_at, next_attempt_at, last_error) "
    "SELECT payment.key || '-1', payment.id, sum(payment_part.amount), 'queued', 0, {now}, {now}, '' FROM payment "
    "JOIN payment_part ON payment_part.payment_id = payment.id JOIN obligation ON obligation.id = payment_part.obligation_id "
    "JOIN order_line ON order_line.id = obligation.line_id WHERE outcome = 'missed' GROUP BY payment.id",
    "INSERT INTO refund_line (refund_id, order_id, line_id, amount, reason) "
    "SELECT refund.id, obligation.order_id, obligation.line_id, payment_part.amount, 'missed' FROM refund "
    "JOIN payment_part ON payment_part.payment_id = refund.payment_id JOIN obligation ON obligation.id = payment_part.obligation_id",
    "INSERT INTO transfer (id, debit, credit, amount, currency, event, campaign, at) "
    "SELECT 'hold:' || refund.key || ':' || line_id, 'dep:' || line_id, 'hold:' || refund.key, refund_line.amount, 'CNY', "
    "'refund_begun', '{slug}', {now} FROM refund_line JOIN refund ON refund.id = refund_line.refund_id",
)
"""What the decision writes of a campaign that misses everything, by somebody who knows that nothing else ever happened to it."""


def decision(scale: Scale, folder: Path) -> list[Figure]:
    """Measure the decision that misses everything against the bare statements, on both databases; both are rolled back."""
    figures = []
    for name, server in (("PostgreSQL", servers.postgresql), ("SQLite", servers.sqlite)):
        with server(folder) as (database, _):
            takings.open_shop(database, minimum=_MANY)
            takings.sell(database, orders=scale.lines)
            runs = [(_lines_a_second(database, scale, decide), _lines_a_second(database, scale, bare)) for _ in range(scale.runs)]
        figures.append(compared(f"decision: {scale.lines:,} missed lines to refunds with ledger, {name}", ">= 0.5", "lines/s", runs))
    return figures


def _lines_a_second(database: Database, scale: Scale, act: Callable[[Session], object]) -> float:
    with database.engine.connect().execution_options(c2b_write=True) as connection, Session(connection) as session:
        begun = time.perf_counter()
        act(session)
        took = time.perf_counter() - begun
        session.rollback()
    takings.tidy(database)
    return scale.lines / took


def decide(session: Session) -> None:
    """Decide as `c2b decide` does."""
    production.decide(session, slug=takings.SLUG, actor="cli:bench", now=DECIDED)


def bare(session: Session) -> None:
    """Write the same rows by hand."""
    now = f"'{DECIDED:%Y-%m-%d %H:%M:%S.%f}'"
    for statement in _BARE:
        session.execute(text(statement.format(now=now, campaign=takings.CAMPAIGN, slug=takings.SLUG)))


def deposit(scale: Scale, folder: Path) -> list[Figure]:
    """Measure one process that takes orders, begins their payments, and applies what the sandbox says of them."""
    with servers.postgresql(folder) as (database, _), TemporaryDirectory() as theirs:  # in memory: a real gateway doesn't use our disk
        variants = takings.open_shop(database, minimum=50)
        sandbox, numbers = Sandbox(Path(theirs) / "sandbox.db", lambda: NOW), count()
        sold = [_orders_a_second(database, sandbox, variants, numbers, scale.seconds) for _ in range(scale.runs)]
    how = f"{CUSTOMERS} customers at once, four commits each; quoted, not measured here: pretix"
    runs = [(each, QUOTED) for each in sold]
    return [compared("deposit with outbox, audit, ledger, idempotency, one process", ">= 10", "orders/s", runs, how)]


def _orders_a_second(database: Database, sandbox: Sandbox, variants: list[int], numbers: Iterator[int], seconds: float) -> float:
    until = time.perf_counter() + seconds

    def sell(_thread: int) -> int:
        done = 0
        while time.perf_counter() < until:
            number = next(numbers)
            buy(database, sandbox, variant=variants[number % len(variants)], number=number)
            done += 1
        return done

    begun = time.perf_counter()
    with ThreadPoolExecutor(CUSTOMERS) as threads:
        sold = sum(threads.map(sell, range(CUSTOMERS)))
    return sold / (time.perf_counter() - begun)


def buy(database: Database, sandbox: Sandbox, *, variant: int, number: int) -> None:
    """Let a new customer order one piece and pay its deposit: four transactions, between which the gateway is asked."""
    with database.transaction() as session:
        new = insert(Person).values(ref=f"b{number}", viewer=number, created_at=NOW)
        person = session.scalars(new.returning(Person.id)).one()
        form: dict[str, Any] = {"lines": [(variant, 1)], "address": None, "idempotency_key": f"form-{number}", "locale": "zh_Hans_CN"}
        ref = deposits.place_order(session, slug=takings.SLUG, person_id=person, now=NOW, **form)
    page = pay.pay(database, {"sandbox": sandbox}, order_ref=ref, person_id=person, gateway="sandbox", now=NOW)
    key = page.rpartition("/")[2]
    sandbox.approve(key)
    state = pay.check(database, {"sandbox": sandbox}, key=key, now=NOW)
    if state is not PaymentState.CAPTURED:
        raise RuntimeError(f"payment {key} is {state}")
