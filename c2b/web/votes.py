"""One tap: a vote given or taken back."""

from flask import Blueprint, flash, make_response, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import begin_guest, local, now, secret_key, transaction, viewer, visitor
from c2b.ui.touches import touch
from c2b.voting import actions
from c2b.voting.queries import BallotView
from c2b.web.campaign import shown
from c2b.web.gallery import about, mark, rendered

bp = Blueprint("votes", __name__, template_folder="templates")


@bp.post("/c/<slug>/votes/<code>")
@public
def tap(slug: str, code: str) -> Response:
    """Spend one of the visitor's votes, or take it back."""
    act = actions.undo if request.form.get("do") == "undo" else actions.vote
    number = viewer()
    try:
        with transaction() as session:
            person_id, token = _voter(session, number)
            ballot = act(session, slug=slug, code=code, person_id=person_id, touch=touch(), now=now())
            campaign = shown(session, slug)
            card = queries.candidate(session, campaign.id, code, locale=locale()).card
    except Refused as refused:
        flash(say(refused), "bad")
        return _back(slug, code)
    if token:
        begin_guest(token)
    return _fragment(campaign, ballot, card) if "HX-Request" in request.headers else _answer(slug, card, ballot)


def _voter(session: Session, number: int) -> tuple[int, str]:
    """Return the visitor's person, and the token of a login made for a first tap."""
    if known := visitor():
        return known.person_id, ""
    return people.first_login(session, viewer=number, locale=locale(), secret_key=secret_key(), now=now())


def _answer(slug: str, card: CandidateCard, ballot: BallotView) -> Response:
    flash(f"{card.code} {card.name}", "picked" if card.id in ballot.picked else "undone")
    return _back(slug, card.code)


def _back(slug: str, code: str) -> Response:
    """Return to the place of the tap; a page that htmx showed is loaded anew, so that it shows how things really are."""
    place = iri_to_uri(local(request.form.get("back", ""), f"/c/{slug}/") + f"#{code}")
    if "HX-Request" in request.headers:
        answer = make_response("", 200)
        answer.headers["HX-Redirect"] = place
        return answer
    return redirect(place, 303)


def _fragment(campaign: Campaign, ballot: BallotView, card: CandidateCard) -> Response:
    """Return the card as it is now and, swapped beside it, the bar."""
    offers = mark(campaign, ballot, card)
    last = ("picked" if card.id in ballot.picked else "undone", (card.code, card.name))
    html = rendered(card, campaign.slug, campaign.currency, offers, locale(), eager=True)
    return make_response(html + render_template("web/bar_swap.html", **(about(campaign, ballot) | {"last": last})))
