"""A whole ballot at once: what it held before is replaced by what is wanted, all of it or nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, func, insert, literal, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.voting import booth, counting
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource, Touch


def cast(session: Session, *, slug: str, codes: Sequence[str], person_id: int, touch: Touch, now: datetime) -> BallotView:
    """Make `codes` the person's ballot, whatever it held, and return it; a constant number of statements for any number of votes.

    Raises NotFound for campaign or candidates; Invalid for a code named twice or too many of them; Refused when voting isn't open
    at `now` or a candidate is withdrawn.
    """
    place = booth.enter(session, slug, now)
    wanted = _wanted(session, place, codes)
    locked = booth.own_ballot(session, place, person_id, now)
    own = (Pick.campaign_id == place.campaign_id) & (Pick.person_id == person_id)
    had = frozenset(session.scalars(select(Pick.candidate_id).where(own)))
    if had == wanted.keys():
        return booth.view(locked, had, locked.version, locked.source)
    # What its owner has touched is theirs: no later import replaces it.
    source = BallotSource.VERIFIED if locked.source is BallotSource.IMPORTED else BallotSource(locked.source)
    mine = (Ballot.campaign_id == place.campaign_id) & (Ballot.person_id == person_id)
    with counting.changing(session, mine):
        if source is not locked.source:
            session.execute(update(Ballot).where(mine).values(source=source))
        session.execute(delete(Pick).where(own))
        _fill(session, place, locked, wanted)
    _note(session, locked, had, wanted, touch=touch, now=now)
    session.execute(update(Ballot).where(mine).values(booth.bound(locked, wanted.values())))
    return booth.view(locked, frozenset(wanted), locked.version + 1, source)


def _wanted(session: Session, place: Row[Any], codes: Sequence[str]) -> dict[int, str]:
    """Return the candidates' codes by their keys."""
    if len(codes) > place.votes_each:
        raise Invalid(N_("A ballot has %(most)s votes; these are %(votes)s"), field="codes", most=place.votes_each, votes=len(codes))
    if len(set(codes)) < len(codes):
        raise Invalid(N_("A product stands twice on this ballot; it can have one of your votes"), field="codes")
    query = select(Candidate.id, Candidate.code, Candidate.withdrawn_at).where(Candidate.campaign_id == place.campaign_id)
    found = session.execute(query.where(Candidate.code.in_(codes))).all()
    if unknown := sorted(set(codes) - {row.code for row in found}):
        raise NotFound(N_("There is no product “%(code)s” in this campaign"), code=unknown[0])
    if gone := sorted(row.code for row in found if row.withdrawn_at):
        raise Refused(N_("%(code)s was withdrawn; your vote for it is free for another product"), code=gone[0])
    return {row.id: row.code for row in found}


def _fill(session: Session, place: Row[Any], locked: Row[Any], wanted: Mapping[int, str]) -> None:
    slot = func.row_number().over(order_by=Candidate.id)
    values = (Candidate.campaign_id, literal(locked.person_id), slot, literal(locked.votes_each), Candidate.id)
    picks = select(*values).where(Candidate.campaign_id == place.campaign_id, Candidate.id.in_(wanted))
    session.execute(insert(Pick).from_select(["campaign_id", "person_id", "slot", "votes_each", "candidate_id"], picks))


def _note(session: Session, locked: Row[Any], had: frozenset[int], wanted: Mapping[int, str], *, touch: Touch, now: datetime) -> None:
    """Write down the taps that this would have been: each vote taken back, each vote given."""
    told = {"device": touch.device, "agent": touch.agent, "referrer": touch.referrer}
    fixed = [literal(value).label(name) for name, value in told.items()]
    who = (Candidate.campaign_id, literal(locked.person_id), Candidate.id, Candidate.id.in_(had - wanted.keys()))
    taps = select(*who, literal(now, VoteEvent.at.type), *fixed).where(Candidate.id.in_(had ^ wanted.keys()))
    session.execute(insert(VoteEvent).from_select(["campaign_id", "person_id", "candidate_id", "undo", "at", *told], taps))
