"""A production order moved on: its steps, extra stock, deliveries, and the sharing out of a short one."""

from datetime import date

from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed, whole
from c2b.admin.production import STATES, order_of, order_page
from c2b.admin.two_people import only_asks, wishes
from c2b.audit.two_people import Step
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.production import making, sharing, undeliverable
from c2b.production.making import Opened, Words
from c2b.production.rules import Grade, ProductionOrderState
from c2b.ui.shell import now, reading, staff, staff_required, transaction


def _opened(session: Session, slug: str, number: str) -> Opened:
    return making.opened(session, slug=slug, number=number, actor=staff().actor, now=now())


def _day(name: str) -> date | None:
    """Return the day that was typed, None for none; raises Invalid for anything else."""
    text = typed(name).strip()
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as problem:
        raise Invalid(N_("“%(text)s” is not a day; write it like 2027-03-20"), field=name, text=text) from problem


def _units(name: str) -> int:
    """Return the pieces that were typed, 0 for nothing; raises Invalid for what is no number."""
    text = typed(name).strip()
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(10**6))):
        raise Invalid(N_("“%(text)s” is not a number of pieces; write a whole number"), field=name, text=text)
    return int(text)


@bp.post("/<slug>/production/<number>/step")
@staff_required(Permission.OFFERS)
@shown_again_by(order_page)
def advance_production(slug: str, number: str) -> Answer:
    """Enter the next state."""
    if typed("to") not in set(ProductionOrderState):
        raise Invalid(N_("Choose the state from the page"))
    to = ProductionOrderState(typed("to"))
    with transaction() as session:
        making.advance(_opened(session, slug, number), to, Words(_day("expected"), typed("note")))
    return done(_("%(number)s is now: %(state)s", number=number, state=_(STATES[to])), "production_order", slug=slug, number=number)


@bp.post("/<slug>/production/<number>/extra")
@staff_required(Permission.OFFERS)
@shown_again_by(order_page)
def change_production(slug: str, number: str) -> Answer:
    """Change the extra stock."""
    extra = {whole(name.removeprefix("extra-")): _units(name) for name in request.form if name.startswith("extra-")}
    with transaction() as session:
        changed = making.change(_opened(session, slug, number), extra, typed("reason"))
    return done(_("Changed lines: %(count)s", count=changed), "production_order", slug=slug, number=number)


@bp.post("/<slug>/production/<number>/receipts")
@staff_required(Permission.OFFERS)
@shown_again_by(order_page)
def receive_goods(slug: str, number: str) -> Answer:
    """Enter a delivery."""
    came = {
        (whole(name.partition("-")[2]), grade): _units(name) for grade in Grade for name in request.form if name.startswith(f"{grade}-")
    }
    on = _day("arrived")
    if on is None:
        raise Invalid(N_("Say on which day it came"), field="arrived")
    with transaction() as session:
        making.receive(_opened(session, slug, number), came, on=on, note=typed("note"))
    return done(_("Entered. If it was a mistake, take the delivery back below."), "production_order", slug=slug, number=number)


@bp.post("/<slug>/production/<number>/receipts/back")
@staff_required(Permission.OFFERS)
@shown_again_by(order_page)
def take_delivery_back(slug: str, number: str) -> Answer:
    """Take a delivery back that was entered wrongly."""
    with transaction() as session:
        making.take_back(_opened(session, slug, number), whole(typed("receipt")))
    return done(_("Taken back; its pieces don’t count any more."), "production_order", slug=slug, number=number)


def share_page(slug: str, number: str) -> str:
    """Show who gets goods and who gets everything back, and the form for it."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        order = order_of(session, campaign, number)
        short = sharing.shortage(session, campaign, order.id)
        left_out = sharing.left_out(session, campaign, short)
        asked = wishes(session, campaign, undeliverable.sharing_out(campaign, number, short))
    values = {"order": order, "short": short, "left_out": left_out, "asked": asked}
    return show("share_out.html", here="production", campaign=campaign, **values)


@bp.get("/<slug>/production/<number>/share")
@staff_required(Permission.OFFERS)
def share_goods(slug: str, number: str) -> str:
    """Show what sharing out would do."""
    return share_page(slug, number)


@bp.post("/<slug>/production/<number>/share")
@staff_required(Permission.MONEY)
@shown_again_by(share_page)
def share_out(slug: str, number: str) -> Answer:
    """Share out what came, or ask for it as one of two people."""
    if said := only_asks(slug, lambda session, campaign: _sharing(session, campaign, number), reason=typed("reason")):
        return done(said, "share_goods", slug=slug, number=number)
    with transaction() as session:
        count = undeliverable.share_out(_opened(session, slug, number), expected=typed("seen"), reason=typed("reason"))
    return done(_("%(count)s lines ended; everything paid for them goes back.", count=count), "refunds", slug=slug)


def _sharing(session: Session, campaign: Campaign, number: str) -> Step:
    order = order_of(session, campaign, number)
    return undeliverable.sharing_out(campaign, number, sharing.shortage(session, campaign, order.id))
