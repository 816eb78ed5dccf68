"""What people enter of bank transfers and cash: money that came, and refunds that they paid out. Each once, and never changed."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.money import decimal
from c2b.payments import inbox
from c2b.payments.models import ManualPayout, ManualReceipt, Payment, Refund
from c2b.payments.protocol import About, Notice
from c2b.payments.rules import How, RefundState

NAME = "manual"
"""What the settings and the payments call this gateway."""
_LONGEST = 80
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Came:
    """Money that came, as a person read it from the bank's list or counted it; `amount` in minor units, `on` the beginning of that day."""

    amount: int
    how: How
    reference: str
    on: datetime


def receive(session: Session, *, key: str, came: Came, differs: bool, campaign: str, actor: str, now: datetime) -> None:
    """Enter the money of the payment `key`; the same entered again, by whomever, is entered once.

    It is booked by whoever asks the gateway next: an event in the inbox sees to that, whatever happens to this process.
    `differs`: the person knows that it isn't what was due. Raises NotFound, Invalid naming the field, and Refused where other money
    stands in the books of this payment already.
    """
    payment = _payment(session, key)
    known = session.scalars(select(ManualReceipt).where(ManualReceipt.payment_key == key)).one_or_none()
    if known is not None:
        _same(known, came, payment.currency)
        return
    _check_amount(came.amount, payment, differs=differs)
    reference = _reference(came.reference, needed=came.how is How.TRANSFER)
    _check_day(came.on, not_before=payment.created_at, now=now)
    values = {"payment_key": key, "amount": came.amount, "currency": payment.currency, "received_at": came.on, "reference": reference}
    session.add(ManualReceipt(**values, how=came.how, entered_by=actor, entered_at=now))
    session.flush()
    inbox.store(session, gateway=NAME, notice=Notice(f"receipt:{key}", "receipt", About.PAYMENT, key), now=now)
    after = {"amount": came.amount, "currency": payment.currency, "how": came.how.value, "reference": reference}
    record(session, actor=actor, action="payments.receive", campaign=campaign, object=key, after=after, now=now)


def pay_out(session: Session, *, key: str, reference: str, on: datetime, campaign: str, actor: str, now: datetime) -> None:
    """Enter that the whole of the refund `key` was sent back by hand; entered again it stays as it was. `on`: beginning of that day.

    Raises NotFound, Invalid naming the field, and Refused where it was entered with another reference or isn't waiting any more.
    """
    refund = _refund(session, key)
    known = session.scalars(select(ManualPayout).where(ManualPayout.refund_key == key)).one_or_none()
    reference = _reference(reference, needed=True)
    if known is not None:
        if known.reference != reference:
            raise Refused(N_("This refund was paid out already, entered by %(who)s with %(reference)s"), **_by(known))
        return
    if refund.state not in (RefundState.QUEUED, RefundState.UNKNOWN):
        raise Refused(N_("This refund is not waiting to be paid out any more; look at the order"))
    _check_day(on, not_before=refund.queued_at, now=now)
    session.add(ManualPayout(refund_key=key, amount=refund.amount, reference=reference, paid_at=on, entered_by=actor, entered_at=now))
    session.flush()
    inbox.store(session, gateway=NAME, notice=Notice(f"payout:{key}", "payout", About.REFUND, key), now=now)
    after = {"amount": refund.amount, "currency": refund.payment.currency, "reference": reference}
    record(session, actor=actor, action="payments.pay_out", campaign=campaign, object=key, after=after, now=now)


def _payment(session: Session, key: str) -> Payment:
    """Return the payment, locked: of two who enter its money one waits for the other."""
    found = select(Payment).where(Payment.key == key, Payment.gateway == NAME)
    payment = session.scalars(found.with_for_update().execution_options(populate_existing=True)).one_or_none()
    if payment is None:
        raise NotFound(N_("No bank transfer or cash payment has the reference %(key)s"), key=key)
    return payment


def _refund(session: Session, key: str) -> Refund:
    found = select(Refund).join(Payment, Payment.id == Refund.payment_id).where(Refund.key == key, Payment.gateway == NAME)
    refund = session.scalars(found.with_for_update(of=Refund).execution_options(populate_existing=True)).one_or_none()
    if refund is None:
        raise NotFound(N_("No refund by hand has the reference %(key)s"), key=key)
    return refund


def _same(known: ManualReceipt, came: Came, currency: str) -> None:
    if (known.amount, known.how, known.reference) != (came.amount, came.how, came.reference.strip()):
        raise Refused(
            N_("%(who)s entered %(amount)s for this payment already (reference: %(reference)s). Send a second transfer back from the bank"),
            amount=_written(known.amount, currency),
            **_by(known),
        )


def _by(known: ManualReceipt | ManualPayout) -> dict[str, str]:
    return {"who": known.entered_by.removeprefix("staff:"), "reference": known.reference or "–"}


def _check_amount(amount: int, payment: Payment, *, differs: bool) -> None:
    if amount <= 0:
        raise Invalid(N_("Enter what came; it is more than nothing"), field="amount")
    if amount != payment.amount and not differs:
        due = _written(payment.amount, payment.currency)
        raise Invalid(N_("%(due)s was due. Correct the amount, or tick below that other money came"), field="amount", due=due)


def _written(amount: int, currency: str) -> str:
    """Write an amount as every language reads it."""
    return f"{decimal(amount, currency)} {currency}"


def _reference(typed: str, *, needed: bool) -> str:
    reference = typed.strip()
    if needed and not reference:
        raise Invalid(N_("Enter the bank’s reference, as its list of transfers has it"), field="reference")
    if len(reference) > _LONGEST:
        raise Invalid(N_("A reference has at most %(most)s characters; enter its number only"), field="reference", most=_LONGEST)
    return reference


def _check_day(day: datetime, *, not_before: datetime, now: datetime) -> None:
    if day > now:
        raise Invalid(N_("This day is still to come; enter the day on the bank’s list"), field="day")
    if day + _DAY <= not_before:
        raise Invalid(N_("This day is before the payment was begun; look whether it belongs to another one"), field="day")
