"""A whole ballot at once: what it held before is replaced by what is wanted, all of it or nothing."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, bindparam, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.voting import ballots, booth, writing
from c2b.voting.queries import BallotView
from c2b.voting.rules import Touch


def cast(session: Session, *, slug: str, codes: Sequence[str], person_id: int, touch: Touch, now: datetime) -> BallotView:
    """Make `codes` the person's ballot, whatever it held, and return it; a constant number of statements for any number of votes.

    Raises NotFound for campaign or candidates; Invalid for a code named twice or too many of them; Refused when voting isn't open
    at `now` or a candidate is withdrawn.
    """
    place = booth.enter(session, slug, now)
    wanted = _wanted(session, place, codes)
    return _cast(session, place, booth.own_ballot(session, place, person_id, now), wanted, touch=touch, now=now)


def cast_as(session: Session, *, slug: str, codes: Sequence[str], token: str, touch: Touch, now: datetime) -> BallotView | None:
    """Do what `cast` does as whoever's login `token` is, without asking first who that is; four statements on PostgreSQL.

    None, and nothing written, if it is nobody's who is signed in by an address, or they have no ballot yet. Raises as `cast` does.
    """
    found = booth.enter_as(session, slug, now, token=token)
    if found is None or not found.proved:
        return None
    return _cast(session, found, found, _wanted(session, found, codes), touch=touch, now=now)


def _cast(session: Session, place: Row[Any], locked: Row[Any], wanted: Mapping[int, str], *, touch: Touch, now: datetime) -> BallotView:
    had = {pick.candidate_id: pick.slot for pick in ballots.picks(session, place.campaign_id, locked.person_id)}
    return writing.change(session, place, locked, had=had, wanted=wanted, touch=touch, now=now)


_NAMED = select(Candidate.id, Candidate.code, Candidate.withdrawn_at).where(
    Candidate.campaign_id == bindparam("campaign"), Candidate.code.in_(bindparam("codes", expanding=True))
)


def _wanted(session: Session, place: Row[Any], codes: Sequence[str]) -> dict[int, str]:
    """Return the candidates' codes by their keys."""
    if len(codes) > place.votes_each:
        raise Invalid(N_("A ballot has %(most)s votes; these are %(votes)s"), field="codes", most=place.votes_each, votes=len(codes))
    if len(set(codes)) < len(codes):
        raise Invalid(N_("A product stands twice on this ballot; it can have one of your votes"), field="codes")
    found = session.connection().execute(_NAMED, {"campaign": place.campaign_id, "codes": codes}).all()
    if unknown := sorted(set(codes) - {row.code for row in found}):
        raise NotFound(N_("There is no product “%(code)s” in this campaign"), code=unknown[0])
    if gone := sorted(row.code for row in found if row.withdrawn_at):
        raise Refused(N_("%(code)s was withdrawn; your vote for it is free for another product"), code=gone[0])
    return {row.id: row.code for row in found}
