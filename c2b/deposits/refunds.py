"""Sending money back the way it came: set-based, in the transaction of whatever ends the lines."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import ColumnElement, Select, String, Subquery, case, cast, func, insert, literal, null, select, union_all, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.campaigns.models import Campaign
from c2b.deposits.models import DisputeLine, Obligation, Order, OrderLine, PaymentPart, RefundLine
from c2b.deposits.rules import ObligationKind, ObligationState, RefundReason
from c2b.ledger import actions as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount, Transfer
from c2b.payments.models import Dispute, Payment, Refund

_LAST = select(func.coalesce(func.max(Refund.id), 0)).scalar_subquery()
"""The key of the refund that was begun last."""


@dataclass(frozen=True)
class RefundFigures:
    """How many payments get money back, and how much in minor units."""

    count: int
    amount: int


def refund_figures(session: Session, *, lines: Select[int]) -> RefundFigures:
    """Return what `queue_refunds` would return for the same line ids; writes nothing."""
    held = held_for(lines)
    count, amount = session.execute(select(*_figures(held))).one()
    return RefundFigures(count, int(amount))


def _figures(held: Subquery) -> tuple[ColumnElement[int], ColumnElement[int]]:
    return func.count(held.c.payment_id.distinct()), func.coalesce(func.sum(held.c.amount), 0)


def queue_refunds(session: Session, *, lines: Select[int], reason: RefundReason, now: datetime) -> RefundFigures:
    """Begin the refund of all that is held for `lines`, see `begin_refunds`; returns what goes back."""
    held = held_for(lines)
    count, amount, before = session.execute(select(*_figures(held), _LAST)).one()
    if count:
        _begin(session, lines=lines, reason=reason, before=before, now=now)
    return RefundFigures(count, int(amount))


def begin_refunds(session: Session, *, lines: Select[int], reason: RefundReason, now: datetime) -> None:
    """Begin the refund of all that is held for `lines` (a query of line ids): one refund a payment, which carries lines.

    Moves the money to the refunds' hold accounts, so that no second refund can take it: from the lines' own accounts, or from revenue
    once the goods were handed over. Four statements, however many lines.
    The caller holds the lock on the campaign or on the orders; a line without money is passed over, so repeating it does nothing.
    """
    _begin(session, lines=lines, reason=reason, before=session.scalar(select(_LAST)) or 0, now=now)


def _begin(session: Session, *, lines: Select[int], reason: RefundReason, before: int, now: datetime) -> None:
    """Begin the refunds; what is new comes after the key `before`, for nobody else begins a refund of these payments meanwhile."""
    held = held_for(lines)
    payments = select(held.c.payment_id, func.sum(held.c.amount).label("amount")).group_by(held.c.payment_id).subquery()
    begun = _begun(lines)
    key = Payment.key.concat("-").concat(cast(func.coalesce(begun.c.refunds, 0) + 1, String))
    session.execute(
        insert(Refund).from_select(
            ["key", "payment_id", "amount", "queued_at", "next_attempt_at"],
            select(key, Payment.id, payments.c.amount, _at(now), _at(now))
            .join(payments, payments.c.payment_id == Payment.id)
            .outerjoin(begun, begun.c.payment_id == Payment.id),
        )
    )
    session.execute(
        insert(RefundLine).from_select(
            ["refund_id", "order_id", "line_id", "amount", "reason"],
            select(Refund.id, held.c.order_id, held.c.line_id, held.c.amount, literal(reason, RefundLine.reason.type))
            .join(held, held.c.payment_id == Refund.payment_id)
            .where(Refund.id > before),
        )
    )
    ledger.post_rows(session, _to_hold(lines, before, now))


def queue_owed(
    session: Session,
    *,
    payment: Payment,
    order: Order,
    amount: int,
    lines: Mapping[int, int] = MappingProxyType({}),
    reason: RefundReason,
    now: datetime,
) -> str:
    """Begin the refund of `amount` that `payment` brought for nothing any more: late, twice or too much. Returns the refund's key.

    `lines`: how much of it was for lines, by id. The amount stands on the order's `owed:` account already; order and payment are locked
    by the caller.
    """
    key = session.scalars(select(next_key()).where(Payment.id == payment.id)).one()
    refund = Refund(key=key, payment_id=payment.id, amount=amount, queued_at=now, next_attempt_at=now)
    session.add(refund)
    session.flush()
    shares = [*lines.items(), (None, amount - sum(lines.values()))]
    session.add_all(
        RefundLine(refund_id=refund.id, order_id=order.id, line_id=line, amount=share, reason=reason) for line, share in shares if share
    )
    begun = accounts.Posting(f"hold:{key}:owed", accounts.owed(order.ref), accounts.hold(key), amount, "refund_begun")
    ledger.post(session, [begun], campaign=order.campaign.slug, currency=payment.currency, now=now)
    return key


def queue_shipping(session: Session, *, orders: Select[int], reason: RefundReason, now: datetime) -> None:
    """Send the shipping back of `orders` (a query of order ids), where it was paid; where it is still due it isn't owed any more.

    The caller holds the lock on the campaign or on the orders; repeating it does nothing. Five statements, however many orders.
    """
    kind = (Obligation.kind == ObligationKind.SHIPPING) & Obligation.order_id.in_(orders)
    due = update(Obligation).where(kind, Obligation.state == ObligationState.DUE).values(state=ObligationState.VOID)
    session.execute(due, execution_options={"synchronize_session": False})
    ledger.post_rows(session, _shipping_to_owed(orders, now))
    columns = ["key", "payment_id", "amount", "queued_at", "next_attempt_at"]
    back = _shipping_paid(orders, next_key(), PaymentPart.payment_id, Transfer.amount, _at(now), _at(now))
    owed = back.join(Transfer, Transfer.id == _BACK).where(Transfer.at == now, ~_on_its_way(Order.ref))
    session.execute(insert(Refund).from_select(columns, owed))
    columns = ["refund_id", "order_id", "amount", "reason"]
    carried = _shipping_paid(orders, Refund.id, Order.id, Refund.amount, literal(reason, RefundLine.reason.type))
    new = ~select(RefundLine.id).where(RefundLine.refund_id == Refund.id).exists()
    session.execute(insert(RefundLine).from_select(columns, carried.join(Refund, Refund.payment_id == Payment.id).where(new)))
    ledger.post_rows(session, _shipping_to_hold(orders, now))


_OWN = literal(accounts.SHIPPED).concat(Order.ref)
_OWED = literal(accounts.OWED).concat(Order.ref)
_BACK = literal("back:").concat(Order.ref).concat(":shipping")
_BEGUN = literal("hold:").concat(Refund.key).concat(":shipping")
_TAKEN_BACK = (
    select(func.coalesce(func.sum(Transfer.amount), 0))
    .select_from(Dispute)
    .join(Transfer, Transfer.id == literal("dis:").concat(Dispute.reference).concat(":").concat(_OWN))
    .where(Dispute.payment_id == Payment.id, Dispute.won_at.is_(None))
    .correlate(Payment, Order)
    .scalar_subquery()
)
_HELD = func.coalesce(GuardedAccount.credits - GuardedAccount.debits, 0)
_PAID = PaymentPart.amount - _TAKEN_BACK
SHIPPING_AT = case((_HELD > 0, _OWN), else_=literal(accounts.SHIPPING))
SHIPPING_LEFT = case(((_HELD > 0) & (_HELD < _PAID), _HELD), else_=_PAID)
"""On which account an order's shipping stands and how much it is, minor units, in a statement of `shipping_left`."""


def shipping_left(orders: Select[int], *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[*tuple[Any, ...]]:
    """Select columns of the shipping of `orders` that can go back: what is held, or ours since goods were handed over, and in no bank."""
    has_gone, is_ours = (
        select(Transfer.id).where(Transfer.id == name).correlate(Order).exists() for name in (_BACK, literal("over:").concat(_OWN))
    )
    rows = _shipping_paid(orders, *columns).outerjoin(GuardedAccount, GuardedAccount.account == _OWN)
    return rows.where((_HELD > 0) | is_ours, ~has_gone, SHIPPING_LEFT > 0)


def _shipping_paid(orders: Select[int], *columns: ColumnElement[Any] | InstrumentedAttribute[Any]) -> Select[*tuple[Any, ...]]:
    """Select columns of the payments that brought the shipping of `orders`: one row an order."""
    paid = (Obligation.kind == ObligationKind.SHIPPING) & (Obligation.state == ObligationState.PAID) & PaymentPart.applied
    return (
        select(*columns)
        .select_from(Obligation)
        .join(PaymentPart, PaymentPart.obligation_id == Obligation.id)
        .join(Payment, Payment.id == PaymentPart.payment_id)
        .join(Order, Order.id == Obligation.order_id)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .where(paid, Obligation.order_id.in_(orders))
    )


def _shipping_to_owed(orders: Select[int], now: datetime) -> Select[*tuple[Any, ...]]:
    moved = (SHIPPING_AT, _OWED, SHIPPING_LEFT, Campaign.currency, literal("shipping_returned"), Campaign.slug, _at(now))
    return shipping_left(orders, _BACK, *moved)


def _shipping_to_hold(orders: Select[int], now: datetime) -> Select[*tuple[Any, ...]]:
    held = (literal(accounts.HOLD).concat(Refund.key), Refund.amount, Campaign.currency, literal("refund_begun"), Campaign.slug, _at(now))
    rows = _shipping_paid(orders, _BEGUN, _OWED, *held).join(Refund, Refund.payment_id == Payment.id)
    begun = select(Transfer.id).where(Transfer.credit == literal(accounts.HOLD).concat(Refund.key)).exists()
    return rows.where(~begun)


def _on_its_way(order_ref: InstrumentedAttribute[str]) -> ColumnElement[bool]:
    """Say that the refund of an order's shipping was begun already."""
    owed = literal(accounts.OWED).concat(order_ref)
    return select(Transfer.id).where(Transfer.debit == owed, Transfer.id.like("hold:%:shipping")).correlate(Order).exists()


def send_anew(session: Session, *, refund: Refund, order: Order, less: int = 0, now: datetime) -> str:
    """Begin a failed or bounced refund once more, under a new key: its money stands on the order's `owed:` account.

    `less`: what the customer has already, minor units; it is taken off its first lines. Refund, payment and order are locked by the
    caller. Returns the new key.
    """
    payment = refund.payment
    key = session.scalars(select(next_key()).where(Payment.id == payment.id)).one()
    anew = Refund(key=key, payment_id=payment.id, amount=refund.amount - less, queued_at=now, next_attempt_at=now)
    session.add(anew)
    session.flush()
    for line in session.scalars(select(RefundLine).where(RefundLine.refund_id == refund.id).order_by(RefundLine.id)):
        had = min(less, line.amount)
        less -= had
        if amount := line.amount - had:
            session.add(RefundLine(refund_id=anew.id, order_id=line.order_id, line_id=line.line_id, amount=amount, reason=line.reason))
    begun = accounts.Posting(f"hold:{key}:owed", accounts.owed(order.ref), accounts.hold(key), anew.amount, "refund_begun")
    ledger.post(session, [begun], campaign=order.campaign.slug, currency=payment.currency, now=now)
    refund.resolved_at = now
    session.flush()
    return key


def next_key() -> ColumnElement[str]:
    """The next refund's key of a payment: the payment's with a running number, so that two can't begin as one."""
    begun = select(func.count()).select_from(Refund).where(Refund.payment_id == Payment.id).correlate(Payment).scalar_subquery()
    return Payment.key.concat("-").concat(cast(begun + 1, String))


def _begun(lines: Select[int]) -> Subquery:
    """Per payment that brought something for `lines`: how many refunds were ever begun.

    Grouped once for all: asked for each payment by itself it reads the table that it fills, for which a database that never refunded
    anything has no better plan than to read it through every time.
    """
    touched = (
        select(PaymentPart.payment_id).join(Obligation, Obligation.id == PaymentPart.obligation_id).where(Obligation.line_id.in_(lines))
    )
    counts = select(Refund.payment_id, func.count().label("refunds")).where(Refund.payment_id.in_(touched))
    return counts.group_by(Refund.payment_id).subquery("begun")


def held_for(lines: Select[int]) -> Subquery:
    """Per payment and line: what was captured for it, less every refund that was ever begun, and what a bank took back."""
    brought = (
        select(PaymentPart.payment_id, Obligation.order_id, Obligation.line_id, PaymentPart.amount)
        .join(Obligation, Obligation.id == PaymentPart.obligation_id)
        .where(PaymentPart.applied, Obligation.line_id.in_(lines))
    )
    begun = (
        select(Refund.payment_id, RefundLine.order_id, RefundLine.line_id, -RefundLine.amount)
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(RefundLine.line_id.in_(lines))
    )
    taken_back = (
        select(Dispute.payment_id, null(), DisputeLine.line_id, -DisputeLine.amount)
        .join(Dispute, Dispute.id == DisputeLine.dispute_id)
        .where(Dispute.won_at.is_(None), DisputeLine.line_id.in_(lines))
    )
    moved = union_all(brought, begun, taken_back).subquery()
    order, left = func.max(moved.c.order_id).label("order_id"), func.sum(moved.c.amount)
    per_line = select(moved.c.payment_id, moved.c.line_id, order, left.label("amount"))
    return per_line.group_by(moved.c.payment_id, moved.c.line_id).having(left > 0).subquery("held")


def _to_hold(lines: Select[int], before: int, now: datetime) -> Select[str, str, str, int, str, str, str, datetime]:
    """Select the transfers of the refunds of `lines` that came after the key `before`."""
    line = cast(RefundLine.line_id, String)
    return (
        select(
            literal("hold:").concat(Refund.key).concat(":").concat(line),
            case((OrderLine.handed_over_at.is_(None), literal(accounts.DEPOSIT).concat(line)), else_=literal(accounts.REVENUE)),
            literal(accounts.HOLD).concat(Refund.key),
            RefundLine.amount,
            Campaign.currency,
            literal("refund_begun"),
            Campaign.slug,
            _at(now),
        )
        .join(Refund, Refund.id == RefundLine.refund_id)
        .join(OrderLine, OrderLine.id == RefundLine.line_id)
        .join(Campaign, Campaign.id == OrderLine.campaign_id)
        .where(RefundLine.line_id.in_(lines), Refund.id > before)
    )


def _at(now: datetime) -> ColumnElement[datetime]:
    return literal(now, Refund.queued_at.type)
