"""Overrides of the decision: a product that missed is made all the same, when one of the staff proposes it and another agrees.

The other way round there is none: what reached its minimum is made, for that is what customers were promised; what can't be made then
is declared undeliverable, with all that follows from it.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.audit.rules import is_staff
from c2b.audit.two_people import public_reason
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.production.models import DecisionOverride
from c2b.production.plan import offered

LONGEST = 500
"""Characters of a reason: one paragraph, for everybody to read."""


@dataclass(frozen=True)
class OverrideView:
    """An override as the desk shows it; without `approved_by` it waits."""

    code: str
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str
    approved_at: datetime | None


def overrides(session: Session, campaign_id: int) -> list[OverrideView]:
    """Return all overrides of a campaign's decision, by code."""
    columns = (DecisionOverride.proposed_by, DecisionOverride.proposed_at, DecisionOverride.approved_by, DecisionOverride.approved_at)
    query = select(Candidate.code, DecisionOverride.reason, *columns).join(Candidate, Candidate.id == DecisionOverride.candidate_id)
    rows = session.execute(query.where(DecisionOverride.campaign_id == campaign_id).order_by(Candidate.code))
    return [OverrideView(*row) for row in rows]


def propose(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> None:
    """Propose to make a product though it may miss its minimum; without effect until a second person agrees.

    Raises NotFound; Invalid without a reason; Refused outside `settling`, for what nobody ordered or has one already, and for anybody
    but staff.
    """
    campaign = _open(session, slug, actor)
    product = next((one for one in offered(session, campaign) if one.product.code == code), None)
    if product is None:
        raise Invalid(N_("No product with the code “%(code)s” is decided here"), field="code", code=code)
    if not product.product.captured:
        raise Refused(N_("Nobody ordered %(code)s; there is nothing to make"), code=code)
    if session.get(DecisionOverride, (campaign.id, product.candidate)):
        raise Refused(N_("%(code)s has an override already; take that one back first"), code=code)
    words = _short(public_reason(reason))
    session.add(DecisionOverride(campaign_id=campaign.id, candidate_id=product.candidate, reason=words, proposed_by=actor, proposed_at=now))
    session.flush()
    record(session, actor=actor, action="production.override", campaign=slug, object=code, reason=words, now=now)


def agree(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> None:
    """Agree, as a second person, to an override with exactly this reason.

    Raises NotFound; Refused outside `settling`, for one that changed or is agreed already, for who proposed it, and for anybody but
    staff.
    """
    campaign = _open(session, slug, actor)
    row = _override(session, campaign, code)
    if row.approved_at or row.reason != reason:
        raise Refused(N_("The override of %(code)s has changed since you looked at it; read it again, then agree"), code=code)
    if row.proposed_by == actor:
        raise Refused(N_("This needs a second person: somebody else than the one who asked for it has to agree"))
    row.approved_by, row.approved_at = actor, now
    session.flush()
    record(session, actor=actor, action="production.override.approve", campaign=slug, object=code, reason=reason, now=now)


def take_back(session: Session, *, slug: str, code: str, actor: str, now: datetime) -> None:
    """Take an override back before the decision, whoever proposed it: then the published rule decides alone.

    Raises NotFound; Refused outside `settling`, and for anybody but staff.
    """
    campaign = _open(session, slug, actor)
    row = _override(session, campaign, code)
    before = {"reason": row.reason, "proposed_by": row.proposed_by, "approved_by": row.approved_by}
    session.delete(row)
    session.flush()
    record(session, actor=actor, action="production.override.take_back", campaign=slug, object=code, before=before, now=now)


def _open(session: Session, slug: str, actor: str) -> Campaign:
    campaign = locked(session, slug)
    if not is_staff(actor):
        raise Refused(N_("Only signed-in staff can override the decision; sign in to the admin pages"))
    if campaign.state is not CampaignState.SETTLING:
        raise Refused(N_("The decision is overridden after ordering has closed and before it is made"))
    return campaign


def _override(session: Session, campaign: Campaign, code: str) -> DecisionOverride:
    query = select(DecisionOverride).join(Candidate, Candidate.id == DecisionOverride.candidate_id)
    row = session.scalars(query.where(DecisionOverride.campaign_id == campaign.id, Candidate.code == code)).one_or_none()
    if row is None:
        raise NotFound(N_("%(code)s has no override"), code=code)
    return row


def _short(reason: str) -> str:
    if len(reason) > LONGEST:
        raise Invalid(N_("A reason has at most %(most)s characters"), field="reason", most=LONGEST)
    return reason
