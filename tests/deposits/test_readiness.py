"""Whether every fen of a campaign could still go back by the shop's gateways, also after a delay."""

from datetime import date, timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns import actions, readiness
from c2b.campaigns.rules import CampaignState, NotReady
from c2b.deposits.readiness import DELAY, before_money, latest_refund
from c2b.payments.gateways import limits
from c2b.payments.protocol import Limits
from c2b.settings import Settings
from c2b.work import gates
from tests import make

DAY = timedelta(days=1)
YEAR = {"wechat": Limits(refunded_within=timedelta(days=365))}
WECHAT = {"wechat_app_id": "wx1", "wechat_merchant": "19", "wechat_private_key": "k", "wechat_serial": "5", "wechat_public_key": "p"}
OTHERS = {"wechat_public_key_id": "P", "wechat_api_key": "a" * 32, "stripe_key": "sk_test_1", "stripe_webhook_secret": "w"}
ALIPAY = {"alipay_app_id": "1", "alipay_seller": "2088", "alipay_private_key": "k", "alipay_public_key": "p"}


def shop(*gateways: str) -> Settings:
    return Settings.model_validate({"gateways": gateways, "manual_account": "Bank 6222"} | WECHAT | OTHERS | ALIPAY)


@pytest.mark.parametrize(("late", "ready"), [(timedelta(0), True), (timedelta(seconds=1), False)])
def test_a_year_from_the_first_deposit_to_the_last_refund_is_enough_and_not_a_second_more(
    session: Session, late: timedelta, *, ready: bool
) -> None:
    last = make.ORDERING_OPENS + timedelta(days=365) - DELAY
    of = make.campaign(session, balance_due=last - 7 * DAY + late, grace_days=7)
    assert latest_refund(of) == last + DELAY + late
    assert (before_money(of, limits=YEAR) == []) is ready


def test_who_cannot_send_everything_back_is_named_with_the_days_and_what_to_change(session: Session) -> None:
    of = make.campaign(session, balance_due=make.ORDERING_OPENS + timedelta(days=340), grace_days=7)
    assert [str(each) for each in before_money(of, limits=YEAR)] == [
        "wechat sends nothing back later than 365 days after a payment, but a deposit of this campaign could go back after 377 days, "
        "30 of them for a delay; bring balance_due and delivery_expected at least 12 days nearer to ordering_opens, "
        "or take wechat out of C2B_GATEWAYS"
    ]


def test_goods_can_be_given_back_two_weeks_after_they_came_late(session: Session) -> None:
    of = make.campaign(session, delivery_expected=date(2028, 1, 31))
    assert latest_refund(of).date() == date(2028, 2, 1) + 44 * DAY
    assert before_money(of, limits=YEAR) == []
    of.delivery_expected = date(2028, 2, 1)
    assert len(before_money(of, limits=YEAR)) == 1


def test_without_goods_and_balance_it_is_the_decision_that_comes_last(session: Session) -> None:
    of = make.campaign(session, settle_hours=48)
    assert latest_refund(of) == make.ORDERING_CLOSES + timedelta(hours=48) + DELAY


@pytest.mark.parametrize(("currency", "refused"), [("CNY", []), ("EUR", ["wechat", "alipay"])])
def test_a_gateway_that_does_not_take_the_currency_is_refused(session: Session, currency: str, refused: list[str]) -> None:
    of = make.campaign(session, currency=currency)
    found = before_money(of, limits=limits(shop("sandbox", "wechat", "stripe", "manual", "alipay")))
    assert [each.values["gateway"] for each in found] == refused
    assert all("takes CNY only and this campaign is in EUR" in str(each) for each in found)


@pytest.mark.parametrize(
    ("before", "state"), [(CampaignState.SCHEDULED, CampaignState.VOTING), (CampaignState.SELECTED, CampaignState.ORDERING)]
)
def test_no_phase_opens_whose_money_could_not_go_back(session: Session, before: CampaignState, state: CampaignState) -> None:
    of = make.campaign(session, state=before, balance_due=make.ORDERING_OPENS + timedelta(days=400))
    gate = gates(shop("wechat"))[state]
    assert [each.values["gateway"] for each in readiness.blocking(gate(session, of)) if "365" in str(each)] == ["wechat"]
    assert not [each for each in gates(shop("sandbox"))[state](session, of) if "days" in str(each)]
    with pytest.raises(NotReady, match="sends nothing back later than 365 days"):
        actions.advance(session, slug="ss27", to=state, actor="cli:test", gates=gates(shop("wechat")), now=make.OPENS)
