"""Whatever voters, customers, staff, worker, clock and gateway do in any order, the program does what a small model says, step by step.

The model (`market`, `market_ends`) is pure and knows nothing of the program. After every step state, votes, lines, debts, payments,
refunds, places and all accounts are compared, and whether the act was allowed; at the end everything is asked for once more, the audit
finds nothing and the gateway's books agree. What it leaves out (disputes, other amounts than asked for) is played by `test_money_machine`.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from c2b.deposits import actions, pay, reminding, resolving, sending
from c2b.deposits.rules import Reminder
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.production import actions as production
from c2b.production import defaults, undeliverable
from c2b.work import audit
from tests import databases, make
from tests.safety import market_ends
from tests.safety.campaigning import STAFF, Campaigning, codes, troubles, which
from tests.safety.fair import SLUG, Fair, wanted
from tests.safety.market_facts import OPEN, PSP

was_decided = precondition(lambda self: self.market.state == "decided")


class Season(Campaigning):
    """The same with worker and staff, compared after every step and settled at the end."""

    @rule(trouble=troubles)
    def work(self, trouble: str) -> None:
        """Do what the worker does in a round: ask about payments, send refunds."""
        self.till.trouble = trouble
        now = self.market.now
        asked = [payment.key for payment in market_ends.unasked(self.market)]
        assert pay.sweep(self.fair.database, self._gateways, now) == len(asked)
        for key in asked:
            self.market.hear(key, self._said(key))
        due = market_ends.sendable(self.market)
        sending.send_refunds(self.fair.database, self._gateways, now)
        for key in due:
            market_ends.sent(self.market, self.market.refunds[key])
            self.market.refund_heard(key, "unknown" if trouble else "done")

    @precondition(lambda self: bool(market_ends.refunds(self.market, "settled")))
    @rule(number=which, looked_at=st.sampled_from(["", "again", "by hand"]))
    def bounce(self, number: int, looked_at: str) -> None:
        """A refund that arrived comes back, the gateway says so, and finance may look at it at once."""
        key = self._of(market_ends.refunds(self.market, "settled"), number)
        self.till.bounced.add(key)
        self.till.trouble = ""
        pay.ask_about_refund(self.fair.database, self._gateways, key=key, now=self.market.now)
        self.market.refund_heard(key, "failed")
        if looked_at:
            self._finance_looks(key, again=looked_at == "again")

    @precondition(lambda self: bool(market_ends.refunds(self.market, "failed")))
    @rule(number=which, again=st.booleans())
    def finance_looks_at_a_refund(self, number: int, *, again: bool) -> None:
        self._finance_looks(self._of(market_ends.refunds(self.market, "failed"), number), again=again)

    def _finance_looks(self, key: str, *, again: bool) -> None:
        values = {"key": key, "reason": "asked for", "actor": STAFF} | ({} if again else {"reference": "bank 1"})
        done = self.tried(resolving.send_refund_again if again else resolving.paid_by_hand, **values)
        assert done is market_ends.resolve(self.market, key, again=again)

    @rule(code=codes, sure=st.sampled_from([True, False, False]))
    def withdraw(self, code: str, *, sure: bool) -> None:
        if sure:
            done = self.tried(actions.withdraw, slug=SLUG, code=code, reason="no yarn", actor=STAFF)
            assert done is market_ends.withdraw(self.market, code)

    @precondition(lambda self: len(self.market.payments) > 3)
    @rule(sure=st.sampled_from([True, False, False, False]))
    def cancel_the_campaign(self, *, sure: bool) -> None:
        if sure:
            done = self.tried(actions.cancel_campaign, slug=SLUG, reason="a flood", actor=STAFF)
            assert done is market_ends.cancel_campaign(self.market)

    @precondition(lambda self: self.market.state in ("settling", "decided") or len(self.market.payments) > 4)
    @rule()
    def decide(self) -> None:
        done = self.tried(production.decide, slug=SLUG, actor="cli:test")
        assert done is market_ends.decide(self.market)

    @precondition(lambda self: self.market.state == "ordering" and len(self.market.payments) > 1)
    @rule(trouble=troubles)
    def ordering_is_over(self, trouble: str) -> None:
        """It closes, everything is asked for, and the campaign is decided."""
        self.market.now = max(self.market.now, self.market.rules.ends)
        self.tick()
        self.work(trouble)
        self.market.now += self.market.rules.settle
        self.decide()

    @was_decided
    @rule(reminds=st.booleans(), waits=st.sampled_from([True, True, False]))
    def settle(self, *, reminds: bool, waits: bool) -> None:
        """The grace ends, after a reminder that arrived or none; sometimes somebody doesn't wait for it."""
        if waits:
            self.market.now = max(self.market.now, self.market.rules.due + self.market.rules.grace)
        for ref in self.people.keys() - self.market.reminded if reminds else ():
            self._remind(ref)
        done = self.tried(defaults.settle, slug=SLUG, actor="worker")
        assert done is market_ends.settle(self.market)

    def _remind(self, ref: str) -> None:
        told = {
            "event": reminding.event(ref, Reminder.ONE_DAY),
            "channel": "email",
            "recipient": "a@example.com",
            "about": ref,
            "fields": {},
        }
        with self.fair.database.transaction() as session:
            when = {"created_at": self.market.now, "sent_at": make.ORDERING_CLOSES}
            session.add(Message(**told, template="balance_reminder", locale="en", state=MessageState.SENT, **when))
        self.market.reminded.add(ref)

    @was_decided
    @rule(code=codes)
    def cannot_deliver(self, code: str) -> None:
        done = self.tried(undeliverable.cannot_deliver, slug=SLUG, code=code, reason="it burnt", actor=STAFF)
        assert done is market_ends.cannot_deliver(self.market, code)

    @invariant()
    def the_program_says_what_the_model_says(self) -> None:
        assert self.fair.seen(self.market) == wanted(self.market)

    def teardown(self) -> None:
        """Ask for everything by a good line, events included, until nothing is open; then all books agree."""
        if not hasattr(self, "market"):
            return
        for _ in range(3):
            self.wait(60 * 25, ticks=False)
            self.work("")
            for number in range(len(self.market.payments)):
                self.an_event_names(number)
        self.work("")
        self.the_program_says_what_the_model_says()
        assert not [key for key, each in self.market.payments.items() if each.state in OPEN]
        assert self.till.holds() == -self.market.books[PSP]
        with self.fair.database.reading() as session:
            assert audit(session) == []


def played(season: type[Season], examples: int, steps: int) -> None:
    """Play so many campaigns of so many steps."""
    slow = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
    how = settings(max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=slow)
    run_state_machine_as_test(season, settings=how)


@contextmanager
def on(opened: AbstractContextManager[Any]) -> Iterator[type[Season]]:
    """Yield the machine on a database."""
    fair = Fair(opened)
    try:
        yield type("SeasonHere", (Season,), {"fair": fair})
    finally:
        fair.close()


def test_a_campaign_is_what_the_model_says_after_every_step(tmp_path: Path) -> None:
    with on(databases.sqlite(tmp_path)) as season:
        played(season, 240, 40)


def test_on_postgresql_it_is_too() -> None:
    with on(databases.postgresql()) as season:
        played(season, 60, 40)


@pytest.mark.long
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("which", ["sqlite", "postgresql"])
def test_it_is_for_300_long_campaigns(which: str, tmp_path: Path) -> None:
    with on(databases.sqlite(tmp_path) if which == "sqlite" else databases.postgresql()) as season:
        played(season, 300, 40)
