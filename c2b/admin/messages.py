"""What was told to customers, and what could not be delivered: the delivery log, failures first."""

from flask import request
from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed, whole
from c2b.audit.actions import record
from c2b.errors import N_
from c2b.messages import actions, queries
from c2b.messages.rules import MessageState
from c2b.people.rules import Permission
from c2b.ui.shell import now, reading, staff, staff_required, transaction

PAGE = 50
STATES: dict[MessageState, tuple[str, str]] = {
    MessageState.FAILED: (N_("Not delivered"), "bad"),
    MessageState.QUEUED: (N_("Waiting"), "warn"),
    MessageState.SENT: (N_("Delivered"), "ok"),
}
TEMPLATES = {
    "sign_in_code": N_("Sign-in code"),
    "counter_code": N_("Code for a ballot in a store"),
    "address_lost": N_("Account asked to move"),
    "address_moved": N_("Account moved"),
    "address_kept": N_("Account not moved"),
    "order_paid": N_("Deposit arrived"),
    "refund_settled": N_("Refund sent"),
    "product_confirmed": N_("Product is made"),
    "product_missed": N_("Product is not made"),
}


def messages_page() -> str:
    """Show one page of the log, of one state if the address names one."""
    asked, older = request.args.get("state", ""), request.args.get("older", "")
    state = MessageState(asked) if asked in set(MessageState) else None
    before = whole(older) or None
    with reading() as session:
        found = queries.deliveries(session, state=state, older_than=before, limit=PAGE + 1)
        failed = queries.count(session, state=MessageState.FAILED)
    last = found[PAGE - 1].id if len(found) > PAGE else None
    return show("messages.html", here="messages", rows=found[:PAGE], failed=failed, state=state, older=last, names=TEMPLATES, stands=STATES)


@bp.get("/messages")
@staff_required(Permission.PERSONAL_DATA)
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
