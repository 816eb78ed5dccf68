"""Refunds: what a run needs and how far it is, each one's result, and what finance does with those that failed."""

from collections.abc import Sequence
from math import ceil
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.orders import REASONS, REFUNDS
from c2b.admin.page import Answer, done, page_asked, show, shown_again_by, typed
from c2b.campaigns import queries
from c2b.deposits import desk, paying_out, resolving, runs
from c2b.errors import N_, NotFound
from c2b.payments.rules import RefundState
from c2b.people.rules import Permission
from c2b.production.queries import refunds_apart
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction

RUNNING = (RefundState.QUEUED, RefundState.UNKNOWN)


def refunds_page(slug: str) -> str:
    """Show the refunds of one state, the longest waiting first, with the sums of all states and what the waiting ones need."""
    state = request.args.get("state", type=RefundState)
    page = page_asked()
    limits = {name: gateway.limits for name, gateway in parts().gateways.items()}
    with reading() as session:
        campaign = queries.campaign(session, slug)
        sums = desk.refund_sums(session, campaign.id)
        found = desk.refunds(session, campaign.id, state=state, page=page)
        lists = {
            "needs": runs.needs(session, campaign, limits=limits, now=now()),
            "apart": refunds_apart(session, campaign_id=campaign.id),
            "held_up": desk.mismatches(session, campaign.id),
            **_payout(session, desk.failed_refund(session, campaign.id, request.values.get("refund", "")), found),
        }
    whole = tuple(map(sum, zip(*sums.values(), strict=True)))
    pages = ceil((sums[state] if state else whole)[0] / desk.PAGE)
    goes_on = any(sums[each][0] for each in RUNNING)
    values = {"refunds": found, "sums": sums, "whole": whole, "state": state, "page": page, "pages": pages, "goes_on": goes_on}
    return show("refunds.html", here="refunds", campaign=campaign, states_of=REFUNDS, reasons=REASONS, **values, **lists)


def _payout(session: Session, chosen: desk.RefundRow | None, found: Sequence[desk.RefundRow]) -> dict[str, Any]:
    """Return the refund that is chosen, where its customer wants the money, and of which orders that is known."""
    payout = paying_out.given(session, order_ref=chosen.order, actor=staff().actor, now=now()) if chosen else None
    return {"chosen": chosen, "payout": payout, "have_given": paying_out.have_given(session, {each.order for each in found})}


@bp.get("/<slug>/refunds")
@staff_required(Permission.DEPOSITS)
def refunds(slug: str) -> str:
    """Show the refunds, their sums and what they need."""
    return refunds_page(slug)


@bp.post("/<slug>/refunds")
@staff_required(Permission.MONEY)
@shown_again_by(refunds_page)
def settle_refund(slug: str) -> Answer:
    """Send one failed refund again, or note that it was paid out by hand."""
    key = typed("refund")
    about: dict[str, Any] = {"reason": typed("reason"), "actor": staff().actor, "now": now()}
    with transaction() as session:
        _require(desk.failed_refund(session, queries.campaign(session, slug).id, key))
        if typed("do") == "hand":
            resolving.paid_by_hand(session, key=key, reference=typed("reference"), **about)
        else:
            resolving.send_refund_again(session, key=key, **about)
    said = _("Noted: paid by hand.") if typed("do") == "hand" else _("It is sent again within a minute.")
    return done(said, "refunds", slug=slug)


def _require(found: desk.RefundRow | None) -> None:
    if found is None:
        raise NotFound(N_("No refund of this campaign waits for a decision under this number"))


@bp.post("/<slug>/refunds/again")
@staff_required(Permission.MONEY)
@shown_again_by(refunds_page)
def send_failed_refunds(slug: str) -> Answer:
    """Ask that all failed refunds be sent again."""
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        count = runs.ask_for_failed(session, campaign, reason=typed("reason"), actor=staff().actor, now=now())
    return done(ngettext("%(num)s refund is sent again.", "%(num)s refunds are sent again.", count), "refunds", slug=slug)
