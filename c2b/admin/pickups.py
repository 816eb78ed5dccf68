"""Store pickup: what goes to which store, what came there, and handing it out to whoever has the code."""

import re

from flask import redirect, request, url_for
from flask import session as cookie
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed
from c2b.campaigns import queries
from c2b.deposits import pickup_views
from c2b.deposits import pickups as actions
from c2b.deposits.pickups import Waiting
from c2b.errors import N_, Invalid, Refused
from c2b.people.rules import Permission
from c2b.stores.queries import StoreView, store_of
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import now, reading, staff, staff_required, transaction

_KEPT = "at_pickup"
"""Where the assistant's cookie keeps the code of the customer who is there."""
_CAME = "came-"
"""Before the SKU in the names of the form's fields."""
_PIECES = re.compile(r"[0-9]{0,6}")


def pickups_page(slug: str) -> str:
    """Show what goes to each store and what waits there; assistants see their own store."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found, mine = pickup_views.by_store(session, campaign, locale=locale()), store_of(session, staff().id)
        orders = pickup_views.chosen(session, campaign)
    shown = [each for each in found if mine is None or each.store.id == mine.id]
    return show("pickups.html", here="pickups", campaign=campaign, found=shown, orders=orders, mine=mine)


@bp.get("/<slug>/pickups")
@staff_required(Permission.PICKUPS)
def pickups(slug: str) -> str:
    """Show what is collected where."""
    return pickups_page(slug)


@bp.post("/<slug>/pickups")
@staff_required(Permission.PICKUPS)
@shown_again_by(pickups_page)
def arrive(slug: str) -> Answer:
    """Note that goods are in a store; their customers are told."""
    code, came = typed("store"), _came()
    with transaction() as session:
        _require_own(store_of(session, staff().id), code)
        count = actions.arrive(session, slug=slug, store=code, came=came, actor=staff().actor, now=now())
    told = ngettext("%(num)s order line is ready to be collected.", "%(num)s order lines are ready to be collected.", count)
    return done(told + " " + _("The customers are told."), "pickups", slug=slug)


def _came() -> dict[str, int]:
    """Return the pieces that were entered, by SKU; raises Invalid for what is no number of pieces."""
    fields = ((name.removeprefix(_CAME), text.strip()) for name, text in request.form.items() if name.startswith(_CAME))
    return {sku: _pieces(sku, text) for sku, text in fields}


def _pieces(sku: str, text: str) -> int:
    if not _PIECES.fullmatch(text):
        raise Invalid(N_("%(sku)s: “%(text)s” is no number of pieces"), sku=sku[:80], text=text[:20])
    return int(text or 0)


@bp.post("/<slug>/pickups/back")
@staff_required(Permission.PICKUPS)
@shown_again_by(pickups_page)
def not_arrived(slug: str) -> Answer:
    """Take back that a product arrived."""
    code, sku = typed("store"), typed("sku")
    with transaction() as session:
        _require_own(store_of(session, staff().id), code)
        actions.not_there(session, slug=slug, store=code, sku=sku, actor=staff().actor, now=now())
    return done(_("Taken back. %(sku)s is on its way again; its customers don’t see their code any more.", sku=sku), "pickups", slug=slug)


def _require_own(mine: StoreView | None, code: str) -> None:
    """Raise Refused for another store than the assistant's own."""
    if mine and mine.code != code:
        raise Refused(N_("You work in %(store)s and can do this only there"), store=mine.name)


def hand_out_page() -> str:
    """Ask for the code; then show what is handed out for it, or why nothing is."""
    found, problem = None, ""
    with reading() as session:
        mine = store_of(session, staff().id)
        try:
            found = _waiting(session, mine, cookie[_KEPT]) if _KEPT in cookie else None
        except (Refused, Invalid) as why:
            problem = say(why)
    return show("hand_out.html", here="hand_out", found=found, problem=problem, mine=mine)


def _waiting(session: Session, mine: StoreView | None, code: str) -> Waiting:
    return actions.waiting(session, code=code, store_id=mine.id if mine else None, locale=locale())


@bp.get("/hand-out")
@staff_required(Permission.PICKUPS)
def hand_out() -> str:
    """Show the counter where orders are collected."""
    return hand_out_page()


@bp.post("/hand-out")
@staff_required(Permission.PICKUPS)
@shown_again_by(hand_out_page)
def find_pickup() -> Answer:
    """Look up a code; a scanner types it like a person."""
    code = typed("code").strip()[:40]
    cookie.pop(_KEPT, None)
    with reading() as session:
        _waiting(session, store_of(session, staff().id), code)
    cookie[_KEPT] = code
    return redirect(url_for("admin.hand_out"), 303)


@bp.post("/hand-out/next")
@staff_required(Permission.PICKUPS)
def next_pickup() -> Answer:
    """Forget this customer; nothing is handed out."""
    cookie.pop(_KEPT, None)
    return redirect(url_for("admin.hand_out"), 303)


@bp.post("/hand-out/done")
@staff_required(Permission.PICKUPS)
@shown_again_by(hand_out_page)
def handed_out() -> Answer:
    """Note that the customer has the goods."""
    code, who = cookie.pop(_KEPT, ""), staff()
    with transaction() as session:
        mine = store_of(session, who.id)
        count = actions.hand_out(session, code=code, store_id=mine.id if mine else None, actor=who.actor, now=now())
    return done(ngettext("%(num)s product is handed out.", "%(num)s products are handed out.", count), "hand_out")
