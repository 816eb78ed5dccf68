"""Booking: the only way into the ledger."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, insert, select
from sqlalchemy.orm import Session

from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting


class OtherContent(Exception):
    """A transfer with this id stands in the books and says something else: a bug, never a person's doing."""


def post(session: Session, transfers: Sequence[Posting], *, campaign: str, currency: str, now: datetime) -> int:
    """Book `transfers` of one campaign at `now`; what stands in the books already is left alone. Returns how many are new.

    Raises OtherContent where an id is taken by another movement; the database refuses what would overdraw a guarded account.
    """
    wanted = _by_id(transfers)
    standing = session.scalars(select(Transfer).where(Transfer.id.in_(wanted))).all()
    for row in standing:
        booked = Posting(row.id, row.debit, row.credit, row.amount, row.event)
        if (booked, row.currency) != (wanted.pop(row.id), currency):
            raise OtherContent(row.id)
    if wanted:
        about = {"campaign": campaign, "currency": currency, "at": now}
        session.execute(insert(Transfer), [vars(each) | about for each in wanted.values()])
    return len(wanted)


def _by_id(transfers: Sequence[Posting]) -> dict[str, Posting]:
    found = {each.id: each for each in transfers}
    if len(found) != len(transfers):
        raise OtherContent("two transfers with one id")
    return found


def post_rows(session: Session, rows: Select[str, str, str, int, str, str, str, datetime]) -> None:
    """Book what a query returns, in one statement: id, debit, credit, amount, currency, event, campaign, at.

    For many lines at once; the query leaves out what stands in the books, else the key refuses everything.
    """
    session.execute(insert(Transfer).from_select(["id", "debit", "credit", "amount", "currency", "event", "campaign", "at"], rows))
