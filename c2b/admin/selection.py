"""The selection desk: what the frozen rules select and what other ones would, running it, and afterwards the stored result."""

from dataclasses import dataclass

from flask import g, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.admin import counts
from c2b.admin.blueprint import bp
from c2b.admin.candidates import RESULTS
from c2b.admin.outcome import CLOSE, Outcome, outcome
from c2b.admin.page import Answer, confirm, done, show, shown_again_by
from c2b.admin.scenario import Asked, asked
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, commitment, has_voting
from c2b.people.rules import Permission
from c2b.ui.shell import now, reading, staff, staff_required, transaction
from c2b.voting import queries, selecting
from c2b.voting.queries import Override, SelectionView, Turnout


@dataclass(frozen=True)
class Desk:
    """What the selection desk shows; `outcome` is None while counts are closed to this person."""

    asked: Asked
    stored: SelectionView | None
    overrides: tuple[Override, ...] = ()
    turnout: Turnout | None = None
    outcome: Outcome | None = None

    @property
    def endable(self) -> list[tuple[str, str]]:
        """The codes of the overrides that somebody can ask to undo, as choices."""
        return [(each.code, each.code) for each in self.overrides if each.approved_at is not None and not each.ending_by]

    def override(self, code: str) -> Override | None:
        """Return a candidate's override, also one that waits."""
        return next((each for each in self.overrides if each.code == code), None)


def desk(session: Session, campaign: Campaign) -> Desk:
    """Read what the address asks for: the frozen rules or a scenario, on the stored votes or on those of now."""
    wanted, stored = asked(campaign, request.args), queries.selection(session, campaign.id)
    if not has_voting(campaign) or not (stored or counts.visible(session, campaign)):
        return Desk(wanted, stored)
    return Desk(
        asked=wanted,
        stored=stored,
        overrides=tuple(queries.overrides(session, campaign.id, waiting=True)),
        turnout=queries.turnout(session, campaign.id),
        outcome=outcome(session, campaign, wanted.scenario, everything=request.args.get("all") == "yes"),
    )


def selection_page(slug: str) -> str:
    """Show what is selected, with its hashes where it has been run."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        found = desk(session, campaign)
    g.errors = (found.asked.errors if found.outcome else {}) | g.get("errors", {})
    values = {"results": RESULTS, "commitment": commitment(campaign.secret), "may_count": staff().may(Permission.COUNTS), "close": CLOSE}
    at = {"runs": campaign.state is CampaignState.TALLY, "overriding": campaign.state is CampaignState.SELECTED}
    return show("selection.html", here="selection", campaign=campaign, desk=found, chosen=request.args.get("override", ""), **at, **values)


@bp.get("/<slug>/selection")
@staff_required(Permission.SELECTION)
def selection(slug: str) -> Answer:
    """Show what the rules of the address select: the frozen ones, or a scenario that changes nothing."""
    page = selection_page(slug)
    return page, 400 if g.errors else 200


@bp.post("/<slug>/selection")
@staff_required(Permission.SELECTION)
@shown_again_by(selection_page)
def select(slug: str) -> Answer:
    """Run the selection and publish it."""
    confirm(slug)
    with transaction() as session:
        selecting.select_winners(session, slug=slug, actor=staff().actor, now=now())
    return done(_("Selected. Ranks, votes, seed and hashes are public."), "selection", slug=slug)
