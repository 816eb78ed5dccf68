"""Where the money of lines stands, from ledger, refunds and obligations: one statement for any number of lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, Select, String, cast, func, literal, select
from sqlalchemy.orm import Session

from c2b.deposits.models import DisputeLine, Obligation, OrderLine, RefundLine
from c2b.deposits.rules import LineMoney, Money, ObligationKind, ObligationState, money_state
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount, Transfer
from c2b.payments.models import Dispute, Refund
from c2b.payments.rules import RefundState

_ACCOUNT = literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))


def _lines(state: ColumnElement[bool]) -> ScalarSelect[int]:
    """Sum what refunds carry of a line, of refunds in this state."""
    sums = select(func.sum(RefundLine.amount)).join(Refund, Refund.id == RefundLine.refund_id)
    return sums.where(RefundLine.line_id == OrderLine.id, state).correlate(OrderLine).scalar_subquery()


def _left_as(event: str) -> ScalarSelect[int]:
    """Sum what left a line's account by an event."""
    sums = select(func.sum(Transfer.amount)).where(Transfer.debit == _ACCOUNT, Transfer.event == event)
    return sums.correlate(OrderLine).scalar_subquery()


_taken_back = select(func.sum(DisputeLine.amount)).join(Dispute, Dispute.id == DisputeLine.dispute_id)
_disputed = _taken_back.where(DisputeLine.line_id == OrderLine.id, Dispute.won_at.is_(None)).correlate(OrderLine)
_won = select(func.sum(Transfer.amount)).where(Transfer.credit == _ACCOUNT, Transfer.event == "chargeback_won").correlate(OrderLine)
FACTS = (
    OrderLine.outcome,
    GuardedAccount.credits,
    GuardedAccount.debits,
    _lines((Refund.state != RefundState.SETTLED) & Refund.resolved_at.is_(None)),
    _lines(Refund.state == RefundState.SETTLED),
    _left_as("forfeited"),
    _left_as("handed_over"),
    _disputed.scalar_subquery(),
    _won.scalar_subquery(),
    Obligation.due_at,
    Obligation.state,
)
"""The columns that `line_money` reads, of a statement that selects from OrderLine and went through `joined`."""


def joined(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Join what `FACTS` are columns of; no line more or less comes out."""
    balance = (Obligation.line_id == OrderLine.id) & (Obligation.kind == ObligationKind.BALANCE)
    return statement.outerjoin(GuardedAccount, GuardedAccount.account == _ACCOUNT).outerjoin(Obligation, balance)


def line_money(facts: Sequence[Any]) -> LineMoney:
    """Return what the books say of a line, minor units, from the values of `FACTS`."""
    outcome, *sums, due_at, state = facts
    credited, debited, going_back, refunded, forfeited, handed_over, disputed, won = (int(each or 0) for each in sums)
    return LineMoney(
        outcome=outcome,
        captured=credited - won,
        held=credited - debited,
        going_back=going_back,
        refunded=refunded,
        forfeited=forfeited,
        handed_over=handed_over,
        disputed=disputed,
        balance_due_at=due_at if state is ObligationState.DUE else None,
        balance_paid=state is ObligationState.PAID,
    )


def standings(session: Session, *, lines: Select[int]) -> dict[int, LineMoney]:
    """Return what the books say of each of `lines` (a query of line ids), minor units, by line id."""
    statement = joined(select(OrderLine.id, *FACTS).where(OrderLine.id.in_(lines)))
    return {line_id: line_money(facts) for line_id, *facts in session.execute(statement)}


def money_states(session: Session, *, lines: Select[int], now: datetime) -> dict[int, Money]:
    """Return where the money of each of `lines` stands at `now`, by line id."""
    return {line_id: money_state(line, now) for line_id, line in standings(session, lines=lines).items()}
