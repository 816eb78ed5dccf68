"""The campaign's candidates: a list with search and a page each."""

from dataclasses import dataclass
from math import ceil

from flask import request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.admin.attention import attention, sizes_of
from c2b.admin.blueprint import bp
from c2b.admin.page import page_asked, show
from c2b.admin.two_people import wishes
from c2b.campaigns import queries
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import CandidateDetail
from c2b.campaigns.rules import CampaignState
from c2b.deposits.cancelling import withdrawing
from c2b.errors import N_
from c2b.people.rules import Permission
from c2b.ui.language import locale
from c2b.ui.shell import reading, staff_required
from c2b.voting.models import SelectionLine
from c2b.voting.queries import selected_ids
from c2b.voting.rules import SelectionResult

PAGE = 50
RESULTS = {
    SelectionResult.SELECTED: (N_("Selected"), "ok"),
    SelectionResult.NOT_SELECTED: (N_("Not selected"), ""),
    SelectionResult.WITHDRAWN: (N_("Withdrawn"), "bad"),
}
CAN_WITHDRAW = (
    CampaignState.DRAFT,
    CampaignState.SCHEDULED,
    CampaignState.VOTING,
    CampaignState.TALLY,
    CampaignState.SELECTED,
    CampaignState.ORDERING,
)


@dataclass(frozen=True)
class Row:
    """A candidate in the list, what the vote made of it, and what its offer lacks (None: it needs none)."""

    detail: CandidateDetail
    result: SelectionResult | None
    lacks: tuple[str, ...] | None


def lacking(detail: CandidateDetail) -> tuple[str, ...]:
    """Return what an offer lacks before it can be sold."""
    wants = (
        (N_("prices"), detail.is_priced),
        (N_("supplier"), bool(detail.offer and detail.offer.supplier_code)),
        (N_("unit cost"), bool(detail.offer and detail.offer.unit_cost is not None)),
    )
    return tuple(name for name, there in wants if not there)


def rows(session: Session, campaign: Campaign, ids: list[int]) -> list[Row]:
    """Return the candidates of `ids` in that order: seven statements, however many they are."""
    found = {each.id: each for each in session.scalars(select(Candidate).where(Candidate.id.in_(ids)))}
    lines = select(SelectionLine.candidate_id, SelectionLine.result).where(SelectionLine.campaign_id == campaign.id)
    results = {line.candidate_id: line.result for line in session.execute(lines.where(SelectionLine.candidate_id.in_(ids)))}
    details = queries.details(session, [found[each] for each in ids], locale=locale())
    sold = set(selected_ids(session, campaign)) if results else {each.id for each in found.values() if each.withdrawn_at is None}
    return [Row(each, results.get(each.card.id), lacking(each) if each.card.id in sold else None) for each in details]


@bp.get("/<slug>/candidates")
@staff_required(Permission.CANDIDATES)
def candidates(slug: str) -> str:
    """List the candidates in the order of the file, those with a text or of a category if asked for."""
    chosen = {"q": request.args.get("q", "").strip(), "category": request.args.get("category", "")}
    with reading() as session:
        campaign = queries.campaign(session, slug)
        ids = queries.candidate_ids(session, campaign.id, category=chosen["category"], search=chosen["q"])
        pages = max(ceil(len(ids) / PAGE), 1)
        page = min(page_asked(), pages)
        found = rows(session, campaign, ids[(page - 1) * PAGE : page * PAGE])
        categories = queries.categories(session, campaign.id, locale=locale())
        seen = attention(session, campaign)
    values = {"seen": seen, "rows": found, "count": len(ids), "page": page, "pages": pages, "chosen": chosen, "categories": categories}
    return show("candidates.html", here="candidates", campaign=campaign, results=RESULTS, **values)


def candidate_page(slug: str, code: str) -> str:
    """Show a candidate as the shop has it, with its offer."""
    with reading() as session:
        campaign = queries.campaign(session, slug)
        detail = queries.candidate(session, campaign.id, code, locale=locale())
        row = rows(session, campaign, [detail.card.id])[0]
        seen = attention(session, campaign)
        curve = sizes_of(session, campaign, detail.card.id) if seen.responses else []
        asked = wishes(session, campaign, withdrawing(campaign, code))
    may_withdraw = campaign.state in CAN_WITHDRAW and detail.card.withdrawn_at is None
    target = url_for("admin.candidates", slug=slug)
    values = {"seen": seen, "curve": curve, "row": row, "detail": detail, "results": RESULTS, "may_withdraw": may_withdraw, "back": target}
    values["asked"] = asked
    return show("candidate.html", here="candidates", campaign=campaign, **values)


@bp.get("/<slug>/candidates/<code>")
@staff_required(Permission.CANDIDATES)
def candidate(slug: str, code: str) -> str:
    """Show a candidate as the shop has it, with its offer."""
    return candidate_page(slug, code)
