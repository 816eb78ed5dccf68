"""Money that a customer's bank took back: it leaves what it was for, and comes back to it if we win."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.deposits import withholding
from c2b.deposits.actions import end_lines
from c2b.deposits.locking import book
from c2b.deposits.models import DisputeLine, Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.rules import RefundReason, is_undecided
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute, Payment
from c2b.payments.protocol import Disputed

Sources = Mapping[str, tuple[str, int]]
"""Where a dispute's money may be taken from: account and most, minor units, by a name that its transfers carry."""


def apply(session: Session, order: Order, payment: Payment, heard: Sequence[Disputed], now: datetime) -> None:
    """Book what was taken back, won or lost since; order and payment are locked by the caller.

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
        if dispute.won_at is None and not each.is_open:
            dispute.won_at = now
            _won(session, order, payment, dispute, now)
        elif each.is_lost and dispute.lost_at is None:
            dispute.lost_at = now
        session.flush()
    withholding.decided(session, order, payment, now)


def _taken_back(session: Session, order: Order, payment: Payment, dispute: Dispute, now: datetime) -> None:
    """Take first what is on its way back to the customer anyway, then what the payment brought and is still there."""
    brought = {account: (account, amount) for account, amount in _brought(session, order, payment).items()}
    taken = list(_spread(session, dispute, payment, {**withholding.sources(session, payment, now), **brought}))
    book(session, order, payment.currency, taken, now)
    withholding.withhold(session, payment, {posting.debit for posting in taken}, now)
    session.add_all(_of_lines(dispute, taken))
    session.flush()
    if is_undecided(order.campaign.state):
        gone = select(DisputeLine.line_id).where(DisputeLine.dispute_id == dispute.id)
        end_lines(session, lines=gone, reason=RefundReason.DISPUTED, now=now)


def _of_lines(dispute: Dispute, taken: Sequence[Posting]) -> Iterator[DisputeLine]:
    for posting in taken:
        if posting.debit.startswith(accounts.DEPOSIT):
            line = int(posting.debit.removeprefix(accounts.DEPOSIT))
            yield DisputeLine(dispute_id=dispute.id, line_id=line, amount=posting.amount)


def _spread(session: Session, dispute: Dispute, payment: Payment, sources: Sources) -> Iterator[Posting]:
    """Take the amount from what is there, source by source; what isn't there is our loss."""
    provider = accounts.provider(payment.gateway, payment.merchant)
    held = ledger.balances(session, {account for account, _ in sources.values()})
    left = dispute.amount
    for name, (account, most) in sources.items():
        if amount := min(most, held[account], left):
            yield Posting(f"dis:{dispute.reference}:{name}", account, provider, amount, "chargeback")
            left -= amount
            held[account] -= amount
    if left:
        yield Posting(f"dis:{dispute.reference}:loss", accounts.REVENUE, provider, left, "chargeback")


def _won(session: Session, order: Order, payment: Payment, dispute: Dispute, now: datetime) -> None:
    """Turn every movement of a dispute round: the money comes back to what it was taken from, or to what became of that since."""
    taken = ledger.transfers(session, beginning=f"dis:{dispute.reference}:")
    back = [Posting(f"won:{each.id}", each.credit, _home(session, order, each.debit), each.amount, "chargeback_won") for each in taken]
    earned = [_earned(session, order, each) for each in back if each.credit == accounts.shipping(order.ref)]
    book(session, order, payment.currency, [*back, *filter(None, earned)], now)


def _home(session: Session, order: Order, account: str) -> str:
    """Return where money belongs by now that a bank took from `account` and gave back.

    A line that stands holds it again; what was handed over meanwhile earned it; a refund that waits sends it out; and where nothing is
    left of what it was for, we owe it to the customer.
    """
    if account.startswith(accounts.DEPOSIT):
        return _home_of_line(session, order, int(account.removeprefix(accounts.DEPOSIT)), account)
    if account.startswith(accounts.SHIPPED):
        return _home_of_shipping(session, order, account)
    if account.startswith(accounts.HOLD) and not withholding.waits(session, account):
        return accounts.owed(order.ref)
    return account


def _home_of_line(session: Session, order: Order, line_id: int, account: str) -> str:
    line = session.get_one(OrderLine, line_id, populate_existing=True)
    if line.ended_at is not None:
        return accounts.owed(order.ref)
    return accounts.REVENUE if line.handed_over_at else account


def _home_of_shipping(session: Session, order: Order, account: str) -> str:
    """Return the home of an order's shipping: it is earned with the first line that is handed over (domain.md 5, the ledger).

    While lines stand it is held for them, or earned, see `_earned`; an order that ended before owes it, for nobody will ever bring
    anything.
    """
    if session.get(Transfer, accounts.handed_over(account)) is not None:
        return accounts.SHIPPING
    stands = OrderLine.ended_at.is_(None) | OrderLine.handed_over_at.is_not(None)
    left = session.scalars(select(OrderLine.id).where(OrderLine.order_id == order.id, stands).limit(1)).first()
    return account if left is not None else accounts.owed(order.ref)


def _earned(session: Session, order: Order, back: Posting) -> Posting | None:
    """Return the movement that makes shipping ours which came back after goods had been handed over without it."""
    handed = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.handed_over_at.is_not(None))
    if session.scalars(handed.limit(1)).first() is None:
        return None
    return Posting(accounts.handed_over(back.credit), back.credit, accounts.SHIPPING, back.amount, "handed_over")


def _brought(session: Session, order: Order, payment: Payment) -> dict[str, int]:
    """Return what a payment brought to each account, its lines first; another payment's money on the same account stays."""
    query = (
        select(Obligation.line_id, PaymentPart.amount)
        .join(PaymentPart, PaymentPart.obligation_id == Obligation.id)
        .where(PaymentPart.payment_id == payment.id, PaymentPart.applied)
    )
    rows = session.execute(query.order_by(Obligation.line_id.is_(None), Obligation.line_id)).all()
    return {accounts.shipping(order.ref) if line is None else accounts.deposit(line): amount for line, amount in rows}
