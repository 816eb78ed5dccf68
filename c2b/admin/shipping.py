"""Goods on their way to customers: what waits, what left in which parcel, and the warehouse's list taken in."""

from zoneinfo import ZoneInfo

from flask import flash, g, request
from flask_babel import gettext as _
from flask_babel import ngettext

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, done, show, shown_again_by, typed, whole
from c2b.campaigns import queries
from c2b.campaigns.importing.findings import Finding
from c2b.deposits import parcel_views, parcels
from c2b.deposits.parcel_file import read_parcels
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.ui.shell import now, reading, staff, staff_required, transaction

MOST = 50
"""Problems shown at once."""


def shipping_page(slug: str) -> str:
    """Show how far delivery is, the last parcels, and what is wrong with a list that was just sent."""
    search = request.args.get("q", "").strip()
    with reading() as session:
        campaign = queries.campaign(session, slug)
        standing = parcel_views.shipping(session, campaign)
        found = parcel_views.latest(session, campaign, search=search)
    problems = g.get("problems", [])
    rows = [(each, _(each.message, **each.values), _(each.repair, **each.values) if each.repair else "") for each in problems[:MOST]]
    values = {"standing": standing, "parcels": found, "search": search, "rows": rows, "count": len(problems)}
    return show("shipping.html", here="shipping", campaign=campaign, **values)


@bp.get("/<slug>/shipping")
@staff_required(Permission.DEPOSITS)
def shipping(slug: str) -> str:
    """Show how far delivery is."""
    return shipping_page(slug)


@bp.post("/<slug>/shipping")
@staff_required(Permission.MONEY)
@shown_again_by(shipping_page)
def enter_parcels(slug: str) -> Answer:
    """Take in the warehouse's list, all of it or nothing."""
    file = request.files.get("file")
    data = file.read() if file else b""
    if not data:
        raise Invalid(N_("Choose the list of parcels first"), field="file")
    with transaction() as session:
        campaign = queries.campaign(session, slug)
        entries = read_parcels(data, today=now().astimezone(ZoneInfo(campaign.time_zone)).date())
        sent = parcels.enter(session, slug=slug, entries=entries, actor=staff().actor, now=now())
    if not sent.written:
        return _refused(slug, sent.findings.problems)
    for notice in sent.findings.notices[:MOST]:
        flash(_("%(order)s: %(problem)s", order=notice.value, problem=_(notice.message, **notice.values)), "warn")
    told = ngettext("%(num)s new parcel", "%(num)s new parcels", sent.parcels)
    said = _("%(parcels)s, %(delivered)s lines delivered, %(unchanged)s rows known before.", parcels=told, **_counts(sent))
    return done(said, "shipping", slug=slug)


def _counts(sent: parcels.Sent) -> dict[str, int]:
    return {"delivered": sent.delivered, "unchanged": sent.unchanged}


def _refused(slug: str, problems: list[Finding]) -> Answer:
    """Show every problem of the list; nothing of it was written."""
    g.problems = problems
    message = ngettext("%(num)s problem; nothing was written", "%(num)s problems; nothing was written", len(problems))
    g.errors = {"file": message}
    return shipping_page(slug), 400


@bp.post("/<slug>/shipping/take-out")
@staff_required(Permission.MONEY)
@shown_again_by(shipping_page)
def take_out_parcel(slug: str) -> Answer:
    """Remove a parcel that was entered wrongly."""
    with transaction() as session:
        number = parcel_views.take_out(session, slug=slug, parcel=whole(typed("parcel")), actor=staff().actor, now=now())
    return done(_("%(number)s is taken out; its goods wait to be sent again.", number=number), "shipping", slug=slug)
