"""The accounts' names: every movement of money is written between two of these. Pure."""

from dataclasses import dataclass

REVENUE = "revenue"
SHIPPING = "shipping"
FORFEIT = "forfeit"
BANK = "bank"
PENALTY = "penalty"
FEES = "fees"

DEPOSIT, SHIPPED, HOLD, OWED, SUSPENSE = "dep:", "ship:", "hold:", "owed:", "suspense:"
GUARDED = (DEPOSIT, SHIPPED, HOLD)
"""Beginnings of the accounts that the database never lets be overdrawn."""


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
    return f"psp:{gateway}:{merchant}"


def suspense(gateway: str) -> str:
    """Return the account of money that came by a gateway and isn't what was asked for, until a person decides."""
    return f"{SUSPENSE}{gateway}"


def handed_over(account: str) -> str:
    """Return the id of the transfer that makes what is on `account` ours when the goods are handed over."""
    return f"over:{account}"


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
