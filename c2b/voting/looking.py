"""What the worker does with suspicious ballots: looks for them, and tells the owners of those that staff hold."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_datetime
from sqlalchemy import Row, select, tuple_
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import campaign as find_campaign
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.messages.actions import queue
from c2b.people.models import Address, Person
from c2b.voting import evidence, suspicions
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot
from c2b.voting.rules import SuspicionState

STEP = 200
"""People told in a transaction: who votes meanwhile waits a moment only."""
_LANGUAGE = "zh_Hans_CN"
_TEMPLATES = {SuspicionState.HELD: "ballot_held", SuspicionState.ASKED: "ballot_asked"}


def look(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Look through the ballots of the campaign in `payload` and keep what is found.

    Reads first, without keeping anybody from voting, then writes; done twice it finds the same.
    """
    with database.transaction() as session:
        suspicions.begin(session, campaign_id=find_campaign(session, payload["campaign"]).id, now=now)
    with database.reading() as session:
        campaign = find_campaign(session, payload["campaign"])
        found = evidence.look(session, campaign)
    with database.transaction() as session:
        suspicions.end(session, campaign_id=campaign.id, found=found, now=now)


def tell_held(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Queue a message to the owner of each ballot that the decision in `payload` holds; stopped in between, it tells nobody twice."""
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, payload, after, now)


def _step(session: Session, payload: Mapping[str, Any], after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    """Tell the next people after the person and address `after`; return the last ones' keys, or None if there are no more."""
    decided = (Suspicion.decided_at == datetime.fromisoformat(payload["at"])) & Suspicion.state.in_(_TEMPLATES)
    group = session.scalar(select(Suspicion).where(Suspicion.id == payload["group"], decided))
    if group is None:
        return None  # decided otherwise meanwhile, or by a later decision that tells by itself
    campaign = session.get_one(Campaign, group.campaign_id)
    rows = list(_owners(session, campaign, group, after))
    for row in rows:
        _tell(session, campaign, group, row, now)
    return (rows[-1].id, rows[-1].address) if rows else None


def _owners(session: Session, campaign: Campaign, group: Suspicion, after: tuple[int, int]) -> Iterator[Row[Any]]:
    """Yield who is told: those whose ballots this group holds, by a verified address of the campaign's kind."""
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    own = (Ballot.campaign_id == SuspicionBallot.campaign_id) & (Ballot.person_id == SuspicionBallot.person_id)
    query = (
        select(Person.id)
        .add_columns(Address.id.label("address"), Person.locale, Address.value, Ballot.held_at)
        .join(SuspicionBallot, SuspicionBallot.person_id == Person.id)
        .join(Ballot, own)
        .join(Address, address)
        .where(SuspicionBallot.suspicion_id == group.id, SuspicionBallot.decided, SuspicionBallot.freed_at.is_(None))
        .where(Ballot.held_at.is_not(None), tuple_(Person.id, Address.id) > after)
        .order_by(Person.id, Address.id)
    )
    return iter(session.execute(query.limit(STEP)))


def _tell(session: Session, campaign: Campaign, group: Suspicion, owner: Row[Any], now: datetime) -> None:
    locale = owner.locale or _LANGUAGE
    closes = campaign.voting_closes or campaign.ordering_opens
    fields = {
        "campaign": text(campaign.title, campaign.title_en, locale),
        "closes": format_datetime(closes.astimezone(ZoneInfo(campaign.time_zone)), "medium", locale=locale),
        "path": f"/c/{campaign.slug}/held",
    }
    template = _TEMPLATES[group.state]
    held_at = owner.held_at.isoformat()  # who was let go and is held again is told again
    queue(
        session,
        event=f"{template}:{campaign.id}:{group.id}:{held_at}",
        channel=campaign.identity.value,
        recipient=owner.value,
        template=template,
        fields=fields,
        locale=locale,
        now=now,
    )
