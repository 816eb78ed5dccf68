"""Signing in by WeChat, inside WeChat's browser and from elsewhere, in the real shop."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from flask import Flask
from sqlalchemy import func, select

from c2b.app import create_app
from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.jobs.worker import run_due
from c2b.messages import actions as messages
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from c2b.people.wechat import official_account
from c2b.settings import Settings
from c2b.ui.shell import parts
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource
from c2b.work import handlers
from tests import make
from tests.payments.wechat_scene import ANNA, DESK, INSIDE
from tests.payments.wechat_server import APP, SECRET, WeChatServer, serving
from tests.web.conftest import Clock
from tests.web.pages import Browser, text_of

Open = Callable[..., Browser]
HERE = "/c/by-wechat/"


@pytest.fixture
def wechat(tmp_path: Path, clock: Clock) -> Iterator[WeChatServer]:
    with serving(tmp_path / "wechat", clock) as server:
        yield server


@pytest.fixture
def config(sqlite_database: Database, tmp_path: Path, wechat: WeChatServer) -> dict[str, Any]:
    """Return a shop's settings that takes no money by WeChat, but has an official account there."""
    return {
        "database_url": sqlite_database.engine.url.render_as_string(hide_password=False),
        "data": tmp_path,
        "secret_key": "k" * 40,
        "base_url": "http://localhost",
        "demo": True,
        "wechat_app_id": APP,
        "wechat_app_secret": SECRET,
        "wechat_oauth_address": wechat.address,
    }


@pytest.fixture
def app(config: dict[str, Any], clock: Clock, campaign: Campaign, sqlite_database: Database) -> Iterator[Flask]:
    assert campaign.identity is AddressKind.EMAIL
    with sqlite_database.transaction() as session:
        made = make.campaign(session, slug="by-wechat", identity=AddressKind.WECHAT, votes_each=2)
        for number in range(1, 5):
            make.candidate(session, made, f"P{number}", position=number)
    app = create_app(Settings.model_validate(config), clock=clock)
    yield app
    with app.app_context():
        parts().impressions.close()
        parts().database.close()


@pytest.fixture
def visit(app: Flask) -> Open:
    def opened(agent: str = INSIDE, language: str = "en") -> Browser:
        browser = Browser(app, language)
        browser.client.environ_base["HTTP_USER_AGENT"] = agent
        return browser

    return opened


def sent_to_wechat(visitor: Browser, to: str = HERE, **more: str) -> dict[str, str]:
    """Begin to sign in, and return what WeChat is asked."""
    answer = visitor.client.get("/sign-in/wechat", query_string={"next": to, **more})
    assert answer.status_code == 303
    url = urlsplit(answer.location)
    assert url._replace(query="").geturl() == "https://open.weixin.qq.com/connect/oauth2/authorize#wechat_redirect"
    return {name: values[0] for name, values in parse_qs(url.query).items()}


def signs_in(visitor: Browser, wechat: WeChatServer, openid: str = ANNA, to: str = HERE) -> None:
    state = sent_to_wechat(visitor, to)["state"]
    visitor.get(f"/sign-in/wechat/back?code={wechat.code_for(openid)}&state={state}")


def count(database: Database, model: type[Any]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_wechat_is_asked_for_the_openid_alone_with_a_state_of_this_browsers_own(visit: Open) -> None:
    asked = sent_to_wechat(visit())
    assert {name: asked[name] for name in ("appid", "redirect_uri", "response_type", "scope")} == {
        "appid": APP,
        "redirect_uri": "http://localhost/sign-in/wechat/back",
        "response_type": "code",
        "scope": "snsapi_base",
    }
    assert len(asked["state"]) >= 20
    assert sent_to_wechat(visit())["state"] != asked["state"]


def test_inside_wechat_one_tap_signs_in_and_the_picks_count(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/by-wechat/p/P1")
    visitor.press("Vote")
    visitor.get(f"/sign-in?next={quote(HERE)}")
    assert "Sign in by WeChat" in visitor.words
    link = next(a.get("href") for a in visitor.tree.iter("a") if text_of(a) == "Sign in by WeChat")
    assert link == "/sign-in/wechat?next=%2Fc%2Fby-wechat%2F"
    signs_in(visitor, wechat)
    assert visitor.url == HERE
    assert "You are signed in, and your picks count." in visitor.words
    with sqlite_database.reading() as session:
        address = session.scalars(select(Address)).one()
        assert session.scalars(select(Ballot.source)).one() is BallotSource.VERIFIED
    assert (address.kind, address.value) == (AddressKind.WECHAT, ANNA)
    assert address.verified_at


def test_neither_code_nor_state_stays_in_an_address(visit: Open, wechat: WeChatServer) -> None:
    visitor = visit()
    state = sent_to_wechat(visitor)["state"]
    answer = visitor.client.get(f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&state={state}")
    assert (answer.status_code, answer.location) == (303, HERE)


def test_another_telephone_with_the_same_account_is_the_same_person(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    for code in ("P1", "P2"):
        visitor = visit()
        visitor.get(f"/c/by-wechat/p/{code}")
        visitor.press("Vote")
        signs_in(visitor, wechat)
    assert count(sqlite_database, Address) == 1
    with sqlite_database.reading() as session:
        owner = session.scalars(select(Address.person_id)).one()
        assert session.scalar(select(func.count()).select_from(Pick).where(Pick.person_id == owner)) == 2


def test_more_picks_than_votes_are_chosen_among(visit: Open, wechat: WeChatServer) -> None:
    first = visit()
    signs_in(first, wechat)
    for code in ("P1", "P2"):
        first.get(f"/c/by-wechat/p/{code}")
        first.press("Vote")
    second = visit()
    second.get("/c/by-wechat/p/P3")
    second.press("Vote")
    signs_in(second, wechat)
    assert second.url == "/c/by-wechat/choose?next=%2Fc%2Fby-wechat%2F"


def test_different_accounts_are_different_people(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    for openid in (ANNA, ANNA[::-1]):
        signs_in(visit(), wechat, openid)
    assert count(sqlite_database, Person) == 2


@pytest.mark.parametrize("wrong", ["state=", "state=other", ""])
def test_a_strangers_link_signs_nobody_in(visit: Open, wechat: WeChatServer, sqlite_database: Database, wrong: str) -> None:
    visitor = visit()
    sent_to_wechat(visitor)
    visitor.get(f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&{wrong}")
    assert "WeChat did not say who you are" in visitor.words
    assert count(sqlite_database, Address) == 0
    assert wechat.asked == [], "the code of a stranger is not even looked at"


def test_a_browser_that_asked_nothing_is_not_signed_in(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    visit().get(f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&state=x")
    assert count(sqlite_database, Address) == 0


def test_an_answer_is_good_for_once(visit: Open, wechat: WeChatServer) -> None:
    visitor = visit()
    state = sent_to_wechat(visitor)["state"]
    path = f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&state={state}"
    visitor.get(path)
    visitor.get(path)
    assert "WeChat did not say who you are" in visitor.words
    assert len(wechat.asked) == 1


@pytest.mark.parametrize("trouble", ["spent code", "no code", "error", "down", "not json"])
def test_where_wechat_does_not_say_who_it_is_one_can_try_again(
    visit: Open, wechat: WeChatServer, sqlite_database: Database, trouble: Any
) -> None:
    visitor = visit()
    state = sent_to_wechat(visitor)["state"]
    codes = {"spent code": "spent", "no code": ""}
    if trouble not in codes:
        wechat.troubles = [trouble]
    visitor.get(f"/sign-in/wechat/back?code={codes.get(trouble, wechat.code_for(ANNA))}&state={state}")
    assert visitor.url == "/sign-in?next=%2Fc%2Fby-wechat%2F"
    assert "WeChat did not say who you are; try again" in visitor.words
    assert SECRET not in visitor.html
    assert count(sqlite_database, Address) == 0


def test_nobody_is_led_to_another_site(visit: Open, wechat: WeChatServer) -> None:
    visitor = visit()
    signs_in(visitor, wechat, to="https://evil.example.com/")
    assert visitor.url == "/me"


def test_outside_of_wechat_a_code_opens_the_page_there(visit: Open) -> None:
    visitor = visit(DESK)
    visitor.get(f"/sign-in?next={HERE}")
    assert "Scan it with WeChat" in visitor.words
    assert any(image.get("class") == "qr l" for image in visitor.tree.iter("img"))
    assert not any(field.get("name") == "address" for field in visitor.tree.iter("input")), "this campaign counts WeChat accounts alone"


def test_without_a_campaign_each_way_in_use_is_offered(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=/me")
    assert "Or by WeChat" in visitor.words
    assert any(field.get("name") == "address" for field in visitor.tree.iter("input"))
    visitor.get("/sign-in?next=/c/ss27/")
    assert "WeChat" not in visitor.words


def test_in_chinese_too(visit: Open) -> None:
    visitor = visit(INSIDE, "zh")
    visitor.get(f"/sign-in?next={HERE}")
    assert "微信登录" in visitor.words


def test_a_shop_without_an_official_account_has_no_such_door(config: dict[str, Any], clock: Clock, campaign: Campaign) -> None:
    assert campaign
    app = create_app(Settings.model_validate(config | {"wechat_app_secret": ""}), clock=clock)
    assert app.test_client().get("/sign-in/wechat").status_code == 404
    assert official_account(Settings()) is None
    with app.app_context():
        parts().database.close()


# --- for paying, and beside another address ---


def test_for_paying_the_openid_is_remembered_and_nobody_is_signed_in(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    visitor = visit()
    state = sent_to_wechat(visitor, "/c/ss27/", **{"for": "paying"})["state"]
    visitor.get(f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&state={state}")
    assert visitor.url == "/c/ss27/"
    with visitor.client.session_transaction() as cookie:
        assert cookie["openid"] == ANNA
        assert "customer" not in cookie
    assert count(sqlite_database, Address) == 0


def test_who_signed_in_by_wechat_pays_by_its_script(visit: Open, wechat: WeChatServer) -> None:
    visitor = visit()
    signs_in(visitor, wechat)
    with visitor.client.session_transaction() as cookie:
        assert cookie["openid"] == ANNA


def by_mail(visitor: Browser, address: str = "anna@example.com") -> None:
    visitor.get("/sign-in?next=/me")
    visitor.press("Send the code", address=address)
    visitor.press("Sign in", code=visitor.words.partition("The code is ")[2][:6])


def test_signed_in_by_mail_the_wechat_account_is_added_and_the_picks_count_there(
    visit: Open, wechat: WeChatServer, sqlite_database: Database
) -> None:
    visitor = visit()
    by_mail(visitor)
    visitor.get("/c/by-wechat/p/P1")
    visitor.press("Vote")
    visitor.get("/me")
    assert "counts one ballot for each WeChat account" in visitor.words
    visitor.get("/me/addresses")
    assert "Add this WeChat account" in visitor.words
    signs_in(visitor, wechat, to="/me/addresses")
    assert "Added. Inside WeChat you can sign in by it from now on." in visitor.words
    assert f"WeChat ***{ANNA[-4:]}" in visitor.words
    assert "Add this WeChat account" not in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Ballot.source)).one() is BallotSource.VERIFIED
    assert count(sqlite_database, Person) == 1


def test_an_account_that_is_somebody_elses_is_not_added(visit: Open, wechat: WeChatServer, sqlite_database: Database) -> None:
    signs_in(visit(), wechat)
    visitor = visit()
    by_mail(visitor)
    signs_in(visitor, wechat, to="/me/addresses")
    assert "This WeChat account can’t be added here." in visitor.words
    with sqlite_database.reading() as session:
        owners = session.execute(select(Address.kind, Address.person_id)).all()
    assert len({person for _, person in owners}) == 2


def test_the_page_of_addresses_leads_into_wechat_from_elsewhere(visit: Open) -> None:
    visitor = visit(DESK)
    by_mail(visitor)
    visitor.get("/me/addresses")
    assert "Open this page inside WeChat" in visitor.words
    assert "Add this WeChat account" not in visitor.words


@pytest.mark.parametrize("mail_url", ["", "smtp://127.0.0.1:9"])
def test_a_message_to_who_is_known_by_wechat_alone_is_shown_as_failed_with_its_reason(
    config: dict[str, Any], sqlite_database: Database, clock: Clock, mail_url: str
) -> None:
    fields = {"amount": "¥50.00", "order": "A1", "campaign": "2027", "path": "/me/orders/A1"}
    with sqlite_database.transaction() as session:
        messages.queue(
            session, event="x:1", channel="wechat", recipient=ANNA, template="refund_settled", fields=fields, locale="en", now=clock()
        )
    run_due(sqlite_database, handlers(Settings.model_validate(config | {"mail_url": mail_url})), now=clock)
    with sqlite_database.reading() as session:
        message = session.scalars(select(Message)).one()
    assert (message.state, message.attempts) == (MessageState.FAILED, 1)
    assert "nobody carries messages by wechat yet" in message.last_error
