"""A person's votes: given out in full, and left without a name.

Erasing leaves ballots as they are, so that counts and the published root stay true; nothing on them leads to anybody any more. The
taps, which are append-only, hold keyed hashes of browser and network alone.
"""

from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.people.models import Person
from c2b.voting.models import Ballot, LeftOver, Objection, Pick, Seen, VoteEvent


def exported(session: Session, person: Person) -> list[dict[str, Any]]:
    """Return the person's ballots: picks as they stand, every tap, and what opens the commitment on their receipt."""
    query = select(Ballot, Campaign.slug).join(Campaign, Campaign.id == Ballot.campaign_id).where(Ballot.person_id == person.id)
    return [_ballot(session, ballot, slug) for ballot, slug in session.execute(query.order_by(Campaign.id))]


def _ballot(session: Session, ballot: Ballot, slug: str) -> dict[str, Any]:
    here = (Pick.campaign_id == ballot.campaign_id) & (Pick.person_id == ballot.person_id)
    picks = session.scalars(select(Candidate.code).join(Pick, Pick.candidate_id == Candidate.id).where(here).order_by(Candidate.code))
    beside = (LeftOver.campaign_id == ballot.campaign_id) & (LeftOver.person_id == ballot.person_id)
    waiting = select(Candidate.code).join(LeftOver, LeftOver.candidate_id == Candidate.id).where(beside).order_by(Candidate.code)
    said = (Objection.campaign_id == ballot.campaign_id) & (Objection.person_id == ballot.person_id)
    taps = (VoteEvent.campaign_id == ballot.campaign_id) & (VoteEvent.person_id == ballot.person_id)
    events = select(VoteEvent.at, VoteEvent.undo, VoteEvent.referrer, Candidate.code).join(
        Candidate, Candidate.id == VoteEvent.candidate_id
    )
    return {
        "campaign": slug,
        "serial": ballot.serial,
        "version": ballot.version,
        "source": ballot.source.value,
        "nonce": ballot.nonce.hex(),
        "commitment": ballot.commitment,
        "held": ballot.held_at.isoformat() if ballot.held_at else None,
        "objection": session.scalars(select(Objection.words).where(said)).one_or_none(),
        "picks": list(picks),
        "waiting": list(session.scalars(waiting)),
        "taps": [
            {"at": row.at.isoformat(), "code": row.code, "taken_back": row.undo, "came_from": row.referrer}
            for row in session.execute(events.where(taps).order_by(VoteEvent.id))
        ],
    }


def erase(session: Session, person: Person) -> None:
    """Forget what the person was shown, what waits for their choice and what they said to a hold; their ballots stay, and are nobody's."""
    session.execute(delete(LeftOver).where(LeftOver.person_id == person.id))
    session.execute(delete(Objection).where(Objection.person_id == person.id))
    session.execute(delete(Seen).where(Seen.viewer == person.viewer))
