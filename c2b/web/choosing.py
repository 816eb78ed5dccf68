"""Choosing among picks that were more than votes: those of the ballot, and those that wait beside it."""

from urllib.parse import urlencode

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import customer, customer_required, local, reading, transaction, visitor
from c2b.voting import left_over
from c2b.web.campaign import shown
from c2b.web.gallery import about, mark, own_ballot, rendered

bp = Blueprint("choosing", __name__, template_folder="templates")


def choosing(slug: str, to: str = "") -> str:
    """Return the address of the page where a person chooses, which leads on to `to`."""
    return f"/c/{slug}/choose?" + urlencode({"next": to or f"/c/{slug}/"})


@bp.get("/c/<slug>/choose")
@public
def choose(slug: str) -> str:
    """Let a person who brought more picks than votes choose which ones stay."""
    known = visitor()
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        is_asked = campaign.state is CampaignState.VOTING
        waiting = left_over.of(session, campaign_id=campaign.id, person_id=known.person_id) if known and is_asked else set()
        cards = queries.candidates(session, campaign.id, locale=locale(), ids=sorted(ballot.picked | waiting))

    def show(card: CandidateCard) -> str:
        return rendered(card, slug, campaign.currency, mark(campaign, ballot, card), locale(), eager=False)

    return render_template(
        "web/choose.html",
        kept=[show(card) for card in cards if card.id in ballot.picked],
        over=[show(card) for card in cards if card.id in waiting],
        next=local(request.args.get("next", ""), f"/c/{slug}/"),
        **about(campaign, ballot),
    )


@bp.post("/c/<slug>/choose")
@customer_required
def chosen(slug: str) -> Response:
    """Leave out what still waits, and go on: to the next campaign with something to choose, then to where the person was going."""
    to, person_id = local(request.form.get("next", ""), f"/c/{slug}/"), customer().person_id
    with transaction() as session:
        left_over.chosen(session, slug=slug, person_id=person_id)
        others = left_over.campaigns(session, person_id=person_id)
    flash(_("Your ballot stays as you have chosen."), "ok")
    return redirect(choosing(others[0][0].slug, to) if others else to, 303)
