"""How long an address that an account was moved away from has no new owner: as long as one person could have two ballots by it."""

from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.people.models import RetiredAddress
from c2b.people.retired import Barred
from c2b.voting.models import Ballot

_TO_VOTE = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.VOTING)
"""The states of a campaign that has not left its voting phase; ballots are imported before it too."""


def barred() -> Barred:
    """Return whether the former owner has a ballot, even an empty one, in a campaign that has not left its voting phase."""
    theirs = select(Ballot.serial).join(Campaign, Campaign.id == Ballot.campaign_id).where(Ballot.person_id == RetiredAddress.person_id)
    return theirs.where(Campaign.state.in_(_TO_VOTE)).correlate(RetiredAddress).exists()
