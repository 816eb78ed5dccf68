"""One design at a time in the viewer's own order: vote or skip, and on to the next; each place is an address."""

import re
from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard, CandidateDetail
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import reading, viewer
from c2b.voting import queries as voting
from c2b.web import seen
from c2b.web.campaign import shown
from c2b.web.gallery import about, mark, own_ballot
from c2b.web.shelf import PAGE

bp = Blueprint("one", __name__, template_folder="templates")
_PLACE = re.compile("[1-9][0-9]{0,5}")


@dataclass(frozen=True)
class Walk:
    """A viewer's way through the designs: their keys in their order, and which of them were shown before."""

    order: list[int]
    seen: set[int]

    @property
    def start(self) -> int:
        """The first place whose design wasn't shown yet, counted from 1; the one behind the last when all were."""
        return next((place for place, key in enumerate(self.order, start=1) if key not in self.seen), self.end)

    @property
    def end(self) -> int:
        """The place behind the last design."""
        return len(self.order) + 1

    def seen_at(self, at: int) -> int:
        """Return how many designs were shown, the one at this place among them."""
        return len(self.seen | set(self.order[at - 1 : at]))

    def page(self, at: int) -> int:
        """Return the page of the gallery that the design at a place is on."""
        return max(0, min(at, len(self.order)) - 1) // PAGE + 1


def _walk(session: Session, campaign: Campaign) -> Walk:
    order = voting.order_for(session, campaign, viewer())
    return Walk(order, seen.seen(session, campaign, queries.candidate_ids(session, campaign.id)))


def _designs(session: Session, campaign: Campaign, walk: Walk, at: int) -> tuple[CandidateDetail | None, CandidateCard | None]:
    """Return the design at a place and the one before it; None behind the last, and before the first."""
    keys = walk.order[max(0, at - 2) : at]
    cards = queries.candidates(session, campaign.id, locale=locale(), ids=keys)
    before = cards[0] if at > 1 else None
    detail = queries.candidate(session, campaign.id, cards[-1].code, locale=locale()) if at < walk.end else None
    return detail, before


@bp.get("/c/<slug>/one")
@public
def one(slug: str) -> str | Response:
    """Show the design at a place of the viewer's order; without `?at=` go to the first that they weren't shown yet."""
    asked = request.args.get("at", "")
    with reading() as session:
        campaign = shown(session, slug)
        walk = _walk(session, campaign)
        if not _PLACE.fullmatch(asked):
            return redirect(f"/c/{campaign.slug}/one?at={walk.start}", 303)
        at = min(int(asked), walk.end)
        detail, before = _designs(session, campaign, walk, at)
        ballot = own_ballot(session, campaign)
    seen.note(campaign, walk.order[at - 1 : at])
    offers = mark(campaign, ballot, detail.card) if detail else ""
    page = about(campaign, ballot)
    return render_template("web/one.html", walk=walk, at=at, detail=detail, before=before, offers=offers, **page)
