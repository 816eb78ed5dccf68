"""What c2b asks of a gateway, and what it may hear. A gateway knows money, not goods."""

import enum
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

_log = logging.getLogger(__name__)


class Heard(enum.StrEnum):
    """What a gateway said about one payment or refund."""

    PENDING = "pending"
    """It knows it, and no money has moved yet."""
    DONE = "done"
    """The money moved: captured, or refunded."""
    FAILED = "failed"
    """It never will."""
    ABSENT = "absent"
    """It surely never heard of this key."""
    UNKNOWN = "unknown"
    """Nobody knows: a time-out, an error, an answer that can't be read. Never taken for a failure."""


@dataclass(frozen=True)
class Answer:
    """One answer; amount (minor units), currency, merchant and reference come with `DONE`, the customer's page with `PENDING`."""

    heard: Heard
    page: str = ""
    amount: int = 0
    currency: str = ""
    merchant: str = ""
    reference: str = ""
    why: str = ""


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


@dataclass(frozen=True)
class RefundFacts:
    """A refund as the gateway is told of it; the same key always means the same refund."""

    key: str
    payment_key: str
    amount: int
    currency: str
    payment_reference: str


class Gateway(Protocol):
    """Moves money; each call may be repeated with the same facts and then changes nothing. Any call may raise: that is `unknown`."""

    @property
    def merchant(self) -> str:
        """Our account there."""

    def start(self, facts: PaymentFacts) -> Answer:
        """Make the payment known and return where the customer pays."""

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of a payment."""

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back by the payment that it came with."""

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund."""


Gateways = Mapping[str, Gateway]
Facts = TypeVar("Facts", PaymentFacts, RefundFacts)


def ask(call: Callable[[Facts], Answer], facts: Facts) -> Answer:
    """Call a gateway outside of any transaction; whatever goes wrong is an answer that nobody knows."""
    try:
        return call(facts)
    except Exception:  # noqa: BLE001  a time-out, a broken answer, a bug in an SDK: all mean that the money may have moved
        _log.warning("gateway call for %s had no answer", facts.key, exc_info=True)
        return Answer(Heard.UNKNOWN)
