"""What was told to customers: the delivery log, with a filter, and what could not be delivered sent again."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from flask import request
from flask_babel import gettext as _
from flask_babel import ngettext

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed, whole
from c2b.audit.actions import record
from c2b.errors import N_
from c2b.messages import actions, queries
from c2b.messages.queries import Delivery, Filter
from c2b.messages.rules import MessageState
from c2b.people.rules import AddressKind, Permission, mask
from c2b.ui.shell import now, reading, staff, staff_required, transaction

PAGE = 50
STATES: dict[MessageState, tuple[str, str]] = {
    MessageState.FAILED: (N_("Not delivered"), "bad"),
    MessageState.QUEUED: (N_("Waiting"), "warn"),
    MessageState.SENT: (N_("Delivered"), "ok"),
    MessageState.DROPPED: (N_("Not sent"), ""),
}
HINTS = {
    MessageState.FAILED: N_("tried several times, or refused for good"),
    MessageState.QUEUED: N_("leave within seconds, or are tried again"),
    MessageState.SENT: N_("taken by the mail server or provider"),
    MessageState.DROPPED: N_("the customer refuses news, or was erased"),
}
CHANNELS = {"email": N_("Mail"), "phone": N_("Text message"), "wechat": N_("WeChat")}
TEMPLATES = {
    "order_placed": N_("Order placed"),
    "order_paid": N_("Deposit arrived"),
    "delay_told": N_("Delay told"),
    "withdrawal_link": N_("Link to withdraw"),
    "balance_due": N_("Balance open"),
    "balance_reminder": N_("Reminder of the balance"),
    "balance_overdue": N_("Balance overdue"),
    "balance_paid": N_("Balance arrived"),
    "deposit_forfeited": N_("Deposit forfeited"),
    "order_refunded_unpaid": N_("Ended unpaid, refunded"),
    "paid_late": N_("Paid too late"),
    "paid_twice": N_("Paid twice"),
    "payment_held_up": N_("Payment doesn’t match"),
    "refund_settled": N_("Refund sent"),
    "refund_by_hand": N_("Refund paid by hand"),
    "refund_bounced": N_("Refund came back"),
    "seller_default": N_("We cannot deliver"),
    "delay_question": N_("Asked about a delay"),
    "delay_unanswered": N_("Ended after a delay without an answer"),
    "withdrawal_received": N_("Withdrawal received"),
    "product_confirmed": N_("Product is made"),
    "product_second": N_("Second choice is made"),
    "parcel_sent": N_("Parcel on its way"),
    "pickup_ready": N_("Order ready in the store"),
    "product_missed": N_("Product is not made"),
    "result_published": N_("Result published"),
    "receipt": N_("Receipt of a ballot"),
    "ballot_held": N_("Ballot held"),
    "ballot_asked": N_("Asked to sign in again"),
    "sign_in_code": N_("Sign-in code"),
    "counter_code": N_("Code for a ballot in a store"),
    "address_lost": N_("Account asked to move"),
    "address_moved": N_("Account moved"),
    "address_kept": N_("Account not moved"),
}
WORDS: dict[str, Any] = {"names": TEMPLATES, "stands": STATES, "channels": CHANNELS}
"""How templates, states and channels are called, for every page that shows messages."""


@dataclass(frozen=True)
class _Asked:
    """What the address of the page asks for; whose messages, only for who may see personal data."""

    which: Filter
    older: int | None

    @classmethod
    def read(cls) -> "_Asked":
        state = request.args.get("state", type=MessageState)
        recipient = request.args.get("to", "").strip() if staff().may(Permission.PERSONAL_DATA) else ""
        which = Filter(state, _one_of(TEMPLATES, "template"), _one_of(CHANNELS, "channel"), recipient)
        return cls(which, whole(request.args.get("older", "").strip()) or None)

    def page_before(self, number: int) -> str:
        """Return the address of the next page, whose messages are older than message `number`."""
        shown = {"state": self.which.state, "template": self.which.template, "channel": self.which.channel, "to": self.which.recipient}
        return "?" + urlencode({name: value for name, value in shown.items() if value} | {"older": number})


def _one_of(known: Mapping[str, str], name: str) -> str:
    """Return which of the `known` the address asks for, nothing where it is none of them."""
    asked = request.args.get(name, "").strip()
    return asked if asked in known else ""


def masked(found: Iterable[Delivery]) -> list[Delivery]:
    """Return the rows as this member of staff may see them: addresses in full only with the permission for personal data."""
    return list(found) if staff().may(Permission.PERSONAL_DATA) else [replace(row, recipient=_masked(row)) for row in found]


def _masked(row: Delivery) -> str:
    known = row.channel in set(AddressKind) and not row.recipient.startswith("erased:")
    return mask(AddressKind(row.channel), row.recipient) if known else "***"


def _choices(names: Mapping[str, str]) -> list[tuple[str, str]]:
    return [("", _("All")), *((value, _(name)) for value, name in names.items())]


def messages_page() -> str:
    """Show one page of the log, filtered as the address asks for."""
    asked = _Asked.read()
    with reading() as session:
        found = queries.deliveries(session, asked.which, older_than=asked.older, limit=PAGE + 1)
        counts, failed = queries.counts(session), queries.failed(session)
    older = asked.page_before(found[PAGE - 1].id) if len(found) > PAGE else ""
    states = {state.value: name for state, (name, _kind) in STATES.items()}
    choices = {name: _choices(names) for name, names in (("state", states), ("template", TEMPLATES), ("channel", CHANNELS))}
    values: dict[str, Any] = {"which": asked.which, "choices": choices, "counts": counts, "failed": failed, "hints": HINTS}
    everything = asked.which == queries.ALL
    return show("messages.html", here="messages", rows=masked(found[:PAGE]), older=older, everything=everything, **values, **WORDS)


@bp.get("/messages")
@staff_required(Permission.DEPOSITS)
def messages() -> str:
    """List what was sent to whom; texts stay with their readers."""
    return messages_page()


@bp.post("/messages")
@staff_required(Permission.PERSONAL_DATA)
@shown_again_by(messages_page)
def send_again() -> Answer:
    """Put a message that could not be delivered back to be sent."""
    number = typed("message")
    with transaction() as session:
        actions.send_again(session, message_id=whole(number), now=now())
        record(session, actor=staff().actor, action="messages.send_again", object=number, now=now())
    return done(_("It is sent again within seconds."), "messages")


@bp.post("/messages/all")
@staff_required(Permission.PERSONAL_DATA)
def send_all_again() -> Answer:
    """Put all messages that could not be delivered back to be sent: the mail server was down, say."""
    with transaction() as session:
        count = actions.send_all_again(session, now=now())
        record(session, actor=staff().actor, action="messages.send_all_again", object="", after={"messages": count}, now=now())
    return done(ngettext("%(num)s message is sent again.", "%(num)s messages are sent again.", count), "messages")
