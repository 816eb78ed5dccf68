"""Two people for sending everything back: one asks to cancel a campaign with a public reason, another cancels with exactly that reason."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from c2b.audit import queries as audit
from c2b.audit.actions import approve as agree
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Invalid, Refused

ACTION = "deposits.cancel_campaign"
"""Its name in the audit log and in approvals."""


@dataclass(frozen=True)
class Asked:
    """Somebody's wish to cancel the campaign as it stands, with the reason that everybody will read."""

    actor: str
    reason: str
    at: datetime


def approve(session: Session, *, slug: str, reason: str, actor: str, now: datetime) -> None:
    """Agree to cancel a campaign with exactly this public `reason`; it holds until the campaign moves on to another phase.

    Raises Refused once the campaign is over and for anybody but a member of staff, Invalid without a reason.
    """
    campaign = locked(session, slug)
    require_going_on(campaign)
    public = public_reason(reason)
    agree(session, campaign=slug, action=ACTION, digest=digest(campaign, public), actor=actor, now=now, reason=public)


def asked(session: Session, campaign: Campaign) -> list[Asked]:
    """Return who agreed to cancel the campaign in its present phase, the latest first."""
    found = audit.entries(session, campaign=campaign.slug, action=f"{ACTION}.approve")
    return [Asked(one.actor, one.reason, one.at) for one in found if one.after.get("digest") == digest(campaign, one.reason)]


def require_second(session: Session, campaign: Campaign, *, reason: str, actor: str) -> None:
    """Raise Refused where the campaign asks for two people and nobody else agreed to cancel it with this reason."""
    if not campaign.two_person:
        return
    agreed = audit.approvers(session, campaign=campaign.slug, action=ACTION, digest=digest(campaign, reason))
    if not set(agreed) - {actor}:
        raise Refused(
            N_(
                "Cancelling this campaign needs a second person: somebody else of the staff has to ask for it on the admin pages "
                "with exactly this reason"
            )
        )


def require_going_on(campaign: Campaign) -> None:
    """Raise Refused for a campaign that is decided or cancelled."""
    if campaign.state in (CampaignState.DECIDED, CampaignState.COMPLETED):
        raise Refused(N_("Campaign %(slug)s is decided and can’t be cancelled any more"), slug=campaign.slug)
    if campaign.state is CampaignState.CANCELLED:
        raise Refused(N_("Campaign %(slug)s is cancelled already"), slug=campaign.slug)


def public_reason(reason: str) -> str:
    """Return a reason as customers read it; raises Invalid where there is none."""
    if not reason.strip():
        raise Invalid(N_("Give the reason; customers read it"), field="reason")
    return reason.strip()


def digest(campaign: Campaign, reason: str) -> str:
    """Return what an agreement is to: this campaign, in this phase, ended with this reason."""
    return hashlib.sha256(f"{campaign.slug}\n{campaign.state.value}\n{reason}".encode()).hexdigest()
