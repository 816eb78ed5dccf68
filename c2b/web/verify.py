"""Receipts, and the page where anybody holds one against the published result."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, render_template, request, send_from_directory
from flask_babel import gettext as _
from werkzeug.wrappers import Response as Answer

from c2b.campaigns.rules import commitment
from c2b.errors import N_, NotFound, Refused
from c2b.exports import publishing
from c2b.ui.access import public
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, now, parts, reading, to_sign_in, transaction, visitor
from c2b.voting import bundle, proving, publication, queries, receipts, statement, tree
from c2b.web.campaign import shown
from c2b.web.gallery import about, own_ballot

bp = Blueprint("verify", __name__, template_folder="templates")
_TYPES = {publishing.BUNDLE: "application/zip", bundle.RESULT: "application/json", bundle.BALLOTS: "text/csv; charset=utf-8"}


@bp.get("/c/<slug>/receipt")
@public
def receipt(slug: str) -> str | Answer:
    """Show the visitor's receipt; a first visit is asked to sign in."""
    known = visitor()
    if known is None:
        return to_sign_in("customer")
    with reading() as session:
        campaign = shown(session, slug)
        own = receipts.receipt(session, campaign=campaign, person_id=known.person_id)
        ballot = own_ballot(session, campaign)
    return render_template("web/receipt.html", receipt=own, known=known, **about(campaign, ballot))


@bp.get("/c/<slug>/receipt.txt")
@customer_required
def receipt_file(slug: str) -> Response:
    """Send the receipt as a file, with what opens it."""
    with reading() as session:
        own = receipts.receipt(session, campaign=shown(session, slug), person_id=customer().person_id)
    if own is None:
        raise NotFound(N_("You have no ballot in this campaign yet; vote first"))
    name = {"Content-Disposition": f'attachment; filename="{slug}-receipt-{own.version}.txt"', "Cache-Control": "no-store"}
    return Response(own.text(), headers=name, content_type="text/plain; charset=utf-8")


@bp.post("/c/<slug>/receipt")
@customer_required
def mail_receipt(slug: str) -> Answer:
    """Send the receipt by mail, with the picks only if that was ticked."""
    picks = request.form.get("picks") == "1"
    try:
        with transaction() as session:
            campaign, person_id = shown(session, slug), customer().person_id
            new = receipts.mail(session, campaign=campaign, person_id=person_id, picks=picks, now=now())
    except Refused as refused:
        flash(say(refused), "bad")
    else:
        flash(_("The receipt is on its way to you.") if new else _("This version was mailed to you already."), "ok")
    return redirect(f"/c/{slug}/receipt", 303)


@bp.get("/c/<slug>/verify")
@public
def verify(slug: str) -> str:
    """Ask for a receipt, and say what the proof is worth."""
    return _page(slug, "")


@bp.post("/c/<slug>/verify")
@public
def prove(slug: str) -> str:
    """Hold a receipt against the result; answered here and not by a redirect, so that it stands in no address and no log."""
    return _page(slug, request.form.get("receipt", ""))


@bp.get("/c/<slug>/published/<file>")
@public
def published(slug: str, file: str) -> Answer:
    """Send one of the files that anybody may have after the selection."""
    if file == "verify.py":
        return Response(bundle.text(file), content_type="text/plain; charset=utf-8")
    with reading() as session:
        place = publishing.folder(session, parts().settings.data, shown(session, slug).slug)
    if file not in _TYPES or place is None:
        raise NotFound(N_("There is no file “%(file)s” of this campaign yet; it comes with the result"), file=file)
    if not (place / file).is_file():
        raise Refused(N_("The file is being made; try again in a minute"))
    name = f"{slug}-{file}" if file == publishing.BUNDLE else file
    return send_from_directory(place, file, mimetype=_TYPES[file], as_attachment=file == publishing.BUNDLE, download_name=name)


def _page(slug: str, text: str) -> str:
    with reading() as session:
        campaign = shown(session, slug)
        selection = queries.selection(session, campaign.id)
        proof = proving.prove(session, campaign, text) if text.strip() else None
        ballot, versions = own_ballot(session, campaign), publication.versions(session, campaign)
    opening = {"commitment": commitment(campaign.secret), "rules_hash": tree.digest(statement.rules_of(campaign))}
    why = say(proof.why) if proof and proof.why else ""
    page: dict[str, Any] = about(campaign, ballot) | {"selection": selection, "versions": versions, "proof": proof, "why": why}
    return render_template("web/verify.html", text=text, block=tree.BLOCK, **page, **opening)
