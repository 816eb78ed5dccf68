"""What `c2b audit` proves of pre-orders: ledger, payments, orders and obligations say the same."""

from collections.abc import Iterator

from sqlalchemy import Select, String, and_, cast, func, literal, or_, select, union_all
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.campaigns.models import Candidate, Offer
from c2b.deposits import places
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart, RefundLine
from c2b.deposits.rules import ObligationKind, ObligationState, Outcome
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount, Transfer
from c2b.payments.models import Dispute, Payment, Refund
from c2b.payments.rules import KEY_LENGTH, PaymentState, RefundState


def checks(session: Session) -> list[Finding]:
    """Return what is wrong; a handful of set-based queries, however many orders there are."""
    found = (_captured, _settled, _reserved, _parts, _refund_lines, _given_back, _caps, _owed, _mismatches)
    return [finding for check in found for finding in check(session)]


def _captured(session: Session) -> Iterator[Finding]:
    """What each payment captured was booked, to the fen."""
    key = cast(func.substr(Transfer.id, len("cap:") + 1, KEY_LENGTH), String)  # SQLite indexes only what has a type
    sums = (
        select(key.label("key"), func.sum(Transfer.amount).label("amount")).where(Transfer.id.startswith("cap:")).group_by(key).subquery()
    )
    booked = func.coalesce(sums.c.amount, 0)
    rows = session.execute(
        select(Payment.key, Payment.captured, booked).outerjoin(sums, sums.c.key == Payment.key).where(Payment.captured != booked)
    )
    for payment, captured, amount in rows:
        yield Finding("deposits.captured", f"payment {payment}: captured {captured}, the ledger says {amount}")


def _settled(session: Session) -> Iterator[Finding]:
    """A refund holds its amount until it is settled or refused, then nothing; one that is withheld, what the bank left of it."""
    left = func.coalesce(GuardedAccount.credits - GuardedAccount.debits, 0)
    waits = Refund.state.in_((RefundState.QUEUED, RefundState.UNKNOWN))
    withheld = and_(waits, Refund.withheld_at.is_not(None))
    wrong = or_(and_(waits, ~withheld, left != Refund.amount), and_(~waits, left != 0), and_(withheld, left > Refund.amount))
    account = literal(accounts.HOLD).concat(Refund.key)
    rows = session.execute(
        select(Refund.key, Refund.state, Refund.amount, left).outerjoin(GuardedAccount, GuardedAccount.account == account).where(wrong)
    )
    for key, state, amount, held in rows:
        yield Finding("deposits.refunds", f"refund {key} of {amount} is {state}, its account holds {held}")


def _reserved(session: Session) -> Iterator[Finding]:
    """A line is reserved when its deposit is paid, and only then."""
    rows = session.execute(
        select(OrderLine.id, OrderLine.reserved_at, Obligation.state)
        .join(Obligation, and_(Obligation.line_id == OrderLine.id, Obligation.kind == ObligationKind.DEPOSIT))
        .where(OrderLine.reserved_at.is_not(None) != (Obligation.state == ObligationState.PAID))
    )
    for line_id, reserved_at, state in rows:
        yield Finding("deposits.reserved", f"line {line_id}: reserved {reserved_at or 'never'}, its deposit is {state}")


def _parts(session: Session) -> Iterator[Finding]:
    """What came in on a line's account is what payments were applied to it."""
    applied = (
        select(Obligation.line_id.label("line_id"), func.sum(PaymentPart.amount).label("amount"))
        .join(Obligation, Obligation.id == PaymentPart.obligation_id)
        .where(PaymentPart.applied)
        .group_by(Obligation.line_id)
        .subquery()
    )
    account = literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
    won = select(func.sum(Transfer.amount)).where(Transfer.credit == account, Transfer.event == "chargeback_won").correlate(OrderLine)
    came_in = func.coalesce(GuardedAccount.credits, 0) - func.coalesce(won.scalar_subquery(), 0)
    paid = func.coalesce(applied.c.amount, 0)
    rows = session.execute(
        select(OrderLine.id, came_in, paid)
        .outerjoin(applied, applied.c.line_id == OrderLine.id)
        .outerjoin(GuardedAccount, GuardedAccount.account == account)
        .where(came_in != paid)
    )
    for line_id, credited, amount in rows:
        yield Finding("deposits.parts", f"line {line_id}: the ledger has {credited}, its payments brought {amount}")


def _refund_lines(session: Session) -> Iterator[Finding]:
    """A refund is the sum of its lines."""
    lines = func.coalesce(select(func.sum(RefundLine.amount)).where(RefundLine.refund_id == Refund.id).scalar_subquery(), 0)
    for key, amount, sums in session.execute(select(Refund.key, Refund.amount, lines).where(Refund.amount != lines)):
        yield Finding("deposits.refund_lines", f"refund {key}: {amount}, its lines {sums}")


def _given_back(session: Session) -> Iterator[Finding]:
    """Nothing stays on the account of a line that was missed or cancelled."""
    account = literal(accounts.DEPOSIT).concat(cast(OrderLine.id, String))
    left = GuardedAccount.credits - GuardedAccount.debits
    rows = session.execute(
        select(OrderLine.id, OrderLine.outcome, left)
        .join(GuardedAccount, GuardedAccount.account == account)
        .where(OrderLine.outcome.in_((Outcome.MISSED, Outcome.CANCELLED)), left != 0)
    )
    for line_id, outcome, amount in rows:
        yield Finding("deposits.given_back", f"line {line_id} is {outcome} and still holds {amount}")


def _caps(session: Session) -> Iterator[Finding]:
    """No product has more captured units than its cap."""
    capped = session.execute(
        select(Offer.candidate_id, Offer.cap, Candidate.code).join(Candidate, Candidate.id == Offer.candidate_id).where(Offer.cap > 0)
    ).all()
    units = places.captured(session, [candidate_id for candidate_id, _, _ in capped])
    for candidate_id, cap, code in capped:
        if cap is not None and units.get(candidate_id, 0) > cap:
            yield Finding("deposits.caps", f"{code}: {units[candidate_id]} captured units, the cap is {cap}")


def _owed(session: Session) -> Iterator[Finding]:
    """What is owed to a customer is refunds that were refused or came back, less what a bank gave of them, and penalties."""
    came, gone = Transfer.credit.startswith(accounts.OWED), Transfer.debit.startswith(accounts.OWED)
    sides = union_all(
        select(Transfer.credit.label("account"), Transfer.amount).where(came, Transfer.debit != accounts.PENALTY),
        select(Transfer.debit, -Transfer.amount).where(gone, ~Transfer.id.startswith("penalty-out:")),
        _refused(),
    ).subquery()
    more = func.sum(sides.c.amount)
    apart = select(sides.c.account, more).group_by(sides.c.account).having(more != 0).order_by(sides.c.account)
    for account, amount in session.execute(apart):
        yield Finding("deposits.owed", f"{account} has {int(amount)} more than the refunds that wait for a person")


def _refused() -> Select[str, int]:
    """Select what refunds that wait for a person take off what is owed, by account: what a bank took of them doesn't come back."""
    taken = (
        select(func.coalesce(func.sum(Transfer.amount), 0))
        .select_from(Dispute)
        .join(Transfer, Transfer.id == literal("dis:").concat(Dispute.reference).concat(f":{accounts.OWED}").concat(Refund.key))
        .where(Dispute.payment_id == Refund.payment_id, Dispute.won_at.is_(None))
        .correlate(Refund)
        .scalar_subquery()
    )
    waiting = select(literal(accounts.OWED).concat(Payment.payer), taken - Refund.amount).join(Payment, Payment.id == Refund.payment_id)
    return waiting.where(Refund.state == RefundState.FAILED, Refund.resolved_at.is_(None))


def _mismatches(session: Session) -> Iterator[Finding]:
    """A mismatch is a person's task and stands here until it is dealt with."""
    rows = session.execute(
        select(Payment.key, Payment.note, Order.ref)
        .outerjoin(Order, Order.ref == Payment.payer)
        .where(Payment.state == PaymentState.MISMATCH)
    )
    for key, note, ref in rows:
        yield Finding("deposits.mismatch", f"payment {key} of order {ref}: {note}")
