"""A person's addresses: which one counts where, and adding another one by a code."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask import session as cookie
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.campaigns import queries as campaigns
from c2b.campaigns.rules import CampaignState, has_voting
from c2b.errors import Invalid, Refused
from c2b.people import addresses as people
from c2b.people.addresses import Linked
from c2b.people.rules import CODE_LIFE, KNOWN_BY, SIGN_IN_KINDS, WRONG_CODE, AddressKind, mask
from c2b.people.wechat import official_account
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, local, now, parts, reading, secret_key, transaction
from c2b.voting import linking
from c2b.web import codes
from c2b.web.campaign import title
from c2b.web.sign_in import by_wechat

bp = Blueprint("addresses", __name__, template_folder="templates")
_COUNTING = frozenset({CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY})
"""In these a ballot may still come to count, or is about to be counted."""


def _kind() -> AddressKind:
    return next((kind for kind in SIGN_IN_KINDS if kind == request.values.get("kind")), SIGN_IN_KINDS[0])


def _page(status: int = 200, **values: Any) -> tuple[str, int]:
    with reading() as session:
        own = people.own(session, person_id=customer().person_id)
        found = [each for each in campaigns.campaigns(session) if each.state in _COUNTING and has_voting(each)]
    counts = {kind: [title(each) for each in found if each.identity is kind] for kind in KNOWN_BY}
    to = local(request.values.get("next", ""), "/me")
    form: dict[str, Any] = {"kind": _kind(), "kinds": SIGN_IN_KINDS, "next": to, "address": "", "errors": {}}
    known_there = any(each.kind is AddressKind.WECHAT for each in own)
    form["wechat"] = by_wechat(to) if official_account(parts().settings) and not known_there else None
    return render_template("web/addresses.html", own=own, counts=counts, **(form | values)), status


@bp.get("/me/addresses")
@customer_required
def page() -> tuple[str, int]:
    """Show the person's addresses, which of them counts where, and a form for one more."""
    return _page()


@bp.post("/me/addresses")
@customer_required
def send() -> Response | tuple[str, int]:
    """Send a code to an address that the person wants to add."""
    kind, typed = _kind(), request.form.get("address", "").strip()[:254]
    try:
        code = codes.send(kind, typed)
    except (Invalid, Refused) as problem:
        return _page(400 if isinstance(problem, Invalid) else 429, errors={"address": say(problem)}, address=typed)
    cookie["adding"] = {"kind": kind.value, "address": typed, "next": local(request.form.get("next", ""), "/me"), "code": code}
    return redirect("/me/addresses/code", 303)


def _code_form(status: int = 200, **errors: str) -> Response | tuple[str, int]:
    asked = cookie.get("adding")
    if not asked:
        return redirect("/me/addresses", 303)
    kind, minutes = AddressKind(asked["kind"]), int(CODE_LIFE.total_seconds() // 60)
    values = {"kind": kind, "address": mask(kind, asked["address"]), "minutes": minutes, "demo_code": asked["code"]}
    return render_template("web/address_code.html", errors=errors, **values), status


@bp.get("/me/addresses/code")
@customer_required
def code() -> Response | tuple[str, int]:
    """Ask for the six digits."""
    return _code_form()


@bp.post("/me/addresses/code")
@customer_required
def add() -> Response | tuple[str, int]:
    """Add the address that the code was sent to; drafts that waited for it count from now on."""
    asked = cookie.get("adding")
    if not asked:
        return redirect("/me/addresses", 303)
    proof = {"kind": AddressKind(asked["kind"]), "address": asked["address"], "code": request.form.get("code", "").replace(" ", "")[:12]}
    with transaction() as session:
        linked = linking.link(session, person_id=customer().person_id, secret_key=secret_key(), now=now(), **proof)
    if linked is Linked.WRONG_CODE:
        return _code_form(400, code=_(WRONG_CODE))
    del cookie["adding"]
    if linked is Linked.NOT_HERE:
        return _page(409, errors={"address": _("This address can’t be added here.")})
    flash(_("Added. You can sign in by it from now on."), "ok")
    return redirect(asked["next"], 303)
