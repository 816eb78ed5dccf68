"""The gallery: every candidate in the viewer's own order, twenty-four at a time."""

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast
from urllib.parse import urlencode

from flask import Blueprint, get_flashed_messages, get_template_attribute, render_template, request
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import ordering_is_open, voting_is_open
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, viewer, visitor
from c2b.voting import queries as voting
from c2b.voting.queries import BallotView
from c2b.web import seen
from c2b.web.campaign import countdown, is_selected, phases, shown, standing, title

bp = Blueprint("gallery", __name__, template_folder="templates")
PAGE = 24
_FIRST_EAGER = 4
_PAGE_NUMBER = re.compile("[1-9][0-9]{0,3}")


@dataclass(frozen=True)
class Filters:
    """What the address asks for; everything works as a plain link."""

    category: str = ""
    search: str = ""
    show: str = ""
    """`picked`: only the viewer's picks; `all`: after the selection, those that weren't selected too."""
    page: int = 1

    @classmethod
    def asked(cls) -> "Filters":
        """Read the address; what makes no sense is page 1 of everything."""
        page = request.args.get("page", "1")
        return cls(
            request.args.get("cat", "")[:100],
            request.args.get("q", "").strip()[:60],
            request.args.get("show", "") if request.args.get("show") in {"picked", "all"} else "",
            int(page) if _PAGE_NUMBER.fullmatch(page) else 1,
        )

    def href(self, **changes: Any) -> str:
        """Return the query of this list with changes; any change but the page goes back to page 1."""
        new = replace(self, **({"page": 1} | changes))
        pairs = {"cat": new.category, "q": new.search, "show": new.show, "page": new.page if new.page > 1 else ""}
        return "?" + urlencode({key: value for key, value in pairs.items() if value})


def mark(campaign: Campaign, ballot: BallotView, card: CandidateCard) -> str:
    """Return what a card offers: vote, picked, spent, order, withdrawn, or nothing."""
    if card.withdrawn_at:
        return "withdrawn"
    picked = card.id in ballot.picked
    if voting_is_open(campaign, now()):
        return "picked" if picked else another(ballot)
    if ordering_is_open(campaign, now()):
        return "order"
    return "was_picked" if picked else ""


def another(ballot: BallotView) -> str:
    """Return what a card that isn't picked offers while people vote."""
    return "vote" if ballot.left > 0 else "spent"


@lru_cache(maxsize=8192)
def rendered(card: CandidateCard, slug: str, currency: str, offers: str, _language: str, *, eager: bool) -> str:
    """Return a card's HTML; kept per candidate as it is now, what it offers, and language, for every viewer alike."""
    return str(get_template_attribute("web/card.html", "card")(card, slug, currency, offers, eager))


def own_ballot(session: Session, campaign: Campaign) -> BallotView:
    """Return the ballot of whoever looks, an empty one for a first visit."""
    known = visitor()
    return voting.ballot(session, campaign_id=campaign.id, person_id=known.person_id if known else None)


def _listed(session: Session, campaign: Campaign, ballot: BallotView, filters: Filters, number: int) -> tuple[list[int], int]:
    """Return the candidates that the filters leave, in the viewer's order, and how many there are in all."""
    ids = voting.order_for(session, campaign, number)
    keep = set(queries.candidate_ids(session, campaign.id, category=filters.category, search=filters.search))
    if filters.show == "picked":
        keep &= ballot.picked
    elif is_selected(campaign) and filters.show != "all":
        keep &= set(voting.selected_ids(session, campaign))
    return [key for key in ids if key in keep], len(ids)


@bp.get("/c/<slug>/")
@public
def gallery(slug: str) -> str:
    """Show a page of the candidates."""
    number, filters = viewer(), Filters.asked()
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        ids, total = _listed(session, campaign, ballot, filters, number)
        pages = max(1, -(-len(ids) // PAGE))
        filters = replace(filters, page=min(filters.page, pages))
        here = ids[(filters.page - 1) * PAGE : filters.page * PAGE]
        cards = queries.candidates(session, campaign.id, locale=locale(), ids=here)
        categories = queries.categories(session, campaign.id, locale=locale())
    seen.note(campaign, here)
    return _page(cards, campaign, ballot, total=total, pages=pages, filters=filters, categories=categories)


def _page(cards: list[CandidateCard], campaign: Campaign, ballot: BallotView, *, filters: Filters, **more: Any) -> str:
    html = [
        rendered(card, campaign.slug, campaign.currency, mark(campaign, ballot, card), locale(), eager=place < _FIRST_EAGER)
        for place, card in enumerate(cards)
    ]
    return render_template(
        "web/gallery.html",
        cards=html,
        filters=filters,
        page_href=lambda page: filters.href(page=page),
        **more,
        **about(campaign, ballot),
    )


def about(campaign: Campaign, ballot: BallotView) -> dict[str, Any]:
    """Return what every page of a campaign shows around its own matter."""
    return {
        "campaign": campaign,
        "title": title(campaign),
        "ballot": ballot,
        "phases": phases(campaign),
        "countdown": countdown(campaign),
        "standing": standing(campaign),
        "voting_open": voting_is_open(campaign, now()),
        "ordering_open": ordering_is_open(campaign, now()),
        "selected": is_selected(campaign),
        "visitor": visitor(),
        "last": _last_tap(),
    }


def _last_tap() -> tuple[str, tuple[str, str]] | None:
    """Return what the tap before did: picked or undone, and the candidate's code and name."""
    said = get_flashed_messages(with_categories=True, category_filter=["picked", "undone"])
    for did, about_it in cast("list[tuple[str, str]]", said):
        code, _, name = about_it.partition(" ")
        return did, (code, name)
    return None
