"""Withdrawing from a contract without signing in: two steps and a mail in between (Directive 2011/83/EU, art. 11a)."""

from flask import Blueprint, abort, flash, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.deposits import queries
from c2b.errors import Invalid, Refused
from c2b.production import withdrawing
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import now, reading, secret_key, transaction
from c2b.web.words import line_state

bp = Blueprint("withdrawing", __name__, template_folder="templates")
_LINES = "/withdraw/order"


def _form(status: int = 200, **errors: str) -> tuple[str, int]:
    typed = {name: request.form.get(name, "") for name in ("order", "email")}
    return render_template("web/withdraw.html", form=typed, errors=errors), status


@bp.get("/withdraw")
@public
def form() -> tuple[str, int]:
    """Ask for the order's reference and the address it was placed with."""
    return _form()


@bp.post("/withdraw")
@public
def send() -> Response | tuple[str, int]:
    """Send the link, whether or not there is such an order: the answer is the same."""
    order, email = (request.form.get(name, "").strip()[:254] for name in ("order", "email"))
    if not order:
        return _form(400, order=_("Write the order’s reference; it stands in every mail about it"))
    asked = {"order_ref": order, "email": email, "locale": locale(), "secret_key": secret_key()}
    try:
        with transaction() as session:
            withdrawing.ask_for_link(session, now=now(), **asked)
    except Invalid as problem:
        return _form(400, email=say(problem))
    flash(_("If there is an order like this that you can withdraw from, a mail with the next step is on its way."), "ok")
    return redirect("/withdraw", 303)


@bp.get("/withdraw/<token>")
@public
def enter(token: str) -> Response:
    """Take the link of a mail into the browser's cookie, and out of the address: who sees the address later could withdraw with it."""
    ref = _order_of(token)
    if isinstance(ref, Response):
        return ref
    cookie["withdrawal"] = token
    return redirect(_LINES, 303)


@bp.get(_LINES)
@public
def lines() -> Response | str | tuple[str, int]:
    """Show the order's lines and the one button; looking changes nothing, for mail programs look at links by themselves."""
    if "withdrawal" not in cookie:
        return _form(400, **{"": _("Open the link in the mail once more: this page works only in a browser that keeps cookies")})
    ref = _order_of(cookie["withdrawal"])
    if isinstance(ref, Response):
        return ref
    with reading() as session:
        theirs = withdrawing.customer_of(session, ref)
        order = queries.order(session, ref=ref, person_id=theirs, locale=locale(), now=now())
    return render_template("web/withdraw_lines.html", order=order, action=_LINES, line_state=line_state)


@bp.post(_LINES)
@public
def confirm() -> Response:
    """Withdraw from the lines that are ticked, and confirm it by mail at once."""
    chosen = [int(line[:15]) for line in request.form.getlist("line") if line.isascii() and line.isdigit()]
    ref = _order_of(cookie.get("withdrawal", ""))
    if isinstance(ref, Response):
        return ref
    try:
        with transaction() as session:
            withdrawing.withdraw(session, order_ref=ref, lines=chosen, person_id=None, now=now())
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("We have received it and confirm it by mail."), "ok")
    return redirect(_LINES, 303)


def _order_of(token: str) -> str | Response:
    """Return which order a link is for, or where its day is over the way to a new one; one that we didn't make isn't there."""
    try:
        return withdrawing.order_of(secret_key(), token, now()) or abort(404)
    except Refused as problem:
        flash(say(problem), "bad")
        return redirect("/withdraw", 303)
