"""What the merchant does with a campaign: set it up, move it on, pause it; and what its timetable does by itself."""

import secrets
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns import campaign_file, readiness, rules
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.readiness import Gates
from c2b.campaigns.rules import CampaignState, NotReady
from c2b.errors import N_, Invalid, NotFound, Refused


def create(session: Session, *, document: Mapping[str, Any], actor: str, now: datetime) -> Campaign:
    """Make a campaign of a parsed TOML document, or change the one that has its slug; the same document twice changes nothing.

    Until voting opens everything can be changed, from its close until ordering opens the instants that are to come; what has come
    stays as it was. Raises InvalidFile for mistakes in the document, Refused for a change of what is frozen.
    """
    values = campaign_file.read(document).values
    found = session.scalars(select(Campaign).where(Campaign.slug == values["slug"]).with_for_update()).one_or_none()
    if found is not None:
        _change(session, found, values, actor=actor, now=now)
        return found
    made = Campaign(state=CampaignState.DRAFT, secret=secrets.token_bytes(32), created_at=now, **values)
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError as error:
        raise Refused(N_("Campaign %(slug)s was made by somebody else this moment; look at it first"), slug=made.slug) from error
    record(session, actor=actor, action="campaign.create", campaign=made.slug, after=_plain(values), now=now)
    return made


def _change(session: Session, found: Campaign, values: Mapping[str, Any], *, actor: str, now: datetime) -> None:
    changed = _changes(found, values)
    if not changed:
        return
    _refuse_frozen(session, found, changed)
    before = _plain({name: getattr(found, name) for name in changed})
    try:
        with session.begin_nested():
            session.execute(update(Campaign).where(Campaign.id == found.id).values(changed))
    except IntegrityError as error:  # the database counts the votes of every ballot
        fewer = N_("Campaign %(slug)s has ballots with more votes than %(votes_each)s; import them again with fewer, or leave votes_each")
        raise Refused(fewer, slug=found.slug, votes_each=values["votes_each"]) from error
    session.refresh(found)
    record(session, actor=actor, action="campaign.update", campaign=found.slug, before=before, after=_plain(changed), now=now)


def _changes(found: Campaign, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the document says otherwise than the campaign, without the instants that have come."""
    return {name: value for name, value in values.items() if getattr(found, name) != value and not rules.is_history(found, name)}


def _refuse_frozen(session: Session, found: Campaign, changed: Collection[str]) -> None:
    names = rules.frozen(found, changed)
    if names:
        late = N_("Campaign %(slug)s is “%(state)s”; it is too late to change %(names)s")
        raise Refused(late, slug=found.slug, state=found.state.value, names=", ".join(names))
    if "currency" in changed and session.scalars(select(Candidate.id).where(Candidate.campaign_id == found.id).limit(1)).first():
        priced = N_("The candidates of campaign %(slug)s have prices in %(currency)s; start a campaign of its own for another currency")
        raise Refused(priced, slug=found.slug, currency=found.currency)


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` as JSON can hold them."""
    return {name: value if value is None or isinstance(value, bool | int | str | list) else str(value) for name, value in values.items()}


def advance(session: Session, *, slug: str, to: CampaignState, gates: Gates, actor: str, now: datetime) -> Campaign:
    """Move a campaign on to a later state now, through the readiness gates; where it is or was there already nothing changes.

    The instants that entering the state implies are set to `now`, a phase may have length zero. Raises NotFound; NotReady with
    everything that is missing; Refused where the selection or the decision would be passed. `cancelled` is another action: it
    refunds everything.
    """
    if to is CampaignState.CANCELLED:
        raise Refused(N_("Cancelling refunds everything and has a command of its own"))
    campaign = locked(session, slug)
    for state in rules.steps(campaign, slug=slug, to=to):
        late = rules.too_late(campaign, to=to, now=now) if state is to else []
        blocking = readiness.blocking(late + readiness.missing(session, campaign, to=state, gates=gates))
        if blocking:
            raise NotReady(slug=slug, state=state, missing=blocking)
        _enter(session, campaign, state, actor=actor, now=now)
    return campaign


def _enter(session: Session, campaign: Campaign, state: CampaignState, *, actor: str, now: datetime) -> None:
    moved = rules.instants_moved(campaign, to=state, now=now)
    before = {"state": campaign.state.value} | _plain({name: getattr(campaign, name) for name in moved})
    for name, instant in moved.items():
        setattr(campaign, name, instant)
    campaign.state = state
    session.flush()
    sealed = {"commitment": rules.commitment(campaign.secret)} if state is CampaignState.VOTING else {}
    after = {"state": state.value} | _plain(moved) | sealed
    record(session, actor=actor, action="campaign.advance", campaign=campaign.slug, before=before, after=after, now=now)


def tick(session: Session, *, gates: Gates, now: datetime) -> list[str]:
    """Do what the timetable says at `now` for every campaign; return one line for each step ("ss27: voting -> tally").

    A phase whose gate finds something missing waits until it doesn't; closing waits for nothing, paused or not.
    """
    moving = (CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.SELECTED, CampaignState.ORDERING)
    steps = []
    for seen in session.scalars(select(Campaign).where(Campaign.state.in_(moving)).order_by(Campaign.id)).all():
        if rules.due(seen, now) is None:
            continue
        campaign = locked(session, seen.slug)
        while (state := rules.due(campaign, now)) and _is_ready(session, campaign, state, gates=gates, now=now):
            steps.append(f"{campaign.slug}: {campaign.state.value} -> {state.value}")
            _enter(session, campaign, state, actor="worker", now=now)
    return steps


def _is_ready(session: Session, campaign: Campaign, state: CampaignState, *, gates: Gates, now: datetime) -> bool:
    missing = rules.too_late(campaign, to=state, now=now) + readiness.missing(session, campaign, to=state, gates=gates)
    return not readiness.blocking(missing)


def pause(session: Session, *, slug: str, reason: str, actor: str, now: datetime) -> Campaign:
    """Stop votes and orders, showing `reason` publicly; paused already, only the reason changes. Raises Invalid without one."""
    if not reason.strip():
        raise Invalid(N_("Say why: the reason is shown to everybody"), field="reason")
    return _flag(session, slug=slug, paused=True, reason=reason.strip(), actor=actor, now=now)


def resume(session: Session, *, slug: str, reason: str, actor: str, now: datetime) -> Campaign:
    """Let votes and orders go on; what isn't paused stays as it is. `reason` goes to the audit log only."""
    return _flag(session, slug=slug, paused=False, reason=reason.strip(), actor=actor, now=now)


def _flag(session: Session, *, slug: str, paused: bool, reason: str, actor: str, now: datetime) -> Campaign:
    campaign = locked(session, slug)
    if campaign.state in (CampaignState.CANCELLED, CampaignState.COMPLETED):
        raise Refused(N_("Campaign %(slug)s is over; there is nothing to pause"), slug=slug)
    public = reason if paused else ""
    if (campaign.paused, campaign.reason) == (paused, public):
        return campaign
    before = {"paused": campaign.paused, "reason": campaign.reason}
    campaign.paused, campaign.reason = paused, public
    session.flush()
    after = {"paused": paused, "reason": public}
    action = "campaign.pause" if paused else "campaign.resume"
    record(session, actor=actor, action=action, campaign=slug, before=before, after=after, reason=reason, now=now)
    return campaign


def locked(session: Session, slug: str) -> Campaign:
    """Return the campaign with its row locked, so that votes and orders under way are waited for; raises NotFound."""
    query = select(Campaign).where(Campaign.slug == slug).with_for_update().execution_options(populate_existing=True)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(N_("There is no campaign “%(slug)s”; c2b campaign list shows all"), slug=slug)
    return found
