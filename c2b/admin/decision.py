"""The decision desk: the dry run as one sentence, the second person, and deciding for good."""

from dataclasses import dataclass, field
from datetime import datetime

from flask import request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import Answer, confirm, done, near, show, shown_again_by, steps, typed
from c2b.admin.timetable import settled
from c2b.audit.queries import approvers
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.production import actions, overriding, queries
from c2b.production.overriding import OverrideView
from c2b.production.queries import Waiting
from c2b.production.rules import DecisionFigures, ProductFigures
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff, staff_required, transaction

NEAR = 8
"""Products shown on either side of the minimum."""
STEPS = (N_("Ordering closes"), N_("Payments settle"), N_("Dry run and agreement"), N_("Decision"), N_("Refunds and production"))
RUNS = (CampaignState.ORDERING, CampaignState.SETTLING, CampaignState.DECIDED, CampaignState.COMPLETED)


@dataclass(frozen=True)
class Product:
    """A product as the desk shows it: its figures, its name, and how far it is."""

    figures: ProductFigures
    card: campaigns.CandidateCard

    @property
    def made(self) -> bool:
        """Whether it is made."""
        return self.figures.made

    @property
    def share(self) -> int:
        """Units as whole per cent of the minimum, 100 at most."""
        return min(100, self.figures.units * 100 // max(self.figures.minimum, 1))


@dataclass(frozen=True)
class Desk:
    """What the decision desk shows; `figures` is None before ordering has begun."""

    figures: DecisionFigures | None
    made: list[Product]
    missed: list[Product]
    all: bool
    waiting: Waiting | None
    settled: datetime
    approved_by: list[str]
    decided: bool
    overrides: list[OverrideView] = field(default_factory=list)


def desk(session: Session, campaign: Campaign, *, everything: bool) -> Desk:
    """Read the dry run, or what was decided, with the products around the minimum."""
    figures = queries.preview(session, slug=campaign.slug) if campaign.state in RUNS else None
    made, missed = _products(session, campaign, figures) if figures else ([], [])
    made, missed, whole = near(made, missed, most=NEAR, everything=everything)
    digest = figures.input_hash if figures else ""
    return Desk(
        figures=figures,
        made=made,
        missed=missed,
        all=whole,
        waiting=queries.waiting(session, campaign, now=now()) if campaign.state is CampaignState.SETTLING else None,
        settled=settled(campaign),
        approved_by=approvers(session, campaign=campaign.slug, action=actions.ACTION, digest=digest),
        decided=queries.decision(session, campaign.id) is not None,
        overrides=overriding.overrides(session, campaign.id),
    )


def _products(session: Session, campaign: Campaign, figures: DecisionFigures) -> tuple[list[Product], list[Product]]:
    """Return the products that are made, the safest first, and those that aren't, the nearest miss first."""
    cards = {card.code: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    found = sorted((Product(each, cards[each.code]) for each in figures.products), key=_distance)
    return [product for product in found if product.made], [product for product in found if not product.made]


def _distance(product: Product) -> float:
    return -product.figures.units / max(product.figures.minimum, 1)


def step(found: Desk, campaign: Campaign) -> int:
    """Return at which of the `STEPS` the campaign is."""
    if found.decided:
        return 4
    if campaign.state is not CampaignState.SETTLING:
        return 0
    return 1 if found.waiting else 2


def decision_page(slug: str) -> str:
    """Show the dry run, or what was decided."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        found = desk(session, campaign, everything=request.args.get("all") == "yes")
        orders = queries.orders(session, campaign.id) if found.decided else []
    mine = staff().actor in found.approved_by
    others = [actor for actor in found.approved_by if actor != staff().actor]
    values = {"desk": found, "steps": steps(STEPS, step(found, campaign)), "orders": orders, "mine": mine, "others": others}
    return show("decision.html", here="decision", campaign=campaign, **values)


@bp.get("/<slug>/decision")
@staff_required(Permission.DECISION)
def decision(slug: str) -> str:
    """Show the dry run, or what was decided."""
    return decision_page(slug)


def _expected() -> str:
    """Return the hash of the figures that the person looked at; without one nothing may be decided."""
    digest = typed("run").strip()
    if not digest:
        raise Invalid(N_("The form lacks its dry run; look at the figures again"))
    return digest


@bp.post("/<slug>/decision/approve")
@staff_required(Permission.DECISION)
@shown_again_by(decision_page)
def approve(slug: str) -> Answer:
    """Agree, as a second person, to exactly the figures that were shown."""
    with transaction() as session:
        actions.approve(session, slug=slug, expected=_expected(), actor=staff().actor, now=now())
    return done(_("You agreed to these exact figures. Somebody else can decide now."), "decision", slug=slug)


@bp.post("/<slug>/decision")
@staff_required(Permission.DECISION)
@shown_again_by(decision_page)
def decide(slug: str) -> Answer:
    """Decide for good, if the figures are still those that were shown."""
    confirm(slug)
    with transaction() as session:
        actions.decide(session, slug=slug, actor=staff().actor, now=now(), expected=_expected())
    return done(_("Decided. Refunds are queued, and the production orders stand below."), "decision", slug=slug)
