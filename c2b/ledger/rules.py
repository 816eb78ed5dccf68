"""The accounts' names: every movement of money is written between two of these. Pure."""

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

REVENUE = "revenue"
SHIPPING = "shipping"
FORFEIT = "forfeit"
BANK = "bank"
PENALTY = "penalty"
FEES = "fees"

DEPOSIT, SHIPPED, HOLD, OWED, SUSPENSE = "dep:", "ship:", "hold:", "owed:", "suspense:"
PROVIDER = "psp:"
NO_CAMPAIGN = ""
"""In the books of the shop alone: payouts, a gateway's monthly fee, money that belongs to nothing we know."""
GUARDED = (DEPOSIT, SHIPPED, HOLD)
"""Beginnings of the accounts that the database never lets be overdrawn."""
CUSTOMERS_ACCOUNTS = (*GUARDED, OWED)
"""Beginnings of the accounts of which every customer has their own."""


def deposit(line_id: int) -> str:
    """Return the account of what a customer paid for one order line and we still hold."""
    return f"{DEPOSIT}{line_id}"


def shipping(order_ref: str) -> str:
    """Return the account of what a customer paid for shipping an order."""
    return f"{SHIPPED}{order_ref}"


def hold(refund_key: str) -> str:
    """Return the account of money on its way back: begun, not yet settled, so that nothing else can take it."""
    return f"{HOLD}{refund_key}"


def owed(order_ref: str) -> str:
    """Return the account of what is owed to a customer besides their lines: paid late, twice, or a refund that was refused."""
    return f"{OWED}{order_ref}"


def provider(gateway: str, merchant: str) -> str:
    """Return the account of our money at a gateway."""
    return f"{PROVIDER}{gateway}:{merchant}"


def suspense(gateway: str) -> str:
    """Return the account of money that came by a gateway and isn't what was asked for, until a person decides."""
    return f"{SUSPENSE}{gateway}"


def handed_over(account: str) -> str:
    """Return the id of the transfer that makes what is on `account` ours when the goods are handed over."""
    return f"over:{account}"


def sent_back(payment_key: str) -> str:
    """Return the id of the transfer that a payment which didn't match was sent back with, at the gateway's own desk."""
    return f"mis:{payment_key}:out"


def is_guarded(account: str) -> bool:
    """Say whether the database keeps this account's sums and refuses to overdraw it."""
    return account.startswith(GUARDED)


@dataclass(frozen=True)
class Posting:
    """One movement of `amount` minor units from `debit` to `credit`; `id` follows from the event that it books."""

    id: str
    debit: str
    credit: str
    amount: int
    event: str


@dataclass(frozen=True)
class Balance:
    """Sums of one account in minor units."""

    account: str
    currency: str
    debits: int
    credits: int

    @property
    def left(self) -> int:
        """What is on the account: positive where we owe it to somebody."""
        return self.credits - self.debits


class Group(enum.StrEnum):
    """Accounts of one kind, as books are read; `other` stands for what nobody thought of, so that nothing is left out."""

    GATEWAYS = "gateways"
    BANK = "bank"
    DEPOSITS = "deposits"
    SHIPPING_HELD = "shipping_held"
    RETURNING = "returning"
    OWED = "owed"
    SUSPENSE = "suspense"
    REVENUE = "revenue"
    SHIPPING = "shipping"
    FORFEITS = "forfeits"
    FEES = "fees"
    PENALTIES = "penalties"
    OTHER = "other"


OWN_MONEY = (Group.GATEWAYS, Group.BANK)
"""Where the money is."""
CUSTOMERS = (Group.DEPOSITS, Group.SHIPPING_HELD, Group.RETURNING, Group.OWED)
"""What we hold for customers."""
EARNED = (Group.REVENUE, Group.SHIPPING, Group.FORFEITS, Group.FEES, Group.PENALTIES, Group.OTHER)
"""What is ours, less what it cost."""
_ONE: Mapping[str, Group] = {
    BANK: Group.BANK,
    REVENUE: Group.REVENUE,
    SHIPPING: Group.SHIPPING,
    FORFEIT: Group.FORFEITS,
    FEES: Group.FEES,
    PENALTY: Group.PENALTIES,
}
_MANY: Mapping[str, Group] = {
    PROVIDER: Group.GATEWAYS,
    DEPOSIT: Group.DEPOSITS,
    SHIPPED: Group.SHIPPING_HELD,
    HOLD: Group.RETURNING,
    OWED: Group.OWED,
    SUSPENSE: Group.SUSPENSE,
}


def group(account: str) -> Group:
    """Return the kind of an account."""
    family, colon, _ = account.partition(":")
    return _MANY.get(family + colon, Group.OTHER) if colon else _ONE.get(account, Group.OTHER)


@dataclass(frozen=True)
class Position:
    """Where the money of one currency is and whose it is, in minor units; `left` of a group is credits less debits."""

    currency: str
    left: Mapping[Group, int] = field(default_factory=dict)

    def of(self, *groups: Group) -> int:
        """Return what is on the accounts of these groups: positive where we owe it to somebody or earned it."""
        return sum(self.left.get(each, 0) for each in groups)

    @property
    def own_money(self) -> int:
        """What is at gateways and at the bank."""
        return -self.of(*OWN_MONEY)

    @property
    def difference(self) -> int:
        """What is missing between where the money is and whose it is: 0, or the books are broken."""
        return self.own_money - self.of(*CUSTOMERS) - self.of(Group.SUSPENSE) - self.of(*EARNED)


@dataclass(frozen=True)
class Totals:
    """The last line of a trial balance in minor units: `debits` equal `credits`, and the two sides' balances are equal too."""

    debits: int
    credits: int
    debit_side: int
    credit_side: int


def trial_totals(books: Iterable[Balance], currency: str) -> Totals:
    """Add up the accounts of one currency."""
    of = [each for each in books if each.currency == currency]
    left = [each.left for each in of]
    credit_side, debit_side = sum(each for each in left if each > 0), -sum(each for each in left if each < 0)
    return Totals(sum(each.debits for each in of), sum(each.credits for each in of), debit_side, credit_side)


def positions(books: Iterable[Balance]) -> list[Position]:
    """Add up accounts by group, a position a currency, by currency."""
    left: dict[str, dict[Group, int]] = {}
    for each in books:
        of = left.setdefault(each.currency, dict.fromkeys(Group, 0))
        of[group(each.account)] += each.left
    return [Position(currency, left[currency]) for currency in sorted(left)]
