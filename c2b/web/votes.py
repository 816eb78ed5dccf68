"""One tap: a vote given or taken back."""

from dataclasses import replace

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask import session as cookie
from sqlalchemy.orm import Session
from werkzeug.urls import iri_to_uri
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.errors import Refused
from c2b.people import actions as people
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import begin_guest, local, now, own_number, secret_key, transaction, visitor
from c2b.ui.touches import touch
from c2b.voting import actions, left_over
from c2b.voting.queries import BallotView
from c2b.web.campaign import shown
from c2b.web.gallery import about, mark, rendered

bp = Blueprint("votes", __name__, template_folder="templates")


@bp.post("/c/<slug>/votes/<code>")
@public
def tap(slug: str, code: str) -> Response:
    """Spend one of the visitor's votes, or take it back."""
    undo, number = request.form.get("do") == "undo", own_number()
    token = ""
    try:
        with transaction() as session:
            ballot = _tapped(session, slug, code, undo=undo)
            if ballot is None:
                person_id, token = voter(session, number)
                act = actions.undo if undo else actions.vote
                ballot = act(session, slug=slug, code=code, person_id=person_id, touch=touch(), now=now())
            answer = _fragment(session, slug, code, ballot) if "HX-Request" in request.headers else _answer(slug, code, undo=undo)
    except Refused as refused:
        flash(say(refused), "bad")
        return _back(slug, code)
    if token:
        begin_guest(token)
    return answer


def _tapped(session: Session, slug: str, code: str, *, undo: bool) -> BallotView | None:
    """Return the ballot after the tap of somebody who has one; None for anybody else."""
    login = cookie.get("customer")
    return actions.tap(session, slug=slug, code=code, undo=undo, token=login, touch=touch(), now=now()) if login else None


def voter(session: Session, number: int) -> tuple[int, str]:
    """Return the visitor's person, and the token of a login made for a first tap."""
    if known := visitor(session):
        return known.person_id, ""
    return people.first_login(session, viewer=number, locale=locale(), secret_key=secret_key(), now=now())


def _answer(slug: str, code: str, *, undo: bool) -> Response:
    flash(code, "undone" if undo else "picked")
    return _back(slug, code)


def _back(slug: str, code: str) -> Response:
    """Return to the place of the tap; a page that htmx showed is loaded anew, so that it shows how things really are."""
    place = iri_to_uri(local(request.form.get("back", ""), f"/c/{slug}/") + f"#{code}")
    if "HX-Request" in request.headers:
        answer = make_response("", 200)
        answer.headers["HX-Redirect"] = place
        return answer
    return redirect(place, 303)


def _fragment(session: Session, slug: str, code: str, ballot: BallotView) -> Response:
    """Return the card as it is now and, swapped beside it, the bar."""
    campaign = shown(session, slug)
    if (known := visitor(session)) and known.verified:
        waiting = left_over.of(session, campaign_id=campaign.id, person_id=known.person_id)
        ballot = replace(ballot, left_over=len(waiting))
    key, _ = queries.named(session, slug, code, locale=locale())
    (card,) = queries.candidates(session, campaign.id, locale=locale(), ids=[key])
    offers = mark(campaign, ballot, card)
    last = ("picked" if card.id in ballot.picked else "undone", (card.code, card.name))
    html = rendered(card, campaign.slug, campaign.currency, offers, locale(), eager=True)
    return make_response(html + render_template("web/bar_swap.html", **(about(campaign, ballot) | {"last": last})))
