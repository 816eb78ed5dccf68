"""Decisions about pre-orders, prices and what is owed: pure."""

import enum
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from c2b.campaigns.rules import DEPOSIT_CAP_PERCENT, CampaignState, LegalProfile, Timetable, ordering_is_open
from c2b.money import coin, percent_floor


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


LEFT = (Fulfilment.SHIPPED, Fulfilment.PICKED_UP, Fulfilment.RETURNED)
"""The goods aren't with us any more."""
SENT = (*LEFT, Fulfilment.READY)
"""The goods have gone to their customer, or to the store where they wait for them."""


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
    MISMATCH = "mismatch"
    """The gateway took something else than was asked for."""
    UNPAID = "unpaid"
    """The balance wasn't paid, and the profile doesn't let us keep the deposit."""
    UNDELIVERED = "undelivered"
    """We can't deliver."""
    WITHDRAWN = "withdrawn"
    """The customer withdrew from the contract, or refused a delay."""
    RETURNED = "returned"
    """The goods came back."""
    DISPUTED = "disputed"
    """What their bank didn't take back."""


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
    FORFEITED = "forfeited"
    DISPUTED = "disputed"


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


def deposit_per_unit(prices: Prices, *, percent: int | None, amount: int | None, profile: LegalProfile, currency: str) -> int:
    """Return the deposit for one unit in minor units: a rate of the lowest tier's price, or a fixed amount, rounded down to a coin.

    Never above the lowest price itself, nor above the legal profile's cap (`DEPOSIT_CAP_PERCENT`).
    """
    asked = percent_floor(prices.lowest, percent) if percent is not None else amount or 0
    cap = DEPOSIT_CAP_PERCENT.get(profile, 100)
    most = min(asked, percent_floor(prices.lowest, cap))
    return most - most % coin(currency)


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


class Window(Timetable, Protocol):
    """The facts of a campaign that decide when what is owed can be paid; its row has them."""

    @property
    def balance_opens(self) -> datetime | None:
        """From when the balance can be paid; empty: from the decision on."""

    @property
    def balance_due(self) -> datetime | None:
        """Until when it should be paid; empty: whenever the customer likes."""

    @property
    def grace_days(self) -> int:
        """How long it can be paid after that."""


def balance_ends(campaign: Window) -> datetime | None:
    """Return the first instant at which a balance can't be paid any more; None: there is none."""
    return campaign.balance_due + timedelta(days=campaign.grace_days) if campaign.balance_due else None


class Reminder(enum.StrEnum):
    """What a customer who owes a balance is told, and when."""

    OPENS = "opens"
    """The balance can be paid from now on."""
    THREE_DAYS = "3"
    ONE_DAY = "1"
    TODAY = "0"
    """It is due."""
    OVERDUE = "overdue"
    """It was due; the grace runs."""


_REMINDED = {
    Reminder.THREE_DAYS: timedelta(days=3),
    Reminder.ONE_DAY: timedelta(days=1),
    Reminder.TODAY: timedelta(hours=6),
    Reminder.OVERDUE: timedelta(0),
}
"""How long before the balance is due."""


def due_reminder(campaign: Window, now: datetime) -> Reminder | None:
    """Return the last reminder whose hour has come, None before the first and once the grace is over.

    Only the last: a worker that stood still for days sends one message, not four.
    """
    if campaign.balance_due is None or not may_pay(campaign, ObligationKind.BALANCE, now):
        return None
    come = [reminder for reminder, before in _REMINDED.items() if campaign.balance_due - before <= now]
    return come[-1] if come else Reminder.OPENS


def may_pay(campaign: Window, kind: ObligationKind, now: datetime) -> bool:
    """Say whether what is owed can be paid now: a deposit while ordering is open, the rest after the decision, a balance in its window.

    Shipping has no end of its own: nothing lapses for want of it, so the goods wait until it is paid.
    """
    if kind is ObligationKind.DEPOSIT:
        return ordering_is_open(campaign, now)
    opened = (campaign.balance_opens or now) <= now
    ends = balance_ends(campaign) if kind is ObligationKind.BALANCE else None
    return campaign.state in (CampaignState.DECIDED, CampaignState.COMPLETED) and opened and (ends is None or now < ends)


def payable(campaign: Window, owed: Collection[ObligationKind], now: datetime) -> set[ObligationKind]:
    """Return what of all that is `owed` on an order can be paid now; never the shipping beside a balance that can't be."""
    may = {kind for kind in owed if may_pay(campaign, kind, now)}
    return may - {ObligationKind.SHIPPING} if ObligationKind.BALANCE in set(owed) - may else may


SHORTEST = timedelta(minutes=5)
"""What a customer always has to pay, for gateways take no payment that ends at once."""


def settled_at(campaign: Closing) -> datetime:
    """Return the last instant at which a payment begun in time still counts."""
    return campaign.ordering_closes + timedelta(hours=campaign.settle_hours)


def time_to_pay(campaign: Closing, *, lasts: timedelta, now: datetime) -> timedelta:
    """Return how long deposits may take to be paid from `now` on: as long as the gateway lets, but not until it would be too late."""
    return min(lasts, max(settled_at(campaign) - now, SHORTEST))


def arrives_in_time(campaign: Closing, *, started_at: datetime, now: datetime) -> bool:
    """Say whether a payment begun at `started_at` and heard of `now` counts: begun before ordering closed, undecided, settling not over."""
    undecided = campaign.state in (CampaignState.ORDERING, CampaignState.SETTLING)
    return undecided and started_at < campaign.ordering_closes and now <= settled_at(campaign)


def is_undecided(state: CampaignState) -> bool:
    """Say whether a campaign's orders still wait for its decision."""
    return state in (CampaignState.ORDERING, CampaignState.SETTLING)


@dataclass(frozen=True)
class Arrival:
    """What decides about captured money of one obligation."""

    in_time: bool
    """Of the payment, see `arrives_in_time`; False too when we had heard that it failed."""
    kind: ObligationKind
    owed: ObligationState
    outcome: Outcome | None
    """Of the line; shipping has none."""
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
    if arrival.owed is not ObligationState.DUE or arrival.outcome not in (None, _WAITS[arrival.kind]):
        return RefundReason.PAID_LATE
    if arrival.kind is not ObligationKind.DEPOSIT:
        return None  # a balance that is still due is never too late
    return None if arrival.in_time and arrival.has_place else RefundReason.PAID_LATE


_WAITS = {
    ObligationKind.DEPOSIT: Outcome.OPEN,
    ObligationKind.BALANCE: Outcome.ALLOCATED,
    ObligationKind.SHIPPING: Outcome.ALLOCATED,
}
"""The outcome of a line that waits for such money."""


@dataclass(frozen=True)
class LineMoney:
    """What the books say of one line, in minor units."""

    outcome: Outcome
    captured: int = 0
    held: int = 0
    """What is still on its account."""
    going_back: int = 0
    """Begun refunds that nobody confirmed, and refused ones that we owe."""
    refunded: int = 0
    forfeited: int = 0
    handed_over: int = 0
    """Ours since the goods were handed over."""
    disputed: int = 0
    """Taken back by the customer's bank, and not won since."""
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
    gone = {Money.REFUND_DUE: line.is_owed_back, Money.DISPUTED: line.disputed, Money.FORFEITED: line.forfeited}
    if what := next((state for state, there in gone.items() if there), None):
        return what
    if line.captured == 0:
        return _UNPAID[line.has_ended]
    if line.has_ended or line.refunded == line.captured:
        return Money.REFUNDED
    return _HELD[line.balance_paid or line.handed_over > 0] if line.balance_due_at is None else _OWED[now > line.balance_due_at]
