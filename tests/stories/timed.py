"""A shop whose clock the story sets: its pages on a real port, its worker in rounds when the story says so, its gateway's books open."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.request import Request, urlopen

from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from c2b.app import create_app
from c2b.campaigns.models import Campaign, Offer, Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits import actions as deposits
from c2b.deposits import bookkeeping, pay
from c2b.ledger.queries import balances
from c2b.payments import statements
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import MoneyCase, Payment, Refund
from c2b.payments.protocol import About
from c2b.people import actions as people
from c2b.people.models import Address
from c2b.people.rules import Role
from c2b.production import actions as production
from c2b.production.queries import preview
from c2b.settings import Settings
from c2b.work import Worker, audit
from tests import books, databases, make
from tests.payments.books import Event
from tests.safety.rails import Trial
from tests.stories.shop import Shop

SLUG = "ss27"
OPEN = make.ORDERING_OPENS + timedelta(days=1)
"""When the stories begin: in the middle of ordering."""
CLOSED = make.ORDERING_CLOSES + timedelta(hours=1)
DECIDED = make.ORDERING_CLOSES + timedelta(days=1)
BALANCE = DECIDED + timedelta(days=3)
DUE = BALANCE + timedelta(days=14)
GRACE = 7
PASSWORD = "a sentence is easy to remember"
PRODUCTS = {
    "K1": ("盐田条纹衬衫", "Salt-field stripe shirt", 29900),
    "K2": ("星渡吊带裙", "Star-crossing slip dress", 35000),
    "K3": ("炉边绞花针织", "Hearth cable knit", 42000),
}


class _Quiet(WSGIRequestHandler):
    """Requests are nothing to read about."""

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  as its base calls it
        """Say nothing."""


class Clock:
    """The shop's time: it goes on a little with every look, so that what happens later is later."""

    def __init__(self) -> None:
        self.at = OPEN

    def __call__(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at


class TimedShop(Shop):
    """One campaign that takes pre-orders; whatever isn't named stands as tests usually have it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = Clock()
        self.data.mkdir()
        self._file = self.data / "c2b.db"
        databases.put_sqlite(self._file)
        values = {"database_url": f"sqlite:///{self._file}", "data": self.data, "secret_key": "k" * 40, "base_url": self.url}
        self.settings = Settings.model_validate(values)
        self._app = create_app(self.settings, clock=self.clock)
        self.database: Database = self._app.extensions["c2b"].database
        self._ends = ExitStack()
        self.begins_anew()

    def begins_anew(self) -> None:
        """Forget everything that happened; what is slow to start stays."""
        self.database.close()
        databases.put_sqlite(self._file)
        shutil.rmtree(self.data / "outbox", ignore_errors=True)
        for file in self.data.glob("sandbox.db*"):
            file.unlink()
        self.clock.at = OPEN
        self.gateway = Trial(Sandbox(self.data / "sandbox.db", self.clock))
        self._worker = Worker(self.database, self.settings, now=self.clock)
        ways: list[Any] = [self._app.extensions["c2b"].gateways, self._worker._gateways]
        for each in ways:
            each["sandbox"] = self.gateway

    def sells(self, *codes: str, minimum: int = 1, **campaign: Any) -> None:
        """Take pre-orders for some of `PRODUCTS`."""
        window = {"balance_opens": BALANCE, "balance_due": DUE, "grace_days": GRACE}
        rules = {"state": CampaignState.ORDERING, "voting_opens": None, "voting_closes": None, "minimum": minimum} | window
        with self.database.transaction() as session:
            made = make.campaign(session, **(rules | campaign))
            mill = make.supplier(session, f"TX-{made.slug}")
            for position, code in enumerate(codes, start=1):
                name, name_en, price = PRODUCTS[code]
                product = make.candidate(session, made, code, price=price, position=position, name=name, name_en=name_en)
                make.offer(session, product, mill)

    def lowers(self, code: str, *, units: int, price: int) -> None:
        """Offer a product more cheaply from a number of units on."""
        with self.database.transaction() as session:
            product = make.candidate_of(session, make.campaign_of(session, SLUG), code)
            session.get_one(Offer, product.id).tier2_units = units
            for variant in session.scalars(select(Variant).where(Variant.candidate_id == product.id)):
                variant.tier2_price = price

    def needs(self, code: str, *, size: str, units: int) -> None:
        """Let one size of a product need units for itself."""
        with self.database.transaction() as session:
            variants = make.variants(session, make.candidate_of(session, make.campaign_of(session, SLUG), code))
            next(one for one in variants if one.sku.endswith(f"-{size}")).minimum = units

    def has_sold(self, code: str, units: int, *, slug: str = SLUG, to: str = "") -> str:
        """Let somebody else, or who has an address, order and pay so many; returns the order's reference."""
        with self.database.transaction() as session:
            variant = make.variants(session, make.candidate_of(session, make.campaign_of(session, slug), code))[0]
            owner = select(Address.person_id).where(Address.value == to)
            person = session.scalars(owner).one() if to else make.person(session).id
            about: dict[str, Any] = {"address": None, "idempotency_key": books.key(), "locale": "en", "now": self.clock()}
            ref = deposits.place_order(session, slug=slug, person_id=person, lines=[(variant.id, units)], **about)
        ways = {"sandbox": self.gateway}
        pay.pay(self.database, ways, order_ref=ref, person_id=person, gateway="sandbox", now=self.clock())
        key = self.payments()[-1].key
        self.gateway.approve(key)
        pay.check(self.database, ways, key=key, now=self.clock())
        return ref

    def open(self) -> None:
        """Let the pages answer."""
        server = make_server("127.0.0.1", self.port, self._app, threaded=True, request_handler=_Quiet)
        Thread(target=server.serve_forever, daemon=True, kwargs={"poll_interval": 0.05}).start()
        for end in (self.database.close, self._app.extensions["c2b"].impressions.close, server.server_close, server.shutdown):
            self._ends.callback(end)

    def close(self) -> None:
        """Shut the pages and forget the database."""
        self._ends.close()

    def works(self) -> None:
        """Let the worker do all that is due."""
        while self._worker.round():
            pass

    def wait_until(self, happened: Any, what: str) -> Any:
        """Let the worker work, and return what `happened()` returns then."""
        self.works()
        found = happened()
        assert found, what
        return found

    def later(self, at: datetime | timedelta) -> None:
        """Let time pass, up to an instant or for so long, and the worker do what is due then."""
        self.clock.at = at if isinstance(at, datetime) else self.clock.at + at
        self.works()

    def decides(self) -> None:
        """Let ordering close and decide."""
        self.later(CLOSED)
        self.clock.at = DECIDED
        with self.database.transaction() as session:
            for slug in session.scalars(select(Campaign.slug)).all():
                seen = preview(session, slug=slug).input_hash
                production.approve(session, slug=slug, expected=seen, actor="staff:merchandiser@example.com", now=DECIDED)
                production.decide(session, slug=slug, actor="staff:manager@example.com", now=DECIDED)
        self.works()

    @contextmanager
    def post_is_down(self) -> Iterator[None]:
        """Let no mail out meanwhile."""
        outbox, away = self.data / "outbox", self.data / "away"
        outbox.rename(away)
        outbox.touch()
        yield
        outbox.unlink()
        away.rename(outbox)

    def hires(self, email: str, role: Role) -> None:
        """Give somebody an account."""
        with self.database.transaction() as session:
            people.add_staff(session, email=email, role=role, actor="cli:test", now=self.clock(), password=PASSWORD)

    def payments(self) -> list[Payment]:
        """Return all payments, oldest first."""
        with self.database.reading() as session:
            return list(session.scalars(select(Payment).order_by(Payment.id)))

    def hears(self, event: Event) -> int:
        """Let the gateway call; returns the answer's status."""
        headers, body = event
        with urlopen(Request(f"{self.url}/webhooks/sandbox", body, headers), timeout=10) as answer:  # noqa: S310  our own server
            return int(answer.status)

    def books_late(self, key: str) -> None:
        """Let a bank that was slow pay after all what was given up, and the gateway call."""
        self.gateway._write("UPDATE payment SET paid_at = ? WHERE key = ?", self.clock().isoformat(), key)
        self.gateway._tell(About.PAYMENT, key)
        assert [self.hears(event) for event in self.gateway.events()][-1] == HTTPStatus.OK

    def takes_another_amount(self, amount: int) -> None:
        """Let the gateway take other money for the last payment than was asked for."""
        self.gateway._write("UPDATE payment SET amount = ? WHERE key = ?", amount, self.payments()[-1].key)

    def lets_refunds_bounce(self) -> None:
        """Let all that was sent back come back, and the gateway call."""
        with self.database.reading() as session:
            for key in session.scalars(select(Refund.key)).all():
                self.gateway.bounce(key)
        assert {self.hears(event) for event in self.gateway.events()} == {HTTPStatus.OK}

    def has_nothing_amiss(self) -> None:
        """See that every promise holds and that the gateway's books say what the ledger says: a story's last sentence."""
        self.works()
        theirs = self.gateway.captured() - self.gateway.refunded()
        with self.database.reading() as session:
            assert audit(session) == []
            assert -balances(session, [books.PSP])[books.PSP] == theirs

    def statement_agrees(self) -> None:
        """Import the gateway's statement of all time, and see that nothing on it differs from intents and ledger."""
        content = self.gateway.sandbox.write_statement(since=OPEN - timedelta(days=1), until=self.clock())
        read = statements.read({"sandbox": self.gateway}, gateway="sandbox", content=content)
        with self.database.transaction() as session:
            statements.import_statement(session, read, name="all.csv", actor="staff:finance@example.com", now=self.clock())
        bookkeeping.match(self.database, self.clock())
        with self.database.reading() as session:
            assert session.scalars(select(MoneyCase).where(MoneyCase.closed_at.is_(None))).all() == []
