"""The counter of a store: an assistant enters the ballot of a customer who tells them the code."""

from typing import Any

from flask import redirect, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by
from c2b.campaigns import queries
from c2b.campaigns.rules import voting_is_open
from c2b.errors import Invalid
from c2b.people.rules import WRONG_CODE, Permission, mask
from c2b.ui.language import locale
from c2b.ui.shell import now, parts, reading, secret_key, staff, staff_required, transaction
from c2b.voting import entering


def counter_page(slug: str) -> str:
    """Ask for the customer's address; after the code was sent for it and the votes."""
    asked = cookie.get("at_counter", {})
    asked = asked if asked.get("slug") == slug else {}
    with reading() as session:
        campaign = queries.campaign(session, slug)
        designs = queries.candidates(session, campaign.id, locale=locale()) if asked else []
    about: dict[str, Any] = {
        "open": voting_is_open(campaign, now()),
        "counts": "store" in campaign.count,
        "demo_code": asked.get("code", ""),
    }
    about |= {"designs": [each for each in designs if not each.withdrawn_at], "picks": request.form.getlist("pick")}
    masked = mask(campaign.identity, asked["address"]) if asked else ""
    return show("counter.html", here="counter", campaign=campaign, masked=masked, **about)


@bp.get("/<slug>/counter")
@staff_required(Permission.STORE_BALLOTS)
def counter(slug: str) -> str:
    """Show the counter."""
    return counter_page(slug)


@bp.post("/<slug>/counter")
@staff_required(Permission.STORE_BALLOTS)
@shown_again_by(counter_page)
def send_to_customer(slug: str) -> Answer:
    """Send the customer a code; whether they are known isn't said."""
    address = request.form.get("address", "").strip()[:254]
    with transaction() as session:
        code = entering.send_code(session, slug=slug, address=address, locale=locale(), secret_key=secret_key(), now=now())
    cookie["at_counter"] = {"slug": slug, "address": address, "code": code if parts().settings.demo else ""}
    return redirect(url_for("admin.counter", slug=slug), 303)


@bp.post("/<slug>/counter/next")
@staff_required(Permission.STORE_BALLOTS)
def next_customer(slug: str) -> Response:
    """Forget this customer."""
    cookie.pop("at_counter", None)
    return redirect(url_for("admin.counter", slug=slug), 303)


@bp.post("/<slug>/counter/ballot")
@staff_required(Permission.STORE_BALLOTS)
@shown_again_by(counter_page)
def enter_ballot(slug: str) -> Answer:
    """Enter the ballot under the assistant's name."""
    asked = cookie.get("at_counter", {})
    if asked.get("slug") != slug:
        return redirect(url_for("admin.counter", slug=slug), 303)
    typed = {"code": request.form.get("code", "").replace(" ", "")[:12], "picks": _picks(), "address": asked["address"]}
    viewer, actor = parts().viewers.take(), staff().actor
    with transaction() as session:
        entered = entering.enter(
            session, slug=slug, viewer=viewer, locale=locale(), secret_key=secret_key(), actor=actor, now=now(), **typed
        )
    if entered is None:
        raise Invalid(WRONG_CODE, field="code")
    del cookie["at_counter"]
    votes = ngettext("%(num)s vote", "%(num)s votes", entered.votes)
    return done(_("Entered: ballot %(serial)s with %(votes)s.", serial=entered.serial, votes=votes), "counter", slug=slug)


def _picks() -> list[str]:
    """Return the codes that were typed or chosen, a field each; empty fields are votes not given."""
    return [code for typed in request.form.getlist("pick") if (code := typed.strip()[:80])]
