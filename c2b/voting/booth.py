"""The way to a ballot, the same for every change of it: into the campaign, locked, and to the person's own ballot, locked.

Candidates are not read on the way, but by a statement after it: one that waited for a withdrawal to end would go on with what it had
seen before it waited.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, bindparam, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import voting_is_open
from c2b.db import insert_into
from c2b.errors import N_, NotFound, Refused
from c2b.people.models import Address, Login, Person
from c2b.people.queries import person_of_login
from c2b.people.rules import token_hash
from c2b.voting import ballots, tree
from c2b.voting.models import Ballot
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource

_FACTS = (Campaign.id.label("campaign_id"), Campaign.state, Campaign.paused, Campaign.voting_opens, Campaign.voting_closes)
_PLACE = (
    select(*_FACTS)
    .add_columns(Campaign.ordering_opens, Campaign.ordering_closes, Campaign.votes_each, Campaign.identity)
    .where(Campaign.slug == bindparam("slug"))
    .with_for_update(key_share=True, read=True, of=Campaign)
)
_ENTERED = _PLACE.cte("place")
_PROVED = select(Address.id).where(Address.person_id == Ballot.person_id, Address.verified_at.is_not(None)).exists()
_WITH_BALLOT: Select[Any] = (
    select(*_ENTERED.c, *ballots.COLUMNS, _PROVED.label("proved"))
    .join(Ballot, (Ballot.campaign_id == _ENTERED.c.campaign_id) & (Ballot.person_id == person_of_login()))
    .with_for_update(of=Ballot)
)


def enter(session: Session, slug: str, now: datetime) -> Row[Any]:
    """Return the campaign; votes pass each other, but a change of phase and a withdrawal wait for them, and they for it.

    Raises NotFound, Refused when voting isn't open at `now`.
    """
    place = session.connection().execute(_PLACE, {"slug": slug}).one_or_none()
    if place is None:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    _must_be_open(place, now)
    return place


def enter_as(session: Session, slug: str, now: datetime, *, token: str) -> Row[Any] | None:
    """Return what `enter` does and the ballot of whoever's login `token` is, both locked by one statement; raises as it does.

    None if it is nobody's, or they have no ballot there yet. `proved`: whether they are signed in by an address.
    """
    given = {"slug": slug, "token_hash": token_hash(token), "now": now}
    found = session.connection().execute(_WITH_BALLOT, given).one_or_none()
    if found is not None:
        _must_be_open(found, now)
    return found


def _must_be_open(place: Row[Any], now: datetime) -> None:
    if not voting_is_open(place, now):
        raise Refused(N_("Voting is not open now; the campaign's page says when it is"))


def own_ballot(session: Session, place: Row[Any], person_id: int, now: datetime) -> Row[Any]:
    """Return the person's ballot, locked; the first tap makes it, a draft unless the campaign's anchor address is verified.

    Whoever signs in as this guest, or adds an address, is waited for and waits for us, see `merging.merge`: no draft begins behind
    their back.
    """
    found = ballots.locked(session, place.campaign_id, person_id)
    if found is None:
        session.execute(select(Person.id).where(Person.id == person_id).with_for_update(key_share=True, read=True))
        anchor = select(Address.id).where(Address.person_id == person_id, Address.kind == place.identity, Address.verified_at.is_not(None))
        known = session.execute(anchor.limit(1)).first() is not None
        values = ballots.new_ballot(place.campaign_id, person_id, place.votes_each, now)
        values["source"] = BallotSource.VERIFIED if known else BallotSource.DRAFT
        session.execute(insert_into(session, Ballot).values(values).on_conflict_do_nothing())
        found = ballots.locked(session, place.campaign_id, person_id)
    if found is None:
        raise NotFound(N_("There is no such person"))
    return found


def must_be_theirs(session: Session, locked: Row[Any]) -> None:
    """Raise Refused for the draft of a guest who has signed in while we waited for it: its picks have gone, and nobody sees it any more."""
    if locked.source is BallotSource.DRAFT:
        mine = select(Login.id).where(Login.person_id == locked.person_id)
        ended, goes_on = (mine.where(condition).exists() for condition in (Login.revoked_at.is_not(None), Login.revoked_at.is_(None)))
        if session.scalar(select(ended & ~goes_on)):
            raise Refused(N_("You have signed in meanwhile, so this tap was not saved; look at your votes, then tap again"))


def bound(locked: Row[Any], codes: Iterable[str]) -> dict[str, Any]:
    """Return the ballot's next version, and the commitment to it."""
    version = locked.version + 1
    hidden = tree.commitment(nonce=locked.nonce, serial=locked.serial, version=version, codes=codes)
    return {"version": version, "commitment": hidden}


def view(locked: Row[Any], picked: frozenset[int], version: int, source: BallotSource) -> BallotView:
    """Return the locked ballot with what is on it now."""
    return BallotView(locked.votes_each, picked, source, locked.held_at is not None, locked.serial, version)
