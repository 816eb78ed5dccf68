"""The gallery: every candidate in the viewer's own order, twenty-four at a time."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple, cast

from flask import Blueprint, get_flashed_messages, get_template_attribute, redirect, render_template, request
from flask import session as cookie
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from c2b.campaigns import queries
from c2b.campaigns.bands import bands
from c2b.campaigns.kept import Kept
from c2b.campaigns.kept import kept as kept_of
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState, ordering_is_open, voting_is_open
from c2b.errors import N_, NotFound
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.security import csrf_token
from c2b.ui.shell import known_as, now, parts, reading, viewer, visitor
from c2b.voting import queries as voting
from c2b.voting import visits
from c2b.voting.order import gallery_order
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource
from c2b.voting.visits import Visit
from c2b.web import filtering, seen
from c2b.web.campaign import call_deposits, countdown, is_selected, next_instant, phases, standing, title
from c2b.web.filtering import Filters
from c2b.web.shelf import PAGE, Shelf

bp = Blueprint("gallery", __name__, template_folder="templates")
_FIRST_EAGER = 4


def marks(campaign: Campaign, ballot: BallotView, orderable: frozenset[int] = frozenset()) -> Callable[[CandidateCard], str]:
    """Return what says of a card what it offers: vote, picked, spent, order (to those of `orderable`), withdrawn, or nothing."""
    voting_open, else_offers = voting_is_open(campaign, now()), another(ballot)

    def offers(card: CandidateCard) -> str:
        if card.withdrawn_at:
            return "withdrawn"
        picked = card.id in ballot.picked
        if voting_open:
            return "picked" if picked else else_offers
        if card.id in orderable:
            return "order"
        return "was_picked" if picked else ""

    return offers


def mark(campaign: Campaign, ballot: BallotView, card: CandidateCard, orderable: frozenset[int] = frozenset()) -> str:
    """Return what one card offers, see `marks`."""
    return marks(campaign, ballot, orderable)(card)


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


class Around(NamedTuple):
    """Everything that the page around the cards depends on: two viewers with the same see the same, so it is made once."""

    locale: str
    address: str
    minutes: tuple[int, int]
    """Of the clock, and left until what the page counts down to: it names instants, and no seconds."""
    open: tuple[bool, bool]
    """For votes, for orders."""
    filters: Filters
    pages: int
    found: int
    known: int
    """How many the viewer was shown, these among them."""
    counts: tuple[int, int, int]
    """Not seen yet, seen and not picked, picked."""
    go_on: int
    used: int
    """Votes, whoever got them."""
    source: BallotSource
    held: bool
    left_over: int
    verified: bool

    def ballot(self, campaign: Campaign) -> BallotView:
        """Return a ballot like the viewer's, with as many picks, and nobody's serial."""
        return BallotView(campaign.votes_each, frozenset(range(self.used)), self.source, self.held, left_over=self.left_over)

    def values(self, kept: Kept) -> dict[str, Any]:
        """Return what the template asks for besides what all pages of a campaign show."""
        filters, currency = self.filters, kept.campaign.currency
        categories, counts = kept.categories(self.locale), dict(zip(filtering.KINDS, self.counts, strict=True))
        ranges = bands([price for price in kept.prices if price])
        category = next((name for key, name, _count in categories if key == filters.category), filters.category)
        return {
            "filters": filters,
            "pages": self.pages,
            "found": self.found,
            "total": len(kept.ids),
            "categories": categories,
            "seen_choices": filtering.seen_choices(filters, counts),
            "price_choices": filtering.price_choices(filters, ranges, kept.prices, currency),
            "active": filtering.active(filters, category, currency),
            "seen_count": self.known,
            "all_seen": self.known == len(kept.ids),
            "go_on": self.go_on,
            "page_href": lambda page: filters.href(page=page),
        }


_CARDS, _TOKEN = secrets.token_hex(16), secrets.token_hex(16)
"""Stand in a kept page for its cards and for the token of its forms; nobody can write them into an address."""


@bp.get("/c/<slug>/")
@public
def gallery(slug: str) -> bytes | Response:
    """Show a page of the candidates."""
    filters = Filters.asked()
    visit, kept = visited(slug)
    shelf = _shelf(kept, visit)
    if filters.seen == filtering.NOT_SEEN and not filters.since:
        return redirect(f"/c/{slug}/" + filters.href(since=filtering.packed(shelf.seen | shelf.picked)))
    listed, can_be_ordered = _listed(shelf, filters)
    pages = max(1, -(-len(listed) // PAGE))
    filters = replace(filters, page=min(filters.page, pages))
    here = listed[(filters.page - 1) * PAGE : filters.page * PAGE]
    if new := [kept.ids[number] for number in here if not shelf.seen >> number & 1]:
        seen.note(kept.campaign, new)
    html = _cards(kept, here, visit.ballot, can_be_ordered)
    return _page(kept, _around(shelf, here, visit, filters, pages=pages, found=len(listed)), html)


def visited(slug: str) -> tuple[Visit, Kept]:
    """Return who visits a campaign's gallery and what is kept of it, by one statement; raises NotFound, for a draft too."""
    database = parts().database
    found = visits.visit(database, slug, token=cookie.get("customer", ""), viewer=cookie.get("viewer", -1), now=now())
    here = kept_of(database, found.campaign_id, found.edition) if found else None
    if not found or not here or here.campaign.state is CampaignState.DRAFT:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    known_as(found.customer)
    call_deposits(here.campaign)
    return found, here


def _shelf(kept: Kept, visit: Visit) -> Shelf:
    number = viewer()
    recent = parts().impressions.recent(visit.campaign_id, number)
    order = gallery_order(kept.campaign.secret, number, len(kept.ids))
    return Shelf(kept, order, visit.seen & kept.all | kept.bits(recent), kept.bits(visit.ballot.picked))


def _listed(shelf: Shelf, filters: Filters) -> tuple[Sequence[int], frozenset[int]]:
    """Return the numbers of what the filters leave, and the keys of what can be ordered now.

    Once the selection is made the selected alone are listed, unless all or one's own picks are asked for.
    """
    left, campaign = shelf.left_by(filters), shelf.kept.campaign
    if not is_selected(campaign):
        return shelf.listed(left), frozenset()
    with reading() as session:
        selected = frozenset(voting.selected_ids(session, campaign))
    if filters.show != "all" and filters.seen != filtering.PICKED:
        left &= shelf.kept.bits(selected)
    return shelf.listed(left), selected if ordering_is_open(campaign, now()) else frozenset()


def _cards(kept: Kept, here: Sequence[int], ballot: BallotView, can_be_ordered: frozenset[int]) -> bytes:
    """Return the cards with these numbers as HTML, each as kept for what it offers."""
    campaign, language = kept.campaign, locale()
    cards, offers = kept.cards(language), marks(campaign, ballot, can_be_ordered)
    html = []
    for place, number in enumerate(here):
        key = (number, offers(cards[number]), language, place < _FIRST_EAGER)
        found = kept.shown.get(key)
        if found is None:
            made = rendered(cards[number], campaign.slug, campaign.currency, *key[1:3], eager=key[3])
            found = kept.shown[key] = made.encode()
        html.append(found)
    return b"\n".join(html)


def _around(shelf: Shelf, here: Sequence[int], visit: Visit, filters: Filters, *, pages: int, found: int) -> Around:
    campaign, at = shelf.kept.campaign, now()
    then = shelf.after(shelf.kept.numbered(here))
    moment = next_instant(campaign)
    return Around(
        locale=locale(),
        address=request.full_path,
        minutes=(int(at.timestamp()) // 60, (moment - at) // timedelta(minutes=1) if moment else 0),
        open=(voting_is_open(campaign, at), ordering_is_open(campaign, at)),
        filters=filters,
        pages=pages,
        found=found,
        known=then.seen.bit_count(),
        counts=cast("tuple[int, int, int]", tuple(then.having(kind).bit_count() for kind in filtering.KINDS)),
        go_on=0 if filters.narrow else shelf.go_on_at(filters.page),
        used=len(visit.ballot.picked),
        source=visit.ballot.source,
        held=visit.ballot.held,
        left_over=visit.ballot.left_over,
        verified=visit.customer is not None and visit.customer.verified,
    )


def _page(kept: Kept, around: Around, cards: bytes) -> bytes:
    """Return the page: kept, but for its cards and the token of its forms; made for this once where the last action said something."""

    def make() -> tuple[bytes, bytes]:
        values = around.values(kept) | {"cards": _CARDS if cards else "", "csrf_token": lambda: _TOKEN}
        html = render_template("web/gallery.html", **about(kept.campaign, around.ballot(kept.campaign)), **values)
        before, found, after = html.encode().partition(_CARDS.encode())
        return (before, after) if found else (b"", before)

    before, after = make() if "_flashes" in cookie else kept.pages.of(around, make)
    token = _TOKEN.encode()
    return b"".join((before, cards, after.replace(token, csrf_token().encode()) if token in after else after))


def about(campaign: Campaign, ballot: BallotView) -> dict[str, Any]:
    """Return what every page of a campaign shows around its own matter."""
    known = visitor()
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
        "verified": known is not None and known.verified,
        "last": _last_tap(campaign),
    }


def _last_tap(campaign: Campaign) -> tuple[str, tuple[str, str]] | None:
    """Return what the tap before did: picked or undone, and the candidate's code and name."""
    said = get_flashed_messages(with_categories=True, category_filter=["picked", "undone"])
    for did, code in cast("list[tuple[str, str]]", said):
        with reading() as session:
            return did, (code, queries.named(session, campaign.slug, code, locale=locale())[1])
    return None
