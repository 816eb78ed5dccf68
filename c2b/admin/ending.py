"""Withdrawing a candidate, and cancelling a whole campaign: what gives votes and money back."""

from typing import Any

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.candidates import candidate_page
from c2b.admin.page import Answer, confirm, done, show, shown_again_by, typed
from c2b.admin.two_people import only_asks, wishes
from c2b.audit.two_people import Step
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.deposits import actions, desk
from c2b.deposits import cancelling as two_people
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.ui.shell import now, reading, staff, staff_required, transaction

OVER = (CampaignState.DECIDED, CampaignState.COMPLETED, CampaignState.CANCELLED)


def public_reason() -> str:
    """Return the reason that was typed; raises Invalid without one, for everybody will read it."""
    reason = typed("reason").strip()
    if not reason:
        raise Invalid(N_("Say why: the reason is shown to everybody"), field="reason")
    return reason


@bp.post("/<slug>/candidates/<code>/withdraw")
@staff_required(Permission.CANDIDATES)
@shown_again_by(candidate_page)
def withdraw(slug: str, code: str) -> Answer:
    """Take a candidate out, with a public reason; its votes and deposits go back. Or ask for it as one of two people."""
    reason = public_reason()
    if said := only_asks(slug, lambda _session, campaign: two_people.withdrawing(campaign, code), reason=reason):
        return done(said, "candidate", slug=slug, code=code)
    with transaction() as session:
        actions.withdraw(session, slug=slug, code=code, reason=reason, actor=staff().actor, now=now())
    return done(_("%(code)s is withdrawn; votes and deposits for it go back", code=code), "candidate", slug=slug, code=code)


def cancel_page(slug: str) -> str:
    """Show what cancelling the campaign would return, and the form for it."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        totals = desk.totals(session, campaign.id)
        open_count, open_amount = desk.open_payments(session, campaign.id)
        sums = desk.refund_sums(session, campaign.id)
        asked = wishes(session, campaign, two_people.cancelling(campaign))
    values: dict[str, Any] = {
        "totals": totals,
        "open_count": open_count,
        "open_amount": open_amount,
        "over": campaign.state in OVER,
        "sums": sums,
    }
    return show("cancelling.html", here="cancelling", campaign=campaign, asked=asked, **values)


@bp.get("/<slug>/cancel")
@staff_required(Permission.PHASES)
def cancelling(slug: str) -> str:
    """Show what cancelling the campaign would return."""
    return cancel_page(slug)


@bp.post("/<slug>/cancel")
@staff_required(Permission.PHASES)
@shown_again_by(cancel_page)
def cancel(slug: str) -> Answer:
    """Cancel the campaign and return every deposit, or ask for it as one of two people."""
    reason = public_reason()
    if said := only_asks(slug, _cancelling, reason=reason):
        return done(said, "cancelling", slug=slug)
    confirm(slug)
    with transaction() as session:
        actions.cancel_campaign(session, slug=slug, reason=reason, actor=staff().actor, now=now())
    return done(_("The campaign is cancelled. Every deposit goes back the way it came; the refunds are queued."), "refunds", slug=slug)


def _cancelling(_session: Session, campaign: Campaign) -> Step:
    two_people.require_going_on(campaign)
    return two_people.cancelling(campaign)
