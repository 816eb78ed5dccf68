"""How staff come in and go out, and choose a password by a one-time link."""

from flask import flash, g, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, shown_again_by, typed
from c2b.errors import Refused
from c2b.people import actions
from c2b.people.rules import MAX_ADDRESS
from c2b.ui.access import public
from c2b.ui.shell import begin_login, end_login, local, now, transaction


def sign_in_page() -> str:
    """Ask for address and password; `next` is where they wanted to go."""
    return render_template("admin/sign_in.html", errors=g.get("errors", {}), typed=typed, next=request.values.get("next", ""))


@bp.get("/sign-in")
@public
def sign_in_form() -> str:
    """Show the sign-in page."""
    return sign_in_page()


@bp.post("/sign-in")
@public
@shown_again_by(sign_in_page)
def sign_in() -> Answer:
    """Sign in and go on to where they wanted to go; a refused try is counted."""
    email = typed("email")[:MAX_ADDRESS]
    try:
        with transaction() as session:
            token = actions.sign_in_staff(session, email=email, password=typed("password"), now=now())
    except Refused:
        with transaction() as session:
            actions.note_wrong_password(session, email=email, now=now())
        raise
    begin_login("staff", token)
    return redirect(local(typed("next"), url_for("admin.campaigns")), 303)


@bp.post("/sign-out")
@public
def sign_out() -> Response:
    """End this browser's login on the server too."""
    end_login("staff")
    flash(_("You are signed out"), "ok")
    return redirect(url_for("admin.sign_in_form"), 303)


def set_up_page(token: str) -> str:  # noqa: ARG001  the form posts to its own address, which holds the token
    """Ask for a new password."""
    return render_template("admin/set_up.html", errors=g.get("errors", {}))


@bp.get("/set-up/<token>")
@public
def set_up_form(token: str) -> str:
    """Show the page behind a one-time link; looking doesn't use it up."""
    return set_up_page(token)


@bp.post("/set-up/<token>")
@public
@shown_again_by(set_up_page)
def set_up(token: str) -> Answer:
    """Set the password and sign in."""
    password = typed("password")
    with transaction() as session:
        email = actions.set_up_staff(session, token=token, password=password, now=now())
        login = actions.sign_in_staff(session, email=email, password=password, now=now())
    begin_login("staff", login)
    return redirect(url_for("admin.campaigns"), 303)
