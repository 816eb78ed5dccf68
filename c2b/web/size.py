"""My size: said once if one likes, changed or removed at any time, never needed to vote."""

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.campaigns.sizes import sizes
from c2b.errors import N_, Invalid
from c2b.people import size
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import begin_guest, local, reading, transaction, viewer, visitor
from c2b.web.campaign import shown
from c2b.web.gallery import about, own_ballot
from c2b.web.votes import voter

bp = Blueprint("size", __name__, template_folder="templates")


@bp.get("/c/<slug>/size")
@public
def ask(slug: str) -> str:
    """Ask for the size that somebody usually wears."""
    viewer()
    known = visitor()
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        offered = sizes(session, campaign.id, locale=locale())
        mine = size.of(session, person_id=known.person_id) if known else ""
    return render_template("web/size.html", sizes=offered, mine=mine, **about(campaign, ballot))


@bp.post("/c/<slug>/size")
@public
def say(slug: str) -> Response:
    """Keep the size; a visitor whom nobody knows becomes a guest, as by a first vote."""
    said, number = request.form.get("size", ""), viewer()
    with transaction() as session:
        if said not in sizes(session, shown(session, slug).id, locale=locale()):
            raise Invalid(N_("Choose one of the sizes"), field="size")
        person_id, token = voter(session, number)
        size.say(session, person_id=person_id, size=said)
    if token:
        begin_guest(token)
    flash(_("Your size is saved. You can change or remove it at any time."), "ok")
    return redirect(f"/c/{slug}/", 303)


@bp.post("/me/size")
@public
def remove() -> Response:
    """Forget the size."""
    if known := visitor():
        with transaction() as session:
            size.say(session, person_id=known.person_id, size="")
    flash(_("Your size is removed."), "ok")
    return redirect(local(request.form.get("back", ""), "/me"), 303)
