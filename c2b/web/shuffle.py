"""Why the gallery stands in this order, and how anybody can work it out once the campaign's secret is published."""

from datetime import datetime
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, render_template
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import commitment, has_voting
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, viewer
from c2b.voting import order
from c2b.voting import queries as voting
from c2b.web.campaign import shown
from c2b.web.gallery import about, own_ballot
from c2b.web.shelf import PAGE

bp = Blueprint("shuffle", __name__, template_folder="templates")
_SCRIPT = Path(order.__file__).read_bytes()
"""The very file that makes the gallery's order here."""


def published_secret(session: Session, campaign: Campaign, at: datetime) -> str:
    """Return the campaign's secret in hexadecimal once its result is out; before that nothing, for it tells what everybody sees.

    Where nobody votes, there is no result to wait for: then it is out when ordering has closed.
    """
    out = voting.selection(session, campaign.id) is not None if has_voting(campaign) else at >= campaign.ordering_closes
    return campaign.secret.hex() if out else ""


@bp.get("/c/<slug>/shuffle")
@public
def why(slug: str) -> str:
    """Explain the order, show the viewer's number, and say how to check it."""
    number = viewer()
    with reading() as session:
        campaign = shown(session, slug)
        ids = voting.order_for(session, campaign, number)
        first = queries.candidates(session, campaign.id, locale=locale(), ids=ids[:PAGE])
        secret = published_secret(session, campaign, now())
        ballot = own_ballot(session, campaign)
    facts: dict[str, Any] = {"number": number, "count": len(ids), "codes": [card.code for card in first], "secret": secret}
    return render_template("web/shuffle.html", fingerprint=commitment(campaign.secret), **facts, **about(campaign, ballot))


@bp.get("/c/<slug>/shuffle/gallery_order.py")
@public
def script(slug: str) -> Response:
    """Give the function away that makes the order: one file that needs nothing but Python."""
    with reading() as session:
        shown(session, slug)
    return _file(_SCRIPT, "gallery_order.py")


@bp.get("/c/<slug>/shuffle/candidates.txt")
@public
def candidates(slug: str) -> Response:
    """Give the list away that is shuffled: the candidates' codes, one a line."""
    with reading() as session:
        campaign = shown(session, slug)
        cards = queries.candidates(session, campaign.id, locale=locale())
    return _file("".join(f"{card.code}\n" for card in cards).encode(), "candidates.txt")


def _file(content: bytes, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, headers=headers, content_type="text/plain; charset=utf-8")
