"""What voters do with their ballots."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Row, delete, insert, literal, select
from sqlalchemy.orm import Session

from c2b.errors import N_, NotFound, Refused
from c2b.people import actions as people
from c2b.people.models import Person
from c2b.people.rules import AddressKind
from c2b.voting import ballots, booth, counting, writing
from c2b.voting.holding import answer
from c2b.voting.merging import merge
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.queries import BallotView
from c2b.voting.retired import barred
from c2b.voting.rules import BallotSource, Touch


def vote(session: Session, *, slug: str, code: str, person_id: int, touch: Touch, now: datetime) -> BallotView:
    """Give one of the person's votes to a candidate and return their ballot; a second vote for the same one changes nothing.

    Four statements on PostgreSQL, seven on SQLite, four more on the first vote, one more on a draft; `tap` needs one less. Raises
    NotFound; Refused when voting isn't open at `now`, the candidate is withdrawn, all votes are given, or its guest has signed in.
    """
    place = booth.enter(session, slug, now)
    return _tap(session, place, booth.own_ballot(session, place, person_id, now), code, undo=False, touch=touch, now=now)


def undo(session: Session, *, slug: str, code: str, person_id: int, touch: Touch, now: datetime) -> BallotView:
    """Take a vote back and return the ballot; without such a vote nothing changes. Raises as `vote` does."""
    place = booth.enter(session, slug, now)
    found = ballots.locked(session, place.campaign_id, person_id)
    if found is None:
        _picks_and_tapped(session, place, person_id, code)
        return BallotView(place.votes_each)
    return _tap(session, place, found, code, undo=True, touch=touch, now=now)


def tap(session: Session, *, slug: str, code: str, undo: bool, token: str, touch: Touch, now: datetime) -> BallotView | None:
    """Vote or undo as whoever's login `token` is, without asking first who that is.

    None, and nothing written, if it is nobody's or they have no ballot yet: then find or make the person. Raises as `vote` does.
    """
    found = booth.enter_as(session, slug, now, token=token)
    return None if found is None else _tap(session, found, found, code, undo=undo, touch=touch, now=now)


def _tap(session: Session, place: Row[Any], locked: Row[Any], code: str, *, undo: bool, touch: Touch, now: datetime) -> BallotView:
    picks, tapped = _picks_and_tapped(session, place, locked.person_id, code)
    wanted = {pick.candidate_id: pick.code for pick in picks}
    if undo:
        wanted.pop(tapped.candidate_id, None)
    elif tapped.withdrawn_at:
        raise Refused(N_("This product was withdrawn; your vote for it is free for another one"))
    else:
        wanted[tapped.candidate_id] = tapped.code
    had = {pick.candidate_id: pick.slot for pick in picks}
    return writing.change(session, place, locked, had=had, wanted=wanted, touch=touch, now=now)


def _picks_and_tapped(session: Session, place: Row[Any], person_id: int, code: str) -> tuple[list[Row[Any]], Row[Any]]:
    picks, tapped = ballots.picks_and(session, place.campaign_id, person_id, code)
    if tapped is None:
        raise NotFound(N_("There is no product “%(code)s” in this campaign"), code=code)
    return picks, tapped


@dataclass(frozen=True)
class SignedIn:
    """Who signed in; `viewer` is the number of their first browser.

    `left_over` holds, by campaign's slug, the codes of draft picks that didn't fit: the account's own stay, the others wait until the
    person has chosen.
    """

    person_id: int
    viewer: int
    token: str
    left_over: dict[str, list[str]] = field(default_factory=dict)


def sign_in(
    session: Session,
    *,
    kind: AddressKind,
    address: str,
    code: str,
    guest_id: int | None,
    viewer: int,
    locale: str,
    secret_key: str,
    now: datetime,
) -> SignedIn | None:
    """Check the code, merge the browser's draft ballots into the person's, and start a login.

    None where the code isn't valid (show `people.rules.WRONG_CODE`): leave the transaction normally then, so that the try is
    counted. A draft whose campaign isn't open for votes at `now` stays a draft and never counts. Raises Refused, after a right code,
    for an address that an account was moved away from, until the votes of its former owner are over.
    """
    proof: dict[str, Any] = {"kind": kind, "address": address, "code": code, "barred": barred()}
    person = people.check_code(session, guest_id=guest_id, viewer=viewer, locale=locale, secret_key=secret_key, now=now, **proof)
    return None if person is None else _entered(session, person, kind=kind, guest_id=guest_id, now=now)


def enter(
    session: Session,
    *,
    kind: AddressKind,
    address: str,
    guest_id: int | None,
    viewer: int,
    locale: str,
    secret_key: str,
    now: datetime,
) -> SignedIn:
    """Sign in who proved an address elsewhere, as WeChat proves an openid; otherwise as `sign_in`, which it raises as."""
    proof: dict[str, Any] = {"kind": kind, "address": address, "barred": barred()}
    person = people.whose(session, guest_id=guest_id, viewer=viewer, locale=locale, secret_key=secret_key, now=now, **proof)
    return _entered(session, person, kind=kind, guest_id=guest_id, now=now)


def _entered(session: Session, person: Person, *, kind: AddressKind, guest_id: int | None, now: datetime) -> SignedIn:
    left_over = {}
    if guest_id is not None:
        left_over = merge(session, guest_id=guest_id, person=person, kind=kind, now=now)
        people.end_logins(session, person_id=guest_id, now=now)  # who knew the guest's cookie doesn't become the person
    answer(session, person_id=person.id, kind=kind, now=now)
    return SignedIn(person.id, person.viewer, people.start_login(session, person_id=person.id, now=now), left_over)


def give_back(session: Session, *, campaign_id: int, candidate_id: int, now: datetime) -> int:
    """Give every vote for a withdrawn candidate back to its voter, set-based; return how many. For while voting is open."""
    here = (Pick.campaign_id == campaign_id) & (Pick.candidate_id == candidate_id)
    # In id order, before anything is changed, so that taps under way are waited for and no two of us wait for each other.
    locked = select(Ballot.person_id).where(Ballot.campaign_id == campaign_id, Ballot.person_id.in_(select(Pick.person_id).where(here)))
    voters = session.scalars(locked.order_by(Ballot.person_id).with_for_update()).all()
    counting.note(session, here, sign=-1, ballot=counting.only_pick())
    own = (Ballot.campaign_id == Pick.campaign_id) & (Ballot.person_id == Pick.person_id)
    keys = (Pick.campaign_id, Pick.person_id, Pick.candidate_id)
    picks = select(*keys, literal(True), literal(now, VoteEvent.at.type), literal(""))
    events = picks.join(Ballot, own).where(here, Ballot.source != BallotSource.IMPORTED)  # no tap gave what was imported
    session.execute(insert(VoteEvent).from_select(["campaign_id", "person_id", "candidate_id", "undo", "at", "device"], events))
    session.execute(delete(Pick).where(here))
    ballots.renew(session, campaign_id, voters)
    return len(voters)
