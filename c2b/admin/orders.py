"""Orders: a list with search and filter, and one order with everything that happened to its money."""

from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.messages import WORDS, masked
from c2b.admin.page import Answer, done, page_asked, show, shown_again_by, typed
from c2b.campaigns import queries
from c2b.deposits import desk, paying_out, resolving
from c2b.deposits.rules import Outcome, RefundReason
from c2b.errors import N_, Refused
from c2b.messages.queries import about
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff, staff_required, transaction

OUTCOMES = {
    Outcome.OPEN: (N_("Open"), "inf"),
    Outcome.ALLOCATED: (N_("Confirmed"), "ok"),
    Outcome.MISSED: (N_("Missed"), "warn"),
    Outcome.CANCELLED: (N_("Cancelled"), ""),
}
REASONS = {
    RefundReason.CANCELLED: N_("cancelled"),
    RefundReason.MISSED: N_("minimum missed"),
    RefundReason.CAMPAIGN_CANCELLED: N_("campaign cancelled"),
    RefundReason.PAID_LATE: N_("paid late"),
    RefundReason.OVERPAID: N_("paid too much"),
    RefundReason.MISMATCH: N_("not what was asked for"),
    RefundReason.UNPAID: N_("balance not paid"),
    RefundReason.UNDELIVERED: N_("can’t be delivered"),
    RefundReason.WITHDRAWN: N_("the customer withdrew"),
    RefundReason.RETURNED: N_("sent back"),
    RefundReason.DISPUTED: N_("disputed"),
}
PAYMENTS = {
    PaymentState.STARTED: (N_("Started"), "inf"),
    PaymentState.PENDING: (N_("Waiting for the customer"), "inf"),
    PaymentState.UNKNOWN: (N_("Unknown, being asked for"), "warn"),
    PaymentState.CAPTURED: (N_("Captured"), "ok"),
    PaymentState.FAILED: (N_("Failed"), ""),
    PaymentState.MISMATCH: (N_("Does not match, a person looks"), "bad"),
}
REFUNDS = {
    RefundState.SETTLED: (N_("Settled"), "ok", "k3"),
    RefundState.UNKNOWN: (N_("Sending"), "inf", "k1"),
    RefundState.QUEUED: (N_("Waiting"), "", "k4"),
    RefundState.FAILED: (N_("Failed"), "bad", "k2"),
}


@bp.get("/<slug>/orders")
@staff_required(Permission.DEPOSITS)
def orders(slug: str) -> str:
    """List the orders, the newest first, filtered by what became of their lines and whether a deposit was paid."""
    chosen = {name: request.args.get(name, "").strip() for name in ("q", "outcome", "paid")}
    outcome = Outcome(chosen["outcome"]) if chosen["outcome"] in set(Outcome) else None
    paid = {"yes": True, "no": False}.get(chosen["paid"])
    page = page_asked()
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found, count = desk.orders(session, campaign.id, search=chosen["q"], outcome=outcome, paid=paid, page=page)
        totals = desk.totals(session, campaign.id)
        waiting = desk.open_payments(session, campaign.id)
    values = {"orders": found, "count": count, "page": page, "pages": ceil(count / desk.PAGE), "chosen": chosen, "waiting": waiting}
    choices = [("", _("All")), *((outcome.value, _(name)) for outcome, (name, _kind) in OUTCOMES.items())]
    return show("orders.html", here="orders", campaign=campaign, totals=totals, outcomes=OUTCOMES, outcome_choices=choices, **values)


def order_page(slug: str, ref: str) -> str:
    """Render an order, with what went wrong with a form on it."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = desk.order(session, campaign.id, ref, locale=locale())
        told = about(session, ref)
        held_up = desk.mismatches(session, campaign.id, order=ref)
        payout = paying_out.given(session, order_ref=ref, actor=staff().actor, now=now())
    wanted = request.values.get("payment", "")
    held_up.sort(key=lambda each: each.key != wanted)
    names = {"outcomes": OUTCOMES, "payment_states": PAYMENTS, "refund_states": REFUNDS, "reasons": REASONS}
    today = now().astimezone(ZoneInfo(campaign.time_zone)).date().isoformat()
    more = {"messages": masked(told), "held_up": held_up, "today": today, "payout": payout}
    return show("order.html", here="orders", campaign=campaign, order=found, **more, **names, **WORDS)


@bp.get("/<slug>/orders/<ref>")
@staff_required(Permission.DEPOSITS)
def order(slug: str, ref: str) -> str:
    """Show one order with everything that happened to its money."""
    return order_page(slug, ref)


@bp.post("/<slug>/orders/<ref>/account")
@staff_required(Permission.MONEY)
@shown_again_by(order_page)
def look_at_account(slug: str, ref: str) -> Answer:
    """Record the look at a customer's account, then show it where it was asked for."""
    with transaction() as session:
        paying_out.look(session, campaign=slug, order_ref=ref, actor=staff().actor, now=now())
    said = _("This look was logged. The account is shown to you for 15 minutes.")
    if typed("to") == "refunds":
        return done(said, "refunds", slug=slug, state=RefundState.FAILED.value, refund=typed("refund"))
    return done(said, "order", slug=slug, ref=ref)


@bp.post("/<slug>/orders/<ref>/mismatch")
@staff_required(Permission.MONEY)
@shown_again_by(order_page)
def settle_mismatch(slug: str, ref: str) -> Answer:
    """Decide what becomes of a payment that doesn't match: take it, send it back, or note that it was sent back by hand."""
    key = typed("payment")
    why: dict[str, Any] = {"reason": typed("reason"), "actor": staff().actor, "now": now()}
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        if key not in {each.key for each in desk.mismatches(session, campaign.id, order=ref)}:
            raise Refused(N_("This payment doesn’t wait for a decision any more"))
        if typed("do") == "hand":
            resolving.mismatch_paid_by_hand(session, key=key, reference=typed("reference"), **why)
        elif typed("do") == "accept":
            resolving.accept_mismatch(session, key=key, **why)
        else:
            resolving.return_mismatch(session, key=key, **why)
    return done(_(_SETTLED.get(typed("do"), _SETTLED["back"])), "order", slug=slug, ref=ref)


_SETTLED = {
    "accept": N_("Taken: what was due is paid, and what was too much goes back."),
    "back": N_("It goes back the way it came."),
    "hand": N_("Noted: sent back by hand."),
}
