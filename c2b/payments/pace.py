"""A gateway's rate of calls, kept by all workers together: one row a merchant says until when calls have been promised."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.payments.models import Pace

BURST = timedelta(seconds=1)
"""So much of the rate may be used at once, one call at least."""


def grant(session: Session, *, gateway: str, merchant: str, wanted: int, a_second: float | None, now: datetime) -> int:
    """Return how many of `wanted` calls may be made now, and count them; the row is locked until the transaction ends.

    The generic cell rate algorithm (ITU-T I.371): each call moves the instant on by its share of a second, at most `BURST` ahead.
    """
    if a_second is None or wanted == 0:
        return wanted
    here = {"gateway": gateway, "merchant": merchant}
    session.execute(insert_into(session, Pace).values(**here, until=now).on_conflict_do_nothing())
    row = session.scalars(select(Pace).filter_by(**here).with_for_update().execution_options(populate_existing=True)).one()
    start, each = max(row.until, now), timedelta(seconds=1 / a_second)
    granted = min(wanted, (now + max(BURST, each) - start) // each)
    if granted <= 0:
        return 0
    row.until = start + granted * each
    session.flush()
    return granted
