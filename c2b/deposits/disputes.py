"""Money that a customer's bank took back: it leaves what it was for, and comes back to it if we win."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.deposits import withholding
from c2b.deposits.actions import end_lines
from c2b.deposits.locking import book
from c2b.deposits.models import DisputeLine, Order, OrderLine
from c2b.deposits.refunds import SHIPPING_AT, SHIPPING_LEFT, held_for, queue_owed, shipping_left
from c2b.deposits.rules import Fulfilment, RefundReason, is_undecided
from c2b.ledger import queries as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.ledger.rules import Posting
from c2b.payments.models import Dispute, Payment
from c2b.payments.protocol import Disputed

_OURS = (accounts.REVENUE, accounts.SHIPPING)
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
    """Take first what is on its way back to the customer anyway, then what the payment brought and is still there, or is ours by now."""
    sources = {**withholding.sources(session, payment, now), **_brought(session, order, payment)}
    taken = list(_spread(session, dispute, payment, sources))
    book(session, order, payment.currency, taken, now)
    by_source = {_source(dispute, posting.id): posting.amount for posting in taken}
    withholding.withhold(session, payment, set(by_source), now)
    session.add_all(_of_lines(dispute, by_source))
    session.flush()
    if is_undecided(order.campaign.state):
        gone = select(DisputeLine.line_id).where(DisputeLine.dispute_id == dispute.id)
        end_lines(session, lines=gone, reason=RefundReason.DISPUTED, now=now)


def _of_lines(dispute: Dispute, taken: Mapping[str, int]) -> Iterator[DisputeLine]:
    for name, amount in taken.items():
        if name.startswith(accounts.DEPOSIT):
            yield DisputeLine(dispute_id=dispute.id, line_id=int(name.removeprefix(accounts.DEPOSIT)), amount=amount)


def _spread(session: Session, dispute: Dispute, payment: Payment, sources: Sources) -> Iterator[Posting]:
    """Take the amount from what is there, source by source; what isn't there is our loss. From what is ours all can be taken."""
    provider = accounts.provider(payment.gateway, payment.merchant)
    ours = dict.fromkeys(_OURS, dispute.amount)
    held = ours | ledger.balances(session, {account for account, _ in sources.values()} - set(ours))
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
    home = {each.id: _home(session, order, _source(dispute, each.id), each.debit) for each in taken}
    back = [Posting(f"won:{each.id}", each.credit, home[each.id], each.amount, "chargeback_won") for each in taken]
    earned = [_earned(session, order, each) for each in back if each.credit == accounts.shipping(order.ref)]
    book(session, order, payment.currency, [*back, *filter(None, earned)], now)
    if owed := _owed(session, order, dispute, back):
        _send_owed(session, order, payment, owed, now)


def _owed(session: Session, order: Order, dispute: Dispute, back: Sequence[Posting]) -> dict[str, int]:
    """Return what is owed now and waits for nobody, by source; what belongs to a refused refund waits for a person with it."""
    owed = {_source(dispute, each.id.removeprefix("won:")): each.amount for each in back if each.credit == accounts.owed(order.ref)}
    return {source: amount for source, amount in owed.items() if not withholding.waits(session, source)}


def _send_owed(session: Session, order: Order, payment: Payment, owed: Mapping[str, int], now: datetime) -> None:
    """Send what is owed now that what it was for is no more; the refund carries the lines among its sources."""
    lines = {int(name.removeprefix(accounts.DEPOSIT)): amount for name, amount in owed.items() if name.startswith(accounts.DEPOSIT)}
    amount, why = sum(owed.values()), RefundReason.DISPUTED
    queue_owed(session, payment=payment, order=order, amount=amount, lines=lines, reason=why, now=now)


def _source(dispute: Dispute, transfer_id: str) -> str:
    """Return the name of the source that a dispute's transfer took from."""
    return transfer_id.removeprefix(f"dis:{dispute.reference}:")


def _home(session: Session, order: Order, source: str, account: str) -> str:
    """Return where money belongs by now that a bank took from a source, on `account` then, and gave back.

    A line that stands holds it again; what was handed over earned it; a refund that waits sends it out; and where nothing is left of
    what it was for, we owe it to the customer.
    """
    if source.startswith(accounts.DEPOSIT):
        return _home_of_line(session, order, int(source.removeprefix(accounts.DEPOSIT)), source)
    if source.startswith(accounts.SHIPPED):
        return _home_of_shipping(session, order, source)
    if source.startswith(accounts.HOLD) and not withholding.waits(session, source):
        return accounts.owed(order.ref)
    return account


def _home_of_line(session: Session, order: Order, line_id: int, account: str) -> str:
    line = session.get_one(OrderLine, line_id, populate_existing=True)
    if line.ended_at is not None or line.fulfilment is Fulfilment.RETURNED:
        return accounts.owed(order.ref)
    return accounts.REVENUE if line.handed_over_at else account


def _home_of_shipping(session: Session, order: Order, account: str) -> str:
    """Return the home of an order's shipping: it is earned with the first line that is handed over (domain.md 5, the ledger).

    While lines stand it is held for them, or earned, see `_earned`; an order that ended before owes it, for nobody will ever bring
    anything.
    """
    if session.get(Transfer, f"back:{order.ref}:shipping") is not None:
        return accounts.owed(order.ref)
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


def _brought(session: Session, order: Order, payment: Payment) -> Sources:
    """Return what a payment brought that the customer may still get back, lines first; another payment's money on the same account stays.

    What goods that were handed over earned can be taken too, for it goes back with them.
    """
    held = held_for(select(OrderLine.id).where(OrderLine.order_id == order.id))
    lines = select(OrderLine.id, held.c.amount, OrderLine.handed_over_at).join(held, held.c.line_id == OrderLine.id)
    rows = session.execute(lines.where(held.c.payment_id == payment.id).order_by(OrderLine.id)).all()
    found = {accounts.deposit(line): (accounts.REVENUE if at else accounts.deposit(line), amount) for line, amount, at in rows}
    shipping = shipping_left(select(Order.id).where(Order.id == order.id), SHIPPING_AT, SHIPPING_LEFT)
    return found | {accounts.shipping(order.ref): (at, amount) for at, amount in session.execute(shipping.where(Payment.id == payment.id))}
