"""Refusing news: by the link of a mail, without signing in, and on one's own page. What is required is always sent."""

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.messages import refusing
from c2b.ui.access import public
from c2b.ui.security import csrf
from c2b.ui.shell import customer, customer_required, now, reading, secret_key, transaction

bp = Blueprint("news", __name__, template_folder="templates")


def _reader(token: str) -> str:
    return refusing.reader_of(secret_key(), token) or abort(404)


@bp.get("/opt-out/<token>")
@public
def asked(token: str) -> str:
    """Ask whether news shall stop; looking changes nothing, for mail programs look at links by themselves."""
    with reading() as session:
        refused = refusing.refused_at(session, reader=_reader(token)) is not None
    return render_template("web/opt_out.html", token=token, refused=refused)


@bp.post("/opt-out/<token>")
@public
def refuse(token: str) -> Response:
    """Stop news for whom the token names; a mail program's one click gets no page and no redirect (RFC 8058, 3.1)."""
    reader = _reader(token)
    with transaction() as session:
        refusing.refuse(session, reader=reader, now=now())
    if request.form.get("List-Unsubscribe") == "One-Click":
        return Response("OK\n", mimetype="text/plain")
    return redirect(f"/opt-out/{token}", 303)


csrf.exempt(refuse)  # a mail program sends it, with no page before it; the token is what counts


@bp.post("/me/news")
@customer_required
def setting() -> Response:
    """Refuse news, or get them again."""
    wanted = request.form.get("news") == "yes"
    with transaction() as session:
        if wanted:
            refusing.allow(session, reader=customer().ref)
        else:
            refusing.refuse(session, reader=customer().ref, now=now())
    flash(_("You get news again.") if wanted else _("You get no more news. What concerns your orders and your money still comes."), "ok")
    return redirect("/me", 303)
