"""Two to four designs side by side: what differs first, what is the same for all folded together."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateDetail
from c2b.ui.access import public
from c2b.ui.filters import money, price_range
from c2b.ui.language import locale
from c2b.ui.shell import reading, viewer
from c2b.voting import queries as voting
from c2b.web.campaign import is_selected, shown
from c2b.web.gallery import about, mark, orderable, own_ballot
from c2b.web.shelf import PAGE

bp = Blueprint("compare", __name__, template_folder="templates")
MOST = 4


@dataclass(frozen=True)
class Row:
    """One property of the designs, in their order; empty where a design doesn't say."""

    name: str
    values: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether it tells nothing apart."""
        return len(set(self.values)) == 1


@dataclass(frozen=True)
class Asked:
    """The codes in the address: those that are compared, and those that are one too many."""

    codes: list[str]
    more: list[str]

    @classmethod
    def read(cls) -> "Asked":
        """Read the address; what is ticked twice is one."""
        ticked = list(dict.fromkeys(code[:60] for code in request.args.getlist("c") if code))
        return cls(ticked[:MOST], ticked[MOST:])

    def query(self, *, without: str = "") -> str:
        """Return the query of this comparison, or of the one without a design."""
        return "?" + urlencode([("c", code) for code in self.codes if code != without])


def rows(designs: list[CandidateDetail], campaign: Campaign) -> list[Row]:
    """Return what can be said of the designs; what none of them says is left out."""
    price = _("Price") if is_selected(campaign) else _("Estimate")
    told: list[tuple[str, Callable[[CandidateDetail], str]]] = [
        (price, lambda design: _price(design, campaign)),
        (_("Material"), lambda design: design.composition),
        *((name, partial(_values, name)) for name in _options(designs)),
        (_("Care"), lambda design: design.care),
        (_("Category"), lambda design: design.card.category),
        (_("Minimum"), lambda design: _minimum(design, campaign)),
        (_("Made in"), _lead),
    ]
    return [row for row in (Row(name, tuple(map(tell, designs))) for name, tell in told) if any(row.values)]


def _price(design: CandidateDetail, campaign: Campaign) -> str:
    prices = [variant.price for variant in design.variants if variant.price is not None]
    if prices and is_selected(campaign):
        return money(min(prices), campaign.currency)
    return price_range(design.card.price_from, design.card.price_to, campaign.currency)


def _options(designs: list[CandidateDetail]) -> list[str]:
    names = (name for design in designs for name in (design.option1_name, design.option2_name) if name)
    return list(dict.fromkeys(names))


def _values(name: str, design: CandidateDetail) -> str:
    options = design.options1 if name == design.option1_name else design.options2 if name == design.option2_name else ()
    return str(_(", ")).join(option.value for option in options)


def _minimum(design: CandidateDetail, campaign: Campaign) -> str:
    minimum = (design.offer and design.offer.minimum) or campaign.minimum
    return str(ngettext("%(num)s piece", "%(num)s pieces", minimum))


def _lead(design: CandidateDetail) -> str:
    days = design.offer and design.offer.lead_days
    return str(ngettext("about %(num)s day", "about %(num)s days", days)) if days else ""


def _page_of(session: Session, campaign: Campaign, designs: list[CandidateDetail]) -> int:
    """Return the page of the viewer's gallery that the first design is on."""
    return voting.order_for(session, campaign, viewer()).index(designs[0].card.id) // PAGE + 1 if designs else 1


@bp.get("/c/<slug>/compare")
@public
def compare(slug: str) -> str:
    """Show the designs that were ticked; `?c=` once for each."""
    viewer()
    asked = Asked.read()
    with reading() as session:
        campaign = shown(session, slug)
        ballot = own_ballot(session, campaign)
        designs = queries.side_by_side(session, campaign.id, asked.codes, locale=locale())
        can_be_ordered = orderable(session, campaign)
        page = _page_of(session, campaign, designs)
    columns = [(design, mark(campaign, ballot, design.card, can_be_ordered)) for design in designs]
    unknown = sorted(set(asked.codes) - {design.card.code for design in designs})
    facts = {"asked": asked, "columns": columns, "page": page, "unknown": unknown, "rows": rows(designs, campaign)}
    return render_template("web/compare.html", **facts, **about(campaign, ballot))
