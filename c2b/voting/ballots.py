"""A ballot as a row: made, and locked before anything is decided about it."""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from c2b.voting.models import Ballot


def new_ballot(campaign_id: int, person_id: int, votes_each: int, now: datetime) -> dict[str, Any]:
    """Return the values of an empty ballot, with a random public name and a nonce of its own."""
    return {
        "campaign_id": campaign_id,
        "person_id": person_id,
        "votes_each": votes_each,
        "serial": secrets.token_urlsafe(12),
        "nonce": secrets.token_bytes(16),
        "version": 0,
        "held_reason": "",
        "created_at": now,
    }


def locked(session: Session, campaign_id: int, person_id: int) -> Row[Any] | None:
    """Lock the ballot before deciding: a statement of its own, so that what follows sees what others wrote before."""
    columns = (Ballot.person_id, Ballot.votes_each, Ballot.version, Ballot.source)
    query = (
        select(*columns)
        .add_columns(Ballot.held_at, Ballot.serial)
        .where(Ballot.campaign_id == campaign_id, Ballot.person_id == person_id)
        .with_for_update()
    )
    return session.execute(query).one_or_none()
