"""A campaign whose ordering has closed, and customers who have paid."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import CampaignState
from c2b.db import Base
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import ObligationKind, ObligationState
from c2b.ledger.models import Transfer
from c2b.payments.models import Payment
from c2b.payments.rules import PaymentState
from c2b.people.models import Person
from tests import books, make


def settling(session: Session, **changes: Any) -> Campaign:
    """Make a campaign without a voting phase whose ordering has closed, with a minimum of 10."""
    values = {"state": CampaignState.SETTLING, "voting_opens": None, "voting_closes": None, "minimum": 10}
    return make.campaign(session, **(values | changes))


def product(session: Session, of: Campaign, code: str, *, price: int = 10000, sizes: str = "S M L", **offer: Any) -> Candidate:
    """Offer a product at 100.00 with a deposit of 20.00 a unit; made by a supplier of its own unless one is given."""
    made = make.candidate(session, of, code, sizes=sizes, price=price)
    make.offer(session, made, offer.pop("by", None) or make.supplier(session, f"F-{code}"), **offer)
    return made


def variant(session: Session, of: Candidate, size: str = "S") -> Variant:
    """Return the variant of a size."""
    return next(one for one in make.variants(session, of) if one.sku.endswith(f"-{size}"))


def buys(session: Session, of: Campaign, *lines: tuple[Variant, int], paid: bool = True, by: Person | None = None) -> Order:
    """Let a customer order variants and pay all deposits in one payment; unpaid, the deposits stay due."""
    order = books.unpaid(session, of, *lines, by=by)
    if paid:
        books.pay(session, order)
    return order


def crowd(session: Session, of: Campaign, variants: Sequence[Variant], orders: int, *, lines_each: int = 4) -> None:
    """Let many customers buy one unit each of some variants and pay: the same rows as `buys`, written by the thousand."""
    terms = {"legal_profile": of.legal_profile, "terms": "", "terms_hash": "5" * 64, "terms_accepted_at": make.ORDERING_OPENS}
    moment = {"created_at": make.ORDERING_OPENS, "checked_at": make.ORDERING_OPENS, "settled_at": make.ORDERING_OPENS}
    rows: dict[type[Base], list[dict[str, Any]]] = {
        table: [] for table in (Person, Order, OrderLine, Obligation, Payment, PaymentPart, Transfer)
    }
    people, orders_, lines, owed, payments, parts, transfers = rows.values()
    for order in range(1, orders + 1):
        ref, key = f"order-{order}", f"{order:016}"  # as long as the program's own
        taken = [variants[(order + step) % len(variants)] for step in range(lines_each)]
        deposits = [(variant.price or 0) // 5 for variant in taken]
        people.append({"id": order, "ref": f"person-{order}", "name": "", "locale": "en", "viewer": order, "created_at": make.OPENS})
        named = {"id": order, "ref": ref, "idempotency_key": ref, "placed_at": make.ORDERING_OPENS}
        orders_.append(named | terms | {"campaign_id": of.id, "person_id": order})
        captured = {"amount": sum(deposits), "captured": sum(deposits), "currency": of.currency, "state": PaymentState.CAPTURED}
        payments.append({"id": order, "key": key, "payer": ref, "gateway": "sandbox", "merchant": "main"} | captured | moment)
        for variant, deposit in zip(taken, deposits, strict=True):
            line = len(lines) + 1
            keys = {"campaign_id": of.id, "order_id": order, "candidate_id": variant.candidate_id, "variant_id": variant.id}
            price = {"units": 1, "unit_price": variant.price, "deposit": deposit}
            lines.append({"id": line} | keys | price | {"reserved_at": make.ORDERING_OPENS})
            due = {"amount": deposit, "due_at": make.ORDERING_OPENS, "state": ObligationState.PAID}
            owed.append({"id": line, "order_id": order, "line_id": line, "kind": ObligationKind.DEPOSIT} | due)
            parts.append({"payment_id": order, "obligation_id": line, "amount": deposit, "applied": True})
            books_ = {"currency": of.currency, "event": "captured", "campaign": of.slug, "at": make.ORDERING_OPENS}
            transfers.append({"id": f"cap:{key}:{line}", "debit": books.PSP, "credit": f"dep:{line}", "amount": deposit} | books_)
    for table, values in rows.items():
        session.execute(insert(table), values)
    if session.get_bind().dialect.name == "postgresql":  # rows that bring their keys leave the counters behind
        for table in set(rows) - {PaymentPart, Transfer}:
            last = select(func.max(table.__table__.c.id)).scalar_subquery()
            session.execute(select(func.setval(func.pg_get_serial_sequence(table.__tablename__, "id"), last)))
