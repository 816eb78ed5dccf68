"""Decisions about pre-orders, prices and what is owed: pure."""

import enum
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from c2b.campaigns.rules import DEPOSIT_CAP_PERCENT, CampaignState, LegalProfile
from c2b.money import percent_floor


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


class Money(enum.StrEnum):
    """Where the money of a line stands; derived from the ledger and what is owed, stored nowhere."""

    DEPOSIT_DUE = "deposit_due"
    NOTHING = "nothing"
    """Ended before anything was paid."""
    HELD = "held"
    BALANCE_DUE = "balance_due"
    OVERDUE = "overdue"
    PAID = "paid"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"


PLACE_LASTS = timedelta(minutes=30)
"""How long a place of a capped product is kept for somebody who is paying."""


@dataclass(frozen=True)
class Prices:
    """Unit prices of one variant by tier, minor units; an empty later tier is priced like the one before."""

    first: int
    second: int | None = None
    third: int | None = None

    def at(self, tier: int) -> int:
        """Return the unit price of tier 1, 2 or 3."""
        known = [price for price in (self.first, self.second, self.third)[:tier] if price is not None]
        return known[-1]

    @property
    def lowest(self) -> int:
        """The lowest tier's price: what deposits are reckoned from."""
        return self.at(3)


def tier(units: int, tier2_units: int | None, tier3_units: int | None) -> int:
    """Return the tier that so many captured units of a candidate have reached: 1, 2 or 3."""
    if tier3_units is not None and units >= tier3_units:
        return 3
    return 2 if tier2_units is not None and units >= tier2_units else 1


def units_to_next_tier(units: int, tier2_units: int | None, tier3_units: int | None) -> int | None:
    """Return how many units are missing for the next lower price; None: there is none."""
    ahead = [threshold - units for threshold in (tier2_units, tier3_units) if threshold is not None and threshold > units]
    return min(ahead, default=None)


def deposit_per_unit(prices: Prices, *, percent: int | None, amount: int | None, profile: LegalProfile) -> int:
    """Return the deposit for one unit in minor units: a rate of the lowest tier's price rounded down, or a fixed amount.

    Never above the lowest price itself, nor above the legal profile's cap (`DEPOSIT_CAP_PERCENT`).
    """
    asked = percent_floor(prices.lowest, percent) if percent is not None else amount or 0
    cap = DEPOSIT_CAP_PERCENT.get(profile, 100)
    return min(asked, percent_floor(prices.lowest, cap))


class Closing(Protocol):
    """The facts of a campaign that decide until when orders change and payments count; its row has them."""

    @property
    def state(self) -> CampaignState:
        """Where the campaign stands."""

    @property
    def ordering_closes(self) -> datetime:
        """The first instant at which nothing is ordered or cancelled any more."""

    @property
    def settle_hours(self) -> int:
        """How long payments begun in time may still arrive."""


def may_cancel(campaign: Closing, now: datetime) -> bool:
    """Say whether a customer may still cancel: until ordering closes, while it is paused too."""
    return campaign.state is CampaignState.ORDERING and now < campaign.ordering_closes


def arrives_in_time(campaign: Closing, *, started_at: datetime, now: datetime) -> bool:
    """Say whether a payment begun at `started_at` and heard of `now` counts: begun before ordering closed, undecided, settling not over."""
    undecided = campaign.state in (CampaignState.ORDERING, CampaignState.SETTLING)
    settled_at = campaign.ordering_closes + timedelta(hours=campaign.settle_hours)
    return undecided and started_at < campaign.ordering_closes and now <= settled_at


@dataclass(frozen=True)
class Arrival:
    """What decides about captured money of one obligation."""

    in_time: bool
    """Of the payment, see `arrives_in_time`; False too when we had heard that it failed."""
    owed: ObligationState
    outcome: Outcome
    cancel_requested: bool
    has_place: bool

    @property
    def is_cancelled(self) -> bool:
        """Whether it was cancelled before its money came; money that came late goes back as late."""
        return self.cancel_requested or (self.in_time and self.outcome is Outcome.CANCELLED)


def refund_reason(arrival: Arrival) -> RefundReason | None:
    """Say why captured money goes straight back; None: it is the line's."""
    if arrival.owed is ObligationState.PAID:
        return RefundReason.OVERPAID
    if arrival.is_cancelled:
        return RefundReason.CANCELLED
    waited_for = (arrival.in_time, arrival.has_place, arrival.outcome, arrival.owed) == (True, True, Outcome.OPEN, ObligationState.DUE)
    return None if waited_for else RefundReason.PAID_LATE


@dataclass(frozen=True)
class LineMoney:
    """What the books say of one line, in minor units."""

    outcome: Outcome
    captured: int = 0
    held: int = 0
    """What is still on its account."""
    going_back: int = 0
    """Begun refunds that nobody confirmed, and refused ones that we owe."""
    balance_due_at: datetime | None = None
    balance_paid: bool = False

    @property
    def has_ended(self) -> bool:
        """Whether nothing will be delivered."""
        return self.outcome in (Outcome.MISSED, Outcome.CANCELLED)

    @property
    def is_owed_back(self) -> bool:
        """Whether money is on its way back, or has to be."""
        return self.going_back != 0 or (self.has_ended and self.held != 0)


_UNPAID = {False: Money.DEPOSIT_DUE, True: Money.NOTHING}
"""By whether the line has ended."""
_OWED = {False: Money.BALANCE_DUE, True: Money.OVERDUE}
"""By whether the balance's day has passed."""
_HELD = {False: Money.HELD, True: Money.PAID}
"""By whether the balance is paid too."""


def money_state(line: LineMoney, now: datetime) -> Money:
    """Derive where the money of a line stands at `now`."""
    if line.is_owed_back:
        return Money.REFUND_DUE
    if line.held == 0:
        return Money.REFUNDED if line.captured else _UNPAID[line.has_ended]
    if line.balance_due_at is not None:
        return _OWED[now > line.balance_due_at]
    return _HELD[line.balance_paid]
