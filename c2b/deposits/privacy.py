"""A customer's pre-orders: given out, and without name and address once they are over."""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.deposits.models import Order, OrderLine, PayoutAccount, Pickup
from c2b.deposits.rules import Fulfilment, Outcome
from c2b.deposits.standing import standings
from c2b.errors import N_, Refused
from c2b.ledger import rules as accounts
from c2b.ledger.queries import balances
from c2b.payments.models import Payment
from c2b.payments.rules import UNSETTLED
from c2b.people.models import Person
from c2b.stores.models import Store

_HANDED_OVER = frozenset({Fulfilment.SHIPPED, Fulfilment.PICKED_UP, Fulfilment.RETURNED})


def exported(session: Session, person: Person) -> list[dict[str, Any]]:
    """Return the person's orders with their lines, terms and payments; amounts in minor units."""
    query = select(Order, Campaign.slug, Campaign.currency).join(Campaign, Campaign.id == Order.campaign_id)
    rows = session.execute(query.where(Order.person_id == person.id).order_by(Order.id))
    return [_order(session, *row) for row in rows]


def _order(session: Session, order: Order, slug: str, currency: str) -> dict[str, Any]:
    plain = {name: getattr(order, name) for name in ("ref", "recipient", "phone", "country", "postal_code", "address", "terms")}
    times = {name: getattr(order, name).isoformat() for name in ("placed_at", "terms_accepted_at")}
    payments = session.scalars(select(Payment).where(Payment.payer == order.ref).order_by(Payment.id))
    paid = [{"at": each.created_at.isoformat(), "captured": each.captured, "refunded": each.refunded} for each in payments]
    more = {
        "lines": _lines(session, order),
        "payments": paid,
        "payout_account": _account(session, order),
        "pickup": _pickup(session, order),
    }
    return plain | times | {"campaign": slug, "currency": currency} | more


def _pickup(session: Session, order: Order) -> dict[str, str] | None:
    chosen = select(Store.name, Pickup.chosen_at).join(Pickup, Pickup.store_id == Store.id).where(Pickup.order_id == order.id)
    row = session.execute(chosen).one_or_none()
    return {"store": row.name, "chosen_at": row.chosen_at.isoformat()} if row else None


def _account(session: Session, order: Order) -> dict[str, str] | None:
    kept = session.get(PayoutAccount, order.id)
    names = ("way", "holder", "bank", "account")
    return {name: str(getattr(kept, name)) for name in names} | {"given_at": kept.given_at.isoformat()} if kept else None


def _lines(session: Session, order: Order) -> list[dict[str, Any]]:
    query = (
        select(OrderLine, Candidate.code, Variant.sku)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.order_id == order.id)
        .order_by(OrderLine.id)
    )
    return [
        {
            "code": code,
            "sku": sku,
            "units": line.units,
            "unit_price": line.unit_price,
            "deposit": line.deposit,
            "outcome": line.outcome.value,
            "fulfilment": line.fulfilment.value,
        }
        for line, code, sku in session.execute(query)
    ]


def require_over(session: Session, person: Person) -> None:
    """Raise Refused while the person has an open order or money that isn't settled, naming the order."""
    for order in session.scalars(select(Order).where(Order.person_id == person.id).order_by(Order.id)):
        if _is_open(session, order):
            raise Refused(N_("Order %(ref)s is still open; cancel it or wait until it is delivered, then erase"), ref=order.ref)
        if _is_unsettled(session, order):
            raise Refused(N_("The money of order %(ref)s isn't settled yet; wait for its refund or pay out what is owed"), ref=order.ref)


def _is_open(session: Session, order: Order) -> bool:
    lines = session.execute(select(OrderLine.outcome, OrderLine.fulfilment).where(OrderLine.order_id == order.id))
    return any(
        line.outcome is Outcome.OPEN or (line.outcome is Outcome.ALLOCATED and line.fulfilment not in _HANDED_OVER) for line in lines
    )


def _is_unsettled(session: Session, order: Order) -> bool:
    running = select(func.count()).where(Payment.payer == order.ref, Payment.state.in_(UNSETTLED))
    besides = balances(session, [accounts.owed(order.ref), accounts.shipping(order.ref)])
    money = standings(session, lines=select(OrderLine.id).where(OrderLine.order_id == order.id))
    return any((session.scalar(running), *besides.values(), *(line.held or line.going_back for line in money.values())))


def erase(session: Session, person: Person) -> int:
    """Blank the name and address of the person's orders and forget their accounts; returns how many orders. Money and goods stay."""
    theirs = select(Order.id).where(Order.person_id == person.id)
    session.execute(delete(PayoutAccount).where(PayoutAccount.order_id.in_(theirs)))
    blank = {"recipient": "", "phone": "", "postal_code": "", "address": ""}
    return len(session.execute(update(Order).where(Order.person_id == person.id).values(blank).returning(Order.id)).all())
