"""What c2b asks of a gateway, and what it may hear. A gateway knows money, not goods."""

import enum
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

_log = logging.getLogger(__name__)


class Heard(enum.StrEnum):
    """What a gateway said about one payment or refund."""

    PENDING = "pending"
    """It knows it, and no money has moved yet."""
    DONE = "done"
    """The money moved: captured, or refunded."""
    FAILED = "failed"
    """It never will; of a refund that was done: the money came back to us."""
    ABSENT = "absent"
    """It surely never heard of this key."""
    UNKNOWN = "unknown"
    """Nobody knows: a time-out, an error, an answer that can't be read. Never taken for a failure."""


@dataclass(frozen=True)
class Disputed:
    """Money of a captured payment that the customer's bank took back, or gave to us again; `amount` in minor units of the payment."""

    reference: str
    """The gateway's name for the dispute."""
    amount: int
    is_open: bool = True
    """False: it was won, the money is ours again."""
    is_lost: bool = False
    """Nothing can be said against it any more; while neither is known it isn't decided."""


@dataclass(frozen=True)
class Answer:
    """One answer; amount (minor units), currency, merchant and reference come with `DONE`, the customer's page with `PENDING`."""

    heard: Heard
    page: str = ""
    amount: int = 0
    currency: str = ""
    merchant: str = ""
    reference: str = ""
    """The gateway's name for the money, which never changes; unique over all gateways."""
    why: str = ""
    handle: str = ""
    """The gateway's own name for what was begun, or what to call it by next; given back with the facts of later calls."""
    disputes: tuple[Disputed, ...] = ()
    """With `DONE`, of a payment."""


@dataclass(frozen=True)
class Client:
    """What is known of the browser that pays; all empty where nobody is there, as when the worker asks."""

    agent: str = ""
    ip: str = ""
    openid: str = ""
    """Who it is to us within WeChat."""

    @property
    def is_wechat(self) -> bool:
        """Whether the page is open inside WeChat, where only WeChat's own payment works."""
        return "MicroMessenger" in self.agent

    @property
    def is_stranger(self) -> bool:
        """Whether the page is open inside WeChat, but nobody asked WeChat yet who this is to us."""
        return self.is_wechat and not self.openid

    @property
    def is_phone(self) -> bool:
        """Whether the browser is one of a telephone."""
        return "Mobile" in self.agent


@dataclass(frozen=True)
class PaymentFacts:
    """A payment as the gateway is told of it; the same key always means the same payment."""

    key: str
    amount: int
    currency: str
    merchant: str
    expires_at: datetime
    """Not to be captured later; a gateway that can't promise this makes late money, which goes back."""
    back: str
    """Where the customer returns to: a path of the shop."""
    handle: str = ""
    """What the gateway called it, if it ever answered."""
    client: Client = Client()


@dataclass(frozen=True)
class RefundFacts:
    """A refund as the gateway is told of it; the same key always means the same refund."""

    key: str
    payment_key: str
    amount: int
    currency: str
    payment_reference: str
    payment_amount: int = 0
    """All that was captured: some gateways want to be told."""
    payment_handle: str = ""
    handle: str = ""
    merchant: str = ""
    """Our account there that has the money."""


@dataclass(frozen=True)
class Limits:
    """What a gateway doesn't let anybody do; None or zero: it says nothing about it. Each gateway names its sources."""

    currencies: tuple[str, ...] = ()
    """All that it takes."""
    refunded_within: timedelta | None = None
    """After the payment; later it refuses, so a campaign whose refunds could come later can't use it."""
    refunds_each: int | None = None
    """Refunds of one payment."""
    refund_gap: timedelta = timedelta(0)
    """Between two refunds of one payment."""
    refunds_a_second: float | None = None
    """Of one merchant."""
    key_lasts: timedelta | None = None
    """How long it remembers a key: after that the same call would move money a second time, so it is asked, or a person decides."""
    unfunded_for: timedelta | None = None
    """How long a refund may wait for money on our account there before it is closed and needs a new key."""


class About(enum.StrEnum):
    """What a gateway's event is about."""

    PAYMENT = "payment"
    REFUND = "refund"


@dataclass(frozen=True)
class Call:
    """A request of a gateway as it came in: the signature is over these very bytes. Header names are in lower case."""

    headers: Mapping[str, str]
    body: bytes
    at: datetime


@dataclass(frozen=True)
class Notice:
    """What a verified event says: ask about this key. What became of it is always asked for, so that no event is believed a sum."""

    id: str
    """The event's, at the gateway: the same event twice is one."""
    kind: str
    """As the gateway calls it."""
    about: About
    key: str
    """Ours, of a payment or refund."""


class Forged(Exception):
    """A call that isn't the gateway's, is older than five minutes, or is meant for another merchant; it has no effect."""


class Entry(enum.StrEnum):
    """What a line of a provider's statement is."""

    PAYMENT = "payment"
    REFUND = "refund"
    FEE = "fee"
    PAYOUT = "payout"
    DISPUTE = "dispute"
    OTHER = "other"


@dataclass(frozen=True)
class StatementLine:
    """One line of a provider's statement; amounts in minor units, positive where money came to us, fee as it was taken."""

    line: int
    """In the file."""
    entry: Entry
    key: str
    """Ours, of payment or refund; empty where the line has none."""
    reference: str
    """The provider's."""
    amount: int
    fee: int
    currency: str
    at: datetime


class Gateway(Protocol):
    """Moves money; each call may be repeated with the same facts and then changes nothing. Any call may raise: that is `unknown`."""

    @property
    def merchant(self) -> str:
        """Our account there."""

    @property
    def limits(self) -> Limits:
        """What it doesn't let us do."""

    @property
    def lasts(self) -> timedelta:
        """How long a customer may take to pay."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """Sites that customers are sent to, as a content security policy writes them."""

    @property
    def thanks(self) -> str:
        """What it wants to read when its event was taken."""

    def is_offered(self, client: Client) -> bool:
        """Say whether a customer with this browser can pay by it."""

    def start(self, facts: PaymentFacts) -> Answer:
        """Make the payment known and return where the customer pays."""

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of a payment."""

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back by the payment that it came with."""

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund."""

    def notice(self, call: Call) -> Notice | None:
        """Verify an event and say what it is about; None: nothing that we need. Raises Forged."""

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        """Read a statement as the provider writes it; raises Invalid naming the line."""


Gateways = Mapping[str, Gateway]


@dataclass(frozen=True)
class Way:
    """A gateway as a transaction needs it: read before it opens, for a gateway may have to ask who we are there."""

    gateway: str
    merchant: str
    lasts: timedelta
    limits: Limits


def way(gateways: Gateways, name: str) -> Way:
    """Return a gateway's way to pay. Raises Refused where it can't say now who we are there."""
    by = gateways[name]
    return Way(name, by.merchant, by.lasts, by.limits)


Facts = TypeVar("Facts", PaymentFacts, RefundFacts)


def ask(call: Callable[[Facts], Answer], facts: Facts) -> Answer:
    """Call a gateway outside of any transaction; whatever goes wrong is an answer that nobody knows."""
    try:
        return call(facts)
    except Exception:  # noqa: BLE001  a time-out, a broken answer, a bug in an SDK: all mean that the money may have moved
        _log.warning("gateway call for %s had no answer", facts.key, exc_info=True)
        return Answer(Heard.UNKNOWN)
