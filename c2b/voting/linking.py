"""A further address can make a draft count: where the campaign knows its voters by that kind of address."""

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.people import addresses
from c2b.people.addresses import Linked
from c2b.people.models import Person
from c2b.people.rules import AddressKind
from c2b.voting.merging import merge
from c2b.voting.models import Ballot, Pick
from c2b.voting.retired import barred
from c2b.voting.rules import BallotSource


def link(session: Session, *, person_id: int, kind: AddressKind, address: str, code: str, secret_key: str, now: datetime) -> Linked:
    """Add an address to a person as `people.addresses.link` does; their drafts that waited for this kind of address count from now on."""
    proof: dict[str, Any] = {"kind": kind, "address": address, "code": code, "secret_key": secret_key}
    linked = addresses.link(session, person_id=person_id, now=now, barred=barred(), **proof)
    return _counted(session, linked, person_id=person_id, kind=kind, now=now)


def add(session: Session, *, person_id: int, kind: AddressKind, address: str, secret_key: str, now: datetime) -> Linked:
    """Add an address that was proved elsewhere, as `people.addresses.add` does; drafts that waited for it count from now on."""
    proof: dict[str, Any] = {"kind": kind, "address": address, "secret_key": secret_key}
    linked = addresses.add(session, person_id=person_id, now=now, barred=barred(), **proof)
    return _counted(session, linked, person_id=person_id, kind=kind, now=now)


def _counted(session: Session, linked: Linked, *, person_id: int, kind: AddressKind, now: datetime) -> Linked:
    if linked is Linked.ADDED:
        person = session.get_one(Person, person_id)
        merge(session, guest_id=person_id, person=person, kind=kind, now=now)
    return linked


def waiting(session: Session, *, person_id: int) -> list[Campaign]:
    """Return the campaigns in their voting phase in which the person's picks are a draft, and so don't count."""
    mine = (Ballot.campaign_id == Campaign.id) & (Ballot.person_id == person_id) & (Ballot.source == BallotSource.DRAFT)
    picks = select(Pick.slot).where(Pick.campaign_id == Ballot.campaign_id, Pick.person_id == Ballot.person_id).exists()
    query = select(Campaign).join(Ballot, mine).where(Campaign.state == CampaignState.VOTING, picks)
    return list(session.scalars(query.order_by(Campaign.id)))
