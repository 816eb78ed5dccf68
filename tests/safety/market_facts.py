"""What there is in a campaign: products, lines, debts, payments, refunds. Amounts are fen; words are the program's, its tables aren't."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

OPEN, UNHEARD = ("started", "pending", "unknown"), ("started", "unknown")
PAGE, PAUSE = timedelta(minutes=30), timedelta(seconds=60)
PSP, BANK, FORFEIT, PENALTY = "psp:sandbox:main", "bank", "forfeit", "penalty"


@dataclass(frozen=True)
class Product:
    """What is offered: a unit's promised price, its deposit, and the price from `tier_from` units on."""

    price: int
    deposit: int
    minimum: int
    cap: int | None = None
    tier_from: int | None = None
    tier_price: int = 0


@dataclass(frozen=True)
class Rules:
    """A campaign's rules; `keeps`: an unpaid balance costs the deposit, `doubles`: so does a failed delivery the seller."""

    products: dict[str, Product]
    closes: datetime
    opens: datetime
    ends: datetime
    due: datetime
    votes_each: int = 2
    places: int = 2
    shipping: int = 1200
    settle: timedelta = timedelta(hours=24)
    grace: timedelta = timedelta(days=7)
    keeps: bool = False
    doubles: bool = False


@dataclass
class Line:
    """Units of one product in an order."""

    order: str
    code: str
    units: int
    deposit: int
    outcome: str = "open"
    reserved: bool = False
    asked: bool = False
    """Cancelled while nobody knew what became of its payment."""
    final: int | None = None


@dataclass
class Debt:
    """What a customer owes: `line` 0 is the order's shipping."""

    order: str
    line: int
    kind: str
    amount: int
    state: str = "due"


@dataclass
class Payment:
    """An attempt to pay debts; `left`: what each line still has of it."""

    key: str
    order: str
    debts: list[Debt]
    begun: datetime
    checked: datetime
    state: str = "started"
    captured: int = 0
    refunds: int = 0
    left: Counter[int] = field(default_factory=Counter)

    @property
    def amount(self) -> int:
        return sum(debt.amount for debt in self.debts)


@dataclass
class Refund:
    """Money on its way back."""

    payment: Payment
    amount: int
    due: datetime
    state: str = "queued"
    attempts: int = 0
    resolved: bool = False
