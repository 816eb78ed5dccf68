"""Where the money of lines stands, from ledger, refunds and obligations: three statements for any number of lines."""

from datetime import datetime

from sqlalchemy import Select, String, cast, func, literal, select
from sqlalchemy.orm import Session

from c2b.deposits.models import Obligation, OrderLine, RefundLine
from c2b.deposits.rules import LineMoney, Money, ObligationKind, ObligationState, money_state
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount
from c2b.payments.models import Refund
from c2b.payments.rules import RefundState


def standings(session: Session, *, lines: Select[int]) -> dict[int, LineMoney]:
    """Return what the books say of each of `lines` (a query of line ids), minor units, by line id."""
    account = literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
    held = session.execute(
        select(OrderLine.id, OrderLine.outcome, GuardedAccount.credits, GuardedAccount.debits)
        .outerjoin(GuardedAccount, GuardedAccount.account == account)
        .where(OrderLine.id.in_(lines))
    ).all()
    returning = session.execute(
        select(RefundLine.line_id, func.sum(RefundLine.amount))
        .join(Refund, Refund.id == RefundLine.refund_id)
        .where(RefundLine.line_id.in_(lines), Refund.state != RefundState.SETTLED)
        .group_by(RefundLine.line_id)
    )
    going_back = {line_id: int(amount) for line_id, amount in returning}
    owed = select(Obligation).where(Obligation.line_id.in_(lines), Obligation.kind == ObligationKind.BALANCE)
    balances = {each.line_id: each for each in session.scalars(owed)}
    found = {}
    for line_id, outcome, credited, debited in held:
        balance = balances.get(line_id)
        found[line_id] = LineMoney(
            outcome=outcome,
            captured=credited or 0,
            held=(credited or 0) - (debited or 0),
            going_back=going_back.get(line_id, 0),
            balance_due_at=balance.due_at if balance and balance.state is ObligationState.DUE else None,
            balance_paid=balance is not None and balance.state is ObligationState.PAID,
        )
    return found


def money_states(session: Session, *, lines: Select[int], now: datetime) -> dict[int, Money]:
    """Return where the money of each of `lines` stands at `now`, by line id: for lists and exports."""
    return {line_id: money_state(line, now) for line_id, line in standings(session, lines=lines).items()}
