"""Bank transfers and cash: what is waited for, what came, and the refunds that a person pays out."""

from datetime import datetime
from math import ceil
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b import money
from c2b.admin import transfer_rows
from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.deposits.pay import ask_about_refund, ask_again
from c2b.errors import N_, Invalid, Refused
from c2b.payments import manual
from c2b.payments.manual import NAME, Came
from c2b.payments.rules import How, PaymentState, RefundState
from c2b.people.rules import Permission
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction

HOWS = {How.TRANSFER: N_("Bank transfer"), How.CASH: N_("Cash")}


def transfers_page(slug: str) -> str:
    """Show the lists, and the form of the transfer or refund that was chosen, if it still waits."""
    search, page = request.args.get("q", "").strip(), max(request.args.get("page", 1, type=int), 1)
    unmasked = staff().may(Permission.PERSONAL_DATA)
    with reading() as session:
        campaign = queries.campaign(session, slug)
        waiting, count = transfer_rows.expected(session, campaign.id, search=search, unmasked=unmasked, page=page)
        owed, owed_count = transfer_rows.to_pay(session, campaign.id, search=search, unmasked=unmasked)
        owes = _owes(session, campaign, unmasked=unmasked)
        entered = transfer_rows.entered(session, campaign.id, search=search)
        came = _chosen(session, campaign, unmasked=unmasked) or (waiting[0] if search and count == 1 else None)
    lists = {"waiting": waiting, "count": count, "owed": owed, "owed_count": owed_count, "entered": entered, "search": search, "page": page}
    form = {"came": came, "owes": owes, "hows": HOWS, "decimal": money.decimal, "pages": ceil(count / transfer_rows.PAGE)}
    today = now().astimezone(ZoneInfo(campaign.time_zone)).date().isoformat()
    return show("transfers.html", here="transfers", campaign=campaign, today=today, **lists, **form)


def _chosen(session: Session, campaign: Campaign, *, unmasked: bool) -> transfer_rows.Expected | None:
    """Return the payment whose money is about to be entered, on whichever page of the list it stands."""
    key = request.values.get("key", "")
    found, _count = transfer_rows.expected(session, campaign.id, search=key, unmasked=unmasked) if key else ([], 0)
    return next((row for row in found if row.key == key), None)


def _owes(session: Session, campaign: Campaign, *, unmasked: bool) -> transfer_rows.ToPay | None:
    """Return the refund that is about to be paid out, wherever it stands in the list."""
    key = request.values.get("refund", "")
    found, _count = transfer_rows.to_pay(session, campaign.id, search="", unmasked=unmasked, key=key) if key else ([], 0)
    return next(iter(found), None)


@bp.get("/<slug>/transfers")
@staff_required(Permission.MONEY)
def transfers(slug: str) -> str:
    """List what is waited for, what has to be paid out, and what was entered."""
    return transfers_page(slug)


@bp.post("/<slug>/transfers")
@staff_required(Permission.MONEY)
@shown_again_by(transfers_page)
def receive_transfer(slug: str) -> Answer:
    """Enter money that came, and book it at once."""
    _require_gateway()
    key = typed("key")
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        transfer_rows.require(session, campaign.id, payment=key)
        came, differs = _came(campaign), typed("differs") == "1"
        manual.receive(session, key=key, came=came, differs=differs, campaign=slug, actor=staff().actor, now=now())
    return done(_(_AFTER.get(ask_again(parts().database, parts().gateways, key=key, now=now()), _LATER)), "transfers", slug=slug)


@bp.post("/<slug>/transfers/payouts")
@staff_required(Permission.MONEY)
@shown_again_by(transfers_page)
def pay_refund_out(slug: str) -> Answer:
    """Enter that a refund was paid out, and settle it at once."""
    _require_gateway()
    key = typed("refund")
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        transfer_rows.require(session, campaign.id, refund=key)
        reference, day = typed("reference"), _day(campaign)
        manual.pay_out(session, key=key, reference=reference, on=day, campaign=slug, actor=staff().actor, now=now())
    settled = ask_about_refund(parts().database, parts().gateways, key=key, now=now()) is RefundState.SETTLED
    return done(_("Paid out. The customer is told.") if settled else _(_LATER), "transfers", slug=slug)


_LATER = N_("Entered. It is booked within a minute.")
_AFTER = {
    PaymentState.CAPTURED: N_("Entered and booked."),
    PaymentState.MISMATCH: N_("Entered. It isn’t what was due, so a person decides what becomes of it: look at the order."),
}


def _require_gateway() -> None:
    """Raise Refused where the shop doesn't take money so."""
    if NAME not in parts().gateways:
        raise Refused(N_("This shop takes no bank transfers; add manual to C2B_GATEWAYS first"))


def _came(campaign: Campaign) -> Came:
    """Read the form of money that came; raises Invalid naming the field."""
    try:
        amount = money.parse(typed("amount"), campaign.currency)
    except Invalid as problem:
        raise Invalid(problem.message, field="amount", **problem.values) from problem
    how = How.CASH if typed("how") == How.CASH else How.TRANSFER
    return Came(amount, how, typed("reference").strip(), _day(campaign))


def _day(campaign: Campaign) -> datetime:
    """Return the beginning of the day that was typed, in the campaign's zone; raises Invalid."""
    text = typed("day").strip()
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=ZoneInfo(campaign.time_zone))
    except ValueError as problem:
        raise Invalid(N_("“%(text)s” is not a day; write it like 2027-03-20"), field="day", text=text) from problem
