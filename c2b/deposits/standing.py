"""Where the money of lines stands, from ledger, refunds and obligations: one statement for any number of lines."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Select, String, cast, func, literal, select
from sqlalchemy.orm import Session

from c2b.deposits.models import Obligation, OrderLine, RefundLine
from c2b.deposits.rules import LineMoney, Money, ObligationKind, ObligationState, money_state
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount
from c2b.payments.models import Refund
from c2b.payments.rules import RefundState

_going_back = (
    select(func.sum(RefundLine.amount))
    .join(Refund, Refund.id == RefundLine.refund_id)
    .where(RefundLine.line_id == OrderLine.id, Refund.state != RefundState.SETTLED)
    .correlate(OrderLine)
    .scalar_subquery()
)
FACTS = (OrderLine.outcome, GuardedAccount.credits, GuardedAccount.debits, _going_back, Obligation.due_at, Obligation.state)
"""The columns that `line_money` reads, of a statement that selects from OrderLine and went through `joined`."""


def joined(statement: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    """Join what `FACTS` are columns of; no line more or less comes out."""
    account = literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
    balance = (Obligation.line_id == OrderLine.id) & (Obligation.kind == ObligationKind.BALANCE)
    return statement.outerjoin(GuardedAccount, GuardedAccount.account == account).outerjoin(Obligation, balance)


def line_money(facts: Sequence[Any]) -> LineMoney:
    """Return what the books say of a line, minor units, from the values of `FACTS`."""
    outcome, credited, debited, going_back, due_at, state = facts
    captured = credited or 0
    return LineMoney(
        outcome=outcome,
        captured=captured,
        held=captured - (debited or 0),
        going_back=int(going_back or 0),
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
