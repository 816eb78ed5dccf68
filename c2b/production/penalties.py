"""What we owe on top for what we can't deliver, where the law doubles the deposit: finance pays it out by hand."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, String, cast, func, literal, select
from sqlalchemy.orm import Session, aliased

from c2b.audit.actions import record
from c2b.campaigns.models import Candidate
from c2b.deposits.locking import book, order_by_ref
from c2b.deposits.models import Order, OrderLine
from c2b.errors import N_, Invalid, Refused
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting

MOST = 200
"""Penalties shown at once."""


@dataclass(frozen=True)
class Penalty:
    """What a customer gets on top for one line, minor units of the campaign's currency."""

    line: int
    order: str
    code: str
    amount: int
    since: datetime


def owed(session: Session, campaign_id: int) -> list[Penalty]:
    """Return the campaign's penalties that nobody paid out yet, oldest first, `MOST` at most."""
    return [Penalty(*row) for row in session.execute(_unpaid(campaign_id).limit(MOST))]


def count(session: Session, campaign_id: int) -> int:
    """Return how many of the campaign's penalties nobody paid out yet."""
    return session.scalars(select(func.count()).select_from(_unpaid(campaign_id).subquery())).one()


def _unpaid(campaign_id: int) -> Select[int, str, str, int, datetime]:
    line, paid = cast(OrderLine.id, String), aliased(Transfer)
    return (
        select(OrderLine.id, Order.ref, Candidate.code, Transfer.amount, Transfer.at)
        .join(Order, Order.id == OrderLine.order_id)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .join(Transfer, Transfer.id == literal("penalty:").concat(line))
        .outerjoin(paid, paid.id == literal("penalty-out:").concat(line))
        .where(OrderLine.campaign_id == campaign_id, paid.id.is_(None))
        .order_by(Transfer.at, OrderLine.id)
    )


def pay(session: Session, *, campaign_id: int, line: int, reference: str, actor: str, now: datetime) -> None:
    """Note that the penalty for a line was paid out from the bank account; `reference` is the bank's.

    Raises Refused where none is owed, or it was paid already; Invalid without a reference.
    """
    found = _found(session, campaign_id, line)
    order = order_by_ref(session, found.order)
    found = _found(session, campaign_id, line)  # with the lock: two people who pay at once pay once
    bank = reference.strip()[:100]
    if not bank:
        raise Invalid(N_("Give the reference of the payment; without it nobody finds it again"), field="reference")
    gone = Posting(f"penalty-out:{line}", accounts.owed(order.ref), accounts.BANK, found.amount, "paid_by_hand")
    book(session, order, order.campaign.currency, [gone], now)
    about = {"order": order.ref, "amount": found.amount, "reference": bank}
    record(session, actor=actor, action="production.pay_penalty", campaign=order.campaign.slug, object=found.code, after=about, now=now)


def _found(session: Session, campaign_id: int, line: int) -> Penalty:
    found = session.execute(_unpaid(campaign_id).where(OrderLine.id == line)).one_or_none()
    if found is None:
        raise Refused(N_("No penalty is owed for this line, or it was paid already"))
    return Penalty(*found)
