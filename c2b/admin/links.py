"""Links that say where people came from, with a code to scan and a poster to print; counted in the funnel, never rewarded."""

import hashlib
import re

from flask import render_template, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import show
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.people.rules import Permission
from c2b.qr import code_of
from c2b.stores.queries import near
from c2b.ui.language import locale
from c2b.ui.shell import parts, reading, staff_required
from c2b.voting.order import gallery_order

NAME = re.compile(r"[A-Za-z0-9._-]{1,40}")
"""What a browser's visit keeps of a source."""
SHOWN = 6
"""Designs on a poster."""


def _asked() -> tuple[str, str]:
    """Return the source that the address names and what is wrong with it; an unreadable one is no source."""
    name = request.args.get("s", "").strip()
    if name and not NAME.fullmatch(name):
        return name, str(_("Use up to 40 letters without accents, digits, dots and hyphens, like store-1"))
    return name, ""


def address_of(slug: str, source: str) -> str:
    """Return the campaign's address for people whom `source` leads there."""
    return f"{parts().settings.base_url.rstrip('/')}/c/{slug}/" + (f"?s={source}" if source else "")


def _short(source: str) -> str:
    """Return the address that leads to whichever campaign runs; a link without a source has none."""
    return f"{parts().settings.base_url.rstrip('/')}/s/{source}" if source else ""


@bp.get("/<slug>/links")
@staff_required(Permission.CANDIDATES)
def links(slug: str) -> str:
    """Show the link of a source with its code."""
    name, wrong = _asked()
    with reading() as session:
        campaign = queries.campaign(session, slug)
        shops = near(session, "")
    source = "" if wrong else name
    address = address_of(slug, source)
    values = {"name": name, "wrong": wrong, "address": address, "code": code_of(address), "stores": shops, "short": _short(source)}
    return show("links.html", here="links", campaign=campaign, **values)


@bp.get("/<slug>/poster")
@staff_required(Permission.CANDIDATES)
def poster(slug: str) -> str:
    """Show a poster for printing."""
    name, wrong = _asked()
    source = "" if wrong else name
    with reading() as session:
        campaign = queries.campaign(session, slug)
        count = len(queries.candidate_ids(session, campaign.id))
        designs = _drawn(session, campaign, source)
    address = address_of(slug, source)
    values = {"campaign": campaign, "count": count, "designs": designs, "source": source, "code": code_of(address)}
    return render_template("admin/poster.html", address=address.partition("?")[0].partition("//")[2], **values)


def _drawn(session: Session, campaign: Campaign, source: str) -> list[CandidateCard]:
    """Return the designs of a source's poster: the first of an order that the source's name draws, so that nobody chooses them."""
    ids = queries.candidate_ids(session, campaign.id)
    lot = int.from_bytes(hashlib.sha256(source.encode()).digest()[:4])
    order = [ids[number] for number in gallery_order(campaign.secret, lot, len(ids))]
    cards = queries.candidates(session, campaign.id, locale=locale(), ids=order)
    return [card for card in cards if card.picture and card.withdrawn_at is None][:SHOWN]
