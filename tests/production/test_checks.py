from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.deposits import resolving
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.models import OrderLine, RefundLine
from c2b.deposits.rules import Outcome, RefundReason
from c2b.payments.models import Refund
from c2b.payments.protocol import Answer, Heard
from c2b.production import actions
from c2b.production.checks import checks
from c2b.production.models import ProductionOrderLine
from tests import make
from tests.production import shop


@pytest.fixture
def decided(session: Session) -> Campaign:
    campaign = shop.settling(session)
    for code, units in (("K1", 12), ("K2", 3)):
        shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, code)), units))
    actions.decide(session, slug="ss27", actor="cli:test", now=make.ORDERING_CLOSES + timedelta(hours=1))
    return campaign


@pytest.mark.usefixtures("decided")
def test_a_decided_campaign_is_in_order(session: Session) -> None:
    assert checks(session) == []


def test_a_campaign_before_its_decision_is_in_order(session: Session) -> None:
    campaign = shop.settling(session)
    shop.buys(session, campaign, (shop.variant(session, shop.product(session, campaign, "K1")), 3))
    assert checks(session) == []


def found(session: Session) -> list[tuple[str, str]]:
    return [(finding.check, finding.what) for finding in checks(session)]


@pytest.mark.usefixtures("decided")
def test_a_line_left_open_is_found(session: Session) -> None:
    session.execute(update(OrderLine).where(OrderLine.outcome == Outcome.MISSED).values(outcome=Outcome.OPEN))
    assert found(session) == [("production.each_line_ends", "ss27: 1 reserved lines have no outcome")]


@pytest.mark.usefixtures("decided")
def test_a_line_allocated_of_a_missed_product_is_found(session: Session) -> None:
    session.execute(update(OrderLine).where(OrderLine.outcome == Outcome.MISSED).values(outcome=Outcome.ALLOCATED))
    assert ("production.only_what_reached", "K2: 1 lines are allocated of products that aren't made") in found(session)


@pytest.mark.usefixtures("decided")
def test_refunds_that_are_not_what_was_decided_are_found(session: Session) -> None:
    session.execute(update(RefundLine).values(reason=RefundReason.CANCELLED))
    assert found(session) == [("production.refunds", "ss27: 0 refunds of 0 are queued, decided were 1 of 6000")]


@pytest.mark.usefixtures("decided")
def test_a_refund_sent_anew_counts_once(session: Session) -> None:
    refund = session.scalars(select(Refund)).one()
    later = make.ORDERING_CLOSES + timedelta(hours=2)
    apply_refund(session, key=refund.key, answer=Answer(Heard.FAILED, why="account closed"), now=later)
    resolving.send_refund_again(session, key=refund.key, reason="Topped up", actor="staff:a@example.com", now=later)
    assert session.scalar(select(func.count()).select_from(RefundLine)) == 2
    assert checks(session) == []


@pytest.mark.usefixtures("decided")
def test_a_factory_asked_for_more_than_customers_get_is_found(session: Session) -> None:
    session.execute(update(ProductionOrderLine).values(units_ordered=ProductionOrderLine.units_ordered + 1))
    assert found(session) == [("production.units", "K1: ordered of factories less allocated to customers is 1, not 0")]


@pytest.mark.usefixtures("decided")
def test_explicit_extra_stock_is_in_order(session: Session) -> None:
    session.execute(update(ProductionOrderLine).values(units_extra=5))
    assert checks(session) == []


@pytest.mark.usefixtures("decided")
def test_a_decision_of_a_campaign_that_went_back_is_found(session: Session) -> None:
    session.execute(update(Campaign).values(state=CampaignState.SETTLING))
    assert ("production.decided", "ss27: 1 decisions in its state") in found(session)


def test_a_campaign_decided_without_a_decision_is_found(session: Session) -> None:
    shop.settling(session, state=CampaignState.DECIDED)
    assert found(session) == [("production.decided", "ss27: 0 decisions in its state")]
