"""Goods on their way: handed over, sent back, late. Who enters it stands in the audit log."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.orders import order_page
from c2b.admin.page import Answer, done, shown_again_by, typed
from c2b.admin.production import production_page
from c2b.campaigns import queries
from c2b.deposits import desk, handing_over, leaving
from c2b.deposits.rules import Fulfilment
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.production import delaying
from c2b.ui.language import locale
from c2b.ui.shell import now, parts, staff, staff_required, transaction


@bp.post("/<slug>/orders/<ref>/hand-over")
@staff_required(Permission.MONEY)
@shown_again_by(order_page)
def hand_over(slug: str, ref: str) -> Answer:
    """Enter that a customer has goods of an order."""
    how = Fulfilment.PICKED_UP if typed("how") == Fulfilment.PICKED_UP else Fulfilment.SHIPPED
    lines = [_number(line) for line in request.form.getlist("line")]
    with transaction() as session:
        at = _at(_day("day"), _zone(session, slug, ref))
        handing_over.hand_over(session, order_ref=ref, lines=lines, how=how, at=at, actor=staff().actor, now=now())
    return done(_("Entered. The money of these products is yours now."), "order", slug=slug, ref=ref)


@bp.post("/<slug>/orders/<ref>/came-back")
@staff_required(Permission.MONEY)
@shown_again_by(order_page)
def came_back(slug: str, ref: str) -> Answer:
    """Enter that goods are here again, and send the money back."""
    with transaction() as session:
        _zone(session, slug, ref)
        leaving.came_back(session, order_ref=ref, line_id=_number(typed("line")), actor=staff().actor, now=now())
    return done(_("Entered. The money goes back the way it came."), "order", slug=slug, ref=ref)


@bp.post("/<slug>/production/delay")
@staff_required(Permission.OFFERS)
@shown_again_by(production_page)
def delay(slug: str) -> Answer:
    """Enter a product's new expected day; its customers are told, or asked."""
    about: dict[str, Any] = {"code": typed("code").strip(), "expected": _day("expected"), "reason": typed("reason")}
    about["limits"] = {name: gateway.limits for name, gateway in parts().gateways.items()}
    with transaction() as session:
        delaying.announce(session, slug=slug, actor=staff().actor, now=now(), **about)
    return done(_("Entered. The customers of this product are told."), "production", slug=slug)


def _zone(session: Session, slug: str, ref: str) -> ZoneInfo:
    """Return the zone of a campaign that has such an order; raises NotFound."""
    campaign = queries.campaign(session, slug)
    desk.order(session, campaign.id, ref, locale=locale())
    return ZoneInfo(campaign.time_zone)


def _at(day: date, zone: ZoneInfo) -> datetime:
    """Return the last second of a day, or this instant on its own day: the customer's days begin with the next one either way."""
    begins, ends = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return min(ends - timedelta(seconds=1), max(now(), begins))


def _day(name: str) -> date:
    text = typed(name).strip()
    try:
        return date.fromisoformat(text)
    except ValueError as problem:
        raise Invalid(N_("“%(text)s” is not a day; write it like 2027-03-20"), field=name, text=text) from problem


def _number(line: str) -> int:
    """Return a line's key; what isn't one is 0, which no line has."""
    return int(line[:15]) if line.isascii() and line.isdigit() else 0
