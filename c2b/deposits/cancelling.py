"""Ending a campaign before its decision: what it asks of those who do it."""

from sqlalchemy.orm import Session

from c2b.audit.two_people import Step, require_second
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import N_, Refused

ACTION = "deposits.cancel_campaign"
"""Its name in the audit log and in approvals."""
WITHDRAW = "deposits.withdraw"


def cancelling(campaign: Campaign) -> Step:
    """Return the step of cancelling a campaign: a wish holds until the campaign moves on to another phase."""
    return Step(campaign.slug, ACTION, campaign.state.value)


def withdrawing(campaign: Campaign, code: str) -> Step:
    """Return the step of withdrawing a candidate, likewise."""
    return Step(campaign.slug, WITHDRAW, f"{campaign.state.value} {code}")


def require_two(session: Session, campaign: Campaign, step: Step, *, reason: str, actor: str) -> None:
    """Raise Refused where the campaign asks for two people and nobody else asked for this step with this reason."""
    if campaign.two_person:
        require_second(session, step, reason=reason, actor=actor)


def require_going_on(campaign: Campaign) -> None:
    """Raise Refused for a campaign that is decided or cancelled."""
    if campaign.state in (CampaignState.DECIDED, CampaignState.COMPLETED):
        raise Refused(N_("Campaign %(slug)s is decided and can’t be cancelled any more"), slug=campaign.slug)
    if campaign.state is CampaignState.CANCELLED:
        raise Refused(N_("Campaign %(slug)s is cancelled already"), slug=campaign.slug)
