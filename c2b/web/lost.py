"""For who can't reach their address any more: asking for the way back, and objecting to it."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.errors import Invalid, Refused
from c2b.people import lost
from c2b.people.rules import CODE_LIFE, OBJECTION, SIGN_IN_KINDS, WRONG_CODE, AddressKind, mask, normalise
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import now, secret_key, transaction
from c2b.web import codes

bp = Blueprint("lost", __name__, template_folder="templates")
_HOURS = int(OBJECTION.total_seconds() // 3600)


def _form(status: int = 200, **values: Any) -> tuple[str, int]:
    kind = next((kind for kind in SIGN_IN_KINDS if kind == request.values.get("kind")), SIGN_IN_KINDS[0])
    typed = {name: request.form.get(name, "") for name in ("old", "address", "words")}
    return render_template(
        "web/lost.html", **({"kind": kind, "kinds": SIGN_IN_KINDS, "errors": {}, "hours": _HOURS} | typed | values)
    ), status


@bp.get("/sign-in/lost")
@public
def form() -> tuple[str, int]:
    """Ask for the address that can't be reached, and a new one."""
    return _form()


@bp.post("/sign-in/lost")
@public
def send() -> Response | tuple[str, int]:
    """Send a code to the new address, whether or not the old one is known."""
    typed = {name: request.form.get(name, "").strip()[:254] for name in ("old", "address")}
    kind = next((kind for kind in SIGN_IN_KINDS if kind == request.form.get("kind")), SIGN_IN_KINDS[0])
    field = "old"
    try:
        normalise(kind, typed["old"])
        field = "address"
        code = codes.send(kind, typed["address"])
    except (Invalid, Refused) as problem:
        return _form(400 if isinstance(problem, Invalid) else 429, errors={field: say(problem)})
    words = request.form.get("words", "").strip()[:1000]
    cookie["lost"] = typed | {"kind": kind.value, "words": words, "code": code}
    return redirect("/sign-in/lost/code", 303)


def _code_form(status: int = 200, **errors: str) -> Response | tuple[str, int]:
    asked = cookie.get("lost")
    if not asked:
        return redirect("/sign-in/lost", 303)
    kind = AddressKind(asked["kind"])
    about = {"kind": kind, "address": mask(kind, asked["address"]), "minutes": int(CODE_LIFE.total_seconds() // 60)}
    return render_template("web/lost_code.html", errors=errors, demo_code=asked["code"], **about), status


@bp.get("/sign-in/lost/code")
@public
def code() -> Response | tuple[str, int]:
    """Ask for the six digits."""
    return _code_form()


@bp.post("/sign-in/lost/code")
@public
def ask() -> Response | tuple[str, int]:
    """Write the request down for staff to look at."""
    asked = cookie.get("lost")
    if not asked:
        return redirect("/sign-in/lost", 303)
    typed = {"kind": AddressKind(asked["kind"]), "old": asked["old"], "new": asked["address"], "words": asked["words"]}
    digits = request.form.get("code", "").replace(" ", "")[:12]
    with transaction() as session:
        written = lost.ask(session, code=digits, locale=locale(), secret_key=secret_key(), now=now(), **typed)
    if not written:
        return _code_form(400, code=_(WRONG_CODE))
    del cookie["lost"]
    flash(_("Your request is with us. If we can help, we write to your new address; it takes a few days."), "ok")
    return redirect("/", 303)


@bp.get("/stop/<token>")
@public
def objection(token: str) -> str:
    """Ask who reads the old address whether they object; looking changes nothing."""
    return render_template("web/stop.html", token=token)


@bp.post("/stop/<token>")
@public
def stop(token: str) -> Response:
    """Stop the move of an account."""
    try:
        with transaction() as session:
            lost.stop(session, token=token, now=now())
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Stopped. Your account stays with your address."), "ok")
    return redirect("/", 303)
