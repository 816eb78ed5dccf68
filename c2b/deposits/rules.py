"""Decisions about pre-orders, prices and what is owed: pure."""

import enum


class Outcome(enum.StrEnum):
    """What becomes of a line; exactly one of the last three ends it."""

    OPEN = "open"
    ALLOCATED = "allocated"
    MISSED = "missed"
    CANCELLED = "cancelled"


class Fulfilment(enum.StrEnum):
    """Where the goods of a line are."""

    NONE = "none"
    IN_PRODUCTION = "in_production"
    READY = "ready"
    SHIPPED = "shipped"
    PICKED_UP = "picked_up"
    RETURNED = "returned"


class ObligationKind(enum.StrEnum):
    """What is owed; `shipping` is the order's, the others a line's."""

    DEPOSIT = "deposit"
    BALANCE = "balance"
    SHIPPING = "shipping"


class ObligationState(enum.StrEnum):
    """`void`: not owed any more."""

    DUE = "due"
    PAID = "paid"
    VOID = "void"


class RefundReason(enum.StrEnum):
    """Why money goes back."""

    CANCELLED = "cancelled"
    MISSED = "missed"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    PAID_LATE = "paid_late"
    OVERPAID = "overpaid"
