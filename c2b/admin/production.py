"""What the factories are asked to make: a list of production orders, and each with its size grids."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from c2b.admin.blueprint import bp
from c2b.admin.page import show, steps
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import text
from c2b.errors import N_, NotFound
from c2b.people.rules import Permission
from c2b.production import queries, sharing
from c2b.production.progress import Progress, progress
from c2b.production.queries import Line, OrderOf
from c2b.production.rules import ProductionOrderState, next_states, takes_goods
from c2b.ui.language import locale
from c2b.ui.shell import now, reading, staff_required

STATES = {
    ProductionOrderState.DRAFT: N_("Draft"),
    ProductionOrderState.APPROVED: N_("Approved"),
    ProductionOrderState.SENT: N_("Sent"),
    ProductionOrderState.ACKNOWLEDGED: N_("Acknowledged"),
    ProductionOrderState.PRODUCING: N_("Producing"),
    ProductionOrderState.RECEIVED: N_("Received"),
    ProductionOrderState.CLOSED: N_("Closed"),
}


@dataclass(frozen=True)
class Grid:
    """A product's units by size (across) and colour (down); a missing combination has no cell."""

    code: str
    name: str
    across: list[str]
    down: list[str]
    cells: dict[tuple[str, str], Line]

    @property
    def ordered(self) -> int:
        """Customers' units."""
        return sum(line.units_ordered for line in self.cells.values())

    @property
    def extra(self) -> int:
        """Extra stock."""
        return sum(line.units_extra for line in self.cells.values())

    def column(self, size: str) -> int:
        """Return the units of one size."""
        return sum(line.units for (_down, across), line in self.cells.items() if across == size)

    def row(self, colour: str) -> int:
        """Return the units of one colour."""
        return sum(line.units for (down, _across), line in self.cells.items() if down == colour)


def _first(line: Line, language: str) -> tuple[int, str]:
    return line.option1_position, text(line.option1, line.option1_en, language)


def _across(line: Line, language: str) -> tuple[int, str]:
    """Return what stands across, with its place in the file: the last option, mostly the size."""
    return (line.option2_position, text(line.option2, line.option2_en, language)) if line.option2 else _first(line, language)


def _down(line: Line, language: str) -> tuple[int, str]:
    return _first(line, language) if line.option2 else (0, "")


def grids(lines: Iterable[Line], language: str) -> list[Grid]:
    """Return one grid a product, in the order of the lines; sizes and colours in the order of the file."""
    found = []
    for code, group in groupby(sorted(lines, key=lambda line: line.candidate_code), key=lambda line: line.candidate_code):
        own = list(group)
        name = text(own[0].candidate_name, own[0].candidate_name_en, language)
        downs, acrosses = [_down(line, language) for line in own], [_across(line, language) for line in own]
        cells = {(down, across): line for (_, down), (_, across), line in zip(downs, acrosses, own, strict=True)}
        found.append(Grid(code, name, _in_order(acrosses), _in_order(downs), cells))
    return found


def _in_order(values: Iterable[tuple[int, str]]) -> list[str]:
    return [value for _place, value in sorted(set(values))]


@bp.get("/<slug>/production")
@staff_required(Permission.OFFERS)
def production(slug: str) -> str:
    """List the campaign's production orders."""
    return production_page(slug)


def production_page(slug: str) -> str:
    """Render the production orders, with what went wrong with a form on the page."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        orders = queries.orders(session, campaign.id)
    products = {line.candidate_code: text(line.candidate_name, line.candidate_name_en, locale()) for each in orders for line in each.lines}
    choices = [(code, f"{code} {name}") for code, name in sorted(products.items())]
    return show("production.html", here="production", campaign=campaign, orders=orders, order_states=STATES, products=choices)


def order_of(session: Session, campaign: Campaign, number: str) -> OrderOf:
    """Return a production order of the campaign; raises NotFound."""
    order = next((each for each in queries.orders(session, campaign.id) if each.number == number), None)
    if order is None:
        raise NotFound(N_("There is no production order %(number)s in this campaign"), number=number)
    return order


def order_page(slug: str, number: str) -> str:
    """Render one production order: how far it is, a size grid a product, what changed, what came, and the forms for all that."""
    with reading() as session:
        campaign = campaigns.campaign(session, slug)
        order = order_of(session, campaign, number)
        found = progress(session, order.id)
        short = sharing.shortage(session, campaign, order.id) if order.state is ProductionOrderState.RECEIVED else None
    values = {"order": order, "found": found, "short": short, "grids": grids(order.lines, locale()), "steps": _steps(order, found)}
    values |= {"next": next_states(order.state), "takes_goods": takes_goods(order.state), "order_states": STATES}
    values["today"] = now().astimezone(ZoneInfo(campaign.time_zone)).date().isoformat()
    return show("production_order.html", here="production", campaign=campaign, struck=_struck(found), **values)


def _steps(order: OrderOf, found: Progress) -> list[tuple[str, str, datetime | None]]:
    """Return each state with how it stands (done, now, to come) and when it was reached."""
    reached = steps(STATES.values(), list(STATES).index(order.state))
    at = [order.created_at if state is ProductionOrderState.DRAFT else found.reached(state) for state in STATES]
    return [(name, kind, when) for (name, kind), when in zip(reached, at, strict=True)]


def _struck(found: Progress) -> dict[str, int]:
    """Return by SKU the units that the last revision changed, as they were before."""
    return {sku: before for sku, before, _after in found.revisions[0].lines} if found.revisions else {}


@bp.get("/<slug>/production/<number>")
@staff_required(Permission.OFFERS)
def production_order(slug: str, number: str) -> str:
    """Show one production order."""
    return order_page(slug, number)
