"""Two to four designs side by side: what differs first, what is the same for all folded together."""

from dataclasses import dataclass
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
from c2b.web.gallery import PAGE, about, mark, own_ballot

bp = Blueprint("compare", __name__, template_folder="templates")
FEWEST, MOST = 2, 4


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
    options = [Row(name, tuple(_values(design, name) for design in designs)) for name in _options(designs)]
    found = [
        Row(_("Price") if is_selected(campaign) else _("Estimate"), tuple(_price(design, campaign) for design in designs)),
        Row(_("Material"), tuple(design.composition for design in designs)),
        *options,
        Row(_("Care"), tuple(design.care for design in designs)),
        Row(_("Category"), tuple(design.card.category for design in designs)),
        Row(_("Minimum"), tuple(_minimum(design, campaign) for design in designs)),
        Row(_("Made in"), tuple(map(_lead, designs))),
    ]
    return [row for row in found if any(row.values)]


def _price(design: CandidateDetail, campaign: Campaign) -> str:
    prices = [variant.price for variant in design.variants if variant.price is not None]
    if prices and is_selected(campaign):
        return money(min(prices), campaign.currency)
    return price_range(design.card.price_from, design.card.price_to, campaign.currency)


def _options(designs: list[CandidateDetail]) -> list[str]:
    names = (name for design in designs for name in (design.option1_name, design.option2_name) if name)
    return list(dict.fromkeys(names))


def _values(design: CandidateDetail, name: str) -> str:
    options = design.options1 if name == design.option1_name else design.options2 if name == design.option2_name else ()
    return str(_(", ")).join(option.value for option in options)


def _minimum(design: CandidateDetail, campaign: Campaign) -> str:
    minimum = (design.offer and design.offer.minimum) or campaign.minimum
    return str(ngettext("%(num)s piece", "%(num)s pieces", minimum))


def _lead(design: CandidateDetail) -> str:
    days = design.offer and design.offer.lead_days
    return str(ngettext("about %(num)s day", "about %(num)s days", days)) if days else ""


def _page_of(session: Session, campaign: Campaign, design: CandidateDetail) -> int:
    """Return the page of the viewer's gallery that a design is on."""
    return voting.order_for(session, campaign, viewer()).index(design.card.id) // PAGE + 1


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
        orderable = set(voting.selected_ids(session, campaign))
        page = _page_of(session, campaign, designs[0]) if designs else 1
    offers = [mark(campaign, ballot, design.card) for design in designs]
    offers = [each if each != "order" or design.card.id in orderable else "" for each, design in zip(offers, designs, strict=True)]
    columns = list(zip(designs, offers, strict=True))
    unknown = sorted(set(asked.codes) - {design.card.code for design in designs})
    table = rows(designs, campaign) if len(designs) >= FEWEST else []
    return render_template(
        "web/compare.html", asked=asked, columns=columns, page=page, unknown=unknown, rows=table, **about(campaign, ballot)
    )
