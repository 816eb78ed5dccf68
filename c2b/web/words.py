"""How the states of orders are said: one place, one wording."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from c2b.deposits.order_view import LineView, OrderView
from c2b.deposits.payment_view import PaymentView
from c2b.deposits.rules import Fulfilment, Money, Outcome, RefundReason
from c2b.deposits.timeline import Entry, Event
from c2b.errors import N_
from c2b.ui.filters import instant_text, money

_NOT_MADE = {
    (Outcome.MISSED, Money.REFUND_DUE): (N_("Not made, deposit on its way back"), "warn"),
    (Outcome.MISSED, Money.REFUNDED): (N_("Not made, deposit returned in full"), "ok"),
    (Outcome.CANCELLED, Money.REFUND_DUE): (N_("Cancelled, what you paid is on its way back"), "warn"),
    (Outcome.CANCELLED, Money.REFUNDED): (N_("Cancelled, what you paid was returned"), "ok"),
    (Outcome.CANCELLED, Money.FORFEITED): (N_("Balance not paid, deposit kept"), "bad"),
    (Outcome.CANCELLED, Money.DISPUTED): (N_("Taken back by your bank"), "bad"),
}
_NOTHING_BACK = {Outcome.MISSED: (N_("Not made"), ""), Outcome.CANCELLED: (N_("Cancelled"), "")}


@dataclass(frozen=True)
class Said:
    """A state in words, with the kind of its tag: ok, warn, bad, inf or empty."""

    text: str
    kind: str


_UNPAID = (Money.DEPOSIT_DUE, Money.BALANCE_DUE, Money.OVERDUE)


def line_state(line: LineView, running: PaymentView | None = None) -> Said:
    """Say where a line stands: its outcome first, then its money, then its goods.

    While a payment runs nothing is asked for: whoever has just paid reads that it isn't confirmed yet.
    """
    if line.outcome in _STANDS and running and line.money in _UNPAID and not line.cancel_requested:
        return Said(_("Payment not confirmed yet"), "warn")
    if line.outcome in _STANDS:
        return _STANDS[line.outcome](line)
    text, kind = _NOT_MADE.get((line.outcome, line.money), _NOTHING_BACK[line.outcome])
    return Said(_(text), kind)


def _open(line: LineView) -> Said:
    if line.cancel_requested:
        return Said(_("Cancelled as soon as the payment is known"), "warn")
    if line.money is Money.DEPOSIT_DUE:
        return Said(_("Deposit to pay"), "bad")
    return Said(_("Ordered, deposit paid"), "inf")


def _allocated(line: LineView) -> Said:
    if line.after.to_send_back:
        return Said(_("You send it back; the money follows when it is here"), "warn")
    if line.money is Money.DISPUTED:
        return Said(_("Taken back by your bank; write to us"), "bad")
    goods = {
        Fulfilment.READY: _("In the store, ready for you"),
        Fulfilment.SHIPPED: _("Delivered") if line.after.handed_over_at else _("On its way to you"),
        Fulfilment.PICKED_UP: _("Handed over"),
        Fulfilment.RETURNED: _("Returned"),
    }
    if line.fulfilment in goods:
        return Said(goods[line.fulfilment], "ok")
    paid = {
        Money.OVERDUE: Said(_("Being made, balance overdue"), "bad"),
        Money.BALANCE_DUE: Said(_("Being made, balance to pay"), "warn"),
        Money.PAID: Said(_("Paid in full, being made"), "ok"),
    }
    if line.money in paid:
        return paid[line.money]
    return Said(_("Being made") if line.fulfilment is Fulfilment.IN_PRODUCTION else _("Confirmed, will be made"), "ok")


_STANDS = {Outcome.OPEN: _open, Outcome.ALLOCATED: _allocated}


def entries(order: OrderView, decided_at: datetime | None) -> list[dict[str, str]]:
    """Say what happened to an order, and what comes next, for the timeline; lines with a final price were confirmed at the decision."""
    made = [line.name for line in order.lines if line.final_unit_price is not None]
    confirmed = [Entry(decided_at, Event.CONFIRMED, about=code) for code in made] if decided_at else []
    happened = sorted([*order.timeline, *confirmed], key=lambda entry: entry.at)
    return [*(_entry(order, entry) for entry in happened), *_to_come(order)]


def _to_come(order: OrderView) -> Iterator[dict[str, str]]:
    if any(line.outcome is Outcome.OPEN for line in order.lines):
        closes = instant_text(order.ordering_closes, order.time_zone)
        yield {"what": _("Ordering closes, then each product is decided"), "when": closes, "state": ""}
    if any(map(_owes_balance, order.lines)):
        until = _("until %(at)s", at=instant_text(order.balance_due, order.time_zone)) if order.balance_due else ""
        opens = _("from %(at)s", at=instant_text(order.pays_from, order.time_zone)) if order.pays_from else ""
        yield {
            "what": _("Balance of %(amount)s", amount=money(order.balance, order.currency)),
            "when": " ".join(filter(None, (opens, until))),
            "state": "n",
        }


def _owes_balance(line: LineView) -> bool:
    return line.outcome is Outcome.ALLOCATED and line.balance > 0 and line.money is not Money.PAID


_GOES_BACK: Mapping[RefundReason | None, str] = {
    None: N_("%(amount)s on its way back to you"),
    RefundReason.OVERPAID: N_("%(amount)s came twice or too much and is on its way back to you"),
    RefundReason.PAID_LATE: N_("%(amount)s came too late and is on its way back to you"),
    RefundReason.MISMATCH: N_("%(amount)s is not what was due and is on its way back to you"),
}


def _entry(order: OrderView, entry: Entry) -> dict[str, str]:
    values = {"amount": money(entry.amount, order.currency), "code": entry.about}
    texts = {
        Event.PLACED: _("Order written"),
        Event.PAYMENT_STARTED: _("Payment of %(amount)s begun", **values),
        Event.PAID: _("Paid %(amount)s", **values),
        Event.PAYMENT_FAILED: _("The payment of %(amount)s did not go through; nothing was taken", **values),
        Event.PAYMENT_HELD_UP: _("The payment of %(amount)s does not match; somebody is looking at it", **values),
        Event.CANCEL_REQUESTED: _("%(code)s: you asked to cancel", **values),
        Event.CANCELLED: _("%(code)s cancelled", **values),
        Event.UNDELIVERED: _("%(code)s: we can’t deliver it. %(why)s", why=entry.why, **values),
        Event.CONFIRMED: _("%(code)s is confirmed and will be made", **values),
        Event.MISSED: _("%(code)s missed its minimum and is not made", **values),
        Event.REFUND_QUEUED: _(_GOES_BACK.get(entry.cause, _GOES_BACK[None]), **values),
        Event.REFUNDED: _("%(amount)s returned", **values),
        Event.REFUND_BOUNCED: _("%(amount)s came back to us; we ask you for another way", **values),
        Event.REFUND_WITHHELD: _("%(amount)s wait: your bank took the payment back, and decides first", **values),
        Event.REFUND_BY_BANK: _("%(amount)s: you have it from your bank, which took the payment back", **values),
        Event.REFUND_BY_HAND: _("%(amount)s sent to you another way", **values),
        Event.REMINDED: _("We reminded you of the balance"),
        Event.UNPAID: _("%(code)s: the balance was not paid, so it is cancelled", **values),
        Event.FORFEITED: _("%(code)s: the balance was not paid, the deposit is kept", **values),
        Event.DISPUTED: _("%(code)s: your bank took the money back", **values),
        Event.DELAYED: _("%(code)s comes later than we said", **values),
        Event.DELAY_AGREED: _("%(code)s: you agreed to wait", **values),
        Event.HANDED_OVER: _("%(code)s handed over to you", **values),
        Event.WITHDRAWN: _("%(code)s: we received that you withdraw or send it back", **values),
        Event.CAME_BACK: _("%(code)s is back with us", **values),
        Event.REFUND_REFUSED: _("%(amount)s could not be returned the way it came; somebody is looking at it", **values),
    }
    when = instant_text(entry.at, order.time_zone)
    reference = _("%(when)s, reference %(reference)s", when=when, reference=entry.reference) if entry.reference else when
    return {"what": texts[entry.event], "when": reference, "state": "d"}
