"""Collecting an order in a store: which one, nearest first, and no shipping to pay."""

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from c2b.deposits import pickups, queries
from c2b.errors import Invalid, Refused
from c2b.stores.queries import near
from c2b.ui.language import locale
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, now, reading, transaction

bp = Blueprint("collecting", __name__, template_folder="templates")
_LONGEST = 80


def _page(ref: str, problem: str = "") -> str:
    """Show the stores, the nearest to the place that the address names first."""
    place = request.values.get("near", "").strip()[:_LONGEST]
    with reading() as session:
        order = queries.order(session, ref=ref, person_id=customer().person_id, locale=locale(), now=now())
        stores = near(session, place)
    chosen = request.form.get("store", order.pickup.store.code if order.pickup else "")
    errors = {"store": problem} if problem else {}
    return render_template("web/collecting.html", order=order, stores=stores, place=place, chosen=chosen, errors=errors)


@bp.get("/me/orders/<ref>/store")
@customer_required
def stores(ref: str) -> str:
    """Show where an order can be collected."""
    return _page(ref)


@bp.post("/me/orders/<ref>/store")
@customer_required
def choose(ref: str) -> Response | tuple[str, int]:
    """Collect an order in a store."""
    person, store = customer().person_id, request.form.get("store", "")
    try:
        with transaction() as session:
            name = pickups.choose(session, order_ref=ref, person_id=person, store=store, now=now())
    except Invalid as problem:
        return _page(ref, say(problem)), 400
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Saved. You collect it in %(store)s; we write to you when it is there.", store=name), "ok")
    return redirect(f"/me/orders/{ref}#to", 303)
