"""Overrides: a candidate made although it lost, or dropped although it won. Two people of staff, a public reason, never a count.

They are made between the selection and the opening of ordering; what waits for its second person then has no effect.
"""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.audit.rules import is_staff
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.people.models import Staff
from c2b.people.rules import Permission, may
from c2b.voting import publication, queries, statement
from c2b.voting.models import SelectionLine, SelectionOverride
from c2b.voting.rules import SelectionResult

LONGEST = 500
"""Characters of a reason: one paragraph, for everybody to read."""


def propose(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> None:
    """Propose to make what lost, or to drop what won; without effect until a second person agrees.

    Raises NotFound; Invalid without a reason; Refused outside `selected`, for what is withdrawn or has an override, and for
    anybody but staff who may run selections.
    """
    campaign = _open(session, slug, actor)
    candidate, line = _line(session, campaign, code)
    _is_there(candidate)
    if session.get(SelectionOverride, (campaign.id, candidate.id)):
        raise Refused(N_("%(code)s has an override already; take that one back first"), code=code)
    made = line.result is not SelectionResult.SELECTED
    values = {"made": made, "reason": _public(reason), "proposed_by": actor, "proposed_at": now}
    session.add(SelectionOverride(campaign_id=campaign.id, candidate_id=candidate.id, **values))
    session.flush()
    record(session, actor=actor, action="voting.override", campaign=slug, object=code, after={"made": made}, reason=reason.strip(), now=now)


def agree(session: Session, *, slug: str, code: str, digest: str, actor: str, now: datetime) -> None:
    """Agree, as a second person, to what waits: the override, or its end; `digest` is of what was looked at.

    Raises NotFound; Refused outside `selected`, if something else waits by now, for the one who asked for it, for anybody but
    staff who may run selections, and for what was withdrawn meanwhile.
    """
    campaign = _open(session, slug, actor)
    row = _as_seen(session, campaign, code, digest)
    if not row.waits:
        raise Refused(N_("The override of %(code)s is agreed already"), code=code)
    if actor == row.asked_by:
        raise Refused(N_("This needs a second person: somebody else than the one who asked for it has to agree"))
    if row.ending_by:
        _end(session, campaign, row, code=code, actor=actor, now=now)
        return
    _is_there(session.get_one(Candidate, row.candidate_id))
    row.approved_by, row.approved_at = actor, now
    session.flush()
    begun = statement.change(code=code, change=statement.MADE if row.made else statement.DROPPED, reason=row.reason)
    publication.follow(session, campaign, begun, now=now)
    after = {"made": row.made, "proposed_by": row.proposed_by}
    record(session, actor=actor, action="voting.override.approve", campaign=slug, object=code, after=after, reason=row.reason, now=now)


def _end(session: Session, campaign: Campaign, row: SelectionOverride, *, code: str, actor: str, now: datetime) -> None:
    before = {"made": row.made, "reason": row.reason, "proposed_by": row.proposed_by, "approved_by": row.approved_by}
    after, why = {"asked_by": row.ending_by}, row.ending_reason
    session.delete(row)
    session.flush()
    publication.follow(session, campaign, statement.change(code=code, change=statement.UNDONE, reason=why), now=now)
    action = "voting.override.revoke.approve"
    record(session, actor=actor, action=action, campaign=campaign.slug, object=code, before=before, after=after, reason=why, now=now)


def revoke(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> None:
    """Ask to undo an override in effect; it goes on until a second person agrees.

    Raises NotFound; Invalid without a reason; Refused outside `selected`, for one that isn't in effect or whose end waits already,
    and for anybody but staff who may run selections.
    """
    row = _override(session, _open(session, slug, actor), code)
    if row.approved_at is None:
        raise Refused(N_("The override of %(code)s isn't in effect; who proposed it can take it back"), code=code)
    if row.ending_by:
        raise Refused(N_("The end of the override of %(code)s waits for a second person already"), code=code)
    row.ending_by, row.ending_reason = actor, _public(reason, "ending_reason")
    session.flush()
    record(session, actor=actor, action="voting.override.revoke", campaign=slug, object=code, reason=row.ending_reason, now=now)


def take_back(session: Session, *, slug: str, code: str, actor: str, now: datetime) -> None:
    """Take back what one asked for oneself and nobody agreed to yet: an override, or the end of one.

    Raises NotFound; Refused outside `selected`, for what is in effect or was asked for by somebody else.
    """
    row = _override(session, _open(session, slug, actor), code)
    if not row.waits:
        raise Refused(N_("The override of %(code)s is in effect; ask to undo it, and a second person has to agree"), code=code)
    if actor != row.asked_by:
        raise Refused(N_("Only the one who asked for it can take it back"))
    before, action = {"made": row.made, "reason": row.ending_reason or row.reason}, "voting.override.take_back"
    if row.ending_by:
        action, row.ending_by, row.ending_reason = "voting.override.revoke.take_back", "", ""
    else:
        session.delete(row)
    session.flush()
    record(session, actor=actor, action=action, campaign=slug, object=code, before=before, now=now)


def _open(session: Session, slug: str, actor: str) -> Campaign:
    """Return the campaign, locked, if overrides are open and `actor` may have a hand in them."""
    campaign = locked(session, slug)
    _is_allowed(session, actor)
    if campaign.state is not CampaignState.SELECTED or queries.selection(session, campaign.id) is None:
        closed = N_("Campaign %(slug)s is “%(state)s”; overrides are made between the selection and the opening of ordering")
        raise Refused(closed, slug=slug, state=campaign.state.value)
    return campaign


def _is_allowed(session: Session, actor: str) -> None:
    """Refuse the command line and the worker, who are nobody, and staff whose account is shut or can't run selections."""
    role = session.scalars(select(Staff.role).where(Staff.email == actor.removeprefix("staff:"), Staff.disabled_at.is_(None))).one_or_none()
    if not is_staff(actor) or role is None or not may(role, Permission.SELECTION):
        raise Refused(N_("Only signed-in staff who may run the selection can override it; sign in to the admin pages"))


def _line(session: Session, campaign: Campaign, code: str) -> tuple[Candidate, SelectionLine]:
    query = select(Candidate, SelectionLine).join(SelectionLine, SelectionLine.candidate_id == Candidate.id)
    found = session.execute(query.where(Candidate.campaign_id == campaign.id, Candidate.code == code)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no candidate “%(code)s” in this campaign"), code=code)
    return found[0], found[1]


def _override(session: Session, campaign: Campaign, code: str) -> SelectionOverride:
    candidate, _ = _line(session, campaign, code)
    row = session.get(SelectionOverride, (campaign.id, candidate.id))
    if row is None:
        raise NotFound(N_("%(code)s has no override"), code=code)
    return row


def _is_there(candidate: Candidate) -> None:
    if candidate.withdrawn_at is not None:
        raise Refused(N_("%(code)s is withdrawn; it can be neither made nor dropped"), code=candidate.code)


def _as_seen(session: Session, campaign: Campaign, code: str, digest: str) -> SelectionOverride:
    """Return the override if it is still what was looked at."""
    row = _override(session, campaign, code)
    now = {each.code: each.digest for each in queries.overrides(session, campaign.id, waiting=True)}
    if now[code] != digest:
        raise Refused(N_("The override of %(code)s has changed since you looked at it; read it again, then agree"), code=code)
    return row


def _public(reason: str, field: str = "reason") -> str:
    """Return a reason that everybody may read; raises Invalid without one."""
    text = " ".join(reason.split())
    if not text:
        raise Invalid(N_("Give a reason; everybody can read it"), field=field)
    if len(text) > LONGEST:
        raise Invalid(N_("A reason has at most %(most)s characters"), field=field, most=LONGEST)
    return text
