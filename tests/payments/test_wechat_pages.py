"""The page where a customer pays by WeChat, in the real shop."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree.ElementTree import Element

import pytest
from flask import Flask
from sqlalchemy import select, update

from c2b.app import create_app
from c2b.db import Database
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.models import Payment
from c2b.payments.protocol import Client
from c2b.payments.rules import PaymentState
from c2b.ui.clients import client as the_client
from c2b.ui.shell import parts
from tests.payments.conftest import START, Clock
from tests.payments.wechat_scene import (
    ANNA,
    AT_DESK,
    BACK,
    DESK,
    IN_WECHAT,
    INSIDE,
    KEY,
    ON_PHONE,
    PAGE,
    PHONE,
    facts,
    opened,
    settings,
    write,
)
from tests.payments.wechat_server import APP, WeChatServer
from tests.web.pages import Browser, text_of

Open = Callable[..., Browser]


@pytest.fixture
def both(tmp_path: Path, sqlite_database: Database, clock: Clock) -> Iterator[tuple[WeChatServer, WeChat]]:
    with opened(tmp_path, sqlite_database, clock) as pair:
        yield pair


@pytest.fixture
def wechat(both: tuple[WeChatServer, WeChat]) -> WeChatServer:
    return both[0]


@pytest.fixture
def gateway(both: tuple[WeChatServer, WeChat]) -> WeChat:
    return both[1]


@pytest.fixture
def app(wechat: WeChatServer, sqlite_database: Database, clock: Clock) -> Iterator[Flask]:
    made = create_app(settings(wechat, sqlite_database), clock=clock)
    yield made
    with made.app_context():
        parts().impressions.close()
        parts().database.close()


@pytest.fixture
def visit(app: Flask) -> Open:
    """Open a browser of a kind, in which WeChat told who somebody is, or didn't."""

    def opened(agent: str, openid: str = "", language: str = "en") -> Browser:
        browser = Browser(app, language)
        browser.client.environ_base["HTTP_USER_AGENT"] = agent
        if openid:
            with browser.client.session_transaction() as cookie:
                cookie["openid"] = openid
        return browser

    return opened


@pytest.fixture
def begun(gateway: WeChat, sqlite_database: Database) -> Callable[[Client], None]:
    """Begin the payment in a browser of a kind."""

    def begin(client: Client) -> None:
        answer = gateway.start(facts(START, client=client))
        write(sqlite_database, START, handle=answer.handle, page=answer.page)

    return begin


def handle(database: Database) -> str:
    with database.reading() as session:
        return session.scalars(select(Payment.handle)).one()


def links(visitor: Browser) -> dict[str, str]:
    return {text_of(a): a.get("href", "") for a in visitor.tree.iter("a")}


def code(visitor: Browser) -> Element | None:
    return next((image for image in visitor.tree.iter("img") if "qr" in image.get("class", "")), None)


def script(visitor: Browser) -> dict[str, str]:
    """Return what the page tells WeChat's script."""
    return next(
        {k.removeprefix("data-"): v for k, v in each.attrib.items()} for each in visitor.tree.iter("div") if each.get("id") == "wechat-pay"
    )


def test_at_a_desk_the_page_shows_a_code_the_amount_and_the_way_back(visit: Open, begun: Callable[[Client], None]) -> None:
    begun(AT_DESK)
    visitor = visit(DESK)
    visitor.get(PAGE)
    assert "¥59.80" in visitor.words
    assert "Scan with WeChat" in visitor.words
    drawn = code(visitor)
    assert drawn is not None
    assert unquote(drawn.get("src", "")).startswith("data:image/svg+xml")
    assert links(visitor)["I have paid"] == BACK
    assert "<script" not in visitor.html
    assert "camera of another telephone" not in visitor.words


def test_in_chinese_too(visit: Open, begun: Callable[[Client], None]) -> None:
    begun(AT_DESK)
    visitor = visit(DESK, language="zh")
    visitor.get(PAGE)
    assert "用微信扫一扫" in visitor.words
    assert "¥59.80" in visitor.words


def test_a_code_on_a_telephone_says_that_another_one_has_to_scan_it(visit: Open, begun: Callable[[Client], None]) -> None:
    begun(AT_DESK)
    visitor = visit(PHONE)
    visitor.get(PAGE)
    assert "camera of another telephone" in visitor.words


def test_inside_wechat_its_script_gets_what_the_merchant_signed(visit: Open, begun: Callable[[Client], None], wechat: WeChatServer) -> None:
    begun(IN_WECHAT)
    visitor = visit(INSIDE, ANNA)
    visitor.get(PAGE)
    told = script(visitor)
    assert (told["appid"], told["package"], told["signtype"], told["back"]) == (APP, f"prepay_id=wx20270320{KEY}", "RSA", BACK)
    assert wechat.is_signed_by_merchant(f"{APP}\n{told['timestamp']}\n{told['noncestr']}\n{told['package']}\n", told["paysign"])
    assert 'src="/static/wechat-pay.js' in visitor.html
    assert "needs JavaScript" in visitor.html
    again = visit(INSIDE, ANNA)
    again.get(PAGE)
    assert script(again)["noncestr"] != told["noncestr"]


def test_inside_wechat_who_it_is_is_asked_once_and_then_the_button_pays(
    visit: Open, begun: Callable[[Client], None], wechat: WeChatServer, sqlite_database: Database
) -> None:
    begun(Client(INSIDE, "203.0.113.7"))
    visitor = visit(INSIDE)
    asked = visitor.client.get(PAGE)
    assert (asked.status_code, asked.location) == (303, f"/sign-in/wechat?for=paying&next={PAGE.replace('/', '%2F')}")
    to = visitor.client.get(asked.location).location
    state = parse_qs(urlsplit(to).query)["state"][0]
    visitor.get(f"/sign-in/wechat/back?code={wechat.code_for(ANNA)}&state={state}")
    assert visitor.url == PAGE
    assert wechat.asked == ["GET /sns/oauth2/access_token"], "looking orders nothing"
    visitor.press("Pay ¥59.80 with WeChat")
    assert visitor.url == PAGE
    assert script(visitor)["package"] == f"prepay_id=wx20270320{KEY}"
    assert wechat.kind(KEY) == "jsapi"
    assert handle(sqlite_database) == f"jsapi wx20270320{KEY} {BACK}"
    wechat.approve(KEY)
    assert wechat.complaints == []


def test_where_wechat_does_not_say_who_it_is_the_page_says_so_and_asks_no_second_time(visit: Open, begun: Callable[[Client], None]) -> None:
    begun(Client(INSIDE))
    visitor = visit(INSIDE)
    to = visitor.client.get(visitor.client.get(PAGE).location).location
    visitor.get(f"/sign-in/wechat/back?code=spent&state={parse_qs(urlsplit(to).query)['state'][0]}")
    assert visitor.url == f"{PAGE}?unasked"
    assert "WeChat did not say who you are." in visitor.words
    assert not any(text_of(button).startswith("Pay") for button in visitor.tree.iter("button"))


def test_what_was_begun_inside_wechat_goes_on_there_by_a_code_that_opens_the_page(visit: Open, begun: Callable[[Client], None]) -> None:
    begun(IN_WECHAT)
    visitor = visit(DESK)
    visitor.get(PAGE)
    assert "This payment was begun inside WeChat" in visitor.words
    assert code(visitor) is not None
    assert "wechat-pay.js" not in visitor.html


def test_on_a_telephone_the_button_leads_to_wechat_with_a_link_made_anew(
    visit: Open, begun: Callable[[Client], None], wechat: WeChatServer
) -> None:
    begun(ON_PHONE)
    visitor = visit(PHONE)
    visitor.get(PAGE)
    token = next(field.get("value") for field in visitor.tree.iter("input") if field.get("name") == "csrf_token")
    answer = visitor.client.post(PAGE, data={"csrf_token": token})
    assert answer.status_code == 303
    assert answer.location.startswith("https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?")
    assert "https://wx.tenpay.com" in answer.headers["Content-Security-Policy"].partition("form-action")[2].partition(";")[0]
    assert wechat.complaints == []


def test_a_refused_order_is_said_and_can_be_tried_again(visit: Open, begun: Callable[[Client], None], wechat: WeChatServer) -> None:
    begun(ON_PHONE)
    visitor = visit(PHONE)
    visitor.get(PAGE)
    wechat.troubles = ["error"]
    visitor.press("Pay ¥59.80 with WeChat")
    assert "WeChat did not take the payment" in visitor.words
    assert any(text_of(button).startswith("Pay") for button in visitor.tree.iter("button"))


@pytest.mark.parametrize("state", [PaymentState.CAPTURED, PaymentState.FAILED, PaymentState.MISMATCH])
def test_a_finished_payment_offers_no_way_to_pay(
    visit: Open, begun: Callable[[Client], None], wechat: WeChatServer, sqlite_database: Database, state: PaymentState
) -> None:
    begun(ON_PHONE)
    visitor = visit(PHONE)
    visitor.get(PAGE)
    token = visitor.html.partition('name="csrf_token" value="')[2].partition('"')[0]
    asked = len(wechat.asked)
    with sqlite_database.transaction() as session:
        session.execute(update(Payment).values(state=state))
    visitor.get(PAGE)
    assert "This payment is over." in visitor.words
    assert list(visitor.tree.iter("form")) == []
    assert links(visitor)["Back to the shop"] == BACK
    visitor.client.post(PAGE, data={"csrf_token": token})
    assert len(wechat.asked) == asked


@pytest.mark.parametrize("client", [AT_DESK, IN_WECHAT])
def test_an_expired_payment_shows_neither_code_nor_button(
    visit: Open, begun: Callable[[Client], None], clock: Clock, client: Client
) -> None:
    begun(client)
    clock.forward(timedelta(minutes=30))
    visitor = visit(client.agent, client.openid)
    visitor.get(PAGE)
    assert "This payment is over." in visitor.words
    assert code(visitor) is None
    assert "wechat-pay.js" not in visitor.html


@pytest.mark.parametrize(("before", "orders"), [(timedelta(minutes=1), False), (timedelta(minutes=1, seconds=1), True)])
def test_in_the_last_minute_nothing_new_is_ordered_for_wechat_would_let_it_be_paid_later(
    visit: Open, begun: Callable[[Client], None], wechat: WeChatServer, clock: Clock, before: timedelta, *, orders: bool
) -> None:
    begun(Client(INSIDE))
    clock.forward(timedelta(minutes=30) - before)
    visitor = visit(INSIDE, ANNA)
    visitor.get(PAGE)
    visitor.press("Pay ¥59.80 with WeChat")
    assert bool(wechat.asked) is orders


def test_a_payment_whose_first_answer_was_lost_says_so(visit: Open, sqlite_database: Database) -> None:
    write(sqlite_database, START)
    visitor = visit(DESK)
    visitor.get(PAGE)
    assert "WeChat has not answered yet." in visitor.words


def test_unknown_payments_and_other_gateways_ones_are_not_found(visit: Open, sqlite_database: Database) -> None:
    write(sqlite_database, START, gateway="sandbox")
    for path in (PAGE, "/wechat/pay/other"):
        assert visit(DESK).client.get(path).status_code == 404


def test_a_post_without_a_token_orders_nothing(visit: Open, begun: Callable[[Client], None], wechat: WeChatServer) -> None:
    begun(Client(INSIDE))
    assert visit(INSIDE, ANNA).client.post(PAGE).status_code == 400
    assert wechat.asked == []


def test_the_gateway_is_told_what_the_browser_is(app: Flask) -> None:
    with app.test_request_context("/", headers={"User-Agent": INSIDE}, environ_base={"REMOTE_ADDR": "203.0.113.7"}):
        assert the_client() == Client(INSIDE, "203.0.113.7")
    with app.test_request_context("/", headers={"User-Agent": "x" * 1000}):
        assert len(the_client().agent) == 300
