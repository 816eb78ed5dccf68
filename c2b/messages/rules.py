"""What a message may be, who may refuse it, and what becomes of it: pure."""

import enum
from collections.abc import Mapping
from types import MappingProxyType

TRIES = 6
"""Then it is failed and shown to staff."""
CODES = frozenset({"sign_in_code", "counter_code"})
"""Templates that are worth nothing after ten minutes: nobody sends them again, and staff aren't called for a mistyped address."""
SECRET = CODES | {"address_lost"}
"""Templates whose fields are forgotten once the message is out: the outbox is no store of codes and keys."""


class NoWay(Exception):
    """There is no provider for this channel, or it will never take this message: trying again is no use."""


class MessageState(enum.StrEnum):
    """`failed` is shown to staff."""

    QUEUED = "queued"
    SENT = "sent"
    """A mail server or provider has taken it: that is what counts as delivered."""
    FAILED = "failed"
    DROPPED = "dropped"
    """Never sent, and never will be: its reader refused such messages, or their data were erased."""


class Reason(enum.StrEnum):
    """Why somebody gets a message; its foot says so."""

    SIGN_IN = "sign_in"
    STORE = "store"
    ACCOUNT = "account"
    BALLOT = "ballot"
    ORDER = "order"


_ORDER = """
order_placed order_paid balance_due balance_reminder balance_overdue balance_paid deposit_forfeited order_refunded_unpaid paid_late
paid_twice payment_held_up refund_settled refund_by_hand refund_bounced seller_default delay_question delay_told delay_unanswered
withdrawal_link withdrawal_received product_confirmed product_second product_missed parcel_sent pickup_ready
"""
REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        "sign_in_code": Reason.SIGN_IN,
        "counter_code": Reason.STORE,
        **dict.fromkeys(("address_lost", "address_moved", "address_kept"), Reason.ACCOUNT),
        **dict.fromkeys(("ballot_held", "ballot_asked", "receipt", "result_published"), Reason.BALLOT),
        **dict.fromkeys(_ORDER.split(), Reason.ORDER),
    }
)
"""Every template, with why it is sent."""
OPTIONAL = frozenset({"result_published", "product_confirmed"})
"""News that a person may refuse. Everything else is required: codes, orders, payments, refunds, deadlines, forfeits."""
