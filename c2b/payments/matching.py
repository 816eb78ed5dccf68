"""The three-way match: intents, ledger and the provider's statement, compared over sets; what differs is returned, nothing is written."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, String, Subquery, and_, case, cast, false, func, literal, or_, select, true
from sqlalchemy.orm import Session

from c2b.ledger.models import Transfer
from c2b.payments.cases import Difference
from c2b.payments.models import Dispute, Payment, Refund, StatementRow
from c2b.payments.protocol import Entry
from c2b.payments.rules import GRACE, KEY_LENGTH, CaseKind, PaymentState, RefundState, Sides, difference

Row = StatementRow
TAKEN = case((Row.entry == Entry.FEE, Row.fee - Row.amount), else_=Row.fee)
"""As `rules.taken` says it, in SQL."""
_IS_OURS = or_(select(Payment.id).where(Payment.key == Row.key).exists(), select(Refund.id).where(Refund.key == Row.key).exists())
UNMATCHED = or_(Row.entry == Entry.OTHER, and_(Row.entry.in_((Entry.PAYMENT, Entry.REFUND)), ~_IS_OURS))
"""Money on a statement that belongs to nothing we know."""
Spans = dict[tuple[str, str], tuple[datetime, datetime]]
"""By gateway and merchant: the first and the last instant that statements know of."""


def fee_id() -> ColumnElement[str]:
    """Return the ledger's id of what was taken by a line."""
    return literal("fee:").concat(Row.gateway).concat(":").concat(Row.entry).concat(":").concat(_reference())


def payout_id() -> ColumnElement[str]:
    """Return the ledger's id of a payout to the bank."""
    return literal("payout:").concat(Row.gateway).concat(":").concat(_reference())


def suspense_id(event: str = "suspense") -> ColumnElement[str]:
    """Return the ledger's id of unmatched money, or of its end, which is another `event`."""
    return literal(f"{event}:").concat(Row.gateway).concat(":").concat(Row.entry).concat(":").concat(_reference())


def _reference() -> ColumnElement[str]:
    """Return what tells a movement from others of its kind, as the table's constraint does."""
    return Row.reference.concat(":").concat(cast(Row.amount, String))


def differences(session: Session) -> Iterator[Difference]:
    """Yield what intents, ledger and statements don't agree on; the number of queries doesn't depend on how much there is."""
    spans = _spans(session)
    yield from _payments(session, spans)
    yield from _refunds(session, spans)
    yield from _unmatched(session)
    yield from _unbooked(session, CaseKind.FEE_UNBOOKED, fee_id(), TAKEN != 0)
    yield from _unbooked(session, CaseKind.PAYOUT_UNBOOKED, payout_id(), and_(Row.entry == Entry.PAYOUT, Row.amount != 0))
    yield from _disputes(session)


def _spans(session: Session) -> Spans:
    rows = session.execute(select(Row.gateway, Row.merchant, func.min(Row.at), func.max(Row.at)).group_by(Row.gateway, Row.merchant))
    return {(gateway, merchant): (first, last) for gateway, merchant, first, last in rows}


def _payments(session: Session, spans: Spans) -> Iterator[Difference]:
    booked, stated = _booked_captures(), _stated(Entry.PAYMENT, +1)
    moved, covered = Payment.state == PaymentState.CAPTURED, _covered(spans, Payment.created_at, Payment.settled_at)
    here, there = Payment.captured, stated.c.amount
    same = func.coalesce(and_(stated.c.lowest == Payment.currency, stated.c.highest == Payment.currency), true())
    query = select(Payment.key, Payment.payer, Payment.gateway, Payment.currency, moved, here, func.coalesce(booked.c.amount, 0), there)
    query = query.add_columns(same, covered, stated.c.highest, Payment.provider_reference)
    query = query.outerjoin(booked, booked.c.key == Payment.key).outerjoin(stated, stated.c.key == Payment.key)
    differs = or_(func.coalesce(booked.c.amount, 0) != here, and_(there.is_(None), covered), there != here, ~same)
    asked = or_(and_(moved, differs), and_(~moved, Payment.state != PaymentState.MISMATCH, there != 0))
    yield from _judged(session.execute(query.where(asked).order_by(Payment.id)), is_refund=False)


def _refunds(session: Session, spans: Spans) -> Iterator[Difference]:
    stated, settles = _stated(Entry.REFUND, -1), Transfer.id == literal("ref:").concat(Refund.key)
    booked = func.coalesce(Transfer.amount, 0)
    moved, covered = Refund.state == RefundState.SETTLED, _covered(spans, Refund.queued_at, Refund.settled_at)
    there = stated.c.amount
    same = func.coalesce(and_(stated.c.lowest == Payment.currency, stated.c.highest == Payment.currency), true())
    query = select(Refund.key, Payment.payer, Payment.gateway, Payment.currency, moved, Refund.amount, booked, there)
    query = query.add_columns(same, covered, stated.c.highest, Refund.provider_reference)
    query = query.join(Payment, Payment.id == Refund.payment_id).outerjoin(Transfer, settles).outerjoin(stated, stated.c.key == Refund.key)
    differs = or_(booked != Refund.amount, and_(there.is_(None), covered), there != Refund.amount, ~same)
    asked = or_(and_(moved, differs), and_(~moved, there != 0))
    not_bounced = Refund.bounced_at.is_(None)  # what came back again is a case of its own
    yield from _judged(session.execute(query.where(asked, not_bounced).order_by(Refund.id)), is_refund=True)


def _judged(rows: Any, *, is_refund: bool) -> Iterator[Difference]:
    for key, payer, gateway, currency, moved, here, booked, there, same, covered, stated_currency, reference in rows:
        kind = difference(
            Sides(is_refund=is_refund, moved=moved, here=here, booked=booked, there=there, same_currency=same, covered=covered)
        )
        if kind is None:
            continue
        sums = {"here": here if moved else 0, "booked": int(booked), "there": None if there is None else int(there)}
        details = sums | {"currency": currency, "there_currency": stated_currency or currency, "reference": reference or ""}
        yield Difference(kind, gateway, key, payer, details)


def _booked_captures() -> Subquery:
    key = cast(func.substr(Transfer.id, len("cap:") + 1, KEY_LENGTH), String).label("key")  # SQLite indexes only what has a type
    return select(key, func.sum(Transfer.amount).label("amount")).where(Transfer.id.startswith("cap:")).group_by("key").subquery()


def _stated(entry: Entry, sign: int) -> Subquery:
    """Add up the lines about each payment or refund; one may have several, as when it was reversed."""
    lowest, highest = func.min(Row.currency).label("lowest"), func.max(Row.currency).label("highest")
    sums = select(Row.key, (func.sum(Row.amount) * sign).label("amount"), lowest, highest)
    return sums.where(Row.entry == entry, Row.key != "").group_by(Row.key).subquery()


def _covered(spans: Spans, begun: Any, ended: Any) -> ColumnElement[bool]:
    """Say whether statements would have what was begun and ended then: after their first line, and a day before their last.

    A file that was left out in between counts as covered: what it has is missing until it is imported.
    """
    within = [
        and_(Payment.gateway == gateway, Payment.merchant == merchant, begun >= first, ended <= last - GRACE)
        for (gateway, merchant), (first, last) in spans.items()
    ]
    return func.coalesce(or_(false(), *within), false())


def _unmatched(session: Session) -> Iterator[Difference]:
    for row in session.scalars(select(Row).where(UNMATCHED, Row.amount != 0).order_by(Row.id)):
        yield _of_line(CaseKind.UNKNOWN_REFERENCE, row, {"there": row.amount, "entry": row.entry.value, "key": row.key})


def _unbooked(session: Session, kind: CaseKind, transfer_id: ColumnElement[str], has_some: ColumnElement[bool]) -> Iterator[Difference]:
    """Yield lines whose fee or payout the ledger hasn't, or has with another amount: such as one in a currency that its payment hadn't."""
    amount = func.abs(TAKEN if kind is CaseKind.FEE_UNBOOKED else Row.amount)
    booked = select(Transfer.id).where(Transfer.id == transfer_id, Transfer.amount == amount, Transfer.currency == Row.currency).exists()
    for row, there in session.execute(select(Row, amount).where(has_some, ~booked).order_by(Row.id)):
        yield _of_line(kind, row, {"booked": 0, "there": int(there), "entry": row.entry.value})


def _disputes(session: Session) -> Iterator[Difference]:
    known = select(Dispute.id).where(Dispute.reference == Row.reference).exists()
    for row in session.scalars(select(Row).where(Row.entry == Entry.DISPUTE, Row.amount < 0, ~known).order_by(Row.id)):
        yield _of_line(CaseKind.DISPUTE_UNKNOWN, row, {"there": row.amount, "key": row.key})


def _of_line(kind: CaseKind, row: StatementRow, details: dict[str, Any]) -> Difference:
    about = {"currency": row.currency, "reference": row.reference, "line": row.line, "at": row.at.isoformat()}
    return Difference(kind, row.gateway, f"{row.entry.value}:{row.reference}:{row.amount}", "", details | about)
