"""Signing in by the address that a campaign knows its voters by."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.messages.models import Message
from c2b.people.models import Address
from c2b.people.rules import AddressKind
from c2b.voting.models import Ballot
from c2b.voting.rules import BallotSource
from tests import make
from tests.web.pages import Browser

Open = Callable[..., Browser]
EMAIL, PHONE, WECHAT = AddressKind.EMAIL, AddressKind.PHONE, AddressKind.WECHAT


@pytest.fixture(autouse=True)
def phone_campaign(sqlite_database: Database, campaign: Campaign) -> Campaign:
    """Beside the campaign by e-mail one whose voters are known by telephone."""
    assert campaign.identity is EMAIL
    return another(sqlite_database, "by-phone", PHONE)


def another(database: Database, slug: str, identity: AddressKind, state: CampaignState = CampaignState.VOTING) -> Campaign:
    with database.transaction() as session:
        made = make.campaign(session, slug=slug, identity=identity, state=state, votes_each=3)
        make.candidate(session, made, "P1")
        make.candidate(session, made, "P2", position=2)
        return made


def fields(visitor: Browser) -> dict[str, str]:
    return {control.get("name", ""): control.get("value", "") for control in visitor.tree.iter("input")}


def asks_for(visitor: Browser) -> str:
    return next(control.get("type", "") for control in visitor.tree.iter("input") if control.get("name") == "address")


def signed_in(visitor: Browser, address: str, to: str) -> None:
    visitor.get(f"/sign-in?next={to}")
    visitor.press("Send the code", address=address)
    visitor.press("Sign in", code=visitor.words.partition("The code is ")[2][:6])


@pytest.mark.parametrize(
    ("to", "kind"),
    [
        ("/c/ss27/", "email"),
        ("/c/by-phone/", "tel"),
        ("/c/by-phone/p/P1", "tel"),
        ("/c/by-phone?show=picked", "tel"),
        ("/c/ss27/?q=/c/by-phone/", "email"),
        ("/c/nowhere/", "email"),
        ("/me", "email"),
        ("", "email"),
    ],
)
def test_the_page_asks_for_what_the_campaign_counts_by(visit: Open, to: str, kind: str) -> None:
    visitor = visit()
    visitor.get(f"/sign-in?next={quote(to)}")
    assert asks_for(visitor) == kind


@pytest.mark.parametrize("to", ["/c/ss27/", "/c/by-phone/"])
def test_a_campaign_has_one_anchor_and_offers_no_other(visit: Open, to: str) -> None:
    visitor = visit()
    for kind in ("email", "phone", "wechat", "imported", "nonsense"):
        visitor.get(f"/sign-in?next={to}&kind={kind}")
        assert asks_for(visitor) == {"/c/ss27/": "email", "/c/by-phone/": "tel"}[to]
        assert "Use my" not in visitor.words


def test_without_a_campaign_each_kind_in_use_is_offered_e_mail_first(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=/me")
    assert asks_for(visitor) == "email"
    assert "Use my telephone number" in visitor.words
    visitor.get("/sign-in?next=/me&kind=phone")
    assert asks_for(visitor) == "tel"
    assert "Use my e-mail address" in visitor.words
    assert fields(visitor)["next"] == "/me"


def test_a_kind_that_only_a_draft_will_use_is_not_offered(sqlite_database: Database, visit: Open) -> None:
    with sqlite_database.transaction() as session:
        for found in session.scalars(select(Campaign).where(Campaign.slug == "by-phone")):
            found.state = CampaignState.DRAFT
    visitor = visit()
    visitor.get("/sign-in?next=/me")
    assert "Use my telephone number" not in visitor.words
    visitor.get("/sign-in?next=/c/by-phone/")
    assert asks_for(visitor) == "email", "a draft is nobody's business yet"


def test_nobody_is_asked_for_what_no_code_can_be_sent_to(sqlite_database: Database, visit: Open) -> None:
    another(sqlite_database, "by-wechat", WECHAT)
    visitor = visit()
    visitor.get("/sign-in?next=/c/by-wechat/")
    assert asks_for(visitor) == "email"


@pytest.mark.parametrize("typed", ["138 0013 8000", "+86 138 0013 8000", "１３８００１３８０００"])
def test_a_telephone_signs_in_however_it_is_written_and_the_picks_count(sqlite_database: Database, visit: Open, typed: str) -> None:
    visitor = visit()
    visitor.get("/c/by-phone/p/P1")
    visitor.press("Vote")
    signed_in(visitor, typed, "/c/by-phone/")
    assert visitor.url == "/c/by-phone/"
    assert "You are signed in, and your picks count." in visitor.words
    with sqlite_database.reading() as session:
        address = session.scalars(select(Address)).one()
        message = session.scalars(select(Message)).one()
        assert session.scalars(select(Ballot.source)).one() is BallotSource.VERIFIED
    assert (address.kind, address.value) == (PHONE, "+8613800138000")
    assert (message.channel, message.recipient) == ("phone", "+8613800138000")


def test_the_code_page_speaks_of_a_text_message_and_shows_the_number_to_its_owner_only(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=/c/by-phone/")
    visitor.press("Send the code", address="13800138000")
    assert "Enter the 6 digits we texted" in visitor.words
    assert "***8000" in visitor.words
    assert "13800138000" not in visitor.html
    assert "/sign-in?next=%2Fc%2Fby-phone%2F&amp;kind=phone" in visitor.html
    assert "spam" not in visitor.words


@pytest.mark.parametrize("typed", ["", "12345", "anna@example.com", "138001380001"])
def test_what_is_no_number_is_refused_beside_the_field_and_kept(visit: Open, typed: str) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=/c/by-phone/")
    visitor.press("Send the code", expect=400, address=typed)
    assert "is not a telephone number" in visitor.words
    assert fields(visitor)["address"] == typed
    assert fields(visitor)["next"] == "/c/by-phone/"


def test_a_kind_that_the_campaign_does_not_ask_for_can_not_be_slipped_in(sqlite_database: Database, visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=/c/by-phone/")
    visitor.press("Send the code", expect=400, address="anna@example.com", kind="email")
    with sqlite_database.reading() as session:
        assert session.scalars(select(Message)).all() == []


def test_in_chinese_too(visit: Open) -> None:
    visitor = visit("zh")
    visitor.get("/sign-in?next=/c/by-phone/")
    assert "手机号" in visitor.words
    visitor.press("发送验证码", address="13800138000")
    assert "输入短信里的 6 位数" in visitor.words
