"""Orders whose money is in the books: obligations, payment, ledger and lines agree, as the program leaves them."""

import secrets
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Variant
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import ObligationKind, ObligationState
from c2b.ledger import actions as ledger
from c2b.ledger.rules import Posting
from c2b.payments.models import Payment
from c2b.people.models import Person
from tests import make

PSP = "psp:sandbox:main"


def unpaid(session: Session, of: Campaign, *lines: tuple[Variant, int], by: Person | None = None) -> Order:
    """Make an order whose deposits of 20 % are due."""
    order = make.order(session, of, *lines, by=by, line={"reserved_at": None})
    for line in make.lines_of(session, order):
        owed = Obligation(order_id=order.id, line_id=line.id, kind=ObligationKind.DEPOSIT, amount=line.deposit)
        owed.due_at, owed.state = make.ORDERING_OPENS, ObligationState.DUE
        session.add(owed)
    session.flush()
    return order


def pay(session: Session, order: Order, at: datetime = make.ORDERING_OPENS) -> Payment:
    """Capture all deposits of an order, as applying the gateway's answer would."""
    campaign = session.get_one(Campaign, order.campaign_id)
    owed = list(session.scalars(select(Obligation).where(Obligation.order_id == order.id)))
    payment = make.payment(session, order, sum(each.amount for each in owed), currency=campaign.currency, settled_at=at)
    transfers = [Posting(f"cap:{payment.key}:{each.line_id}", PSP, f"dep:{each.line_id}", each.amount, "captured") for each in owed]
    ledger.post(session, transfers, campaign=campaign.slug, currency=campaign.currency, now=at)
    for each in owed:
        session.add(PaymentPart(payment_id=payment.id, obligation_id=each.id, amount=each.amount, applied=True))
        each.state = ObligationState.PAID
    for line in make.lines_of(session, order):
        line.reserved_at = at
    session.flush()
    return payment


def paid(session: Session, of: Campaign, *lines: tuple[Variant, int], by: Person | None = None) -> tuple[Order, Payment]:
    """Make an order and capture its deposits."""
    order = unpaid(session, of, *lines, by=by)
    return order, pay(session, order)


def ids(*line_ids: int) -> Select[int]:
    """Return a query of these line ids."""
    return select(OrderLine.id).where(OrderLine.id.in_(line_ids))


def key() -> str:
    """Return a form's idempotency key."""
    return secrets.token_urlsafe(12)
