"""The gallery: every candidate in the viewer's own order, twenty-four at a time."""

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, cast

from flask import Blueprint, get_flashed_messages, get_template_attribute, redirect, render_template
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.bands import bands
from c2b.campaigns.finding import Facts, categories_of, facts, matching
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import ordering_is_open, voting_is_open
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, viewer, visitor
from c2b.voting import queries as voting
from c2b.voting.order import gallery_order
from c2b.voting.queries import BallotView
from c2b.web import filtering, seen
from c2b.web.campaign import countdown, is_selected, phases, shown, standing, title
from c2b.web.filtering import Filters

bp = Blueprint("gallery", __name__, template_folder="templates")
PAGE = 24
_FIRST_EAGER = 4


def mark(campaign: Campaign, ballot: BallotView, card: CandidateCard, orderable: frozenset[int] = frozenset()) -> str:
    """Return what a card offers: vote, picked, spent, order (to those of `orderable`), withdrawn, or nothing."""
    if card.withdrawn_at:
        return "withdrawn"
    picked = card.id in ballot.picked
    if voting_is_open(campaign, now()):
        return "picked" if picked else another(ballot)
    if card.id in orderable:
        return "order"
    return "was_picked" if picked else ""


def orderable(session: Session, campaign: Campaign) -> frozenset[int]:
    """Return the candidates that can be ordered now; none while ordering is shut."""
    return frozenset(voting.selected_ids(session, campaign)) if ordering_is_open(campaign, now()) else frozenset()


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


@dataclass(frozen=True)
class Shelf:
    """What a viewer's gallery holds before anything is left out: every candidate in their own order, and what they know of it."""

    order: list[Facts]
    ids: list[int]
    """All candidates in the order of the file."""
    seen: set[int]
    """Shown to the viewer before this page."""
    picked: frozenset[int]
    orderable: frozenset[int] = frozenset()

    def having(self, kind: str, since: str = "") -> set[int]:
        """Return the candidates that were seen and not picked, picked, or neither (when the filter was chosen, if `since` says)."""
        if kind == filtering.PICKED:
            return set(self.picked)
        if kind == filtering.SEEN:
            return self.seen - self.picked
        return set(self.ids) - (filtering.unpacked(since, self.ids) if since else self.seen | self.picked)

    def kept(self, filters: Filters, currency: str) -> list[Facts]:
        """Return what category, price and `seen` leave, still in the viewer's order."""
        band = filters.band(currency)
        found = [one for one in self.order if not filters.category or filters.category in (one.category, one.category_en)]
        if band:
            found = [one for one in found if one.price_from in band]
        among = self.having(filters.seen, filters.since) if filters.seen else self.ids
        return [one for one in found if one.id in set(among)]

    def go_on_at(self, page: int) -> int:
        """Return the first page with something not seen, where the viewer comes back to one that they know; else 0."""
        here = self.order[(page - 1) * PAGE : page * PAGE]
        news = next((place for place, one in enumerate(self.order) if one.id not in self.seen), None)
        known = news is not None and self.seen.issuperset(one.id for one in here)
        return news // PAGE + 1 if known and news is not None else 0


def _shelf(session: Session, campaign: Campaign, ballot: BallotView) -> Shelf:
    """Read the shelf by two statements, by three while people order."""
    found = facts(session, campaign.id)
    ids = [one.id for one in found]
    order = [found[place] for place in gallery_order(campaign.secret, viewer(), len(found))]
    return Shelf(order, ids, seen.seen(session, campaign, ids), ballot.picked, orderable(session, campaign))


def _listed(session: Session, campaign: Campaign, shelf: Shelf, filters: Filters) -> list[int]:
    """Return the candidates that the filters leave, in the viewer's order."""
    ids = [one.id for one in shelf.kept(filters, campaign.currency)]
    among = set(ids)
    if filters.search.split():
        among &= matching(session, campaign.id, filters.search)
    if is_selected(campaign) and filters.show != "all" and filters.seen != filtering.PICKED:
        among &= set(voting.selected_ids(session, campaign))
    return [key for key in ids if key in among]


@bp.get("/c/<slug>/")
@public
def gallery(slug: str) -> str | Response:
    """Show a page of the candidates."""
    filters = Filters.asked()
    viewer()
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        shelf = _shelf(session, campaign, ballot)
        if filters.seen == filtering.NOT_SEEN and not filters.since:
            return redirect(f"/c/{slug}/" + filters.href(since=filtering.packed(shelf.seen | shelf.picked, shelf.ids)))
        ids = _listed(session, campaign, shelf, filters)
        pages = max(1, -(-len(ids) // PAGE))
        filters = replace(filters, page=min(filters.page, pages))
        here = ids[(filters.page - 1) * PAGE : filters.page * PAGE]
        cards = queries.candidates(session, campaign.id, locale=locale(), ids=here)
    seen.note(campaign, here)
    return _page(cards, campaign, ballot, shelf, filters=filters, pages=pages, found=len(ids))


def _page(cards: list[CandidateCard], campaign: Campaign, ballot: BallotView, shelf: Shelf, *, filters: Filters, **more: Any) -> str:
    html = [
        rendered(
            card, campaign.slug, campaign.currency, mark(campaign, ballot, card, shelf.orderable), locale(), eager=place < _FIRST_EAGER
        )
        for place, card in enumerate(cards)
    ]
    return render_template(
        "web/gallery.html",
        cards=html,
        filters=filters,
        page_href=lambda page: filters.href(page=page),
        **more,
        **_around(campaign, shelf, filters, {card.id for card in cards}),
        **about(campaign, ballot),
    )


def _around(campaign: Campaign, shelf: Shelf, filters: Filters, here: set[int]) -> dict[str, Any]:
    """Return what stands around the cards: filters, how much was seen, and where to go on."""
    prices = [one.price_from for one in shelf.order]
    categories = categories_of(facts_in_file_order(shelf), locale())
    category = next((name for key, name, _count in categories if key == filters.category), filters.category)
    now_seen = replace(shelf, seen=shelf.seen | here)
    known = len(now_seen.seen)
    counts = {kind: len(now_seen.having(kind)) for kind in (filtering.NOT_SEEN, filtering.SEEN, filtering.PICKED)}
    return {
        "total": len(shelf.order),
        "categories": categories,
        "seen_choices": filtering.seen_choices(filters, counts),
        "price_choices": filtering.price_choices(filters, bands([price for price in prices if price]), prices, campaign.currency),
        "active": filtering.active(filters, category, campaign.currency),
        "seen_count": known,
        "all_seen": known == len(shelf.order),
        "go_on": 0 if filters.narrow else shelf.go_on_at(filters.page),
    }


def facts_in_file_order(shelf: Shelf) -> list[Facts]:
    """Return the candidates as the file has them: categories are listed as the brand did, the same for everybody."""
    by_id = {one.id: one for one in shelf.order}
    return [by_id[key] for key in shelf.ids]


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
        "last": _last_tap(campaign),
    }


def _last_tap(campaign: Campaign) -> tuple[str, tuple[str, str]] | None:
    """Return what the tap before did: picked or undone, and the candidate's code and name."""
    said = get_flashed_messages(with_categories=True, category_filter=["picked", "undone"])
    for did, code in cast("list[tuple[str, str]]", said):
        with reading() as session:
            return did, (code, queries.named(session, campaign.slug, code, locale=locale())[1])
    return None
