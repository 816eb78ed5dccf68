"""What a payment and a refund may become: pure."""

import base64
import enum
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta


class PaymentState(enum.StrEnum):
    """`started` and `unknown` are open; the others are final."""

    STARTED = "started"
    """Committed, the gateway not yet called or not yet answered."""
    PENDING = "pending"
    """The gateway knows it and the customer hasn't paid yet."""
    UNKNOWN = "unknown"
    """Time-out or 5xx: asked for by key until somebody knows."""
    CAPTURED = "captured"
    FAILED = "failed"
    MISMATCH = "mismatch"
    """The gateway took another amount or currency, or for another merchant: nothing is booked, a person looks."""


class RefundState(enum.StrEnum):
    """`failed` is a person's task; what it held went to what is owed."""

    QUEUED = "queued"
    UNKNOWN = "unknown"
    SETTLED = "settled"
    FAILED = "failed"


class How(enum.StrEnum):
    """How money came that no gateway reports."""

    TRANSFER = "transfer"
    CASH = "cash"


UNHEARD = (PaymentState.STARTED, PaymentState.UNKNOWN)
"""The money may have moved and we don't know."""
OPEN = (PaymentState.STARTED, PaymentState.PENDING, PaymentState.UNKNOWN)
"""The money may still move."""
UNSETTLED = (*OPEN, PaymentState.MISMATCH)
"""What becomes of it isn't known yet: the money may still move, or a person decides about what came."""
KEY_LENGTH = 16
"""Letters of a payment's key; a refund's adds a dash and its number."""
SWEEP_AFTER = timedelta(seconds=60)
"""How long after it was last asked about a payment is asked about again."""


def wait(attempts: int) -> timedelta:
    """Return how long to wait after the so many-th attempt at a refund: a minute, doubling up to an hour."""
    return min(timedelta(minutes=2 ** min(attempts - 1, 6)), timedelta(hours=1))


def new_key() -> str:
    """Return a random key for a payment, `KEY_LENGTH` long: 80 bits in capitals and the digits 2 to 7.

    Alipay takes letters, digits and underscores only; banks drop marks from what customers write on a transfer, and people misread 0 and 1.
    """
    return base64.b32encode(secrets.token_bytes(10)).decode()


_MARKS = re.compile(r"[^A-Z0-9]+")


def written(reference: str) -> str:
    """Return a reference as it stands in our books, whatever spaces, marks and small letters somebody wrote on a transfer."""
    return _MARKS.sub("", reference.upper())


def taken(amount: int, fee: int, *, is_fee: bool) -> int:
    """Return what a gateway took by a statement's line, negative where it gave back; a line that is a fee itself has it as its amount."""
    return fee - amount if is_fee else fee


class CaseKind(enum.StrEnum):
    """Why a case about money is open, the worst first."""

    AUDIT = "audit"
    """A check of `c2b audit` found a promise broken."""
    MISMATCH = "mismatch"
    """A payment that came in with another amount, currency or merchant; nothing of it is booked."""
    REFUND_THERE = "refund_there"
    """Money went back that we don't know of."""
    OTHER_AMOUNT = "other_amount"
    """Statement and intent name different amounts or currencies."""
    BOOKS = "books"
    """Intent and ledger name different amounts."""
    CAPTURED_HERE = "captured_here"
    """We say it was paid, and the statement of that time doesn't."""
    CAPTURED_THERE = "captured_there"
    """The statement says that it was paid, and we don't."""
    REFUND_HERE = "refund_here"
    """We say it went back, and the statement of that time doesn't."""
    REFUND_BOUNCED = "refund_bounced"
    REFUND_FAILED = "refund_failed"
    DISPUTE_OPEN = "dispute_open"
    DISPUTE_UNKNOWN = "dispute_unknown"
    """On the statement, and no event told us."""
    UNKNOWN_REFERENCE = "unknown_reference"
    """Money on the statement that belongs to nothing we know."""
    UNHEARD = "unheard"
    """Of a payment or refund nobody has known for long whether its money moved."""
    EVENT_UNKNOWN = "event_unknown"
    """An event about something that nobody knows."""
    FEE_UNBOOKED = "fee_unbooked"
    PAYOUT_UNBOOKED = "payout_unbooked"


ON_STATEMENTS = (
    CaseKind.REFUND_THERE,
    CaseKind.OTHER_AMOUNT,
    CaseKind.CAPTURED_THERE,
    CaseKind.DISPUTE_UNKNOWN,
    CaseKind.UNKNOWN_REFERENCE,
    CaseKind.FEE_UNBOOKED,
    CaseKind.PAYOUT_UNBOOKED,
)
"""Differences that a statement's line has, so that it doesn't count as matched."""
GRACE = timedelta(days=1)
"""How far statements must reach beyond what isn't on them before that is a difference."""
PAYMENT_PATIENCE = timedelta(days=1)
"""How long nobody may know whether a payment's money moved before a person looks."""
REFUND_PATIENCE = timedelta(days=7)
"""The same of a refund; banks take days."""


def is_stuck(state: RefundState, sent_at: datetime | None, now: datetime) -> bool:
    """Say whether a refund was sent so long ago, and nobody knows whether it arrived, that a person may give it up."""
    return state is RefundState.UNKNOWN and sent_at is not None and now - sent_at >= REFUND_PATIENCE


@dataclass(frozen=True)
class Sides:
    """What intent, ledger and statement say of one payment or refund; amounts in minor units, without sign."""

    is_refund: bool
    moved: bool
    """Captured or settled, as we heard."""
    here: int
    booked: int
    there: int | None
    """None: no statement has it."""
    same_currency: bool
    covered: bool
    """The statements at hand would have it."""

    @property
    def disagrees(self) -> bool:
        """Whether the statement has it, and says something else."""
        return self.there is not None and (self.there != self.here or not self.same_currency)


_ON_ONE_SIDE = {False: (CaseKind.CAPTURED_THERE, CaseKind.CAPTURED_HERE), True: (CaseKind.REFUND_THERE, CaseKind.REFUND_HERE)}
"""By whether it is a refund: on the statement only, with us only."""


def difference(sides: Sides) -> CaseKind | None:
    """Say in what the three sides differ, the worst first; None: they agree, or it is too early to say."""
    only_there, only_here = _ON_ONE_SIDE[sides.is_refund]
    if not sides.moved:
        return only_there if sides.there else None
    found = (
        (sides.disagrees, CaseKind.OTHER_AMOUNT),
        (sides.booked != sides.here, CaseKind.BOOKS),
        (sides.there is None and sides.covered, only_here),
    )
    return next((kind for differs, kind in found if differs), None)
