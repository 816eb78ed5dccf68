"""A ballot that a store's assistant enters for a customer, by the code that the customer tells them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import text, voting_is_open
from c2b.db import insert_into
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.people import actions as people
from c2b.people.codes import AT_THE_COUNTER
from c2b.voting import ballots, counting
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.retired import barred
from c2b.voting.rules import BallotSource


@dataclass(frozen=True)
class Entered:
    """A ballot just entered: its public name and how many votes are on it."""

    serial: str
    votes: int


def send_code(session: Session, *, slug: str, address: str, locale: str, secret_key: str, now: datetime) -> str:
    """Send the customer a code to tell the assistant; it signs nobody in. Raises NotFound, Invalid, and Refused when voting isn't open."""
    campaign = _open(session, slug, now)
    fields = {"campaign": text(campaign.title, campaign.title_en, locale)}
    to: dict[str, Any] = {"kind": campaign.identity, "address": address, "locale": locale, "purpose": AT_THE_COUNTER, "fields": fields}
    return people.send_code(session, secret_key=secret_key, now=now, **to)


def enter(
    session: Session,
    *,
    slug: str,
    address: str,
    code: str,
    picks: Sequence[str],
    viewer: int,
    locale: str,
    secret_key: str,
    actor: str,
    now: datetime,
) -> Entered | None:
    """Enter a whole ballot for the customer who proved `address` by `code`; None where the code isn't valid: leave the transaction then.

    The picks are looked at first, so that a slip of the pen doesn't use the code up, and nothing of the customer's is looked at
    before the code is right. Raises NotFound, Invalid (field `picks`), and Refused where the customer has voted already: what is on
    their ballot is neither shown nor changed.
    """
    campaign = _open(session, slug, now)
    candidates = _candidates(session, campaign, picks)
    proof: dict[str, Any] = {"kind": campaign.identity, "address": address, "code": code, "purpose": AT_THE_COUNTER, "barred": barred()}
    person = people.check_code(session, guest_id=None, viewer=viewer, locale=locale, secret_key=secret_key, now=now, **proof)
    if person is None:
        return None
    serial = _cast(session, campaign, person.id, candidates, now)
    after = {"votes": len(candidates)}
    audit.record(session, actor=actor, action="voting.enter_ballot", campaign=slug, object=serial, after=after, now=now)
    return Entered(serial, len(candidates))


def _open(session: Session, slug: str, now: datetime) -> Campaign:
    campaign = session.scalars(select(Campaign).where(Campaign.slug == slug).with_for_update(key_share=True, read=True)).one_or_none()
    if campaign is None:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    if not voting_is_open(campaign, now):
        raise Refused(N_("Voting is not open now; the campaign's page says when it is"))
    return campaign


def _candidates(session: Session, campaign: Campaign, picks: Sequence[str]) -> Mapping[str, int]:
    """Return the candidates' keys by code, in the order of the picks; raises Invalid for what can't be a ballot."""
    if not 1 <= len(picks) <= campaign.votes_each:
        raise Invalid(
            N_("A ballot has 1 to %(most)s votes; this one has %(count)s"), field="picks", most=campaign.votes_each, count=len(picks)
        )
    if doubled := next((code for code in picks if picks.count(code) > 1), ""):
        raise Invalid(N_("%(code)s is there twice; each product gets one vote of a person"), field="picks", code=doubled)
    here = (Candidate.campaign_id == campaign.id) & Candidate.code.in_(picks) & Candidate.withdrawn_at.is_(None)
    known = dict(session.execute(select(Candidate.code, Candidate.id).where(here)).all())
    if strange := [code for code in picks if code not in known]:
        raise Invalid(N_("There is no product “%(code)s” to vote for in this campaign"), field="picks", code=strange[0])
    return {code: known[code] for code in picks}


def _cast(session: Session, campaign: Campaign, person_id: int, candidates: Mapping[str, int], now: datetime) -> str:
    ballot = _empty_ballot(session, campaign, person_id, now)
    own = (Ballot.campaign_id == campaign.id) & (Ballot.person_id == person_id)
    keys = [{"campaign_id": campaign.id, "person_id": person_id, "candidate_id": key} for key in candidates.values()]
    session.execute(update(Ballot).where(own).values(source=BallotSource.STORE))
    with counting.changing(session, own):
        session.execute(insert(Pick), [key | {"slot": slot, "votes_each": ballot.votes_each} for slot, key in enumerate(keys, start=1)])
    session.execute(insert(VoteEvent), [key | {"undo": False, "device": "", "at": now} for key in keys])
    ballots.renew(session, campaign.id, [person_id])
    return str(ballot.serial)


def _empty_ballot(session: Session, campaign: Campaign, person_id: int, now: datetime) -> Row[Any]:
    """Return the person's ballot, locked and without any pick; raises Refused where there are some."""
    made = ballots.new_ballot(campaign.id, person_id, campaign.votes_each, now) | {"source": BallotSource.STORE}
    session.execute(insert_into(session, Ballot).values(made).on_conflict_do_nothing())
    found = ballots.locked(session, campaign.id, person_id)
    picks = select(Pick.slot).where(Pick.campaign_id == campaign.id, Pick.person_id == person_id)
    if found is None or session.execute(picks.limit(1)).first():
        raise Refused(N_("This customer has voted already. Their ballot stays as it is; they can change it themselves after signing in"))
    return found
