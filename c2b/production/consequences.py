"""What a decision does to lines, money and factories: few statements over sets, inside the decision's transaction."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Executable, case, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Variant
from c2b.db import Instant
from c2b.deposits.handing_over import is_collected
from c2b.deposits.models import Obligation, OrderLine, Place
from c2b.deposits.refunds import begin_refunds
from c2b.deposits.rules import ObligationKind, ObligationState, Outcome, RefundReason
from c2b.production.models import Decision, DecisionLine, ProductionOrder, ProductionOrderLine
from c2b.production.plan import Offered, Plan, reserved, takes_second
from c2b.production.rules import ProductDecision


def store(session: Session, campaign: Campaign, planned: Plan, *, actor: str, now: datetime) -> None:
    """Write the decision and its line for each product; neither can be changed afterwards."""
    figures = planned.figures
    session.execute(
        insert(Decision).values(campaign_id=campaign.id, at=now, actor=actor, input_hash=figures.input_hash, figures=figures.document())
    )
    lines = [_decided(campaign, one, decision) for one, decision in planned.pairs]
    if lines:
        session.execute(insert(DecisionLine), lines)


def _decided(campaign: Campaign, one: Offered, decision: ProductDecision) -> dict[str, Any]:
    return {
        "campaign_id": campaign.id,
        "candidate_id": one.candidate,
        "units": decision.units,
        "minimum": decision.minimum,
        "outcome": decision.outcome,
        "made": bool(decision.make),
        "reason": decision.reason,
        "tier": decision.tier,
    }


def order_production(session: Session, campaign: Campaign, planned: Plan, *, now: datetime) -> None:
    """Write a production order for each supplier, in the order of their codes, with a line for each variant to make."""
    made = planned.made
    suppliers = sorted({(one.supplier_code, one.supplier) for one, _ in made})
    if not suppliers:
        return
    rows = [
        {
            "campaign_id": campaign.id,
            "supplier_id": supplier,
            "number": f"{campaign.slug}-{number:02}",
            "due_date": _due(campaign, now, [one.lead_days for one, _ in made if one.supplier == supplier]),
            "created_at": now,
        }
        for number, (_, supplier) in enumerate(suppliers, start=1)
    ]
    session.execute(insert(ProductionOrder), rows)
    keys = select(ProductionOrder.supplier_id, ProductionOrder.id).where(ProductionOrder.campaign_id == campaign.id)
    orders = dict(session.execute(keys).all())
    session.execute(insert(ProductionOrderLine), _lines(campaign, made, orders))


def _due(campaign: Campaign, now: datetime, lead_days: list[int | None]) -> date | None:
    """Return the day by which the slowest product is made, in the campaign's zone; None where a lead time isn't known."""
    if None in lead_days:
        return None
    return now.astimezone(ZoneInfo(campaign.time_zone)).date() + timedelta(days=max(days or 0 for days in lead_days))


def _lines(campaign: Campaign, made: list[tuple[Offered, ProductDecision]], orders: dict[int, int]) -> list[dict[str, Any]]:
    last = dict.fromkeys(orders.values(), 0)
    lines = []
    for one, decision in made:
        order = orders[one.supplier or 0]
        for make in decision.make:
            last[order] += 1
            keys: dict[str, Any] = {
                "campaign_id": campaign.id,
                "production_order_id": order,
                "candidate_id": one.candidate,
                "variant_id": make.variant,
            }
            units = {"line": last[order], "units_ordered": make.ordered, "units_extra": make.extra}
            lines.append(keys | units | {"made": True, "unit_cost": one.unit_cost, "tax_rate": one.tax_rate})
    return lines


def take_second_choices(session: Session, campaign: Campaign, planned: Plan) -> None:
    """Give the lines whose colour misses a minimum of its own what their customers named instead, at the same promise."""
    seconds = update(OrderLine).where(reserved(campaign), takes_second(planned.decisions))
    _run(session, seconds.values(first_id=OrderLine.variant_id, variant_id=OrderLine.second_id))


def end_lines(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Give each reserved line its outcome: allocated at the final price if its variant is on a production order, else missed.

    What was ordered and never paid is cancelled; if a payment for it arrives later, it is late and goes back.
    """
    making = select(ProductionOrderLine.variant_id).where(ProductionOrderLine.campaign_id == campaign.id)
    allocated = update(OrderLine).where(reserved(campaign), OrderLine.variant_id.in_(making))
    _run(session, allocated.values(outcome=Outcome.ALLOCATED, final_unit_price=_final_price(campaign)))
    _run(session, update(OrderLine).where(reserved(campaign)).values(outcome=Outcome.MISSED, ended_at=now))
    unpaid = (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.OPEN)
    lines = select(OrderLine.id).where(unpaid)
    _run(session, delete(Place).where(Place.line_id.in_(lines)))
    due = (Obligation.state == ObligationState.DUE) & Obligation.line_id.in_(lines)
    _run(session, update(Obligation).where(due).values(state=ObligationState.VOID))
    _run(session, update(OrderLine).where(unpaid).values(outcome=Outcome.CANCELLED, ended_at=now))


def _final_price(campaign: Campaign) -> ColumnElement[int]:
    """Return the price of the tier that was reached, the same for everybody and never above the promise."""
    lower = case({2: Variant.tier2_price, 3: func.coalesce(Variant.tier3_price, Variant.tier2_price)}, value=DecisionLine.tier)
    final = case((lower < OrderLine.unit_price, lower), else_=OrderLine.unit_price)
    ours = (DecisionLine.campaign_id == campaign.id) & (DecisionLine.candidate_id == OrderLine.candidate_id)
    return select(final).where(ours, Variant.id == OrderLine.variant_id).correlate(OrderLine).scalar_subquery()


def settle_money(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Ask for the balance of each allocated line and the shipping of its order, and queue the refunds of the missed ones."""
    due = literal(campaign.balance_due or now, Instant())
    balance = OrderLine.final_unit_price * OrderLine.units - OrderLine.deposit
    allocated = (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.ALLOCATED)
    state = literal(ObligationState.DUE, Obligation.state.type)
    kind = literal(ObligationKind.BALANCE, Obligation.kind.type)
    columns = ["order_id", "kind", "amount", "due_at", "state"]
    balances = select(OrderLine.order_id, kind, balance, due, state, OrderLine.id).where(allocated, balance > 0)
    _run(session, insert(Obligation).from_select([*columns, "line_id"], balances))
    if campaign.shipping:
        kind = literal(ObligationKind.SHIPPING, Obligation.kind.type)
        amount = literal(campaign.shipping)
        parcels = select(OrderLine.order_id, kind, amount, due, state).where(allocated, ~is_collected()).distinct()
        _run(session, insert(Obligation).from_select(columns, parcels))
    missed = select(OrderLine.id).where(OrderLine.campaign_id == campaign.id, OrderLine.outcome == Outcome.MISSED)
    begin_refunds(session, lines=missed, reason=RefundReason.MISSED, now=now)


def _run(session: Session, statement: Executable) -> None:
    session.execute(statement, execution_options={"synchronize_session": False})
