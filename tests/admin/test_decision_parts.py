"""The decision desk's small judgements: how far the campaign is, how far a product is, who stands first."""

from typing import Any

import pytest

from c2b.admin import decision
from c2b.admin.decision import Desk, Product
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.campaigns.rules import CampaignState
from c2b.production.queries import Waiting
from c2b.production.rules import ProductFigures
from tests import make

WAITING = Waiting(payments=2, until=make.ORDERING_CLOSES)


def desk(*, decided: bool = False, waiting: Waiting | None = None) -> Desk:
    lists: dict[str, Any] = {"made": [], "missed": [], "approved_by": []}
    return Desk(figures=None, all=True, waiting=waiting, settled=make.ORDERING_CLOSES, decided=decided, **lists)


@pytest.mark.parametrize(
    ("state", "found", "at"),
    [
        (CampaignState.VOTING, desk(), "Ordering closes"),
        (CampaignState.ORDERING, desk(), "Ordering closes"),
        (CampaignState.SETTLING, desk(waiting=WAITING), "Payments settle"),
        (CampaignState.SETTLING, desk(), "Dry run and agreement"),
        (CampaignState.DECIDED, desk(decided=True), "Refunds and production"),
        (CampaignState.COMPLETED, desk(decided=True), "Refunds and production"),
    ],
)
def test_the_desk_says_at_which_step_the_campaign_is(state: CampaignState, found: Desk, at: str) -> None:
    assert decision.STEPS[decision.step(found, Campaign(state=state))] == at


def product(units: int, minimum: int, outcome: str = "missed") -> Product:
    figures = ProductFigures("K1", units, minimum, outcome, tier=1, missed_units=0, extra=0)
    return Product(figures, CandidateCard(1, "K1", 1, "Knit", "", None, None, None, ""))


@pytest.mark.parametrize(
    ("units", "minimum", "share"), [(0, 50, 0), (1, 300, 0), (49, 50, 98), (50, 50, 100), (500, 50, 100), (0, 0, 0), (3, 0, 100)]
)
def test_a_bar_is_full_only_when_the_minimum_is_reached(units: int, minimum: int, share: int) -> None:
    assert product(units, minimum).share == share


@pytest.mark.parametrize(("outcome", "made"), [("reached", True), ("missed", False)])
def test_what_is_made_is_what_the_figures_say_not_what_the_units_do(outcome: str, *, made: bool) -> None:
    assert product(60, 50, outcome).made is made  # more may have reached it than can be made


def test_the_safest_stand_first_and_the_nearest_miss_follows_the_line() -> None:
    found = sorted([product(10, 50), product(49, 50), product(30, 10), product(55, 50)], key=decision._distance)
    assert [(each.figures.units, each.figures.minimum) for each in found] == [(30, 10), (55, 50), (49, 50), (10, 50)]
