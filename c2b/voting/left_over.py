"""Picks that didn't fit at sign-in wait on the server, on whatever device their person comes back, until they have chosen."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, ScalarSelect, delete, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import insert_into
from c2b.voting.models import LeftOver, Pick


def keep(session: Session, *, campaign_id: int, person_id: int, candidates: Sequence[int]) -> None:
    """Let picks wait beside the person's ballot, those that wait already too."""
    if candidates:
        rows = [{"campaign_id": campaign_id, "person_id": person_id, "candidate_id": each} for each in candidates]
        session.execute(insert_into(session, LeftOver).on_conflict_do_nothing(), rows)


def waits() -> ColumnElement[bool]:
    """Return the condition under which a row waits for a choice: it is no vote by now, and could still be one."""
    picked = select(Pick.slot).where(
        Pick.campaign_id == LeftOver.campaign_id, Pick.person_id == LeftOver.person_id, Pick.candidate_id == LeftOver.candidate_id
    )
    there = select(Candidate.id).where(Candidate.id == LeftOver.candidate_id, Candidate.withdrawn_at.is_(None))
    return ~picked.exists() & there.exists()


def number(campaign_id: int | InstrumentedAttribute[int], person_id: int | InstrumentedAttribute[int] | None) -> ScalarSelect[int]:
    """Return how many wait for the person, as part of a larger statement, whose columns these may be."""
    mine = (LeftOver.campaign_id == campaign_id) & (LeftOver.person_id == person_id)
    return select(func.count()).select_from(LeftOver).where(mine, waits()).correlate_except(LeftOver).scalar_subquery()


def of(session: Session, *, campaign_id: int, person_id: int) -> set[int]:
    """Return the candidates that wait for the person's choice, by key."""
    mine = (LeftOver.campaign_id == campaign_id) & (LeftOver.person_id == person_id)
    return set(session.scalars(select(LeftOver.candidate_id).where(mine, waits())))


def campaigns(session: Session, *, person_id: int) -> list[tuple[Campaign, int]]:
    """Return the campaigns in their voting phase in which picks wait for the person's choice, and how many."""
    query = select(Campaign, func.count()).join(LeftOver, LeftOver.campaign_id == Campaign.id)
    mine = query.where(LeftOver.person_id == person_id, Campaign.state == CampaignState.VOTING, waits())
    return [(campaign, count) for campaign, count in session.execute(mine.group_by(Campaign.id).order_by(Campaign.id))]


def chosen(session: Session, *, slug: str, person_id: int) -> None:
    """Forget what still waits in a campaign: its person has said that their ballot is as they want it."""
    here = select(Campaign.id).where(Campaign.slug == slug).scalar_subquery()
    session.execute(delete(LeftOver).where(LeftOver.campaign_id == here, LeftOver.person_id == person_id))
