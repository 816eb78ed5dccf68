"""What the page of transfers lists: money that is waited for, refunds to be paid out by hand, and what was entered. Minor units."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, func, or_, select, true
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.deposits.models import Order
from c2b.errors import N_, NotFound
from c2b.payments.manual import NAME
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.rules import OPEN, How, PaymentState, RefundState, written
from c2b.people.models import Address
from c2b.people.rules import mask

PAGE = 50
_Rows = Select[*tuple[Any, ...]]


@dataclass(frozen=True)
class Expected:
    """Money that is waited for; `key` is the reference that the customer was asked to write."""

    key: str
    order: str
    customer: str
    amount: int
    currency: str
    since: datetime
    until: datetime
    state: PaymentState


@dataclass(frozen=True)
class ToPay:
    """A refund that a person has to pay out."""

    key: str
    order: str
    customer: str
    amount: int
    currency: str
    since: datetime


@dataclass(frozen=True)
class Entered:
    """What somebody entered: money that came, or with `how` empty money that went back."""

    key: str
    order: str
    amount: int
    currency: str
    how: How | None
    reference: str
    day: datetime
    by: str
    at: datetime


def expected(session: Session, campaign_id: int, *, search: str, unmasked: bool, page: int = 1) -> tuple[list[Expected], int]:
    """Return one page of the payments whose money nobody entered yet, the longest waiting first, and how many there are in all.

    A search by reference, order or address finds those too whose time is over: money may still come for them.
    """
    nobody = ~exists().where(ManualReceipt.payment_key == Payment.key)
    asked = _found(search, Payment.key) if search else Payment.state.in_(OPEN)
    query = select(Payment, Order).join(Order, Order.ref == Payment.payer).where(*_of(campaign_id), nobody, asked)
    count = session.scalars(select(func.count()).select_from(query.with_only_columns(Payment.id).subquery())).one()
    rows = session.execute(query.order_by(Payment.created_at, Payment.id).limit(PAGE).offset((page - 1) * PAGE)).all()
    names = _customers(session, (order for _, order in rows), unmasked=unmasked)
    return [_expected(payment, order, names) for payment, order in rows], count


def to_pay(session: Session, campaign_id: int, *, search: str, unmasked: bool, key: str = "") -> tuple[list[ToPay], int]:
    """Return the refunds that have waited longest to be paid out by hand, `PAGE` at most, and how many wait; of one `key`, that one."""
    waiting = (Refund.state.in_((RefundState.QUEUED, RefundState.UNKNOWN)), ~exists().where(ManualPayout.refund_key == Refund.key))
    query = select(Refund, Payment, Order).join(Payment, Payment.id == Refund.payment_id).join(Order, Order.ref == Payment.payer)
    if search:
        query = query.where(_found(search, Payment.key))
    query = query.where(*_of(campaign_id), *waiting, Refund.key == key if key else true())
    count = session.scalars(select(func.count()).select_from(query.with_only_columns(Refund.id).subquery())).one()
    rows = session.execute(query.order_by(Refund.queued_at, Refund.id).limit(PAGE)).all()
    names = _customers(session, (order for _, _, order in rows), unmasked=unmasked)
    found = [
        ToPay(refund.key, order.ref, names.get(order.person_id, ""), refund.amount, payment.currency, refund.queued_at)
        for refund, payment, order in rows
    ]
    return found, count


def entered(session: Session, campaign_id: int, *, search: str) -> list[Entered]:
    """Return what was entered last, both ways, the newest first."""
    came = select(ManualReceipt, Payment.payer, Payment.currency).join(Payment, Payment.key == ManualReceipt.payment_key)
    went = select(ManualPayout, Payment.payer, Payment.currency).join(Refund, Refund.key == ManualPayout.refund_key)
    went = went.join(Payment, Payment.id == Refund.payment_id)
    found = [
        Entered(row.payment_key, order, row.amount, currency, row.how, row.reference, row.received_at, row.entered_by, row.entered_at)
        for row, order, currency in session.execute(_last(came, campaign_id, search, ManualReceipt))
    ] + [
        Entered(row.refund_key, order, row.amount, currency, None, row.reference, row.paid_at, row.entered_by, row.entered_at)
        for row, order, currency in session.execute(_last(went, campaign_id, search, ManualPayout))
    ]
    return sorted(found, key=attrgetter("at"), reverse=True)[:PAGE]


def require(session: Session, campaign_id: int, *, payment: str = "", refund: str = "") -> None:
    """Raise NotFound unless the payment, or the refund, is one of this campaign's."""
    query = select(Payment.id).join(Order, Order.ref == Payment.payer).where(*_of(campaign_id))
    if refund:
        query = query.join(Refund, Refund.payment_id == Payment.id).where(Refund.key == refund)
    else:
        query = query.where(Payment.key == payment)
    if session.scalar(query) is None:
        raise NotFound(N_("This campaign has no payment with the reference %(key)s"), key=refund or payment)


def _of(campaign_id: int) -> tuple[ColumnElement[bool], ...]:
    return Order.campaign_id == campaign_id, Payment.gateway == NAME


def _found(search: str, key: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Find by the reference however it was written, by the order's reference, or by the customer's address."""
    address = exists().where(Address.person_id == Order.person_id, func.lower(Address.value) == search.lower())
    reference = written(search)
    by_key = key.startswith(reference, autoescape=True) if reference else key == search
    return or_(by_key, key == search, Order.ref.startswith(search, autoescape=True), address)


def _last(query: _Rows, campaign_id: int, search: str, table: type[ManualReceipt | ManualPayout]) -> _Rows:
    query = query.join(Order, Order.ref == Payment.payer).where(*_of(campaign_id))
    if search:
        query = query.where(or_(_found(search, Payment.key), table.reference == search))
    return query.order_by(table.id.desc()).limit(PAGE)


def _expected(payment: Payment, order: Order, names: dict[int, str]) -> Expected:
    return Expected(
        key=payment.key,
        order=order.ref,
        customer=names.get(order.person_id, ""),
        amount=payment.amount,
        currency=payment.currency,
        since=payment.created_at,
        until=payment.expires_at,
        state=payment.state,
    )


def _customers(session: Session, orders: Iterable[Order], *, unmasked: bool) -> dict[int, str]:
    """Return each customer's first address by person; whole for those only who may see personal data, with the recipient's name."""
    names = {order.person_id: order.recipient for order in orders}
    rows = session.scalars(select(Address).where(Address.person_id.in_(names)).order_by(Address.id.desc()))
    known = {row.person_id: row.value if unmasked else mask(row.kind, row.value) for row in rows}
    if not unmasked:
        return known
    return {person: " · ".join(filter(None, (name, known.get(person, "")))) for person, name in names.items()}
