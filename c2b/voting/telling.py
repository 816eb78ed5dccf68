"""Telling voters that the result is published: in short, resumable steps after the selection."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import campaign as find_campaign
from c2b.campaigns.rules import CampaignState, text
from c2b.db import Database
from c2b.jobs.actions import enqueue
from c2b.messages.actions import Draft, queue_all
from c2b.people.models import Address, Person
from c2b.voting import queries
from c2b.voting.models import Ballot, Pick, Selection

STEP = 500
"""People told in a transaction: who orders meanwhile waits a moment only."""
FRESH = timedelta(days=7)
"""A result that is older is no news: a worker that comes back after a long time stays silent."""
_LANGUAGE = "zh_Hans_CN"


def ask(session: Session, campaign: Campaign, *, now: datetime) -> None:
    """Ask for the work, once a campaign, in the transaction that publishes the result."""
    enqueue(session, kind="voting.tell_result", payload={"campaign": campaign.slug}, key=f"voting.tell_result:{campaign.id}", now=now)


def tell_result(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Queue a message to everybody whose ballot counted in the campaign of `payload`; begun anew, it tells nobody twice.

    Who has no verified address of the campaign's kind isn't told, nor who refuses news.
    """
    after: int | None = 0
    while after is not None:
        with database.transaction() as session:
            after = _step(session, payload["campaign"], after, now)


def _step(session: Session, slug: str, after: int, now: datetime) -> int | None:
    """Tell the next people after the person `after`; return the last one's key, or None if there are no more."""
    campaign = find_campaign(session, slug)
    is_news = session.scalar(select(Selection.campaign_id).where(Selection.campaign_id == campaign.id, Selection.at >= now - FRESH))
    if is_news is None or campaign.state is CampaignState.CANCELLED:
        return None
    rows = _voters(session, campaign, queries.selected_ids(session, campaign), after)
    queue_all(session, [_draft(campaign, row) for row in rows], now=now)
    return int(rows[-1].id) if rows else None


def _voters(session: Session, campaign: Campaign, selected: Collection[int], after: int) -> Sequence[Row[Any]]:
    """Return who is told, with how many they picked and how many of these were selected; of several addresses the first."""
    own = aliased(Address)
    first = select(func.min(own.id)).where(own.person_id == Person.id, own.kind == campaign.identity, own.verified_at.is_not(None))
    mine = (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id)
    won = func.sum(case((Pick.candidate_id.in_(selected), 1), else_=0))
    counted = (Ballot.source.in_(queries.counted_sources(session, campaign.id)), Ballot.held_at.is_(None))
    query = (
        select(Person.id, Person.ref, Person.locale, Address.value, func.count(Pick.slot).label("picked"), won.label("selected"))
        .join(Ballot, (Ballot.person_id == Person.id) & (Ballot.campaign_id == campaign.id))
        .join(Pick, mine)
        .join(Address, Address.id == first.scalar_subquery())
        .where(*counted, Person.id > after)
        .group_by(Person.id, Person.ref, Person.locale, Address.value)
        .order_by(Person.id)
    )
    return session.execute(query.limit(STEP)).all()


def _draft(campaign: Campaign, voter: Row[Any]) -> Draft:
    locale = voter.locale or _LANGUAGE
    fields = {
        "campaign": text(campaign.title, campaign.title_en, locale),
        "picked": str(voter.picked),
        "selected": str(voter.selected),
        "path": f"/c/{campaign.slug}/results",
    }
    event, channel = f"result_published:{campaign.id}", campaign.identity.value
    return Draft(event, channel, voter.value, "result_published", fields, locale, reader=voter.ref)
