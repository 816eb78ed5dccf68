"""Orders and refunds: lists with search and filter, and one order with everything that happened to its money."""

from math import ceil
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _

from c2b.admin.blueprint import bp
from c2b.admin.messages import WORDS, masked
from c2b.admin.page import show
from c2b.campaigns import queries
from c2b.deposits import desk
from c2b.deposits.rules import Outcome, RefundReason
from c2b.errors import N_
from c2b.messages.queries import about
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff_required

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
    page = max(request.args.get("page", 1, type=int), 1)
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found, count = desk.orders(session, campaign.id, search=chosen["q"], outcome=outcome, paid=paid, page=page)
        totals = desk.totals(session, campaign.id)
        waiting = desk.open_payments(session, campaign.id)
    values = {"orders": found, "count": count, "page": page, "pages": ceil(count / desk.PAGE), "chosen": chosen, "waiting": waiting}
    choices = [("", _("All")), *((outcome.value, _(name)) for outcome, (name, _kind) in OUTCOMES.items())]
    return show("orders.html", here="orders", campaign=campaign, totals=totals, outcomes=OUTCOMES, outcome_choices=choices, **values)


@bp.get("/<slug>/orders/<ref>")
@staff_required(Permission.DEPOSITS)
def order(slug: str, ref: str) -> str:
    """Show an order: lines, payments, refunds and what was told of it; addresses only to those who may see personal data."""
    return order_page(slug, ref)


def order_page(slug: str, ref: str) -> str:
    """Render an order, with what went wrong with a form on it."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = desk.order(session, campaign.id, ref, locale=locale())
        told = about(session, ref)
    names = {"outcomes": OUTCOMES, "payment_states": PAYMENTS, "refund_states": REFUNDS, "reasons": REASONS}
    today = now().astimezone(ZoneInfo(campaign.time_zone)).date().isoformat()
    return show("order.html", here="orders", campaign=campaign, order=found, messages=masked(told), today=today, **names, **WORDS)


@bp.get("/<slug>/refunds")
@staff_required(Permission.DEPOSITS)
def refunds(slug: str) -> str:
    """List the refunds of one state, the longest waiting first, with the sums of all states."""
    asked = request.args.get("state", "")
    state = RefundState(asked) if asked in set(RefundState) else None
    page = max(request.args.get("page", 1, type=int), 1)
    with reading() as session:
        campaign = queries.campaign(session, slug)
        sums = desk.refund_sums(session, campaign.id)
        found = desk.refunds(session, campaign.id, state=state, page=page)
    whole = sum(count for count, _amount in sums.values()), sum(amount for _count, amount in sums.values())
    pages = ceil((sums[state][0] if state else whole[0]) / desk.PAGE)
    values = {"refunds": found, "sums": sums, "whole": whole, "state": state, "page": page, "pages": pages}
    return show("refunds.html", here="refunds", campaign=campaign, states_of=REFUNDS, reasons=REASONS, **values)
