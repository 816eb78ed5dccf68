"""The selection desk: a preview with the cut line, running it, and afterwards the stored result."""

from dataclasses import dataclass

from flask import request
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from c2b.admin import counts
from c2b.admin.blueprint import bp
from c2b.admin.candidates import RESULTS
from c2b.admin.overview import rank_chart
from c2b.admin.page import Answer, confirm, done, near, show, shown_again_by
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState, commitment, has_voting
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff, staff_required, transaction
from c2b.voting import queries, selecting
from c2b.voting.queries import SelectionRow, SelectionView, Turnout
from c2b.voting.rules import SelectionResult

NEAR = 6
"""Rows shown on either side of the line."""


@dataclass(frozen=True)
class Line:
    """A candidate's place as the desk shows it; `tied` with the last selected one, so that a lot decided."""

    row: SelectionRow
    card: CandidateCard
    tied: bool
    held_changes: bool


@dataclass(frozen=True)
class Desk:
    """What the selection desk shows; `view` is None while counts are closed to this person."""

    view: SelectionView | None
    turnout: Turnout | None
    above: list[Line]
    below: list[Line]
    all: bool
    chart: Markup | None


def desk(session: Session, campaign: Campaign, *, everything: bool) -> Desk:
    """Read the stored selection or a preview of it."""
    stored = queries.selection(session, campaign.id)
    if not has_voting(campaign) or not (stored or counts.visible(session, campaign)):
        return Desk(None, None, [], [], everything, None)
    view = stored or selecting.preview(session, slug=campaign.slug)
    lines = _lines(session, campaign, view)
    above, below, whole = near(*_split(lines), most=NEAR, everything=everything)
    return Desk(
        view=view,
        turnout=queries.turnout(session, campaign.id),
        above=above,
        below=below,
        all=whole,
        chart=_chart(lines, view.places),
    )


def _split(lines: list[Line]) -> tuple[list[Line], list[Line]]:
    """Return the lines above and below the cut, each by rank."""
    above = [line for line in lines if line.row.result is SelectionResult.SELECTED]
    return above, [line for line in lines if line.row.result is not SelectionResult.SELECTED]


def _chart(lines: list[Line], places: int) -> Markup | None:
    votes = [line.row.votes for line in lines if line.row.result is not SelectionResult.WITHDRAWN]
    return rank_chart(votes, places) if votes and votes[0] else None


def _lines(session: Session, campaign: Campaign, view: SelectionView) -> list[Line]:
    cards = {card.id: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    at_line = view.margin.get("last_selected") if view.margin.get("tie") else None
    moved = {*view.margin.get("held_would_add", ()), *view.margin.get("held_would_drop", ())}
    return [Line(row, cards[row.candidate_id], row.votes == at_line, row.code in moved) for row in view.lines]


def selection_page(slug: str) -> str:
    """Show the preview, or the stored result with its hashes."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        found = desk(session, campaign, everything=request.args.get("all") == "yes")
    runs = campaign.state is CampaignState.TALLY
    published = commitment(campaign.secret)
    values = {"desk": found, "runs": runs, "results": RESULTS, "commitment": published, "may_count": staff().may(Permission.COUNTS)}
    return show("selection.html", here="selection", campaign=campaign, **values)


@bp.get("/<slug>/selection")
@staff_required(Permission.SELECTION)
def selection(slug: str) -> str:
    """Show the preview, or the stored result with its hashes."""
    return selection_page(slug)


@bp.post("/<slug>/selection")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def select(slug: str) -> Answer:
    """Run the selection and publish it."""
    confirm(slug)
    with transaction() as session:
        selecting.select_winners(session, slug=slug, actor=staff().actor, now=now())
    return done(_("Selected. Ranks, votes, seed and hashes are public."), "selection", slug=slug)
