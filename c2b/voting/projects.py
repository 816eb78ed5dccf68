"""The projects of an election in Pabulib's format as candidates."""

import re
from collections.abc import Sequence

from sqlalchemy import func, insert, literal, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, Refused
from c2b.voting.ballot_files import Project

_CODE = re.compile(r"[A-Za-z0-9._-]{1,60}")
_NAME, _CATEGORY = 200, 100


def add(session: Session, campaign: Campaign, projects: Sequence[Project]) -> int:
    """Make candidates of `projects`, at price 0 and minimum 1, if the campaign has none; return how many.

    Raises Invalid for a code that can't be one, Refused once the candidates are frozen.
    """
    if session.scalars(select(func.count()).where(Candidate.campaign_id == campaign.id)).one():
        return 0
    if campaign.state not in (CampaignState.DRAFT, CampaignState.SCHEDULED):
        raise Refused(N_("Campaign %(slug)s has no candidates, and none can be added any more"), slug=campaign.slug)
    _check_codes(projects)
    rows = [
        {
            "campaign_id": campaign.id,
            "code": project.code,
            "position": position,
            "name": project.title[:_NAME],
            "category": project.category[:_CATEGORY],
            "price_from": 0,
            "price_to": 0,
        }
        for position, project in enumerate(projects, start=1)
    ]
    made = session.execute(insert(Candidate).returning(Candidate.id, Candidate.code), rows).all()
    variant = {"campaign_id": campaign.id, "position": 1, "price": 0}
    session.execute(insert(Variant), [variant | {"candidate_id": key, "sku": f"{campaign.slug}-{code}"[:80]} for key, code in made])
    offers = select(Candidate.id, literal(1), literal(1)).where(Candidate.campaign_id == campaign.id)
    session.execute(insert(Offer).from_select(("candidate_id", "minimum", "pack"), offers))
    return len(made)


def _check_codes(projects: Sequence[Project]) -> None:
    seen: set[str] = set()
    for project in projects:
        if project.code in seen:
            raise Invalid(N_("line %(line)s: there are two projects “%(code)s”"), line=project.line, code=project.code[:60], field="file")
        seen.add(project.code)
        if not _CODE.fullmatch(project.code):
            bad = N_("line %(line)s: “%(code)s” can't be a code; it has letters A-Z, digits, - _ . only")
            raise Invalid(bad, line=project.line, code=project.code[:60], field="file")
