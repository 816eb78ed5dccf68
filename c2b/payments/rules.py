"""What a payment and a refund may become: pure."""

import enum


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
