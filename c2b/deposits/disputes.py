"""Money that a customer's bank took back: it leaves the lines that it was for, and comes back to them if we win."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.deposits.actions import end_lines
from c2b.deposits.locking import book
from c2b.deposits.models import DisputeLine, Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import RefundReason, is_undecided
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute, Payment
from c2b.payments.protocol import Disputed


def apply(session: Session, order: Order, payment: Payment, heard: Sequence[Disputed], now: datetime) -> None:
    """Book what was taken back or won since; order and payment are locked by the caller.

    Before the decision a line whose money is gone is cancelled, so that nothing is made for it; later finance decides.
    """
    known = {each.reference: each for each in session.scalars(select(Dispute).where(Dispute.payment_id == payment.id))}
    for each in heard:
        dispute = known.get(each.reference)
        if dispute is None:
            if not each.is_open:
                continue  # opened and won between two looks: nothing moved in the end
            dispute = Dispute(reference=each.reference, payment_id=payment.id, amount=each.amount, opened_at=now)
            session.add(dispute)
            session.flush()
            _taken_back(session, order, payment, dispute, now)
        elif not each.is_open and dispute.won_at is None:
            dispute.won_at = now
            _won(session, order, payment, dispute, now)


def _taken_back(session: Session, order: Order, payment: Payment, dispute: Dispute, now: datetime) -> None:
    provider, brought = accounts.provider(payment.gateway, payment.merchant), _brought(session, order, payment)
    held = ledger.balances(session, list(brought))
    there = {account: min(amount, held[account]) for account, amount in brought.items()}
    taken = list(_spread(dispute, provider, there))
    book(session, order, payment.currency, taken, now)
    by_line = {
        posting.debit.removeprefix(accounts.DEPOSIT): posting.amount for posting in taken if posting.debit.startswith(accounts.DEPOSIT)
    }
    session.add_all(DisputeLine(dispute_id=dispute.id, line_id=int(line), amount=amount) for line, amount in by_line.items())
    session.flush()
    if is_undecided(order.campaign.state):
        gone = select(DisputeLine.line_id).where(DisputeLine.dispute_id == dispute.id)
        end_lines(session, lines=gone, reason=RefundReason.DISPUTED, now=now)


def _spread(dispute: Dispute, provider: str, there: dict[str, int]) -> Iterator[Posting]:
    """Take the amount from what this payment brought and is still there, account by account; what isn't is our loss."""
    left = dispute.amount
    for account, most in there.items():
        if amount := min(most, left):
            yield Posting(f"dis:{dispute.reference}:{account}", account, provider, amount, "chargeback")
            left -= amount
    if left:
        yield Posting(f"dis:{dispute.reference}:loss", accounts.REVENUE, provider, left, "chargeback")


def _won(session: Session, order: Order, payment: Payment, dispute: Dispute, now: datetime) -> None:
    """Give the money back to the lines that it was taken from where they still stand; else it is owed to the customer."""
    provider = accounts.provider(payment.gateway, payment.merchant)
    standing = set(session.scalars(select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.ended_at.is_(None))))
    back = []
    for posting in ledger.transfers(session, beginning=f"dis:{dispute.reference}:"):
        account = posting.debit
        if account.startswith(accounts.DEPOSIT) and int(account.removeprefix(accounts.DEPOSIT)) not in standing:
            account = accounts.owed(order.ref)
        back.append(Posting(f"won:{posting.id}", provider, account, posting.amount, "chargeback_won"))
    book(session, order, payment.currency, back, now)


def _brought(session: Session, order: Order, payment: Payment) -> dict[str, int]:
    """Return what a payment brought to each account, its lines first; another payment's money on the same account stays."""
    query = (
        select(Obligation.line_id, PaymentPart.amount)
        .join(PaymentPart, PaymentPart.obligation_id == Obligation.id)
        .where(PaymentPart.payment_id == payment.id, PaymentPart.applied)
    )
    rows = session.execute(query.order_by(Obligation.line_id.is_(None), Obligation.line_id)).all()
    return {accounts.shipping(order.ref) if line is None else accounts.deposit(line): amount for line, amount in rows}
