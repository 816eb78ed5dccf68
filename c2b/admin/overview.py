"""The overview of a campaign: where it stands, what waits for a person, and moving it on."""

from flask_babel import gettext as _
from markupsafe import Markup

from c2b.admin.blueprint import bp
from c2b.admin.page import STATES, Answer, done, show, shown_again_by, typed
from c2b.admin.situation import ADVANCE, Situation, situation
from c2b.admin.timetable import Phase
from c2b.campaigns import actions, queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid
from c2b.people.rules import Permission
from c2b.ui import charts
from c2b.ui.filters import day, instant_text, number
from c2b.ui.shell import now, parts, reading, staff, staff_required, transaction
from c2b.work import gates

WIDE = 14
"""Share of the bar from which a phase has room for both its days."""


def overview_page(slug: str) -> str:
    """Show where the campaign stands."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        found = situation(session, campaign, now())
        drawn = {"timetable": _timetable(campaign, found), "days": _days(found), "ranks": _ranks(campaign, found)}
        return show(
            "overview.html",
            here="overview",
            campaign=campaign,
            found=found,
            charts=drawn,
            advance=ADVANCE,
            may_count=staff().may(Permission.COUNTS),
        )


@bp.get("/<slug>/")
@staff_required()
def overview(slug: str) -> str:
    """Show where the campaign stands."""
    return overview_page(slug)


@bp.post("/<slug>/advance")
@staff_required(Permission.PHASES)
@shown_again_by(overview_page)
def advance(slug: str) -> Answer:
    """Move the campaign on to the next state now, if nothing is missing."""
    if typed("to") not in set(CampaignState):
        raise Invalid(N_("Choose the state from the page"))
    with transaction() as session:
        moved = actions.advance(
            session, slug=slug, to=CampaignState(typed("to")), gates=gates(parts().settings), actor=staff().actor, now=now()
        )
        state = _(STATES[moved.state][0])
    return done(_("The campaign is now: %(state)s", state=state), "overview", slug=slug)


@bp.post("/<slug>/pause")
@staff_required(Permission.PHASES)
@shown_again_by(overview_page)
def pause(slug: str) -> Answer:
    """Stop votes and orders, with a public reason."""
    with transaction() as session:
        actions.pause(session, slug=slug, reason=typed("reason"), actor=staff().actor, now=now())
    return done(_("Paused. Customers see your reason; nobody can vote or order until you resume."), "overview", slug=slug)


@bp.post("/<slug>/resume")
@staff_required(Permission.PHASES)
@shown_again_by(overview_page)
def resume(slug: str) -> Answer:
    """Let votes and orders go on."""
    with transaction() as session:
        actions.resume(session, slug=slug, reason="", actor=staff().actor, now=now())
    return done(_("Resumed. Votes and orders go on."), "overview", slug=slug)


def _timetable(campaign: Campaign, found: Situation) -> Markup:
    spans = [charts.Span(_(phase.name), _when(phase, campaign.time_zone), phase.weight, phase.kind) for phase in found.phases]
    sentence = _("Timetable: %(phases)s", phases="; ".join(f"{span.label} {span.when}" for span in spans))
    return charts.timetable(spans, at=found.at, now_label=_("now"), sentence=sentence)


def _when(phase: Phase, zone: str) -> str:
    """Return a phase's first and last day, only the first where there is room for one."""
    begins, ends = instant_text(phase.begins, zone, "day"), instant_text(phase.ends, zone, "day")
    return begins if begins == ends or phase.weight < WIDE else f"{begins} – {ends}"


def _days(found: Situation) -> Markup | None:
    if not found.days:
        return None
    best = max(found.days, key=lambda each: each.counted + each.held)
    sentence = _("Votes per day; most on %(day)s: %(votes)s", day=day(best.day), votes=number(best.counted + best.held))
    return charts.bars([charts.Bar(day(each.day), each.counted, each.held) for each in found.days], sentence=sentence)


def _ranks(campaign: Campaign, found: Situation) -> Markup | None:
    if not found.ranks or not found.ranks[0]:
        return None
    return rank_chart(found.ranks, campaign.places)


def rank_chart(votes: list[int], places: int) -> Markup:
    """Draw votes by rank with the cut after the last place."""
    line = votes[min(places, len(votes)) - 1]
    sentence = _(
        "Votes by rank: %(best)s for the first, %(line)s at place %(places)s", best=number(votes[0]), line=number(line), places=places
    )
    label, note = _("top %(places)s", places=places), _("%(line)s votes at the line", line=number(line))
    return charts.ranks(votes, cut=places, sentence=sentence, label=label, note=note)
