"""Leaving a contract without giving a reason: which lines can be, until when, and goods that came back."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.deposits.legal import leaving_of
from c2b.deposits.locking import order_by_ref
from c2b.deposits.models import Obligation, Order, OrderLine, Withdrawal
from c2b.deposits.refunds import queue_refunds, queue_shipping
from c2b.deposits.rights import CN_RETURN, EU_WITHDRAWAL, Leaving, Right, leaves_until
from c2b.deposits.rules import Fulfilment, LineMoney, ObligationKind, ObligationState, Outcome, RefundReason
from c2b.deposits.standing import standings
from c2b.errors import N_, NotFound, Refused
from c2b.payments.models import Dispute, Payment

BY_RIGHT = {each.right: each for each in (EU_WITHDRAWAL, CN_RETURN)}
REASONS = {Right.WITHDRAWAL: RefundReason.WITHDRAWN, Right.RETURN: RefundReason.RETURNED}
_STANDS = (Outcome.OPEN, Outcome.ALLOCATED)


@dataclass(frozen=True)
class WayOut:
    """How a line can be left; `until`: the first instant at which it can't, None while the goods haven't come."""

    leaving: Leaving
    until: datetime | None


def way_out(order: Order, line: OrderLine, money: LineMoney, *, time_zone: str, now: datetime) -> WayOut | None:
    """Return how a line that nobody has left yet can be left at `now`; None: it can't, or nothing is paid for it."""
    leaving = leaving_of(order.legal_profile, order.country)
    if leaving is None or line.outcome not in _STANDS or worth(money) <= 0:
        return None
    if line.handed_over_at is None:
        return WayOut(leaving, None) if leaving.before else None
    until = leaves_until(leaving, line.handed_over_at, time_zone)
    return WayOut(leaving, until) if now < until else None


def worth(money: LineMoney) -> int:
    """Return what comes back of a line that is left, minor units."""
    return money.captured - money.refunded - money.going_back - money.disputed


def ways_out(session: Session, order: Order, *, now: datetime) -> dict[int, tuple[WayOut, int]]:
    """Return the lines of an order that can be left at `now`, each with what comes back for it, by line id."""
    mine = select(OrderLine).where(OrderLine.order_id == order.id, ~_left().where(Withdrawal.line_id == OrderLine.id).exists())
    books = standings(session, lines=mine.with_only_columns(OrderLine.id))
    found = {
        line.id: (way_out(order, line, books[line.id], time_zone=order.campaign.time_zone, now=now), worth(books[line.id]))
        for line in session.scalars(mine.order_by(OrderLine.id))
    }
    return {line: (way, amount) for line, (way, amount) in found.items() if way is not None}


def shipping_back(session: Session, order: Order, leaving: Leaving, lines: Collection[int]) -> int:
    """Return the shipping that comes back if these lines are left too: all of it with the last, else 0; minor units."""
    stays = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.outcome.in_(_STANDS), OrderLine.id.not_in(lines))
    stays = stays.where(~_left().where(Withdrawal.line_id == OrderLine.id).exists())
    if not leaving.shipping or session.scalars(stays.limit(1)).first() is not None:
        return 0
    paid = select(func.sum(Obligation.amount)).where(Obligation.order_id == order.id, Obligation.kind == ObligationKind.SHIPPING)
    return int(session.scalar(paid.where(Obligation.state == ObligationState.PAID)) or 0)


def emptied(orders: Select[int]) -> Select[int]:
    """Choose those of `orders` (a query of order ids) of which the customer keeps nothing."""
    kept = OrderLine.outcome.in_(_STANDS) & (OrderLine.fulfilment != Fulfilment.RETURNED)
    return select(Order.id).where(Order.id.in_(orders), ~select(OrderLine.id).where(OrderLine.order_id == Order.id, kept).exists())


def came_back(session: Session, *, order_ref: str, line_id: int, actor: str, now: datetime) -> int:
    """Note that goods are here again whose customer left: the money goes back, minor units returned; done already, nothing happens.

    The shipping goes back with the last line where the law says so. Raises NotFound for a line that nobody left, Refused for goods that
    were never handed over, or while a dispute is open.
    """
    order = order_by_ref(session, order_ref)
    left = session.scalar(select(Withdrawal).where(Withdrawal.line_id == line_id, Withdrawal.order_id == order.id))
    if left is None:
        raise NotFound(N_("The customer hasn’t sent this back"))
    line = session.get_one(OrderLine, line_id, populate_existing=True)
    if line.handed_over_at is None:
        raise Refused(N_("This was never handed over, so it can’t come back"))
    if left.came_back_at is not None:
        return 0
    _require_undisputed(session, order)
    left.came_back_at, line.fulfilment = now, Fulfilment.RETURNED
    session.flush()
    reason, shipping = REASONS[left.right], 0
    figures = queue_refunds(session, lines=select(OrderLine.id).where(OrderLine.id == line_id), reason=reason, now=now)
    empty = emptied(select(Order.id).where(Order.id == order.id))
    if BY_RIGHT[left.right].shipping and session.scalars(empty).first() is not None:
        shipping = shipping_back(session, order, BY_RIGHT[left.right], [])
        queue_shipping(session, orders=empty, reason=reason, now=now)
    after = {"line": line_id, "right": left.right.value, "refund_amount": figures.amount, "shipping": shipping}
    record(session, actor=actor, action="deposits.came_back", campaign=order.campaign.slug, object=order_ref, after=after, now=now)
    return figures.amount + shipping


def _require_undisputed(session: Session, order: Order) -> None:
    """Raise Refused while a bank holds money of this order that is revenue by now: it would go back twice."""
    lost = select(Dispute.id).join(Payment, Payment.id == Dispute.payment_id).where(Payment.payer == order.ref, Dispute.won_at.is_(None))
    if session.scalars(lost.limit(1)).first() is not None:
        raise Refused(N_("The customer’s bank took money of this order back already; settle that dispute first"))


def _left() -> Select[int]:
    return select(Withdrawal.line_id)
