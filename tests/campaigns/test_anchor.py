"""A campaign whose voters nobody could tell apart doesn't open."""

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns import actions, readiness
from c2b.campaigns.readiness import blocking
from c2b.campaigns.rules import CampaignState, NotReady
from c2b.people.rules import AddressKind
from c2b.settings import Settings
from c2b.work import gates
from tests import make

GATES = {CampaignState.VOTING: readiness.before_voting}


@pytest.mark.parametrize("identity", [AddressKind.EMAIL, AddressKind.PHONE])
def test_codes_can_be_sent_by_mail_and_to_telephones(session: Session, identity: AddressKind) -> None:
    campaign = make.campaign(session, identity=identity, votes_each=1, places=1)
    make.candidate(session, campaign, "K1")
    assert blocking(readiness.before_voting(session, campaign)) == []


@pytest.mark.parametrize("voting", [True, False])
def test_a_campaign_by_wechat_waits_for_an_official_account_and_says_what_to_set(session: Session, now: datetime, *, voting: bool) -> None:
    instants = {} if voting else {"voting_opens": None, "voting_closes": None}
    campaign = make.campaign(
        session, identity=AddressKind.WECHAT, votes_each=1, places=1, state=CampaignState.SCHEDULED, ordering_opens=now, **instants
    )
    make.candidate(session, campaign, "K1")
    assert [str(each) for each in blocking(readiness.before_voting(session, campaign))] == [
        "nobody can sign in by wechat yet; set C2B_WECHAT_APP_ID and C2B_WECHAT_APP_SECRET of the official account, "
        "or identity to email or phone"
    ]
    state = CampaignState.VOTING if voting else CampaignState.SELECTED
    with pytest.raises(NotReady, match="wechat"):
        actions.advance(session, slug="ss27", to=state, actor="cli:test", gates=GATES, now=now)


@pytest.mark.parametrize(
    ("app_id", "secret", "ready"), [("wx8888888888888888", "s", True), ("wx8888888888888888", "", False), ("", "s", False), ("", "", False)]
)
def test_a_shop_with_an_official_account_can_know_its_voters_by_wechat(session: Session, app_id: str, secret: str, *, ready: bool) -> None:
    campaign = make.campaign(session, identity=AddressKind.WECHAT, votes_each=1, places=1)
    make.candidate(session, campaign, "K1")
    gate = gates(Settings.model_validate({"wechat_app_id": app_id, "wechat_app_secret": secret}))[CampaignState.VOTING]
    assert (blocking(gate(session, campaign)) == []) is ready


def test_nobody_signs_in_by_an_imports_numbers(session: Session) -> None:
    campaign = make.campaign(session, identity=AddressKind.IMPORTED, votes_each=1, places=1)
    make.candidate(session, campaign, "K1")
    assert "imported" in str(blocking(readiness.before_voting(session, campaign))[0])
