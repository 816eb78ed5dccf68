"""Run as a program: orders live their lives in processes that kill -9 ends at named points and before any statement, then are finished.

Prints one JSON document: how often it was killed, at which points, and everything that doesn't agree afterwards. `--fault NAME` is a
control: with one deliberate fault in the handling of money there must be something that doesn't agree.
"""

import argparse
import json
import logging
import os
import signal
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatch
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import pay, sending
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Money, Outcome
from c2b.deposits.standing import money_states
from c2b.errors import Refused
from c2b.payments.models import Payment
from c2b.production import actions as production
from tests import books
from tests.deposits.scene import Shop
from tests.safety.money_faults import FAULTS
from tests.safety.rails import Trial
from tests.safety.season import books_differ, door, seeded

PSP = "psp:sandbox:main"
CLOSES = datetime(2030, 1, 1, tzinfo=UTC)
KINDS = ("keeps", "cancels", "bounces")
TROUBLES: tuple[list[str], ...] = ([], ["lost"], [""], ["", "lost"], ["down"], ["", "", "lost"], [])
POINTS = (
    "pay:1:statement#5",  # inside the first transaction
    "pay:1:commit",
    "pay:1:committed",  # after it
    "pay:start:asked",  # before the call
    "pay:start:done",  # sent, the answer is lost
    "pay:2:statement",  # the answer received
    "pay:2:statement#4",  # inside the second transaction
    "pay:2:commit",
    "pay:2:committed",
    "knock:received",
    "knock:1:statement",  # inside the inbox transaction
    "knock:1:commit",
    "knock:1:committed",  # kept, no 2xx
    "knock:answered",  # 2xx, not applied
    "hear:1:statement#6",
    "hear:1:committed",  # applied, the event not ticked off
    "sweep:1:statement#4",
    "cancel:1:statement#4",
    "cancel:1:commit",
    "refunds:1:statement",  # claiming
    "refunds:1:committed",
    "refunds:refund:asked",
    "refunds:refund:done",
    "refunds:2:statement#4",
    "refunds:2:commit",
    "refunds:query_refund:done",
    "told:1:commit",  # a bounce's event
    "told:answered",
    "told:answered#2",  # 2xx for the bounce, not applied
    "learn:1:statement#4",
)
"""Step, transaction of the step or call, what happens there; `#n`: the n-th time."""
LATE = POINTS[POINTS.index("cancel:1:statement#4") :]
"""Only orders that end come by there."""
SPECIAL = {"sweep:1:statement#4": ["", "lost"]}
"""What has to go wrong first."""
DECIDING = ("decide:1:statement#3", "decide:1:statement#11", "decide:1:statement#19", "decide:1:commit", "refunds:refund:done#7")
ENDS = {"keeps": {Money.HELD}, "cancels": {Money.REFUNDED, Money.NOTHING}, "bounces": {Money.REFUND_DUE, Money.NOTHING}}
"""Where the money of an order ends; `nothing`: it was cancelled before its money was heard of."""


class Moments:
    """Counts what happens in this process by step and name, and kills it at the moment that it is told."""

    def __init__(self) -> None:
        self.target, self.left = "", 0
        self.step, self.transaction = "", 1

    def aim(self, target: str, number: int) -> None:
        """Die at a point, or, where none is named, at the moment with this number."""
        self.target, _, times = target.partition("#")
        self.left = int(times or 1) if target else number

    def at(self, step: str) -> None:
        """Begin a step."""
        self.step, self.transaction = step, 1

    def __call__(self, what: str) -> None:
        """Go one moment further, or die."""
        if self.left and fnmatch(f"{self.step}:{what}", self.target or "*"):
            self.left -= 1
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, database: Database) -> None:
        """See every statement and commit of a database."""
        event.listen(database.engine, "before_cursor_execute", lambda *_: self(f"{self.transaction}:statement"))
        event.listen(database.engine, "commit", lambda _: self(f"{self.transaction}:commit"))
        event.listen(Session, "after_commit", self._committed)

    def _committed(self, _session: Session) -> None:
        self(f"{self.transaction}:committed")
        self.transaction += 1


@dataclass
class Life:
    """One order, and what its customer and bank will do."""

    ref: str
    person: int
    kind: str
    troubles: list[str] = field(default_factory=list)


@dataclass
class Program:
    """A process that works on a life: its shop, gateway and door."""

    shop: Shop
    moments: Moments

    def __post_init__(self) -> None:
        trial = self.shop.gateway
        assert isinstance(trial, Trial)
        self.trial, self.gateways = trial, {"sandbox": trial}
        self.trial.moment = self.moments
        self.door = door(self.shop.database, self.gateways, self.shop).test_client()
        self.moments.watch(self.shop.database)

    def live(self, life: Life) -> None:
        """Do all that has to be done for an order; done again it goes on where it was."""
        self.trial.troubles[:] = life.troubles
        self._step("pay", lambda: pay.pay(self.shop.database, self.gateways, **self._about(life)))
        self.trial.approve_all()
        self._step("knock", self._knock)
        self._step("hear", self._hear)
        self.shop.forward(minutes=2)
        self._step("sweep", lambda: pay.sweep(self.shop.database, self.gateways, self.shop.now))
        if life.kind == "keeps":
            return
        self._step("cancel", lambda: self.shop.cancel(life.ref, life.person))
        self._step("refunds", lambda: sending.send_refunds(self.shop.database, self.gateways, self.shop.now))
        if life.kind == "bounces":
            for key in self._sent(life):
                self.trial.bounce(key)
        self._step("told", self._knock)
        self._step("learn", self._hear)

    def decide(self) -> None:
        """Decide the campaign, and send back what it sends back."""
        self._step("decide", self._decide)
        self._step("refunds", lambda: sending.send_refunds(self.shop.database, self.gateways, self.shop.now))

    def _about(self, life: Life) -> dict[str, Any]:
        return {"order_ref": life.ref, "person_id": life.person, "gateway": "sandbox", "now": self.shop.now}

    def _step(self, name: str, work: Callable[[], Any]) -> None:
        self.moments.at(name)
        with suppress(Refused):  # it was done before the kill
            work()
        self.moments.at("")

    def _knock(self) -> None:
        for number, (headers, body) in self.trial.unheard():
            self.moments("received")
            assert self.door.post("/webhooks/sandbox", data=body, headers=headers).status_code == 200
            self.trial.has_heard(number)
            self.moments("answered")

    def _hear(self) -> None:
        pay.hear(self.shop.database, self.gateways, self.shop.now)

    def _decide(self) -> None:
        with self.shop.database.transaction() as session:
            production.decide(session, slug="ss27", actor="cli:test", now=self.shop.now)

    def _sent(self, life: Life) -> list[str]:
        """Return the order's first refund that the gateway has sent."""
        mine = "SELECT key FROM refund WHERE payment = ? ORDER BY rowid"
        with self.shop.database.reading() as session:
            keys = session.scalars(select(Payment.key).where(Payment.payer == life.ref, Payment.captured > 0)).all()
        return [found[0] for key in keys if (found := self.trial._column(mine, key))]


@dataclass
class Crashes:
    """The parent: makes orders, lets children die with them, finishes them, and compares the books."""

    program: Program
    random: Random
    kills: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)

    @property
    def shop(self) -> Shop:
        """The shop, between the kills."""
        return self.program.shop

    def run(self, kills: int, *, stop_early: bool) -> None:
        """Kill so many children; every third life is killed a second time in a row."""
        for number, target in enumerate(self._targets(kills)):
            if self.kills.total() >= kills - len(DECIDING) or (stop_early and self.problems):
                break
            self._one(number, target)
            self._compare(audited=number % 10 == 0 or stop_early)
        if not (stop_early and self.problems):
            self._decision()

    def _targets(self, kills: int) -> Iterator[tuple[str, int]]:
        """Name the points first, then any moment."""
        yield from ((point, 0) for point in POINTS)
        for _ in range(kills * 3):
            yield "", self.random.randint(1, 190)

    def _one(self, number: int, target: tuple[str, int]) -> None:
        person = self.shop.customer()
        kind = "bounces" if target[0] in LATE else KINDS[number % 3]
        troubles = SPECIAL.get(target[0], []) if target[0] else TROUBLES[number % len(TROUBLES)]
        life = Life(self.shop.order(person, (self.shop.variants("K1")[0].id, 1)), person, kind, list(troubles))
        if target[0] == "refunds:query_refund:done":
            self._dies(lambda: self.program.live(life), ("refunds:refund:asked", 0))
        if self._dies(lambda: self.program.live(life), target) and number % 3 == 2:
            self._dies(lambda: self.program.live(life), ("", self.random.randint(1, 120)))
        self._finish(life)

    def _dies(self, work: Callable[[], None], target: tuple[str, int]) -> bool:
        """Work in a process of its own that dies at the point; tell whether it did. Time passes until somebody restarts it."""
        self.shop.database.close()  # no connection goes along; what is prepared of statements does
        child = os.fork()
        if child == 0:
            self.program.moments.aim(*target)
            work()
            os._exit(0)
        _, status = os.waitpid(child, 0)
        died = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not died and status:
            self.problems.append(f"a process failed on its way to {target}")
        self.kills.update({target[0] or "anywhere": int(died)})
        self.shop.forward(minutes=5)
        return died

    def _finish(self, life: Life) -> None:
        """Restart undisturbed until all is done, and look where the order's money is."""
        life.troubles = []
        for pause in (5, 10, 20):
            self.shop.forward(minutes=pause)
            self.program.live(life)
        line = self.shop.lines(life.ref)[0]
        owed = self.shop.balances(f"owed:{life.ref}")[f"owed:{life.ref}"]
        if owed != (line.deposit if life.kind == "bounces" else 0):
            self.problems.append(f"an order that {life.kind} is owed {owed}")
        with self.shop.database.reading() as session:
            money = money_states(session, lines=books.ids(line.id), now=self.shop.now)[line.id]
        if money not in ENDS[life.kind]:
            self.problems.append(f"an order that {life.kind} ends {money}")

    def _compare(self, *, audited: bool) -> None:
        theirs, ours = self.program.trial.captured() - self.program.trial.refunded(), -self.shop.balances(PSP)[PSP]
        if audited:
            self.problems += books_differ(self.shop, PSP, theirs)
        elif theirs != ours:
            self.problems.append(f"the gateway has {theirs}, the ledger {ours}")

    def _decision(self) -> None:
        """Close ordering, die in the decision and in what it sends back, and finish: nobody's minimum was reached."""
        with self.shop.database.transaction() as session:
            session.scalars(select(Campaign)).one().state = CampaignState.SETTLING
        self.shop.now = CLOSES + timedelta(days=2)
        for point in DECIDING:
            self._dies(self.program.decide, (point, 0))
        for _ in range(3):
            self.shop.forward(hours=2)
            self.program.decide()
        self._compare(audited=True)
        with self.shop.database.reading() as session:
            undecided = OrderLine.outcome.in_((Outcome.OPEN, Outcome.ALLOCATED))
            self.problems += [f"line {line} was never decided" for line in session.scalars(select(OrderLine.id).where(undecided))]


def main() -> dict[str, Any]:
    """Read what is wanted, and do it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=120)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fault", choices=FAULTS, default="")
    wanted = parser.parse_args()
    with closing(Database(wanted.url)) as database, pytest.MonkeyPatch.context() as patch:
        shop = Shop(database, wanted.folder, ordering_closes=CLOSES, minimum=100_000)
        shop.sells("K1")
        shop.gateway = Trial(shop.sandbox)
        FAULTS[wanted.fault](patch)
        crashes = Crashes(Program(shop, Moments()), seeded(wanted.seed))
        try:
            crashes.run(wanted.kills, stop_early=bool(wanted.fault))
        except IntegrityError as error:  # what a kill tore apart and a constraint notices at the restart
            crashes.problems.append(f"the database refused: {error}")
    return {"kills": crashes.kills.total(), "points": dict(crashes.kills), "problems": crashes.problems}


if __name__ == "__main__":
    warnings.simplefilter("error")
    logging.disable()
    sys.stdout.write(json.dumps(main()))
