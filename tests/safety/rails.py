"""Ways to pay behind one bad line: the sandbox with events, bounces and disputes of its own, and the real SDKs with local servers."""

import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from c2b.payments.gateways.alipay.gateway import Alipay
from c2b.payments.gateways.stripe.gateway import Stripe
from c2b.payments.protocol import About, Answer, Call, Client, Disputed, Forged, Gateway, Heard, Notice
from tests.deposits.scene import Faulty, Shop
from tests.payments import stripe_server, wechat_scene
from tests.payments.alipay_server import SELLER, AlipayServer
from tests.payments.books import Event, GatewayBooks
from tests.payments.stripe_server import StripeServer
from tests.payments.wechat_server import MERCHANT

OLD = timedelta(minutes=10)
_SECRET = b"between the sandbox and us"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS bounced (refund TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS disputed (payment TEXT PRIMARY KEY, became TEXT NOT NULL DEFAULT '');
CREATE TABLE IF NOT EXISTS event (number INTEGER PRIMARY KEY, about TEXT NOT NULL, key TEXT NOT NULL, heard INTEGER NOT NULL DEFAULT 0)
"""


def _nothing(_what: str) -> None:
    """Nobody looks."""


@dataclass
class Trial(Faulty):
    """The sandbox as a real provider is: it calls us, lets refunds bounce and payments be taken back. All of it stands in its file."""

    before_answer: Callable[[], None] | None = None
    """Happens when a call is done and not answered yet: an event may be quicker."""
    moment: Callable[[str], None] = _nothing
    """Told when a call goes out and when it is done."""

    def __post_init__(self) -> None:
        with self.sandbox._books() as books:
            for statement in _SCHEMA.split(";"):
                books.execute(statement)

    def notice(self, call: Call) -> Notice | None:
        stamp = call.headers.get("x-at", "")
        if not hmac.compare_digest(call.headers.get("x-mark", ""), _mark(stamp, call.body)):
            raise Forged
        if abs(call.at - datetime.fromisoformat(stamp)) > timedelta(minutes=5):
            raise Forged
        said = json.loads(call.body)
        return Notice(said["id"], "changed", About(said["about"]), said["key"])

    def approve(self, key: str, *, delay: timedelta = timedelta(0)) -> None:
        """Pay, as the customer, if they still can."""
        if self.sandbox.is_open(key):
            self.sandbox.approve(key, delay=delay)
            self._tell(About.PAYMENT, key)

    def decline(self, key: str) -> None:
        """Say no, as the bank does."""
        if self.sandbox.is_open(key):
            self.sandbox.decline(key)
            self._tell(About.PAYMENT, key)

    def approve_all(self) -> None:
        """Pay on every page that is open: customers can, whether we know of the page or not."""
        for key in self._column("SELECT key FROM payment WHERE paid_at IS NULL AND declined_at IS NULL"):
            self.approve(key)

    def bounce(self, refund_key: str) -> None:
        """Let a refund that was sent come back."""
        if not self._column("SELECT refund FROM bounced WHERE refund = ?", refund_key):
            self._write("INSERT INTO bounced VALUES (?)", refund_key)
            self._tell(About.REFUND, refund_key)

    def dispute(self, key: str) -> None:
        """Let the customer's bank take a payment back."""
        self._write("INSERT INTO disputed (payment) VALUES (?) ON CONFLICT DO NOTHING", key)
        self._tell(About.PAYMENT, key)

    def end_dispute(self, key: str, became: str) -> None:
        """Let the bank decide a dispute, `won` or `lost`, once."""
        if self._column("SELECT payment FROM disputed WHERE payment = ? AND became = ''", key):
            self._write("UPDATE disputed SET became = ? WHERE payment = ?", became, key)
            self._tell(About.PAYMENT, key)

    def captured(self) -> int:
        """Sum all that customers paid and that counts by now."""
        found = self._column("SELECT coalesce(sum(amount), 0) FROM payment WHERE paid_at <= ?", self.sandbox._now().isoformat())
        return int(found[0])

    def refunded(self) -> int:
        """Sum all that went back and stayed there."""
        return int(self._column("SELECT coalesce(sum(amount), 0) FROM refund WHERE key NOT IN (SELECT refund FROM bounced)")[0])

    def taken_back(self) -> int:
        """Sum what banks took back and kept."""
        disputed = "SELECT payment FROM disputed WHERE became <> 'won'"
        return int(self._column(f"SELECT coalesce(sum(amount), 0) FROM payment WHERE key IN ({disputed})")[0])

    def events(self) -> list[Event]:
        """Take what there is to tell, signed now; each once."""
        told = self.unheard()
        self._write("UPDATE event SET heard = 1")
        return [event for _, event in told]

    def unheard(self) -> list[tuple[int, Event]]:
        """Return what nobody answered with 2xx yet, signed now."""
        with self.sandbox._books() as books:
            rows = books.execute("SELECT number, about, key FROM event WHERE heard = 0 ORDER BY number").fetchall()
        return [(number, self.signed(number, about, key)) for number, about, key in rows]

    def has_heard(self, number: int) -> None:
        """Note that an event was taken."""
        self._write("UPDATE event SET heard = 1 WHERE number = ?", number)

    def signed(self, number: int, about: str, key: str) -> Event:
        return signed(json.dumps({"id": f"evt-{number}", "about": about, "key": key}).encode(), self.sandbox._now())

    def _through(self, call: str, facts: Any) -> Answer:
        self.moment(f"{call}:asked")
        trouble = self.troubles.pop(0) if self.troubles else ""
        if trouble in ("down", "error"):
            raise ConnectionRefusedError
        answer = self._became(call, facts.key, getattr(self.sandbox, call)(facts))
        if call == "refund":
            self._tell(About.REFUND, facts.key)
        self.moment(f"{call}:done")
        if self.before_answer is not None:
            self.before_answer()
        if trouble:
            raise TimeoutError
        return answer

    def _became(self, call: str, key: str, answer: Answer) -> Answer:
        if answer.heard is not Heard.DONE:
            return answer
        if "refund" in call:
            came_back = self._column("SELECT refund FROM bounced WHERE refund = ?", key)
            return Answer(Heard.FAILED, why="came back") if came_back else answer
        taken = self._column("SELECT became FROM disputed WHERE payment = ?", key)
        said = [Disputed(f"dp-{key}", answer.amount, is_open=became != "won", is_lost=became == "lost") for became in taken]
        return replace(answer, disputes=tuple(said))

    def _tell(self, about: About, key: str) -> None:
        self._write("INSERT INTO event (about, key) VALUES (?, ?)", about.value, key)

    def _write(self, statement: str, *values: Any) -> None:
        with self.sandbox._books() as books:
            books.execute(statement, values)

    def _column(self, query: str, *values: Any) -> list[Any]:
        with self.sandbox._books() as books:
            return [row[0] for row in books.execute(query, values).fetchall()]


def _mark(stamp: str, body: bytes) -> str:
    return hmac.new(_SECRET, stamp.encode() + body, hashlib.sha256).hexdigest()


def signed(body: bytes, at: datetime) -> Event:
    """Sign an event as the sandbox's provider does."""
    stamp = at.isoformat()
    return {"x-at": stamp, "x-mark": _mark(stamp, body)}, body


@dataclass
class Rail:
    """One way to pay: c2b's gateway, the provider's books, and how its events are signed again and forged."""

    name: str
    account: str
    gateway: Gateway
    books: GatewayBooks
    again: Callable[[Event], Event]
    forgeries: Callable[[Event], list[Event]]
    paths: tuple[str, ...]
    """What can happen there: not every provider lets refunds bounce or payments be disputed."""
    client: Client = field(default_factory=Client)
    taken_back: Callable[[], int] = int


USUAL = ("pays", "declined", "cancels", "hurries", "leaves")


@contextmanager
def sandbox(shop: Shop, _folder: Path) -> Iterator[Rail]:
    """Pay by the sandbox."""
    trial = Trial(shop.sandbox)

    def forgeries(event: Event) -> list[Event]:
        headers, body = event
        return [({}, body), (headers, body.replace(b"evt-", b"evt-9")), signed(body, shop.now - OLD)]

    paths = (*USUAL, "bounced", "disputed", "late")
    account = "psp:sandbox:main"
    yield Rail("sandbox", account, trial, trial, lambda e: signed(e[1], shop.now), forgeries, paths, taken_back=trial.taken_back)


@contextmanager
def stripe(shop: Shop, folder: Path) -> Iterator[Rail]:
    """Pay by Stripe's own SDK."""
    with StripeServer(folder / "stripe.db", lambda: shop.now) as server:

        def forgeries(event: Event) -> list[Event]:
            headers, body = event
            return [
                ({}, body),
                (headers, body.replace(b"evt_", b"evt_9")),
                server.signed(body, secret="whsec_somebody"),
                server.signed(body, at=shop.now - OLD),
            ]

        def taken_back() -> int:
            return server._sum("SELECT coalesce(sum(amount), 0) FROM dispute WHERE status <> 'won'")

        gateway = Stripe(stripe_server.settings(server), lambda: shop.now, patience=2.0)
        again, paths = lambda event: server.signed(event[1]), (*USUAL, "bounced", "disputed")
        yield Rail("stripe", "psp:stripe:acct_local", gateway, server, again, forgeries, paths, taken_back=taken_back)


@contextmanager
def wechat(shop: Shop, folder: Path) -> Iterator[Rail]:
    """Pay by WeChat's SDK."""
    with wechat_scene.opened(folder, shop.database, lambda: shop.now) as (server, gateway):

        def forgeries(event: Event) -> list[Event]:
            headers, body = event
            by_others = [(server.signed(body, by="stranger"), body), (server.signed(body, at=shop.now - OLD), body)]
            return [({}, body), (headers, body.replace(b"EV-", b"EV-9")), *by_others]

        def again(event: Event) -> Event:
            return server.signed(event[1]), event[1]

        client = wechat_scene.AT_DESK
        yield Rail("wechat", f"psp:wechat:{MERCHANT}", gateway, server, again, forgeries, (*USUAL, "bounced"), client)


@contextmanager
def alipay(shop: Shop, folder: Path) -> Iterator[Rail]:
    """Pay by Alipay's SDK."""
    with AlipayServer(folder / "alipay", lambda: shop.now) as server:
        server.address_of = lambda key: shop.payment(key).page

        def said(event: Event) -> dict[str, Any]:
            told = dict(parse_qsl(event[1].decode()))
            return {name: value for name, value in told.items() if name not in ("sign", "sign_type", "notify_time")}

        def forgeries(event: Event) -> list[Event]:
            headers, body = event
            changed = (headers, body.replace(b"total_amount=", b"total_amount=1"))
            return [changed, server.notice(signer="somebody", **said(event)), server.notice(**{**said(event), "seller_id": "2088999"})]

        gateway = Alipay(server.settings(), lambda: shop.now, time_out=2.0)
        yield Rail("alipay", f"psp:alipay:{SELLER}", gateway, server, lambda e: server.notice(**said(e)), forgeries, USUAL)


RAILS = {"sandbox": sandbox, "stripe": stripe, "wechat": wechat, "alipay": alipay}
