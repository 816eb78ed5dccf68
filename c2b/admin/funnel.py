"""The funnel: what votes were worth, by candidate, category and source."""

from flask_babel import gettext as _
from markupsafe import Markup

from c2b.admin import counts
from c2b.admin.blueprint import bp
from c2b.admin.page import show
from c2b.campaigns import queries
from c2b.deposits import funnel as ways
from c2b.deposits.funnel import Stage
from c2b.people.rules import Permission
from c2b.ui import charts
from c2b.ui.filters import number
from c2b.ui.language import locale
from c2b.ui.shell import reading, staff_required

BEST = 12
"""Bars in the chart."""


@bp.get("/<slug>/funnel")
@staff_required(Permission.DEPOSITS)
def funnel(slug: str) -> str:
    """Show how far candidates, categories and sources got; under the rule of all counts."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        shown = counts.visible(session, campaign)
        rows = ways.funnel(session, campaign, locale=locale()) if shown else []
        sources = ways.sources(session, campaign) if shown else []
    values = {"shown": shown, "rows": sorted(rows, key=_best), "categories": ways.by_category(rows), "sources": sources}
    return show("funnel.html", here="funnel", campaign=campaign, chart=_chart(rows), **values)


def _best(row: Stage) -> tuple[int, int, str]:
    return -row.ordered, -row.votes, row.code


def _chart(rows: list[Stage]) -> Markup:
    """Draw what a hundred votes brought, for the candidates with most units."""
    bars = [charts.Bar(row.code, row.worth) for row in sorted(rows, key=_best)[:BEST] if row.worth]
    if not bars:
        return Markup("")
    sentence = _("Units with a deposit for 100 votes; %(code)s brought %(units)s", code=bars[0].label, units=number(bars[0].value))
    return charts.bars(bars, sentence=sentence)
