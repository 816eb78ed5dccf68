"""What a payment and a refund may become: pure."""

import base64
import enum
import re
import secrets
from datetime import timedelta


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
