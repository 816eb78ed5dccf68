"""What the gateways' own pages read of payments: money and handles, nothing of goods."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.payments.models import Payment
from c2b.payments.rules import OPEN, PaymentState


@dataclass(frozen=True)
class ToPay:
    """A payment as its gateway's page shows it; amount in minor units."""

    key: str
    merchant: str
    amount: int
    currency: str
    state: PaymentState
    handle: str
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether the customer can still pay."""
        return self.state in OPEN and now < self.expires_at


def to_pay(session: Session, *, key: str, gateway: str) -> ToPay | None:
    """Return a payment by its key, which is random: whoever has it may look and pay."""
    payment = session.scalars(select(Payment).where(Payment.key == key, Payment.gateway == gateway)).one_or_none()
    if payment is None:
        return None
    money = (payment.merchant, payment.amount, payment.currency)
    return ToPay(payment.key, *money, payment.state, payment.handle, payment.expires_at)
