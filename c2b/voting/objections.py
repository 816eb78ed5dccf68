"""What a customer is told of their held ballot, and what they say to it."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.errors import N_, Invalid, Refused
from c2b.voting.holding import holds, locked_before_selection
from c2b.voting.models import Ballot, Objection, Suspicion, SuspicionBallot
from c2b.voting.rules import SuspicionRule, SuspicionState

LONGEST = 500
"""Characters of an objection."""


@dataclass(frozen=True)
class Notice:
    """Why a ballot is held, since when, and what its owner said to it; `asked`: signing in again is enough."""

    since: datetime
    asked: bool
    rules: tuple[SuspicionRule, ...]
    objection: str
    objected_at: datetime | None


def notice(session: Session, *, campaign_id: int, person_id: int) -> Notice | None:
    """Return what the owner of a held ballot is told; None for one that counts."""
    said = (Objection.campaign_id == Ballot.campaign_id) & (Objection.person_id == Ballot.person_id)
    own = (Ballot.campaign_id == campaign_id) & (Ballot.person_id == person_id)
    words = func.coalesce(Objection.words, "").label("words")
    query = select(Ballot.held_at, words, Objection.at).outerjoin(Objection, said).where(own, Ballot.held_at.is_not(None))
    row = session.execute(query).one_or_none()
    if row is None or row.held_at is None:
        return None
    by = _held_by(session, campaign_id, person_id)
    asked = {state for _rule, state in by} == {SuspicionState.ASKED}
    return Notice(row.held_at, asked, tuple(dict.fromkeys(rule for rule, _state in by)), row.words, row.at)


def _held_by(session: Session, campaign_id: int, person_id: int) -> list[tuple[SuspicionRule, SuspicionState]]:
    of_group = Suspicion.id == SuspicionBallot.suspicion_id
    query = select(Suspicion.rule, Suspicion.state).join(SuspicionBallot, of_group).order_by(Suspicion.id)
    rows = session.execute(query.where(SuspicionBallot.campaign_id == campaign_id, SuspicionBallot.person_id == person_id, holds()))
    return [(rule, state) for rule, state in rows]


def object_to(session: Session, *, slug: str, person_id: int, words: str, now: datetime) -> None:
    """Keep what the owner of a held ballot says to it, in place of what they said before.

    Raises Invalid for nothing or too much; NotFound; Refused where the ballot isn't held, and after the selection.
    """
    said = " ".join(words.split())
    if not said:
        raise Invalid(N_("Write in a few words why your ballot should count"), field="words")
    if len(said) > LONGEST:
        raise Invalid(N_("At most %(most)s characters, please; yours are %(count)s"), field="words", most=LONGEST, count=len(said))
    campaign = locked_before_selection(session, slug)
    held = select(Ballot.person_id).where(Ballot.campaign_id == campaign.id, Ballot.person_id == person_id, Ballot.held_at.is_not(None))
    if session.execute(held).first() is None:
        raise Refused(N_("Your ballot is not held; there is nothing to object to"))
    new = insert_into(session, Objection).values(campaign_id=campaign.id, person_id=person_id, words=said, at=now)
    session.execute(new.on_conflict_do_update(index_elements=["campaign_id", "person_id"], set_={"words": said, "at": now}))
