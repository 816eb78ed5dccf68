"""Many orders at once by a gateway whose line is as bad as a rate says; at the end gateway, ledger and orders have to agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from flask import Flask
from sqlalchemy import func, select

from c2b.api import webhooks
from c2b.db import Database
from c2b.deposits import pay, sending
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Money, Outcome
from c2b.deposits.standing import money_states
from c2b.errors import Refused
from c2b.payments.models import InboxEvent, Payment, Refund
from c2b.payments.protocol import Gateways
from c2b.payments.rules import OPEN, PaymentState, RefundState
from c2b.settings import Settings
from c2b.ui.shell import Parts, reserve_viewers
from c2b.ui.viewers import ViewerNumbers
from c2b.voting.seen import Impressions
from c2b.work import audit
from tests import books
from tests.deposits.scene import Shop
from tests.payments.books import Event
from tests.safety.rails import Rail, Trial

TROUBLES = ("down", "lost", "error", "done-error")
PATHS = {
    "pays": ("pay", "approve"),
    "declined": ("pay", "decline", "pay", "approve"),
    "cancels": ("pay", "approve", "cancel"),
    "hurries": ("pay", "cancel", "approve"),
    "leaves": ("pay",),
    "bounced": ("pay", "approve", "cancel", "returned", "bounce"),
    "disputed": ("pay", "approve", "dispute"),
    "late": ("pay", "approve_late"),
}
"""What customers, their banks and the gateway do, one thing a round."""
ENDS = {
    "pays": {Money.HELD},
    "declined": {Money.HELD},
    "cancels": {Money.REFUNDED, Money.NOTHING},
    "hurries": {Money.REFUNDED, Money.NOTHING},
    "leaves": {Money.DEPOSIT_DUE},
    "bounced": {Money.REFUND_DUE, Money.NOTHING},
    "disputed": {Money.DISPUTED},
    "late": {Money.HELD},
}
"""Where the money of such a line ends, whatever got lost on the way; `nothing`: it was cancelled before its money was heard of."""


def seeded(seed: int) -> Random:
    """Return chance that is the same every time."""
    return Random(seed)  # noqa: S311  nothing here has to be secret


def door(database: Database, gateways: Gateways, shop: Shop) -> Flask:
    """Return the shop's door for gateways, and nothing else of it."""
    app = Flask("door")
    settings = Settings.model_validate({"database_url": database.engine.url.render_as_string(hide_password=False)})
    numbers = ViewerNumbers(reserve_viewers(database))
    app.extensions["c2b"] = Parts(settings, database, numbers, Impressions(database), gateways, lambda: shop.now)
    app.register_blueprint(webhooks.bp)
    return app


@dataclass
class Buyer:
    """One order and how far it has come on its path."""

    path: str
    person: int
    ref: str
    key: str = ""
    step: int = 0

    @property
    def verb(self) -> str:
        """What happens next; empty: nothing any more."""
        verbs = PATHS[self.path]
        return verbs[self.step] if self.step < len(verbs) else ""


@dataclass
class Figures:
    """What happened."""

    troubles: int = 0
    events: int = 0
    doubled: int = 0
    forged: int = 0


@dataclass
class Season:
    """Customers, gateway and worker in rounds of a minute."""

    shop: Shop
    rail: Rail
    rate: float
    random: Random
    buyers: list[Buyer] = field(default_factory=list)
    pending: list[Event] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)

    def __post_init__(self) -> None:
        self.gateways = {self.rail.name: self.rail.gateway}
        self.door = door(self.shop.database, self.gateways, self.shop).test_client()
        if isinstance(self.rail.books, Trial):
            self.rail.books.before_answer = self.early

    def opens(self, orders: int) -> None:
        """Let customers order; the paths in turn."""
        variant = self.shop.sells("K1")[0]
        for number in range(orders):
            person = self.shop.customer()
            path = self.rail.paths[number % len(self.rail.paths)]
            self.buyers.append(Buyer(path, person, self.shop.order(person, (variant, 1))))

    def run(self) -> Figures:
        """Play until everybody is through, then let the line be good and time pass."""
        for _ in range(200):
            if not any(buyer.verb for buyer in self.buyers):
                break
            self.round()
        assert not [buyer for buyer in self.buyers if buyer.verb], "somebody never came through"
        self.rate = 0
        for pause in (2, 2, 60, 60, 60 * 25, 60, 60):
            self.shop.forward(minutes=pause)
            self.deliver()
            self.work()
        return self.figures

    def round(self) -> None:
        """Let everybody do one thing, in any order, and the worker work once."""
        self.shop.forward(seconds=61)
        for buyer in self.random.sample(self.buyers, len(self.buyers)):
            if buyer.verb:
                with self.bad_line(1):
                    buyer.step += getattr(self, f"_{buyer.verb}")(buyer)
        self.deliver()
        self.work()

    @contextmanager
    def bad_line(self, calls: int) -> Iterator[None]:
        """Draw what happens to the next calls."""
        drawn = [self.random.choice(TROUBLES) if self.random.random() < self.rate else "" for _ in range(calls)]
        self.rail.books.troubles[:] = drawn
        yield
        left = [each for each in self.rail.books.troubles if each]
        self.figures.troubles += len([each for each in drawn if each]) - len(left)
        self.rail.books.troubles.clear()

    def work(self) -> None:
        """Do what the worker does in a round."""
        database, now = self.shop.database, self.shop.now
        with self.bad_line(len(self.buyers) * 3):
            pay.hear(database, self.gateways, now)
            pay.sweep(database, self.gateways, now)
            sending.send_refunds(database, self.gateways, now)

    def early(self) -> None:
        """Deliver an event while the call that made it is still waiting for its answer, and do what it asks for."""
        if self.random.random() < self.rate:
            books = self.rail.books
            assert isinstance(books, Trial)
            books.before_answer = None
            self.deliver()
            pay.hear(self.shop.database, self.gateways, self.shop.now, limit=1)
            books.before_answer = self.early

    def deliver(self) -> None:
        """Deliver events, in any order: some are lost and come again, some come twice, and somebody forges some."""
        waiting, self.pending = self.pending + self.rail.books.events(), []
        self.random.shuffle(waiting)
        for event in waiting:
            if self.random.random() < self.rate:
                self.pending.append(event)
                continue
            self._forge(event)
            assert self._post(self.rail.again(event)) == 200
            self.figures.events += 1
            if self.random.random() < self.rate:
                self.pending.append(event)
                self.figures.doubled += 1

    def _forge(self, event: Event) -> None:
        if self.random.random() < 0.3:
            forged = self.random.choice(self.rail.forgeries(self.rail.again(event)))
            before = self._kept()
            assert (self._post(forged), self._kept()) == (400, before), "a forged event had an effect"
            self.figures.forged += 1

    def _post(self, event: Event) -> int:
        headers, body = event
        return self.door.post(f"/webhooks/{self.rail.name}", data=body, headers=headers).status_code

    def _kept(self) -> int:
        with self.shop.database.reading() as session:
            return session.scalar(select(func.count()).select_from(InboxEvent)) or 0

    # What people do; the answer is how many steps further they are.

    def _pay(self, buyer: Buyer) -> int:
        about: dict[str, Any] = {"order_ref": buyer.ref, "person_id": buyer.person, "gateway": self.rail.name, "now": self.shop.now}
        try:
            pay.pay(self.shop.database, self.gateways, client=self.rail.client, **about)
        except Refused:
            return 1
        newest = select(Payment.key).where(Payment.payer == buyer.ref).order_by(Payment.id.desc())
        with self.shop.database.reading() as session:
            buyer.key = session.scalars(newest).first() or ""
        return 1

    def _approve(self, buyer: Buyer, delay: timedelta | None = None) -> int:
        """Pay on the page; whoever has none comes back for it, and whose page is over begins again unless they cancelled."""
        before, payment = self.rail.books.captured(), self.shop.payment(buyer.key)
        if payment.state is PaymentState.FAILED:
            return 1 if buyer.path == "hurries" else -1
        if not payment.page:
            pay.check(self.shop.database, self.gateways, key=buyer.key, now=self.shop.now)
            return 0
        if delay is not None:
            assert isinstance(self.rail.books, Trial)
            self.rail.books.approve(buyer.key, delay=delay)
            return int(not self.rail.books.sandbox.is_open(buyer.key))
        self.rail.books.approve(buyer.key)
        return int(self.rail.books.captured() > before)

    def _approve_late(self, buyer: Buyer) -> int:
        return self._approve(buyer, timedelta(hours=25))

    def _decline(self, buyer: Buyer) -> int:
        if self.shop.payment(buyer.key).page:
            self.rail.books.decline(buyer.key)
        return 1

    def _cancel(self, buyer: Buyer) -> int:
        self.shop.cancel(buyer.ref, buyer.person)
        return 1

    def _dispute(self, buyer: Buyer) -> int:
        self.rail.books.dispute(buyer.key)
        return 1

    def _returned(self, buyer: Buyer) -> int:
        return int(self._refund(buyer).state is RefundState.SETTLED if self._refunds(buyer) else False)

    def _bounce(self, buyer: Buyer) -> int:
        self.rail.books.bounce(self._refund(buyer).key)
        return 1

    def _refund(self, buyer: Buyer) -> Refund:
        return self._refunds(buyer)[0]

    def _refunds(self, buyer: Buyer) -> list[Refund]:
        wanted = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(Payment.payer == buyer.ref)
        with self.shop.database.reading() as session:
            return list(session.scalars(wanted))

    # What has to be true in the end.

    def problems(self) -> list[str]:
        """Return everything that doesn't agree."""
        theirs = self.rail.books.captured() - self.rail.books.refunded() - self.rail.taken_back()
        found = books_differ(self.shop, self.rail.account, theirs)
        with self.shop.database.reading() as session:
            lines = {buyer.ref: self.shop.lines(buyer.ref)[0] for buyer in self.buyers}
            states = money_states(session, lines=books.ids(*(line.id for line in lines.values())), now=self.shop.now)
        owing = self.shop.balances(*(f"owed:{buyer.ref}" for buyer in self.buyers))
        for buyer in self.buyers:
            money = states[lines[buyer.ref].id]
            if money not in ENDS[buyer.path]:
                found.append(f"an order that {buyer.path} ends {money}")
            cancelled = lines[buyer.ref].outcome is Outcome.CANCELLED
            owed = owing[f"owed:{buyer.ref}"]
            if owed != (lines[buyer.ref].deposit if buyer.path == "bounced" else 0):
                found.append(f"an order that {buyer.path} is owed {owed}")
            if cancelled is not (buyer.path in ("cancels", "hurries", "bounced", "disputed")):
                found.append(f"an order that {buyer.path} is {lines[buyer.ref].outcome}")
        return found


def books_differ(shop: Shop, account: str, theirs: int) -> list[str]:
    """Return where the gateway's books (`theirs`, minor units), the ledger and the orders say different things."""
    found = []
    with shop.database.reading() as session:
        found += [str(finding) for finding in audit(session)]
        open_ones = session.scalars(select(Payment.key).where(Payment.state.in_(OPEN))).all()
        unsent = session.scalars(select(Refund.key).where(Refund.state.in_((RefundState.QUEUED, RefundState.UNKNOWN)))).all()
        accounts = [f"owed:{ref}" for ref in session.scalars(select(Order.ref))]
        accounts += [f"dep:{line}" for line in session.scalars(select(OrderLine.id))]
    ours = -shop.balances(account)[account]
    if ours != theirs:
        found.append(f"the gateway has {theirs}, the ledger {ours}")
    kept = sum(shop.balances(*accounts).values())
    if kept != theirs:
        found.append(f"the gateway has {theirs}, the orders {kept}")
    return [*found, *(f"payment {key} is still open" for key in open_ones), *(f"refund {key} never went" for key in unsent)]
