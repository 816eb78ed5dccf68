"""Customers, banks, staff, worker, clock and gateway act in any order, over the decision and the balance: every fen stays somewhere.

After every step the audit finds nothing and each order's money is where a model says that it may be, which knows only what customers
paid and what has left: held + earned + on its way + owed + gone = brought. What each step does is foretold by `test_market`; here
banks take money back and gateways take other amounts than were asked for. A normal run plays 8 x 30 steps on SQLite, 8 x 20 from the
decision on, and 2 x 20 on PostgreSQL, `--long` 300 x 40 of each.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select, update

from c2b.campaigns.models import Campaign, Variant
from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import Database
from c2b.deposits import actions, handing_over, leaving, pay, reminding, resolving
from c2b.deposits.models import Obligation, Order, Withdrawal
from c2b.deposits.rules import Fulfilment, ObligationState, Outcome, Reminder
from c2b.errors import Refused
from c2b.ledger.models import Transfer
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.payments.protocol import About
from c2b.payments.rules import OPEN, PaymentState, RefundState
from c2b.production import actions as production
from c2b.production import defaults, undeliverable, withdrawing
from c2b.work import audit
from tests import databases, make
from tests.deposits.scene import Shop
from tests.safety.rails import Trial
from tests.safety.season import seeded

DECIDED = make.ORDERING_CLOSES + timedelta(days=3)
DUE = DECIDED + timedelta(days=10)
PSP = "psp:sandbox:main"
CAP = 4
TROUBLES = st.lists(st.sampled_from(["", "lost", "down"]), max_size=2)


class Market(RuleBasedStateMachine):
    """One capped product and one without a cap; every step may be refused, none may leave the books wrong."""

    orders = Bundle("orders")
    keys = Bundle("keys")

    on: Callable[[Path], AbstractContextManager[Database]] = staticmethod(databases.sqlite)

    def __init__(self) -> None:
        super().__init__()
        self.left = ExitStack()
        chance = self.left.enter_context(pytest.MonkeyPatch.context())
        chance.setattr(secrets, "token_bytes", seeded(1).randbytes)  # the same steps make the same keys, so whoever is served first is, too
        self.folder = Path(tempfile.mkdtemp(prefix="c2b-machine-"))
        self.database = self.left.enter_context(self.on(self.folder))
        self.shop = Shop(self.database, self.folder, minimum=2, shipping=1200, balance_due=DUE, grace_days=7)
        self.trial = Trial(self.shop.sandbox)
        self.shop.gateway = self.trial
        self.is_decided = self.has_ended = False

    @initialize(target=orders, profile=st.sampled_from(LegalProfile))
    def opens(self, profile: LegalProfile) -> Any:
        self._offers(profile)
        return multiple()

    def _offers(self, profile: LegalProfile) -> None:
        tiers = {"tier2_units": 3}
        self.products = [self.shop.sells("K1", offer={"cap": CAP}), self.shop.sells("K2", price=9900, offer=tiers)]
        with self.database.transaction() as session:
            session.get_one(Campaign, self.shop.campaign_id).legal_profile = profile
            session.execute(update(Variant).where(Variant.id.in_(self.products[1])).values(tier2_price=8800))

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
        self.trial.approve(key)

    @rule(key=keys)
    def decline(self, key: str) -> None:
        self.trial.decline(key)

    @rule(key=keys)
    def charge_something_else(self, key: str) -> None:
        """The gateway takes one fen less than was asked for."""
        if self.trial.sandbox.is_open(key):
            self.trial._write("UPDATE payment SET amount = amount - 1 WHERE key = ?", key)
            self.trial.approve(key)

    @rule(key=keys)
    def dispute(self, key: str) -> None:
        if self.shop.payment(key).state is PaymentState.CAPTURED:
            self.trial.dispute(key)

    @rule(key=keys, became=st.sampled_from(["won", "lost"]))
    def end_a_dispute(self, key: str, became: str) -> None:
        self.trial.end_dispute(key, became)

    @rule(number=st.integers(0, 5))
    def bounce(self, number: int) -> None:
        settled = [refund.key for refund in self.shop.refunds() if refund.state is RefundState.SETTLED]
        if number < len(settled):
            self.trial.bounce(settled[number])

    @rule(number=st.integers(0, 5), again=st.booleans())
    def finance_looks_at_a_refund(self, number: int, *, again: bool) -> None:
        failed = [refund.key for refund in self.shop.refunds() if refund.state is RefundState.FAILED]
        if number < len(failed):
            by_hand = {"key": failed[number], "reference": "bank 1"}
            values = {"key": failed[number]} if again else by_hand
            self._try(lambda: self.shop.resolves(resolving.send_refund_again if again else resolving.paid_by_hand, **values))

    @rule(key=keys)
    def finance_looks_at_a_mismatch(self, key: str) -> None:
        if self.shop.payment(key).state is PaymentState.MISMATCH:
            self.shop.resolves(resolving.return_mismatch, key=key)

    @precondition(lambda self: not self.is_decided)
    @rule()
    def decide(self) -> None:
        """Ordering closes, everything is heard of, and the campaign is decided; everybody says where the goods go."""
        self.shop.now = max(self.shop.now, DECIDED)
        self._calm()
        with self.database.transaction() as session:
            session.get_one(Campaign, self.shop.campaign_id).state = CampaignState.SETTLING
            session.execute(update(Order).values(recipient="Anna", phone="1", address="1 Road", country="CN"))
        self._act(production.decide, slug="ss27", actor="cli:test")
        self.is_decided = True

    @precondition(lambda self: self.is_decided)
    @rule(reminded=st.booleans())
    def grace_ends(self, *, reminded: bool) -> None:
        """Balances that weren't paid end, with or without a reminder that was delivered."""
        self.shop.now = max(self.shop.now, DUE + timedelta(days=7))
        with self.database.transaction() as session:
            for ref in session.scalars(select(Order.ref)).all() if reminded and not self.has_ended else []:
                told = {"event": reminding.event(ref, Reminder.ONE_DAY), "channel": "email", "recipient": "a@example.com"}
                sent = {"state": MessageState.SENT, "created_at": DUE, "sent_at": DUE}
                session.add(Message(**told, about=ref, template="balance_reminder", fields={}, locale="en", **sent))
        self.has_ended = self.has_ended or reminded
        self._act(defaults.settle, slug="ss27", actor="worker")

    @precondition(lambda self: self.is_decided)
    @rule(code=st.sampled_from(["K1", "K2"]))
    def cannot_deliver(self, code: str) -> None:
        self._act(undeliverable.cannot_deliver, slug="ss27", code=code, reason="it burnt", actor="staff:a@example.com")

    @precondition(lambda self: self.is_decided)
    @rule(target=keys, order=orders)
    def deliver(self, order: tuple[str, int]) -> Any:
        """The customer pays what is due, by a good line, and gets what is confirmed."""
        self.trial.troubles = []
        key = self._pays(order)
        lines = [line.id for line in self.shop.lines(order[0]) if line.outcome is Outcome.ALLOCATED]
        what: dict[str, Any] = {"order_ref": order[0], "lines": lines, "how": Fulfilment.SHIPPED, "at": self.shop.now}
        self._try(lambda: self._act(handing_over.hand_over, **what, actor="staff:a@example.com"))
        return key or multiple()

    @precondition(lambda self: self.is_decided)
    @rule(order=orders)
    def send_back(self, order: tuple[str, int]) -> None:
        """The customer leaves the first line, and its goods come back if they had been handed over."""
        line = self.shop.lines(order[0])[0].id
        self._try(lambda: self._act(withdrawing.withdraw, order_ref=order[0], lines=[line], person_id=order[1]))
        with self.database.reading() as session:
            left = session.get(Withdrawal, line)
        if left is not None:
            self._try(lambda: self._act(leaving.came_back, order_ref=order[0], line_id=line, actor="staff:a@example.com"))

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
        self._work()

    @rule(minutes=st.sampled_from([1, 29, 31, 60 * 24 * 5]))
    def wait(self, minutes: int) -> None:
        self.shop.forward(minutes=minutes)

    @invariant()
    def the_audit_finds_nothing_but_what_waits_for_a_person(self) -> None:
        with self.database.reading() as session:
            found = [finding for finding in audit(session) if finding.check != "deposits.mismatch"]
        assert found == []

    @invariant()
    def our_books_never_claim_more_than_the_gateway_has(self) -> None:
        assert -self.shop.balances(PSP)[PSP] <= self.trial.captured()

    def _pays(self, order: tuple[str, int]) -> Any:
        """Pay what is due at once, if anything is; returns the payment's key."""
        if key := self._try(lambda: self.shop.pay(*order)):
            self.trial.approve(key)
            self.shop.check(key)
        return key

    def _calm(self) -> None:
        """Ask for everything once more by a good line."""
        self.trial.troubles = []
        for _ in range(3):
            self.shop.forward(hours=2)
            self._work()

    def _work(self) -> None:
        """Let events in, and do what the worker does in a round."""
        for event in self.trial.events():
            about = json.loads(event[1])
            self.shop.hear(key=about["key"], about=About(about["about"]), event=about["id"])
        pay.hear(self.database, {"sandbox": self.trial}, self.shop.now)  # what nobody answered the last time
        self.shop.sweep()
        self.shop.send_refunds()

    def _act(self, action: Any, **values: Any) -> None:
        with self.database.transaction() as session:
            action(session, now=self.shop.now, **values)


_OURS = ("revenue", "shipping")
_KEPT = "SELECT payment FROM disputed WHERE became <> 'won'"
"""Payments that banks took back for good, as far as anybody knows."""


@dataclass
class Purse:
    """What an order brought and what became of it, minor units: the left side by the gateway's books, the right one by ours."""

    brought: int = 0
    returned: int = 0
    taken_back: int = 0
    kept: int = 0
    """On its lines' accounts and its shipping's."""
    owed: int = 0
    forfeited: int = 0
    by_hand: int = 0
    """Paid out from the bank account."""
    waiting: int = 0
    """A mismatch that nobody looked at."""
    earned: int = 0
    """By goods that were handed over and stay there."""
    lost: int = 0
    """Taken back by a bank when it wasn't there any more, or was ours."""
    penalty: int = 0
    """Owed besides what the order brought."""

    @property
    def difference(self) -> int:
        """Fen that are in two places, or in none."""
        ours = self.kept + self.earned + self.owed + self.forfeited + self.by_hand + self.waiting - self.lost - self.penalty
        return self.brought - self.returned - self.taken_back - ours


class MarketThatCloses(Market):
    """The same, and at the end everything is asked for once more: then gateway, ledger and every single order agree to the fen."""

    def teardown(self) -> None:
        self._calm()
        self.the_audit_finds_nothing_but_what_waits_for_a_person()
        theirs = self.trial.captured() - self.trial.refunded() - self.trial.taken_back()
        assert -self.shop.balances(PSP)[PSP] == theirs
        waiting = [refund for refund in self.shop.refunds() if refund.state not in (RefundState.SETTLED, RefundState.FAILED)]
        assert all(refund.withheld_at and self._is_undecided(refund.key.partition("-")[0]) for refund in waiting)
        assert not [payment for payment in self.shop.payments() if payment.state in OPEN]
        with self.database.reading() as session:
            refs = session.scalars(select(Order.ref)).all()
        for ref in refs:
            purse = self._purse(ref)
            assert purse.difference == 0, (ref, purse)
            assert purse.taken_back or self._has_returned(ref) or purse.kept + purse.earned == self._paid_for(ref), (ref, purse)
        super().teardown()

    def _purse(self, ref: str) -> Purse:
        keys = [payment.key for payment in self.shop.payments() if payment.payer == ref]
        lines = [line.id for line in self.shop.lines(ref)]
        ours = self.shop.balances(*(f"dep:{line}" for line in lines), f"ship:{ref}")
        owed = f"owed:{ref}"
        purse = Purse(kept=sum(ours.values()), owed=self.shop.balances(owed)[owed])
        for key in keys:
            purse.brought += self._sum("SELECT sum(amount) FROM payment WHERE key = ? AND paid_at IS NOT NULL", key)
            purse.returned += self._sum("SELECT sum(amount) FROM refund WHERE payment = ? AND key NOT IN (SELECT refund FROM bounced)", key)
            purse.taken_back += self._sum(f"SELECT sum(amount) FROM payment WHERE key = ? AND key IN ({_KEPT})", key)
            purse.lost += self._lost(key)
            purse.waiting += self._booked(f"mis:{key}") - self._booked(f"mis:{key}:back")
        purse.by_hand = sum(self._booked(f"out:{refund.key}") for refund in self.shop.refunds() if refund.key.partition("-")[0] in keys)
        purse.forfeited = sum(self._booked(f"forfeit:{line}") for line in lines)
        purse.penalty = sum(self._booked(f"penalty:{line}") for line in lines)
        purse.earned = self._earned(ref, keys, lines)
        return purse

    def _earned(self, ref: str, keys: list[str], lines: list[int]) -> int:
        """Return what became ours when goods were handed over, less what went back with them."""
        refunds = [refund.key for refund in self.shop.refunds() if refund.key.partition("-")[0] in keys]
        came = [f"over:ship:{ref}", *(f"over:dep:{line}" for line in lines)]
        gone = [f"back:{ref}:shipping", *(f"hold:{refund}:{line}" for refund in refunds for line in lines)]
        with self.database.reading() as session:
            moved = session.scalars(select(Transfer).where(Transfer.id.in_([*came, *gone]))).all()
        return sum(each.amount * ((each.credit in _OURS) - (each.debit in _OURS)) for each in moved)

    def _has_returned(self, ref: str) -> bool:
        return any(line.fulfilment is Fulfilment.RETURNED for line in self.shop.lines(ref))

    def _paid_for(self, ref: str) -> int:
        """Return what standing lines, and the shipping of an order that has one, were paid for."""
        standing = [line.id for line in self.shop.lines(ref) if line.outcome in (Outcome.OPEN, Outcome.ALLOCATED)]
        with self.database.reading() as session:
            paid = session.execute(
                select(Obligation.line_id, Obligation.amount)
                .join(Order, Order.id == Obligation.order_id)
                .where(Order.ref == ref, Obligation.state == ObligationState.PAID)
            ).all()
        return sum(amount for line, amount in paid if line in standing or (line is None and standing))

    def _is_undecided(self, key: str) -> bool:
        return bool(self.trial._column("SELECT payment FROM disputed WHERE payment = ? AND became = ''", key))

    def _lost(self, key: str) -> int:
        """Return what a bank took that wasn't there or was ours, less what was found to be there after all, or given back."""
        with self.database.reading() as session:
            moved = session.scalars(select(Transfer).where(Transfer.id.contains(f"dis:dp-{key}:")))
            return sum(each.amount * ((each.debit in _OURS) - (each.credit in _OURS)) for each in moved)

    def _sum(self, query: str, key: str) -> int:
        return int(self.trial._column(query, key)[0] or 0)

    def _booked(self, identity: str) -> int:
        with self.database.reading() as session:
            return session.scalar(select(Transfer.amount).where(Transfer.id == identity)) or 0


class MarketThatDelivers(MarketThatCloses):
    """The same from the decision on, with two orders whose deposits are paid."""

    @initialize(target=Market.orders, profile=st.sampled_from(LegalProfile))
    def opens(self, profile: LegalProfile) -> Any:
        self._offers(profile)
        bought: list[Any] = [self.order(2, 0), self.order(1, 2)]
        for order in bought:
            self._pays(order)
        self.decide()
        return multiple(*bought)


def postgresql(folder: Path) -> AbstractContextManager[Database]:  # noqa: ARG001  SQLite's needs one
    """Return a database that needs no folder."""
    return databases.postgresql()


class MarketOnPostgreSQL(MarketThatCloses):
    """The same on the other database."""

    on = staticmethod(postgresql)


def played(market: type[RuleBasedStateMachine], examples: int, steps: int) -> None:
    """Play so many sequences of so many steps."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(market, settings=how)


def test_whatever_people_banks_and_gateways_do_every_fen_stays_in_one_place() -> None:
    played(MarketThatCloses, 8, 30)


def test_they_do_when_goods_are_handed_over_and_come_back() -> None:
    played(MarketThatDelivers, 8, 20)


def test_on_postgresql_it_does_too() -> None:
    played(MarketOnPostgreSQL, 2, 20)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("market", [MarketThatCloses, MarketThatDelivers, MarketOnPostgreSQL])
def test_it_does_for_300_long_sequences(market: type[MarketThatCloses]) -> None:
    played(market, 300, 40)
