"""The draft ballots of a browser become votes when its person signs in."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, false, insert, literal, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import voting_is_open
from c2b.db import insert_into
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.voting import ballots, counting, left_over, rules
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.rules import BallotSource


def merge(session: Session, *, guest_id: int, person: Person, kind: AddressKind, now: datetime) -> dict[str, list[str]]:
    """Make the guest's drafts the person's, in every campaign in its voting phase; return what didn't fit: it waits, see `left_over`.

    They count where the person is known by the campaign's kind of address, `kind` or one proved before; elsewhere they stay a draft
    until such an address is added. A pause stops taps, not the proof of whose the taps before it were.
    """
    # First of all: a first tap under way is waited for, so that its draft is found too; a later one sees that we were here.
    session.execute(select(Person.id).where(Person.id == guest_id).with_for_update())
    too_many = {}
    anchors = _anchors(session, person.id) | {kind}
    for campaign in _open_drafts(session, guest_id, now):
        source = BallotSource.VERIFIED if campaign.identity in anchors else BallotSource.DRAFT
        if person.id != guest_id:
            too_many[campaign.slug] = _bring(session, campaign, guest_id=guest_id, person_id=person.id, source=source, now=now)
        elif source is BallotSource.VERIFIED:
            _verify(session, campaign, person.id)
    return {slug: codes for slug, codes in too_many.items() if codes}


def _anchors(session: Session, person_id: int) -> set[AddressKind]:
    verified = (Address.person_id == person_id) & Address.verified_at.is_not(None)
    return set(session.scalars(select(Address.kind).where(verified)))


def _open_drafts(session: Session, guest_id: int, now: datetime) -> list[Row[Any]]:
    """Return the campaigns open for votes in which the guest has a draft, locked against a change of phase."""
    drafts = (Ballot.campaign_id == Campaign.id) & (Ballot.person_id == guest_id) & (Ballot.source == BallotSource.DRAFT)
    query = (
        select(Campaign.id, Campaign.slug, Campaign.identity, Campaign.state, Campaign.votes_each, false().label("paused"))
        .add_columns(Campaign.voting_opens, Campaign.voting_closes, Campaign.ordering_opens, Campaign.ordering_closes)
        .where(select(Ballot.serial).where(drafts).exists())
        .order_by(Campaign.id)
        .with_for_update(key_share=True, read=True)
    )
    return [row for row in session.execute(query) if voting_is_open(row, now)]


def _verify(session: Session, campaign: Row[Any], person_id: int) -> None:
    """Make the person's own draft count."""
    own = (Ballot.campaign_id == campaign.id) & (Ballot.person_id == person_id)
    session.execute(select(Ballot.person_id).where(own).with_for_update())
    with counting.changing(session, own):
        session.execute(update(Ballot).where(own).values(source=BallotSource.VERIFIED))
    ballots.renew(session, campaign.id, [person_id])


def _bring(session: Session, campaign: Row[Any], *, guest_id: int, person_id: int, source: BallotSource, now: datetime) -> list[str]:
    """Move the guest's picks to the person's ballot if all fit; else keep those that are new for them to choose from, and return the codes.

    The guest's draft ends empty.
    """
    made = ballots.new_ballot(campaign.id, person_id, campaign.votes_each, now) | {"source": source}
    session.execute(insert_into(session, Ballot).values(made).on_conflict_do_nothing())
    both = (Ballot.campaign_id == campaign.id) & Ballot.person_id.in_((guest_id, person_id))
    locked = select(Ballot.person_id, Ballot.source).where(both).order_by(Ballot.person_id).with_for_update()
    if dict(session.execute(locked).all())[guest_id] is not BallotSource.DRAFT:
        return []  # another tab has just made it somebody's
    mine = _picks(session, campaign, person_id)
    new, left = rules.fits(campaign.votes_each, mine.values(), list(_picks(session, campaign, guest_id).values()))
    session.execute(delete(Pick).where(Pick.campaign_id == campaign.id, Pick.person_id == guest_id))
    if new:
        free = [slot for slot in range(1, campaign.votes_each + 1) if slot not in mine]
        own = (Ballot.campaign_id == campaign.id) & (Ballot.person_id == person_id)
        with counting.changing(session, own):
            _cast(session, campaign, dict(zip(free, new, strict=False)), guest_id=guest_id, person_id=person_id)
            if source is BallotSource.VERIFIED:
                session.execute(update(Ballot).where(own).values(source=source))
    ballots.renew(session, campaign.id, [guest_id, person_id] if new else [guest_id])
    left_over.keep(session, campaign_id=campaign.id, person_id=person_id, candidates=left)
    return list(session.scalars(select(Candidate.code).where(Candidate.id.in_(left)).order_by(Candidate.position)))


def _cast(session: Session, campaign: Row[Any], picks: dict[int, int], *, guest_id: int, person_id: int) -> None:
    """Put candidates, by slot, on the person's ballot, with the guest's own taps on them, so that it shows how and when it was filled."""
    ballot = {"campaign_id": campaign.id, "person_id": person_id, "votes_each": campaign.votes_each}
    session.execute(insert(Pick), [ballot | {"candidate_id": pick, "slot": slot} for slot, pick in picks.items()])
    told = (VoteEvent.candidate_id, VoteEvent.undo, VoteEvent.at, VoteEvent.device, VoteEvent.agent, VoteEvent.referrer)
    taps = select(VoteEvent.campaign_id, literal(person_id), *told).order_by(VoteEvent.id)
    theirs = taps.where(VoteEvent.campaign_id == campaign.id, VoteEvent.person_id == guest_id, VoteEvent.candidate_id.in_(picks.values()))
    session.execute(insert(VoteEvent).from_select(["campaign_id", "person_id", *(column.key for column in told)], theirs))


def _picks(session: Session, campaign: Row[Any], person_id: int) -> dict[int, int]:
    """Return candidates' keys by slot."""
    query = select(Pick.slot, Pick.candidate_id).where(Pick.campaign_id == campaign.id, Pick.person_id == person_id).order_by(Pick.slot)
    return dict(session.execute(query).all())
