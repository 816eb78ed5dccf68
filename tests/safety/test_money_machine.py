"""Customers, staff, worker, clock and gateway act in any order: after every step the audit finds nothing."""

import shutil
import sqlite3
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule

from c2b.deposits import actions
from c2b.deposits.rules import Money, Outcome
from c2b.deposits.standing import money_states
from c2b.errors import Refused
from c2b.payments.rules import PaymentState, RefundState
from tests import books, databases
from tests.deposits.scene import Shop

PSP = "psp:sandbox:main"
CAP = 4
TROUBLES = st.lists(st.sampled_from(["", "lost", "down"]), max_size=2)


class Market(RuleBasedStateMachine):
    """One capped product and one without a cap; every step may be refused, none may leave the books wrong."""

    orders = Bundle("orders")
    keys = Bundle("keys")

    def __init__(self) -> None:
        super().__init__()
        self.left = ExitStack()
        self.folder = Path(tempfile.mkdtemp(prefix="c2b-machine-"))
        self.database = self.left.enter_context(databases.sqlite(self.folder))
        self.shop = Shop(self.database, self.folder)

    @initialize()
    def opens(self) -> None:
        self.products = [self.shop.sells("K1", offer={"cap": CAP}), self.shop.sells("K2", price=9900)]

    def teardown(self) -> None:
        self.left.close()
        shutil.rmtree(self.folder)

    def _try(self, work: Any) -> Any:
        try:
            return work()
        except Refused:
            return None

    @rule(target=orders, capped=st.integers(0, 3), other=st.integers(0, 2))
    def order(self, capped: int, other: int) -> Any:
        person = self.shop.customer()
        wanted = [(self.products[0][0], capped), (self.products[1][1], other)]
        lines = [(variant, units) for variant, units in wanted if units]
        ref = self._try(lambda: self.shop.order(person, *lines)) if lines else None
        return (ref, person) if ref else multiple()

    @rule(target=keys, order=orders, troubles=TROUBLES)
    def pay(self, order: tuple[str, int], troubles: list[str]) -> Any:
        self.shop.gateway.troubles = troubles
        return self._try(lambda: self.shop.pay(*order)) or multiple()

    @rule(key=keys)
    def approve(self, key: str) -> None:
        if self.shop.sandbox.find(key):
            self.shop.sandbox.approve(key)

    @rule(key=keys)
    def decline(self, key: str) -> None:
        if self.shop.sandbox.find(key):
            self.shop.sandbox.decline(key)

    @rule(key=keys, troubles=TROUBLES)
    def come_back(self, key: str, troubles: list[str]) -> None:
        self.shop.gateway.troubles = troubles
        self.shop.check(key)

    @rule(order=orders)
    def cancel(self, order: tuple[str, int]) -> None:
        self._try(lambda: self._act(actions.cancel_order, order_ref=order[0], person_id=order[1]))

    @rule(order=orders)
    def cancel_a_line(self, order: tuple[str, int]) -> None:
        line = self.shop.lines(order[0])[0].id
        self._try(lambda: self._act(actions.cancel_line, order_ref=order[0], line_id=line, person_id=order[1]))

    @rule(order=consumes(orders))
    def leave(self, order: tuple[str, int]) -> None:
        """Forget an order at its payment page."""

    @rule(code=st.sampled_from(["K2"]))
    def withdraw(self, code: str) -> None:
        self._try(lambda: self._act(actions.withdraw, slug="ss27", code=code, reason="no yarn", actor="staff:a@example.com"))

    @rule(troubles=TROUBLES)
    def work(self, troubles: list[str]) -> None:
        self.shop.gateway.troubles = troubles
        self.shop.sweep()
        self.shop.send_refunds()

    @rule(minutes=st.sampled_from([1, 29, 31, 60 * 24 * 5]))
    def wait(self, minutes: int) -> None:
        self.shop.forward(minutes=minutes)

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.shop.findings() == []

    @invariant()
    def our_books_never_claim_more_than_the_gateway_has(self) -> None:
        if self.shop.sandbox._path.exists():
            assert -self.shop.balances(PSP)[PSP] <= self._captured()

    def _captured(self) -> int:
        with sqlite3.connect(self.shop.sandbox._path) as file:
            return int(file.execute("SELECT coalesce(sum(amount), 0) FROM payment WHERE paid_at IS NOT NULL").fetchone()[0])

    def _act(self, action: Any, **values: Any) -> None:
        with self.database.transaction() as session:
            action(session, now=self.shop.now, **values)


class MarketThatCloses(Market):
    """The same, and at the end everything is asked for once more: then the books agree to the fen."""

    def teardown(self) -> None:
        self.shop.gateway.troubles = []
        for _ in range(3):
            self.shop.forward(hours=2)
            self.shop.sweep()
            self.shop.send_refunds()
        assert self.shop.findings() == []
        if self.shop.sandbox._path.exists():
            assert -self.shop.balances(PSP)[PSP] == self._captured() - self._returned()
        assert {refund.state for refund in self.shop.refunds()} <= {RefundState.SETTLED}
        with self.database.reading() as session:
            lines = [line for ref in self._refs() for line in self.shop.lines(ref)]
            money = money_states(session, lines=books.ids(*(line.id for line in lines)), now=self.shop.now)
        for line in lines:
            if line.outcome is Outcome.CANCELLED:
                assert money[line.id] in (Money.NOTHING, Money.REFUNDED)
            else:
                assert money[line.id] is (Money.HELD if line.reserved_at else Money.DEPOSIT_DUE)
        super().teardown()

    def _returned(self) -> int:
        with sqlite3.connect(self.shop.sandbox._path) as file:
            return int(file.execute("SELECT coalesce(sum(amount), 0) FROM refund").fetchone()[0])

    def _refs(self) -> list[str]:
        from_orders = {payment.payer for payment in self._payments()}
        assert all(payment.state in (PaymentState.CAPTURED, PaymentState.FAILED) for payment in self._payments())
        return sorted(from_orders)

    def _payments(self) -> list[Any]:
        return self.shop.payments()


TestMarket = MarketThatCloses.TestCase
TestMarket.settings = settings(
    max_examples=5, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much]
)
