"""What a customer has: picks and orders, grouped by what they must do."""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns import queries as campaigns
from c2b.deposits import actions, address, paying_out, queries, second_choice
from c2b.deposits.order_view import OrderView
from c2b.deposits.payout_ways import Account
from c2b.deposits.placing import ADDRESS, ShippingAddress
from c2b.errors import Invalid, Refused
from c2b.messages import refusing
from c2b.people import addresses, size
from c2b.people.queries import Customer
from c2b.production import delaying, withdrawing
from c2b.production.queries import decided_at
from c2b.stores.queries import near
from c2b.ui.access import public
from c2b.ui.language import call_deposits_prepayments, locale
from c2b.ui.problems import say
from c2b.ui.shell import customer, customer_required, now, reading, to_sign_in, transaction, visitor
from c2b.voting import left_over
from c2b.voting import queries as voting
from c2b.voting.linking import waiting
from c2b.web.campaign import title
from c2b.web.choosing import choosing
from c2b.web.paying import offered
from c2b.web.words import entries, line_state

bp = Blueprint("me", __name__, template_folder="templates")


@bp.get("/me")
@public
def me() -> str | Response:
    """Show picks and orders; a guest sees the picks, a first visit is asked to sign in."""
    known = visitor()
    if known is None:
        return to_sign_in("customer")
    with reading() as session:
        orders = _orders(session, known) if known.verified else []
        ballots = [
            (found, title(found), ballot, campaigns.candidates(session, found.id, locale=locale(), ids=sorted(ballot.picked)))
            for found in campaigns.campaigns(session)
            if (ballot := voting.ballot(session, campaign_id=found.id, person_id=known.person_id)).picked
        ]
        more = _account(session, known) if known.verified else {"own": [], "waiting": [], "choices": []}
        more["size"] = size.of(session, person_id=known.person_id)
    return render_template("web/me.html", known=known, orders=orders, ballots=ballots, line_state=line_state, **more)


def _orders(session: Session, known: Customer) -> list[OrderView]:
    """Return the person's orders; only where all are of one kind is the page called after it."""
    found = queries.my_orders(session, person_id=known.person_id, locale=locale(), now=now())
    if found and all(order.is_prepaid for order in found):
        call_deposits_prepayments()
    return found


def _account(session: Session, known: Customer) -> dict[str, Any]:
    """Return the person's addresses, the campaigns that still lack one, those with something to choose, and whether they refuse news."""
    drafts = waiting(session, person_id=known.person_id)
    choices = left_over.campaigns(session, person_id=known.person_id)
    return {
        "own": addresses.own(session, person_id=known.person_id),
        "waiting": [(each, title(each)) for each in drafts],
        "refused": refusing.refused_at(session, reader=known.ref),
        "choices": [(title(campaign), choosing(campaign.slug, "/me"), number) for campaign, number in choices],
    }


@bp.get("/me/orders/<ref>")
@customer_required
def order(ref: str) -> str:
    """Show one order: lines, money, where it goes, what happened, what happens otherwise."""
    return _order_page(ref)


def _order_page(ref: str, errors: Mapping[str, str] | None = None) -> str:
    """Show an order; `errors`: what is wrong with one of its two forms, by field."""
    with reading() as session:
        found = queries.order(session, ref=ref, person_id=customer().person_id, locale=locale(), now=now())
        if found.is_prepaid:
            call_deposits_prepayments()
        timeline = entries(found, decided_at(session, found.slug))
        payout = paying_out.asked(session, order_ref=ref, person_id=customer().person_id)
        stores = near(session, "")
    form = {name: request.form.get(name, getattr(found, name)) for name in ADDRESS}
    values = {"form": form, "countries": [(country, country) for country in found.countries], "gateways": offered()}
    values |= _two_forms(errors or {}) | {"payout": payout, "stores": stores}
    return render_template("web/order.html", order=found, timeline=timeline, line_state=line_state, **values)


def _two_forms(errors: Mapping[str, str]) -> dict[str, Any]:
    """Return what was typed of an account, and what is wrong with it (`wrong`), apart from what is wrong with the address."""
    wrong = {name: said for name, said in errors.items() if name in _ACCOUNT}
    given = {name: request.form.get(name, "") for name in _ACCOUNT}
    return {"account": given, "wrong": wrong, "errors": {} if wrong else errors}


_ACCOUNT = ("way", "holder", "bank", "account")


@bp.post("/me/orders/<ref>/account")
@customer_required
def pay_out_to(ref: str) -> Response | tuple[str, int]:
    """Say where money goes that can't go back the way it came."""
    given = Account(**{name: request.form.get(name, "") for name in _ACCOUNT})
    try:
        with transaction() as session:
            paying_out.give(session, order_ref=ref, person_id=customer().person_id, given=given, now=now())
    except Invalid as problem:
        return _order_page(ref, {problem.field: say(problem)}), 400
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Saved. We send your money there."), "ok")
    return redirect(f"/me/orders/{ref}#payout", 303)


@bp.post("/me/orders/<ref>/address")
@customer_required
def send_to(ref: str) -> Response | tuple[str, int]:
    """Say where an order goes."""
    wanted = ShippingAddress(**{name: request.form.get(name, "").strip() for name in ADDRESS})
    try:
        with transaction() as session:
            address.change(session, order_ref=ref, person_id=customer().person_id, address=wanted, now=now())
    except Invalid as problem:
        return _order_page(ref, {problem.field: say(problem)}), 400
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Saved. It goes there."), "ok")
    return redirect(f"/me/orders/{ref}#to", 303)


def _number(line: str) -> int:
    """Return a line's key; what isn't one is 0, which no line has."""
    return int(line[:15]) if line.isascii() and line.isdigit() else 0


@bp.post("/me/orders/<ref>/second")
@customer_required
def name_second(ref: str) -> Response:
    """Name what one takes instead where a colour misses its own minimum, or take that back."""
    variant = request.form.get("variant", "")
    mine = {"line_id": _number(request.form.get("line", "")), "person_id": customer().person_id}
    try:
        with transaction() as session:
            second_choice.name_second(session, order_ref=ref, variant_id=_number(variant) if variant else None, now=now(), **mine)
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Saved.") if variant else _("Saved. Your money comes back then."), "ok")
    return redirect(f"/me/orders/{ref}", 303)


@bp.post("/me/orders/<ref>/cancel")
@customer_required
def cancel(ref: str) -> Response:
    """Cancel one line, or all of them."""
    line, person_id = request.form.get("line", ""), customer().person_id
    try:
        with transaction() as session:
            if line == "all":
                actions.cancel_order(session, order_ref=ref, person_id=person_id, now=now())
            else:
                actions.cancel_line(session, order_ref=ref, line_id=_number(line), person_id=person_id, now=now())
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Cancelled. What you paid for it goes back the way it came."), "ok")
    return redirect(f"/me/orders/{ref}", 303)


@bp.post("/me/orders/<ref>/leave")
@customer_required
def leave(ref: str) -> Response:
    """Withdraw from lines, or say that they come back."""
    lines = [_number(line) for line in request.form.getlist("line")]
    try:
        with transaction() as session:
            withdrawing.withdraw(session, order_ref=ref, lines=lines, person_id=customer().person_id, now=now())
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("We have received it and confirm it by mail."), "ok")
    return redirect(f"/me/orders/{ref}", 303)


@bp.post("/me/orders/<ref>/delay")
@customer_required
def wait(ref: str) -> Response:
    """Say whether one waits longer for a product."""
    asked = {"line_id": _number(request.form.get("line", "")), "person_id": customer().person_id}
    agrees = request.form.get("answer") == "yes"
    try:
        with transaction() as session:
            delaying.answer(session, order_ref=ref, agrees=agrees, now=now(), **asked)
    except Refused as problem:
        flash(say(problem), "bad")
    else:
        flash(_("Thank you for waiting.") if agrees else _("Cancelled. What you paid for it goes back the way it came."), "ok")
    return redirect(f"/me/orders/{ref}", 303)
