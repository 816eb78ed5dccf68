"""The decision: what is made, at which price, by whom: pure."""

import enum


class ProductOutcome(enum.StrEnum):
    """Reached its minimum, or missed it."""

    REACHED = "reached"
    MISSED = "missed"


class ProductionOrderState(enum.StrEnum):
    """The life of a production order."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    PRODUCING = "producing"
    RECEIVED = "received"
    CLOSED = "closed"
