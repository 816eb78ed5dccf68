"""A held ballot, to its owner: why, what follows, and how to object."""

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, Refused
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, now, reading, transaction
from c2b.voting import objections
from c2b.voting.rules import SuspicionRule
from c2b.web.campaign import shown, title

bp = Blueprint("held", __name__, template_folder="templates")
WHY: dict[SuspicionRule, str] = {
    SuspicionRule.BURST: N_("It came together with many others within a short time."),
    SuspicionRule.ONE_TIME_MAIL: N_("Its address is of a kind that anybody can have any number of."),
    SuspicionRule.DEVICE: N_("Many ballots came from the same device or browser."),
    SuspicionRule.TOO_FAST: N_("Its votes followed each other very fast."),
    SuspicionRule.SEQUENTIAL: N_("Its address is one of many that look alike."),
    SuspicionRule.REFERRER: N_("It came with many others by the same link."),
    SuspicionRule.CLIQUE: N_("Its votes are nearly the same as those of many others."),
    SuspicionRule.BY_HAND: N_("Somebody on the staff had a reason to look into it."),
}
"""In words that accuse nobody, and that teach nobody how to stay unseen."""
_OPEN = (CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY)


def _page(slug: str, error: str = "") -> str:
    with reading() as session:
        campaign = shown(session, slug)
        found = objections.notice(session, campaign_id=campaign.id, person_id=customer().person_id)
    words = request.form.get("words", found.objection if found else "")
    values = {"notice": found, "why": WHY, "words": words, "errors": {"words": error} if error else {}, "most": objections.LONGEST}
    return render_template("web/held.html", campaign=campaign, title=title(campaign), may_object=campaign.state in _OPEN, **values)


@bp.get("/c/<slug>/held")
@customer_required
def held(slug: str) -> str:
    """Show why the ballot is held, and the way to object."""
    return _page(slug)


@bp.post("/c/<slug>/held")
@customer_required
def say_why(slug: str) -> Response | tuple[str, int]:
    """Keep what the owner says to it."""
    try:
        with transaction() as session:
            objections.object_to(session, slug=slug, person_id=customer().person_id, words=request.form.get("words", ""), now=now())
    except Invalid as problem:
        return _page(slug, say(problem)), 400
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Thank you. Somebody reads it before the result is made."), "ok")
    return redirect(f"/c/{slug}/held", 303)
