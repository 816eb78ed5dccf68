"""Goods reach their customer: the money of the lines becomes revenue, and the days to send them back begin to run."""

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.deposits.locking import book, order_by_ref
from c2b.deposits.models import DisputeLine, Obligation, Order, OrderLine, Pickup, Withdrawal
from c2b.deposits.rules import Fulfilment, ObligationState, Outcome
from c2b.deposits.withholding import UNDECIDED
from c2b.errors import N_, Invalid, Refused
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute

HOW = (Fulfilment.SHIPPED, Fulfilment.PICKED_UP)
"""Brought by a carrier, or taken along in a store."""


def may_leave() -> ColumnElement[bool]:
    """Return the condition on order lines that are confirmed, paid with the order's shipping, not left, and not with their customer yet."""
    of_line = or_(Obligation.line_id == OrderLine.id, Obligation.line_id.is_(None))
    due = select(Obligation.id).where(Obligation.order_id == OrderLine.order_id, of_line, Obligation.state == ObligationState.DUE)
    left = select(Withdrawal.line_id).where(Withdrawal.line_id == OrderLine.id)
    waits = (OrderLine.outcome == Outcome.ALLOCATED) & OrderLine.handed_over_at.is_(None)
    return waits & ~due.correlate(OrderLine).exists() & ~left.correlate(OrderLine).exists()


def is_collected() -> ColumnElement[bool]:
    """Return the condition on order lines that their customer collects in a store."""
    return select(Pickup.order_id).where(Pickup.order_id == OrderLine.order_id).correlate(OrderLine).exists()


def hand_over(session: Session, *, order_ref: str, lines: Collection[int], how: Fulfilment, at: datetime, actor: str, now: datetime) -> int:
    """Note that a customer has had the goods of `lines` since `at`; returns how many lines that is new for.

    What was paid for them, and for the order's shipping with the first of them, becomes ours. Raises NotFound; Refused where something
    isn't paid or not to be delivered; Invalid for a time that hasn't come or lies before the order.
    """
    order = order_by_ref(session, order_ref)
    if not order.placed_at <= at <= now:
        raise Invalid(N_("Goods can’t be handed over before they were ordered, or later than now; correct the day"), field="day")
    chosen = [line for line in _lines(session, order) if line.id in set(lines) and line.handed_over_at is None]
    if not chosen:
        return 0
    _require_deliverable(session, order, chosen)
    _require_undisputed(session, chosen)
    moved = [Posting(*each) for each in _movements(session, order, chosen)]
    for line in chosen:
        line.fulfilment, line.handed_over_at = how, at
    session.flush()
    book(session, order, order.campaign.currency, moved, now)
    after = {"lines": [line.id for line in chosen], "how": how.value, "at": at.isoformat(), "amount": sum(each.amount for each in moved)}
    record(session, actor=actor, action="deposits.hand_over", campaign=order.campaign.slug, object=order_ref, after=after, now=now)
    return len(chosen)


def _lines(session: Session, order: Order) -> list[OrderLine]:
    query = select(OrderLine).where(OrderLine.order_id == order.id).order_by(OrderLine.id)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _require_deliverable(session: Session, order: Order, chosen: list[OrderLine]) -> None:
    """Raise Refused unless these lines are confirmed, paid with the order's shipping, and not left by their customer."""
    ids = [line.id for line in chosen]
    if any(line.outcome is not Outcome.ALLOCATED for line in chosen):
        raise Refused(N_("Only confirmed products can be handed over"))
    for_them = or_(Obligation.line_id.in_(ids), Obligation.line_id.is_(None))
    due = select(Obligation.id).where(Obligation.order_id == order.id, for_them, Obligation.state == ObligationState.DUE)
    if session.scalars(due.limit(1)).first() is not None:
        raise Refused(N_("The balance or the shipping isn’t paid yet; goods are handed over when everything is"))
    if session.scalars(select(Withdrawal.line_id).where(Withdrawal.line_id.in_(ids)).limit(1)).first() is not None:
        raise Refused(N_("The customer has withdrawn from this; nothing more is handed over"))


def _require_undisputed(session: Session, chosen: list[OrderLine]) -> None:
    """Raise Refused while a bank decides about their money: what it gives back to us later must find the line as it was."""
    of_them = DisputeLine.line_id.in_([line.id for line in chosen])
    undecided = select(DisputeLine.line_id).join(Dispute, Dispute.id == DisputeLine.dispute_id).where(of_them, UNDECIDED)
    if session.scalars(undecided.limit(1)).first() is not None:
        raise Refused(N_("The money for this was taken back by the customer’s bank; look at the dispute first"))


def _movements(session: Session, order: Order, chosen: list[OrderLine]) -> list[tuple[str, str, str, int, str]]:
    shipping = accounts.shipping(order.ref)
    ours = {accounts.deposit(line.id): accounts.REVENUE for line in chosen} | {shipping: accounts.SHIPPING}
    held = ledger.balances(session, list(ours))
    if any(held[accounts.deposit(line.id)] == 0 for line in chosen):
        raise Refused(N_("The money for this was taken back by the customer’s bank; look at the dispute first"))
    return [(accounts.handed_over(name), name, to, held[name], "handed_over") for name, to in ours.items() if held[name]]
