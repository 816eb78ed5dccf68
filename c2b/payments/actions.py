"""What a gateway's own page writes down."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from c2b.payments.models import Payment
from c2b.payments.rules import OPEN


def keep_handle(session: Session, *, key: str, handle: str) -> None:
    """Keep what the gateway calls an open payment since its page asked; a finished one stays as it is."""
    session.execute(update(Payment).where(Payment.key == key, Payment.state.in_(OPEN)).values(handle=handle))
