"""Holding ballots and letting them go, one or a group: whole ballots, never deleted, reversible until the selection.

What holds a ballot is always a group that somebody decided about. A ballot in several of them is held as long as one holds it.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, case, select, update
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.campaigns.models import Campaign
from c2b.db import insert_into
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.people.rules import AddressKind
from c2b.voting import counting
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot
from c2b.voting.rules import SuspicionRule, SuspicionState

_BEFORE_SELECTION = ("draft", "scheduled", "voting", "tally")
_VERBS: Mapping[SuspicionState, str] = {SuspicionState.HELD: "hold", SuspicionState.ASKED: "ask", SuspicionState.KEPT: "keep"}
"""What the audit log calls a decision about a group."""
_HOLDING = (SuspicionState.HELD, SuspicionState.ASKED)
_CAMPAIGN = select(Campaign.id).add_columns(Campaign.slug, Campaign.state, Campaign.voting_closes)
LONGEST = 500
"""Characters of a reason: everybody can read it with the result."""
SIGNED_IN = "signed_in"
"""Let a ballot go that was asked about; anything else in `freed_by` is a member of staff."""


def holds() -> ColumnElement[bool]:
    """Return the condition under which a row of `SuspicionBallot` and its `Suspicion` keep a ballot from being counted."""
    return Suspicion.state.in_(_HOLDING) & SuspicionBallot.decided & SuspicionBallot.freed_at.is_(None)


def hold(session: Session, *, slug: str, serial: str, reason: str, actor: str, now: datetime) -> None:
    """Keep a ballot from being counted, with a reason; it stays in the books and can be released until the selection.

    Raises NotFound; Invalid without a reason; Refused after the selection.
    """
    given = _given(reason)
    ballot = _ballot(session, slug, serial)
    values = {"state": SuspicionState.HELD, "reason": given, "decided_by": actor, "decided_at": now}
    known = {"campaign_id": ballot.campaign_id, "rule": SuspicionRule.BY_HAND, "digest": serial, "evidence": {}, "found_at": now}
    named = insert_into(session, Suspicion).values(known | values)
    again = named.on_conflict_do_update(index_elements=["campaign_id", "digest"], set_=values).returning(Suspicion.id)
    group = session.execute(again).scalar_one()
    own = {"suspicion_id": group, "campaign_id": ballot.campaign_id, "person_id": ballot.person_id}
    put = insert_into(session, SuspicionBallot).values(own | {"decided": True, "freed_by": ""})
    anew = put.on_conflict_do_update(index_elements=["suspicion_id", "person_id"], set_={"freed_at": None, "freed_by": ""})
    session.execute(anew)
    _settle(session, ballot.campaign_id, _members(group), reason=given, now=now)
    _tell(session, group, now)
    audit.record(session, actor=actor, action="voting.hold", campaign=slug, object=serial, after={"held": True}, reason=given, now=now)


def release(session: Session, *, slug: str, serial: str, reason: str, actor: str, now: datetime) -> None:
    """Count one held ballot again, whatever group holds it; the rest of the group stays held. Raises as `hold` does."""
    given = _given(reason)
    ballot = _ballot(session, slug, serial)
    _free(session, ballot.campaign_id, ballot.person_id, _HOLDING, freed_at=now, freed_by=actor)
    _settle(session, ballot.campaign_id, select(Ballot.person_id).where(Ballot.person_id == ballot.person_id), now=now)
    audit.record(session, actor=actor, action="voting.release", campaign=slug, object=serial, after={"held": False}, reason=given, now=now)


def decide(
    session: Session, *, slug: str, group: int, digest: str, state: SuspicionState, reason: str, actor: str, now: datetime
) -> Suspicion:
    """Hold a group, ask its owners to sign in again (held until then), or keep it counted; decided groups may be decided anew.

    Who signed in when asked is free as long as that is what is asked: a later decision is about all of the group, but for ballots that
    staff released by their serial.
    `digest` is the group as it was looked at. Raises NotFound; Invalid without a reason or for `open`; Refused after the selection,
    for a group that has changed since, and for asking when voting has closed.
    """
    given = _given(reason)
    campaign = locked_before_selection(session, slug)
    found = _group(session, campaign.id, group, digest)
    _must_be_possible(campaign, state, now)
    before = {"state": found.state.value}
    found.state, found.reason, found.decided_by, found.decided_at = state, given, actor, now
    session.flush()
    _decide_all(session, found.id, state)
    held, released = _settle(session, campaign.id, _members(found.id), reason=given, now=now)
    if state in _HOLDING:
        _tell(session, found.id, now)
    after = {"state": state.value, "rule": found.rule.value, "held": held, "released": released}
    did = f"voting.{_VERBS[state]}_group"
    audit.record(session, actor=actor, action=did, campaign=slug, object=str(found.id), before=before, after=after, reason=given, now=now)
    return found


def _decide_all(session: Session, group: int, state: SuspicionState) -> None:
    """Let a decision hold for every ballot of the group; an answer given before it counts only where the question stays the same."""
    values: dict[str, Any] = {"decided": True}
    if state is not SuspicionState.ASKED:
        # Told by the row as it is once it is ours, not by a condition: an answer under way is waited for, and doesn't outlive us.
        answered = SuspicionBallot.freed_by == SIGNED_IN
        values["freed_at"] = case((answered, None), else_=SuspicionBallot.freed_at)
        values["freed_by"] = case((answered, ""), else_=SuspicionBallot.freed_by)
    every = update(SuspicionBallot).where(SuspicionBallot.suspicion_id == group).values(values)
    session.execute(every.execution_options(synchronize_session=False))


def answer(session: Session, *, person_id: int, kind: AddressKind, now: datetime) -> int:
    """Let the person's ballots go that were asked about, for they have just proved an address of `kind`; return how many.

    In campaigns whose anchor it is, until their voting closes.
    """
    asked = (Suspicion.id == SuspicionBallot.suspicion_id) & (Suspicion.state == SuspicionState.ASKED)
    mine = select(Suspicion.campaign_id).join(SuspicionBallot, asked).where(SuspicionBallot.person_id == person_id, holds())
    found = _CAMPAIGN.where(Campaign.identity == kind, Campaign.id.in_(mine)).order_by(Campaign.id)
    campaigns = session.execute(found.with_for_update(key_share=True, read=True)).all()
    return sum(_let_go(session, campaign, person_id, now) for campaign in campaigns if not _is_over(campaign, now))


def _let_go(session: Session, campaign: Row[Any], person_id: int, now: datetime) -> bool:
    if not _free(session, campaign.id, person_id, (SuspicionState.ASKED,), freed_at=now, freed_by=SIGNED_IN):
        return False  # staff decided otherwise at this very moment
    _settle(session, campaign.id, select(Ballot.person_id).where(Ballot.person_id == person_id), now=now)
    serial = session.scalars(select(Ballot.serial).where(Ballot.campaign_id == campaign.id, Ballot.person_id == person_id)).one()
    after = {"held": False, "by": SIGNED_IN}
    audit.record(session, actor="worker", action="voting.release", campaign=campaign.slug, object=serial, after=after, now=now)
    return True


def _free(session: Session, campaign_id: int, person_id: int, states: Collection[SuspicionState], **values: Any) -> bool:
    """Let one person's ballot off, in the groups of the campaign in `states` that hold it; say whether there are any.

    Those groups are locked first, by a statement of its own, so that what is decided about them meanwhile is seen.
    """
    own = (SuspicionBallot.person_id == person_id) & SuspicionBallot.decided & SuspicionBallot.freed_at.is_(None)
    mine = Suspicion.id.in_(select(SuspicionBallot.suspicion_id).where(own))
    groups = select(Suspicion.id).where(Suspicion.campaign_id == campaign_id, Suspicion.state.in_(states), mine).order_by(Suspicion.id)
    still = session.scalars(groups.with_for_update(read=True)).all()
    session.execute(update(SuspicionBallot).where(own, SuspicionBallot.suspicion_id.in_(still)).values(values))
    return bool(still)


def _is_over(campaign: Row[Any], now: datetime) -> bool:
    """Tell whether voting has closed, by the clock or by its state; a pause stops taps, not this."""
    return campaign.state.value != "voting" or campaign.voting_closes is None or now >= campaign.voting_closes


def _given(reason: str) -> str:
    if not reason.strip():
        raise Invalid(N_("Say why: the reason is kept, and published with the result"), field="reason")
    if len(reason.strip()) > LONGEST:
        raise Invalid(N_("A reason has at most %(most)s characters"), field="reason", most=LONGEST)
    return reason.strip()


def locked_before_selection(session: Session, slug: str) -> Row[Any]:
    """Return the campaign, locked so that the selection waits for us and we for the selection.

    Raises NotFound; Refused after the selection.
    """
    found = session.execute(_CAMPAIGN.where(Campaign.slug == slug).with_for_update(key_share=True, read=True)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    if found.state.value not in _BEFORE_SELECTION:
        raise Refused(N_("The selection was made; ballots are not held or released any more"))
    return found


def _ballot(session: Session, slug: str, serial: str) -> Row[Any]:
    campaign = locked_before_selection(session, slug)
    one = (Ballot.campaign_id == campaign.id) & (Ballot.serial == serial)
    query = select(Ballot.campaign_id).add_columns(Ballot.person_id).where(one)
    found = session.execute(query).one_or_none()
    if found is None:
        raise NotFound(N_("There is no ballot “%(serial)s” in this campaign"), serial=serial)
    return found


def _group(session: Session, campaign_id: int, group: int, digest: str) -> Suspicion:
    query = select(Suspicion).where(Suspicion.campaign_id == campaign_id, Suspicion.id == group).with_for_update()
    found = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no such group of ballots in this campaign"))
    if found.digest != digest:
        raise Refused(N_("This group has changed since you looked at it; look again, then decide"))
    return found


def _must_be_possible(campaign: Row[Any], state: SuspicionState, now: datetime) -> None:
    if state is SuspicionState.OPEN:
        raise Invalid(N_("Choose: hold, ask to verify, or keep counted"), field="do")
    if state is SuspicionState.ASKED and _is_over(campaign, now):
        raise Refused(N_("Voting has closed, so nobody could answer in time; hold these ballots or keep them"))


def _members(group: int) -> Select[Any]:
    return select(SuspicionBallot.person_id).where(SuspicionBallot.suspicion_id == group)


def _settle(session: Session, campaign_id: int, persons: Select[Any], *, now: datetime, reason: str = "") -> tuple[int, int]:
    """Make the ballots of `persons` held exactly where a group holds them; return how many became held and how many were let go.

    The ballots are locked first, in order, so that taps under way are waited for and two of us never wait for each other.
    """
    here = (Ballot.campaign_id == campaign_id) & Ballot.person_id.in_(persons)
    session.execute(select(Ballot.person_id).where(here).order_by(Ballot.person_id).with_for_update()).all()
    own = (SuspicionBallot.campaign_id == Ballot.campaign_id) & (SuspicionBallot.person_id == Ballot.person_id)
    of_group = Suspicion.id == SuspicionBallot.suspicion_id
    held = select(SuspicionBallot.person_id).join(Suspicion, of_group).where(own, holds()).correlate(Ballot).exists()
    with counting.changing(session, here):
        taken = _set(session, here & Ballot.held_at.is_(None) & held, held_at=now, held_reason=reason)
        let_go = _set(session, here & Ballot.held_at.is_not(None) & ~held, held_at=None, held_reason="")
    return taken, let_go


def _set(session: Session, which: ColumnElement[bool], **values: Any) -> int:
    changed = update(Ballot).where(which).values(values).returning(Ballot.person_id)
    return len(session.execute(changed.execution_options(synchronize_session=False)).all())


def _tell(session: Session, group: int, now: datetime) -> None:
    """Have the owners of the ballots told that have just become held."""
    enqueue(session, kind="voting.tell_held", payload={"group": group, "at": now.isoformat()}, now=now)
