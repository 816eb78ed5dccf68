from dataclasses import dataclass

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import CampaignState
from c2b.deposits.models import Order
from tests import make

FORMULA = '=HYPERLINK("x")'


@dataclass
class Shop:
    """A campaign with two candidates of which one is named like a formula, and what people did in it."""

    campaign: Campaign
    knit: Candidate
    formula: Candidate

    def sizes(self, session: Session, of: Candidate) -> dict[str, Variant]:
        return {variant.sku.rsplit("-", 1)[-1]: variant for variant in make.variants(session, of)}

    def order(self, session: Session, of: Candidate, size: str, units: int) -> Order:
        return make.order(session, self.campaign, (self.sizes(session, of)[size], units))


@pytest.fixture
def shop(session: Session) -> Shop:
    campaign = make.campaign(session, state=CampaignState.SETTLING)
    knit = make.candidate(session, campaign, "K001", position=1)
    return Shop(campaign, knit, make.candidate(session, campaign, "K002", position=2, name=FORMULA))
