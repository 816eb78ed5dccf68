"""The money of orders, for whoever shows them: payments, refunds, and what is owed. Three statements for any number."""

from collections import Counter, defaultdict
from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.deposits.models import Obligation, RefundLine
from c2b.deposits.rules import ObligationKind, ObligationState, RefundReason
from c2b.payments.models import Payment, Refund

Owed = Counter[tuple[ObligationKind, ObligationState]]
"""What an order owes, owed or doesn't owe any more, in minor units."""


def payments_of(session: Session, refs: Sequence[str]) -> tuple[dict[str, list[Payment]], dict[str, dict[Refund, RefundReason]]]:
    """Return payments, and refunds with why they were made, by order."""
    payments: dict[str, list[Payment]] = defaultdict(list)
    refunds: dict[str, dict[Refund, RefundReason]] = defaultdict(dict)
    for each in session.scalars(select(Payment).where(Payment.payer.in_(refs)).order_by(Payment.id)):
        payments[each.payer].append(each)
    why = select(func.min(RefundLine.reason)).where(RefundLine.refund_id == Refund.id).scalar_subquery()  # one refund, one cause
    begun = select(Refund, Payment.payer, why).join(Payment, Payment.id == Refund.payment_id).where(Payment.payer.in_(refs))
    for refund, payer, reason in session.execute(begun.order_by(Refund.id)):
        refunds[payer][refund] = RefundReason(reason)
    return payments, refunds


def owed_by(session: Session, order_ids: Sequence[int]) -> dict[int, Owed]:
    """Return what orders owe, by order."""
    rows = session.execute(
        select(Obligation.order_id, Obligation.kind, Obligation.state, func.sum(Obligation.amount))
        .where(Obligation.order_id.in_(order_ids))
        .group_by(Obligation.order_id, Obligation.kind, Obligation.state)
    )
    found: dict[int, Owed] = defaultdict(Counter)
    for order_id, kind, state, amount in rows:
        found[order_id][kind, state] = int(amount)
    return found
