"""Refunds of a payment that its customer's bank took back: they wait until the dispute is decided, so that nothing goes out twice.

What had not been sent gives its money up to the bank: it goes out if we win, and is closed if we lose, because the customer has the money
by then. What was sent already may have arrived, so the gateway is asked and the bank's taking is our loss; the loss is made good when
it turns out that the refund never left.
"""

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from c2b.deposits.locking import book
from c2b.deposits.models import Order
from c2b.deposits.refunds import send_anew
from c2b.errors import N_, Refused
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute, Payment, Refund
from c2b.payments.rules import RefundState

TAKEN = "taken back by the customer’s bank"
_NOT_WON = Dispute.won_at.is_(None)
UNDECIDED = _NOT_WON & Dispute.lost_at.is_(None)
_WAITS = (RefundState.QUEUED, RefundState.UNKNOWN)
LATER_DISPUTE = (
    select(Dispute.id)
    .where(Dispute.payment_id == Refund.payment_id, Dispute.opened_at >= Refund.queued_at, _NOT_WON)
    .correlate(Refund)
    .exists()
)
"""A bank took the refund's payment back after the refund had begun: without a dispute it would still go out."""


def sources(session: Session, payment: Payment, now: datetime) -> dict[str, tuple[str, int]]:
    """Return what refunds of a payment still hold that no bank gave out: account and most, minor units, by source.

    Locks the refunds: a worker that has just claimed one has sent it. Those that were sent are asked for at once.
    """
    query = select(Refund).where(Refund.payment_id == payment.id, Refund.resolved_at.is_(None))
    refunds = session.scalars(query.order_by(Refund.id).with_for_update().execution_options(populate_existing=True)).all()
    for refund in refunds:
        if refund.state is RefundState.UNKNOWN:
            refund.next_attempt_at = now
    return {name: (account, refund.amount) for refund in refunds for name, account in _there(refund, payment)}


def _there(refund: Refund, payment: Payment) -> Iterator[tuple[str, str]]:
    """Yield where the money of a refund stands that surely didn't leave."""
    if refund.state is RefundState.QUEUED:
        yield _hold(refund), accounts.hold(refund.key)
    elif refund.state is RefundState.FAILED:
        yield _owed(refund), accounts.owed(payment.payer)


def withhold(session: Session, payment: Payment, taken: set[str], now: datetime) -> None:
    """Keep back the unsent refunds that a dispute took money of; `taken`: the names of the sources."""
    for refund in _of(session, payment, Refund.state == RefundState.QUEUED):
        if _hold(refund) in taken:
            refund.withheld_at = refund.withheld_at or now


def made_good(session: Session, order: Order, refund: Refund, now: datetime) -> None:
    """Take note that a refund which seemed to be gone when its bank took the payment back never left: so the loss was none.

    Its money stands on its hold, or where the gateway refused it on what is owed. Order and refund are locked by the caller.
    """
    after = (Dispute.payment_id == refund.payment_id) & (Dispute.opened_at >= refund.queued_at) & _NOT_WON
    disputes = session.scalars(select(Dispute).where(after).order_by(Dispute.id)).all()
    if not disputes or refund.resolved_at is not None:
        return
    if refund.state is RefundState.UNKNOWN:
        refund.state, refund.withheld_at = RefundState.QUEUED, now
    for dispute in disputes:
        _cover(session, order, refund, dispute, now)
    session.flush()
    decided(session, order, refund.payment, now)


def _cover(session: Session, order: Order, refund: Refund, dispute: Dispute, now: datetime) -> None:
    amount = min(refund.amount - _taken(session, refund), _loss(session, dispute))
    for name, account in _there(refund, refund.payment):
        if amount:
            moved = Posting(f"dis:{dispute.reference}:{name}", account, accounts.REVENUE, amount, "chargeback")
            book(session, order, refund.payment.currency, [moved], now)


def decided(session: Session, order: Order, payment: Payment, now: datetime) -> None:
    """Let the refunds of a payment go or close them, once every dispute about it is decided: what banks took doesn't go out again."""
    if session.scalars(select(Dispute.id).where(Dispute.payment_id == payment.id, UNDECIDED).limit(1)).first() is not None:
        return
    unsettled = Refund.withheld_at.is_not(None) | (Refund.state == RefundState.FAILED)
    for refund in list(_of(session, payment, unsettled & Refund.resolved_at.is_(None))):
        if taken := _taken(session, refund):
            _close(session, order, refund, taken, now)
        elif refund.withheld_at is not None:  # nobody asks for it by its key: the gateway surely never heard of it
            refund.withheld_at, refund.sent_at, refund.attempts, refund.next_attempt_at = None, None, 0, now
    session.flush()


def require_decided(session: Session, refund: Refund) -> None:
    """Raise Refused while a bank holds the payment of a refund: paid out now the money would be gone twice."""
    if session.scalars(select(Dispute.id).where(Dispute.payment_id == refund.payment_id, UNDECIDED).limit(1)).first() is not None:
        raise Refused(N_("The customer’s bank took this payment back; wait until the dispute is decided, or the money goes out twice"))


def waits(session: Session, account: str) -> bool:
    """Say whether a hold's refund still waits: then money that comes back to it goes out, else it is owed."""
    key = account.removeprefix(accounts.HOLD)
    return session.scalar(select(Refund.id).where(Refund.key == key, Refund.state.in_(_WAITS))) is not None


def _close(session: Session, order: Order, refund: Refund, taken: int, now: datetime) -> None:
    """End a refund whose money the customer has from their bank; what the bank didn't take begins anew."""
    rest = refund.amount - taken
    if rest and refund.state is RefundState.QUEUED:
        owed = Posting(f"fail:{refund.key}", accounts.hold(refund.key), accounts.owed(order.ref), rest, "refund_refused")
        book(session, order, refund.payment.currency, [owed], now)
    refund.state, refund.last_error, refund.resolved_at, refund.withheld_at = RefundState.FAILED, TAKEN, now, now
    session.flush()
    if rest:
        refund.withheld_at = None  # another one stands for it
        send_anew(session, refund=refund, order=order, less=taken, now=now)


def _of(session: Session, payment: Payment, which: ColumnElement[bool]) -> Iterator[Refund]:
    query = select(Refund).where(Refund.payment_id == payment.id, which).order_by(Refund.id)
    return iter(session.scalars(query.with_for_update().execution_options(populate_existing=True)).all())


def _taken(session: Session, refund: Refund) -> int:
    """Return what banks took of a refund's money in disputes that we didn't win."""
    disputes = session.scalars(select(Dispute.reference).where(Dispute.payment_id == refund.payment_id, _NOT_WON)).all()
    names = [f"dis:{reference}:{source}" for reference in disputes for source in (_hold(refund), _owed(refund))]
    return int(session.scalar(select(func.sum(Transfer.amount)).where(Transfer.id.in_(names))) or 0)


def _loss(session: Session, dispute: Dispute) -> int:
    """Return what a dispute took that wasn't there, as far as it wasn't made good since."""
    moved = ledger.transfers(session, beginning=f"dis:{dispute.reference}:")
    return sum(each.amount * ((each.debit == accounts.REVENUE) - (each.credit == accounts.REVENUE)) for each in moved)


def _hold(refund: Refund) -> str:
    return accounts.hold(refund.key)


def _owed(refund: Refund) -> str:
    return f"{accounts.OWED}{refund.key}"
