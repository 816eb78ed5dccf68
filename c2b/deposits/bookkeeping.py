"""What a provider's statement adds to the books, each campaign's to its own: fees, payouts, money that belongs to nothing we know.

Ids follow from the statement's line, so that a line is booked once however many files bring it, at the statement's own instant.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, literal, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.models import Order
from c2b.ledger import rules as accounts
from c2b.ledger.actions import post_rows
from c2b.ledger.models import Transfer
from c2b.payments import cases, statements
from c2b.payments.cases import Kept
from c2b.payments.matching import TAKEN, UNMATCHED, differences, fee_id, payout_id, suspense_id
from c2b.payments.models import Payment, Refund, Statement, StatementRow
from c2b.payments.protocol import Entry
from c2b.payments.rules import CaseKind
from c2b.payments.waiting import waiting

Row = StatementRow
Rows = Select[str, str, str, int, str, str, str, datetime]


def match(database: Database, now: datetime) -> Kept:
    """Book what statements brought, compare the three sides, and let cases open and close; repeating it changes nothing."""
    with database.transaction() as session:
        statements.resolve(session)
        fresh = session.scalars(select(Statement.id).where(Statement.matched_at.is_(None))).all()
        book(session, fresh)
    with database.transaction() as session:
        found = [*differences(session), *waiting(session, now=now)]
        kept = cases.keep(session, found, kinds=set(CaseKind) - {CaseKind.AUDIT}, now=now)
        session.execute(update(Statement).where(Statement.id.in_(fresh)).values(matched_at=now))
        return kept


def match_job(database: Database, payload: Mapping[str, Any], now: datetime) -> None:  # noqa: ARG001  as every job is called
    """Match as a job: every night, and after each import."""
    match(database, now)


def book(session: Session, statement_ids: Sequence[int]) -> None:
    """Book what these statements say and the ledger hasn't: four statements of SQL, however many lines."""
    of_these = Row.statement_id.in_(statement_ids)
    post_rows(session, _fees().where(of_these))
    post_rows(session, _payouts().where(of_these))
    post_rows(session, _unmatched().where(of_these))
    post_rows(session, _matched_after_all())


def _fees() -> Rows:
    """What the gateway took is an expense of the payment's campaign; in another currency than the payment's it can't be booked there."""
    currency = func.coalesce(*(_of_payment(Payment.currency)))
    fits = or_(currency.is_(None), currency == Row.currency)
    names = ("fee", "fee_returned")
    return _rows(fee_id(), TAKEN, literal(accounts.FEES), _provider(), names).where(TAKEN != 0, fits)


def _payouts() -> Rows:
    names = ("payout", "payout_returned")
    rows = _rows(payout_id(), -Row.amount, literal(accounts.BANK), _provider(), names)
    return rows.where(Row.entry == Entry.PAYOUT, Row.amount != 0)


def _unmatched() -> Rows:
    """Money that belongs to nothing we know is ours to explain, not to keep."""
    names = ("unmatched", "unmatched")
    return _rows(suspense_id(), Row.amount, _provider(), _suspense(), names).where(UNMATCHED, Row.amount != 0)


def _matched_after_all() -> Rows:
    """Take back what was unmatched and has been found to be a payment or refund of ours, which is booked as such."""
    was_booked = select(Transfer.id).where(Transfer.id == suspense_id()).exists()
    rows = _rows(suspense_id("matched"), Row.amount, _suspense(), _provider(), ("matched", "matched"))
    return rows.where(~UNMATCHED, Row.amount != 0, was_booked)


def _rows(
    key: ColumnElement[str],
    amount: ColumnElement[int] | InstrumentedAttribute[int],
    debit: ColumnElement[str],
    credit: ColumnElement[str],
    events: tuple[str, str],
) -> Rows:
    """Select transfers from `credit` to `debit`, the other way round where the amount is negative, that don't stand in the books yet."""
    forward = amount > 0
    campaign = func.coalesce(*_of_payment(Campaign.slug), accounts.NO_CAMPAIGN)
    return select(
        key,
        case((forward, debit), else_=credit),
        case((forward, credit), else_=debit),
        func.abs(amount),
        Row.currency,
        case((forward, events[0]), else_=events[1]),
        campaign,
        Row.at,
    ).where(~select(Transfer.id).where(Transfer.id == key).exists())


def _of_payment(column: Any) -> tuple[ColumnElement[Any], ColumnElement[Any]]:
    """Return what is known of the payment that a line is about, by its own key or by its refund's."""
    known = select(column).select_from(Payment).join(Order, Order.ref == Payment.payer).join(Campaign, Campaign.id == Order.campaign_id)
    by_refund = known.join(Refund, Refund.payment_id == Payment.id).where(Refund.key == Row.key)
    return known.where(Payment.key == Row.key).correlate(Row).scalar_subquery(), by_refund.correlate(Row).scalar_subquery()


def _provider() -> ColumnElement[str]:
    return literal(accounts.PROVIDER).concat(Row.gateway).concat(":").concat(Row.merchant)


def _suspense() -> ColumnElement[str]:
    return literal(accounts.SUSPENSE).concat(Row.gateway)
