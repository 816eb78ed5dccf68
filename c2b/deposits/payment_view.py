"""A payment as its customer sees it."""

from dataclasses import dataclass
from datetime import datetime

from c2b.payments.models import Payment
from c2b.payments.rules import OPEN, PaymentState


@dataclass(frozen=True)
class PaymentView:
    """A payment as its customer sees it."""

    key: str
    order_ref: str
    slug: str
    state: PaymentState
    amount: int
    currency: str
    gateway: str
    page: str
    created_at: datetime
    checked_at: datetime

    @property
    def is_open(self) -> bool:
        """Whether it may still be paid or its result is unknown: no second one begins meanwhile."""
        return self.state in OPEN


def payment_view(found: Payment, slug: str) -> PaymentView:
    """Return a payment as its customer sees it."""
    return PaymentView(
        key=found.key,
        order_ref=found.payer,
        slug=slug,
        state=found.state,
        amount=found.amount,
        currency=found.currency,
        gateway=found.gateway,
        page=found.page,
        created_at=found.created_at,
        checked_at=found.checked_at,
    )
