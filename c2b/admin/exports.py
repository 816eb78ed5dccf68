"""Exports: a card a kind, and downloads that stream and are audited."""

import tempfile
from collections.abc import Collection, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import IO

from flask import Response
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin import counts
from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, show, shown_again_by, typed
from c2b.audit.queries import entries
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.exports import actions, kinds
from c2b.exports.actions import Wanted
from c2b.exports.kinds import Format, Kind
from c2b.exports.reconciling import totals
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import now, parts, reading, staff, staff_required

CARDS: dict[str, tuple[str, str]] = {
    "production-orders": (N_("Production orders"), N_("One line a variant; the XLSX has a sheet a supplier with totals and size grid.")),
    "deposits": (N_("Deposits"), N_("One row an order line: units, prices, deposit, outcome, money, fulfilment.")),
    "refunds": (N_("Refunds"), N_("One row a refund line, with its state at the gateway.")),
    "customers": (N_("Customers"), N_("Names and addresses of those who ordered, for delivery.")),
    "candidates": (N_("Candidates"), N_("Candidates, variants and offers, in the form that the import reads.")),
    "votes": (N_("Votes"), N_("Votes by candidate; as Pabulib for other tools.")),
    "results": (N_("Selection results"), N_("Rank, votes, held votes, result and lot of every candidate.")),
    "ledger": (N_("Ledger"), N_("Every movement of money; as Beancount balanced for accounting.")),
    "funnel": (N_("Funnel"), N_("Viewers, votes, deposits, payments and returns of every candidate: what votes were worth.")),
    "shipments": (N_("Shipments"), N_("What the warehouse packs, with addresses; filled in, it comes back as the list of parcels.")),
    "pickups": (N_("Store pickups"), N_("What goes to which store for whom, and what was handed out.")),
    "shopify-products": (
        N_("Products for Shopify"),
        N_("What is made, for Shopify’s import, as drafts; the stock is the extra units."),
    ),
    "bundle": (N_("Proof bundle"), N_("Everything to recompute the selection, with the verifier; open to everybody after it.")),
    "opened-bundle": (N_("Opened proof bundle"), N_("The same with the picks of every ballot, to check the count itself.")),
}
TYPES = {
    Format.CSV: "text/csv; charset=utf-8",
    Format.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Format.JSON: "application/json",
    Format.BEANCOUNT: "text/plain; charset=utf-8",
    Format.PB: "text/plain; charset=utf-8",
    Format.ZIP: "application/zip",
}
_CHUNK = 64 * 1024
_IN_MEMORY = 4 * 1024 * 1024
_DECIDED = (CampaignState.DECIDED, CampaignState.COMPLETED)
_SOLD = (CampaignState.ORDERING, CampaignState.SETTLING, *_DECIDED)
_SELECTED = (CampaignState.SELECTED, *_SOLD)
_MADE: dict[Kind, tuple[Collection[CampaignState], str]] = {
    Kind.PRODUCTION_ORDERS: (_DECIDED, N_("The decision makes them")),
    Kind.SHIPMENTS: (_DECIDED, N_("The decision makes them")),
    Kind.PICKUPS: (_DECIDED, N_("The decision makes them")),
    Kind.SHOPIFY_PRODUCTS: (_DECIDED, N_("The decision makes them")),
    Kind.RESULTS: (_SELECTED, N_("The selection makes them")),
    Kind.BUNDLE: (_SELECTED, N_("The selection makes it")),
    Kind.OPENED_BUNDLE: (_SELECTED, N_("The selection makes it")),
}
"""In which states there is something of a kind, and what makes it; the others are there always."""

_COUNTS = (Kind.VOTES, Kind.FUNNEL)
_FIXED_BY_SELECTION = (Kind.RESULTS, Kind.VOTES, Kind.BUNDLE, Kind.OPENED_BUNDLE)


@dataclass(frozen=True)
class Card:
    """One kind of export as the page offers it; `closed` says why it can't be had yet, `word` and `tone` what state it is in."""

    kind: Kind
    title: str
    text: str
    formats: tuple[Format, ...]
    personal: bool
    word: str
    tone: str
    closed: str


def cards(session: Session, campaign: Campaign) -> list[Card]:
    """Return the exports of this version with what stands against each now."""
    return [_card(session, campaign, kind) for kind in Kind]


def _card(session: Session, campaign: Campaign, kind: Kind) -> Card:
    title, text = CARDS[kind]
    closed = _closed(session, campaign, kind)
    word, tone = (_("Not yet"), "") if closed else _state(campaign, kind)
    return Card(kind, _(title), _(text), kinds.formats(kind), kinds.is_personal(kind), word, tone, closed)


def _state(campaign: Campaign, kind: Kind) -> tuple[str, str]:
    if kind is Kind.PRODUCTION_ORDERS and campaign.state in _DECIDED:
        return _("Fixed by the decision"), "ok"
    if kind in _FIXED_BY_SELECTION and campaign.state in _SELECTED:
        return _("Fixed by the selection"), "ok"
    return _("As it stands now"), "inf"


def _closed(session: Session, campaign: Campaign, kind: Kind) -> str:
    """Return why a kind can't be had now, or an empty string."""
    made_in, maker = _MADE.get(kind, (CampaignState, ""))
    may_see = not kinds.is_personal(kind) or staff().may(Permission.PERSONAL_DATA)
    reasons = (
        (campaign.state not in made_in, maker),
        (kind in _COUNTS and not counts.visible(session, campaign), N_("Hidden until the result is published")),
        (not may_see, N_("Your role may not see personal data")),
        (kinds.shows_picks(kind) and not staff().may(Permission.PICKS), N_("Who picked what is for auditors only")),
    )
    return next((str(_(reason)) for stands, reason in reasons if stands), "")


def exports_page(slug: str, kind: str) -> str:
    """Offer the exports, with the last ones taken; `kind` is what was refused, or empty."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        offered = cards(session, campaign)
        taken = entries(session, campaign=slug, action="exports.export", limit=8)
        added = totals(session, campaign) if campaign.state in _SOLD else None
    titles = {card.kind.value: card.title for card in offered}
    about = {"cards": offered, "taken": taken, "titles": titles, "asked": kind, "totals": added}
    return show("exports.html", here="exports", campaign=campaign, **about)


@bp.get("/<slug>/exports")
@staff_required(Permission.EXPORTS)
def exports(slug: str) -> str:
    """Offer the exports, with the last ones taken."""
    return exports_page(slug, "")


@bp.post("/<slug>/exports/<kind>")
@staff_required(Permission.EXPORTS)
@shown_again_by(exports_page)
def download(slug: str, kind: str) -> Answer:
    """Write an export to a file of its own and send it in pieces; the audit log says who took it."""
    wanted = _wanted(slug, kind, typed("format"))
    with ExitStack() as failing:
        file = failing.enter_context(tempfile.SpooledTemporaryFile(_IN_MEMORY))
        actions.export(parts().database, file, wanted=wanted, actor=staff().actor, now=now())  # type: ignore[arg-type]  # it writes like one
        failing.pop_all()  # from here on it is closed when the last piece was sent
    name = {"Content-Disposition": f'attachment; filename="{wanted.file_name}"'}
    return Response(_pieces(file), headers=name, content_type=TYPES[wanted.format])


def _wanted(slug: str, kind: str, form: str) -> Wanted:
    if kind not in set(Kind):
        raise NotFound(N_("There is no export “%(kind)s”"), kind=kind)
    if form not in set(Format):
        raise Invalid(N_("Choose a format"), field=f"format-{kind}")
    with reading() as session:
        campaign = queries.campaign(session, slug)
        card = _card(session, campaign, Kind(kind))
        seen = counts.visible(session, campaign)
    if card.closed:
        raise Refused(N_("%(title)s can’t be exported now: %(why)s"), title=card.title, why=card.closed)
    media = parts().settings.data / "media"
    return Wanted(slug=slug, kind=Kind(kind), format=Format(form), locale=locale(), counts_allowed=seen, media=media)


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while piece := file.read(_CHUNK):
            yield piece
