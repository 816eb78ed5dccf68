"""The page of one candidate: pictures in the chosen colour, details, and the vote or the order."""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, render_template, request
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateDetail, OptionRow, PictureRow
from c2b.production import queries as production
from c2b.ui.access import public
from c2b.ui.language import locale
from c2b.ui.shell import reading, viewer
from c2b.voting import queries as voting
from c2b.web import seen
from c2b.web.campaign import shown
from c2b.web.gallery import about, mark, orderable, own_ballot
from c2b.web.shelf import PAGE

bp = Blueprint("product", __name__, template_folder="templates")


@dataclass(frozen=True)
class Place:
    """Where a candidate stands for this viewer: the page of the gallery, and who follows."""

    page: int
    next_code: str


def colours(detail: CandidateDetail) -> tuple[OptionRow, ...]:
    """Return the values of the option that shows: the one with swatches, else the one with pictures of its own."""
    pictured = {picture.option_value_id for picture in detail.pictures}

    def show(options: tuple[OptionRow, ...]) -> bool:
        return any(option.swatch or option.id in pictured for option in options)

    return next(filter(show, (detail.options1, detail.options2)), ())


def pictures_of(detail: CandidateDetail, chosen: OptionRow | None) -> tuple[PictureRow, ...]:
    """Return the pictures of a colour with those of no colour; all where the colour has none."""
    own = [picture for picture in detail.pictures if chosen and picture.option_value_id == chosen.id]
    of_none = (picture for picture in detail.pictures if picture.option_value_id is None)
    return (*own, *of_none) if own else detail.pictures


def _place(session: Session, campaign: Campaign, candidate_id: int) -> Place:
    order = voting.order_for(session, campaign, viewer())
    at = order.index(candidate_id)
    following = queries.candidates(session, campaign.id, locale=locale(), ids=order[at + 1 : at + 2])
    return Place(at // PAGE + 1, following[0].code if following else "")


@bp.get("/c/<slug>/p/<code>")
@public
def product(slug: str, code: str) -> str:
    """Show a candidate; `?colour=` is one of its values' keys."""
    viewer()
    with reading() as session:
        campaign = shown(session, slug)
        detail = queries.candidate(session, campaign.id, code, locale=locale())
        ballot = own_ballot(session, campaign)
        place = _place(session, campaign, detail.card.id)
        offers = mark(campaign, ballot, detail.card, orderable(session, campaign))
        although = production.made_although(session, campaign, detail.card.id)
    seen.note(campaign, [detail.card.id])
    return render_template(
        "web/product.html",
        detail=detail,
        card=detail.card,
        place=place,
        offers=offers,
        although=although,
        **_in_colour(detail),
        **about(campaign, ballot),
    )


def _in_colour(detail: CandidateDetail) -> dict[str, Any]:
    """Return the colours, the chosen one, and its pictures."""
    shades = colours(detail)
    chosen = next((shade for shade in shades if str(shade.id) == request.args.get("colour")), shades[0] if shades else None)
    return {"colours": shades, "chosen": chosen, "pictures": pictures_of(detail, chosen)}
