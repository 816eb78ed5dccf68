import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Offer
from c2b.campaigns.rules import CampaignState
from c2b.voting.readiness import before_ordering
from c2b.work import GATES
from tests import make


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session, state=CampaignState.SELECTED)


def told(session: Session, campaign: Campaign) -> list[str]:
    return [str(missing) for missing in before_ordering(session, campaign)]


def test_a_complete_offer_for_every_selected_candidate_opens_the_orders(session: Session, campaign: Campaign) -> None:
    one, two, lost = (make.candidate(session, campaign, code) for code in ("K1", "K2", "K3"))
    factory = make.supplier(session)
    for each in (one, two):
        make.offer(session, each, factory)
    make.selection(session, campaign, (one, 5), (two, 4), (lost, 1))
    assert told(session, campaign) == [], "what wasn't selected needs no offer"


def test_everything_that_is_missing_is_listed_in_the_order_of_the_file(session: Session, campaign: Campaign) -> None:
    bare = make.candidate(session, campaign, "K1", position=1, sizes="", price=None)
    unpriced = make.candidate(session, campaign, "K2", position=2, price=None)
    nobodys = make.candidate(session, campaign, "K3", position=3)
    factory = make.supplier(session)
    make.offer(session, bare, factory)
    make.offer(session, unpriced, factory)
    session.add(Offer(candidate_id=nobodys.id, pack=1))
    make.selection(session, campaign, (nobodys, 5), (unpriced, 4), (bare, 3), places=3)
    assert told(session, campaign) == [
        "candidate K1 has no variants",
        "candidate K2 has variants without a price",
        "candidate K3 has no supplier",
    ]


def test_a_candidate_without_any_offer_misses_its_supplier(session: Session, campaign: Campaign) -> None:
    one = make.candidate(session, campaign, "K1")
    make.selection(session, campaign, (one, 5))
    assert told(session, campaign) == ["candidate K1 has no supplier"]


def test_a_tier_needs_a_price_for_each_variant(session: Session, campaign: Campaign) -> None:
    one = make.candidate(session, campaign, "K1")
    make.offer(session, one, make.supplier(session), tier2_units=100, tier3_units=200)
    make.selection(session, campaign, (one, 5))
    for variant in make.variants(session, one):
        variant.tier2_price = 20000
    session.flush()
    assert told(session, campaign) == ["candidate K1 has a third tier without a price"]
    make.variants(session, one)[0].tier2_price = None
    session.flush()
    assert told(session, campaign)[0] == "candidate K1 has a second tier without a price"


def test_where_nothing_was_selected_there_is_nothing_to_order(session: Session, campaign: Campaign) -> None:
    make.candidate(session, campaign, "K1")
    assert told(session, campaign) == ["no candidate is selected, so there is nothing to order"]


def test_without_a_vote_every_candidate_needs_an_offer(session: Session) -> None:
    campaign = make.campaign(session, voting_opens=None, voting_closes=None)
    make.offer(session, make.candidate(session, campaign, "K1"), make.supplier(session))
    make.candidate(session, campaign, "K2")
    assert told(session, campaign) == ["candidate K2 has no supplier"]


def test_the_gate_stands_before_the_orders() -> None:
    assert GATES[CampaignState.ORDERING] is before_ordering
