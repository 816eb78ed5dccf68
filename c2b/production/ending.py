"""Ending confirmed lines, one set at a time: marked first, so that all that follows is over the same lines."""

from datetime import datetime

from sqlalchemy import ColumnElement, Select, String, cast, func, literal, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.deposits.models import Obligation, Order, OrderLine
from c2b.deposits.refunds import queue_shipping
from c2b.deposits.rules import ObligationState, Outcome, RefundReason
from c2b.ledger import rules as accounts
from c2b.production.models import ProductionOrderLine


def mark(session: Session, campaign: Campaign, lines: Select[int], now: datetime) -> int:
    """Note of lines that they end now, so that all that follows is over the same set; returns how many there are."""
    marking = update(OrderLine).where(OrderLine.id.in_(lines)).values(ended_at=now)
    session.execute(marking, execution_options={"synchronize_session": False})
    return session.scalar(select(func.count()).select_from(marked(campaign, now).subquery())) or 0


def unmark(session: Session, campaign: Campaign, now: datetime) -> None:
    """Take the marks away again: the lines wait."""
    unmarking = update(OrderLine).where(OrderLine.id.in_(marked(campaign, now))).values(ended_at=None)
    session.execute(unmarking, execution_options={"synchronize_session": False})


def marked(campaign: Campaign, now: datetime) -> Select[int]:
    """Choose the lines that `mark` has marked: they end now and aren't closed yet."""
    ending = (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.ALLOCATED) & (OrderLine.ended_at == now)
    return select(OrderLine.id).where(ending)


def to_stock(session: Session, campaign: Campaign, now: datetime) -> None:
    """Make the units of the marked lines extra stock of their production orders."""
    units = (
        select(func.sum(OrderLine.units))
        .where(OrderLine.id.in_(marked(campaign, now)), OrderLine.variant_id == ProductionOrderLine.variant_id)
        .correlate(ProductionOrderLine)
        .scalar_subquery()
    )
    left = {"units_ordered": ProductionOrderLine.units_ordered - units, "units_extra": ProductionOrderLine.units_extra + units}
    hit = select(OrderLine.variant_id).where(OrderLine.id.in_(marked(campaign, now)))
    moved = update(ProductionOrderLine).where(ProductionOrderLine.campaign_id == campaign.id, ProductionOrderLine.variant_id.in_(hit))
    session.execute(moved.values(left), execution_options={"synchronize_session": False})


def close(session: Session, campaign: Campaign, now: datetime) -> None:
    """End the marked lines; nothing is due for them any more."""
    due = (Obligation.state == ObligationState.DUE) & Obligation.line_id.in_(marked(campaign, now))
    session.execute(update(Obligation).where(due).values(state=ObligationState.VOID), execution_options={"synchronize_session": False})
    ended = update(OrderLine).where(OrderLine.id.in_(marked(campaign, now))).values(outcome=Outcome.CANCELLED)
    session.execute(ended, execution_options={"synchronize_session": False})
    session.expire_all()


def return_shipping(session: Session, campaign: Campaign, now: datetime, *, reason: RefundReason) -> None:
    """Where nothing of an order is left, its shipping isn't owed any more, and goes back if it was paid."""
    left = select(OrderLine.id).where(OrderLine.order_id == Order.id, OrderLine.outcome == Outcome.ALLOCATED)
    empty = select(Order.id).where(Order.campaign_id == campaign.id, ~left.correlate(Order).exists())
    queue_shipping(session, orders=empty, reason=reason, now=now)


def account() -> ColumnElement[str]:
    """Return the ledger account that holds a line's money."""
    return literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
