"""Paying by WeChat in a real browser, with WeChat's script played by a stand-in that does what the customer decides."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from c2b.app import create_app
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.protocol import Client
from c2b.ui.shell import parts
from tests import databases
from tests.payments.conftest import START, Clock
from tests.payments.wechat_scene import AT_DESK, BACK, IN_WECHAT, KEY, PAGE, facts, opened, settings, write

BRIDGE = """
window.WeixinJSBridge = {invoke: (name, order, done) => {
  (window.asked ??= []).push([name, order]);
  window.finish = (result) => done({err_msg: name + ":" + result});
}};
"""
"""What WeChat puts into its pages, as far as paying needs it."""
LATE_BRIDGE = "window.comes = () => {" + BRIDGE + "document.dispatchEvent(new Event('WeixinJSBridgeReady'));};"


class Till:
    """A shop with one payment to make, and a browser in front of it."""

    def __init__(self, url: str, gateway: WeChat, browser: Browser) -> None:
        self.url, self._gateway, self._browser = url, gateway, browser
        self.complaints: list[str] = []

    def begins(self, client: Client) -> None:
        """Given a payment that was begun in a browser of a kind."""
        write(self._gateway.database, START, handle=self._gateway.start(facts(START, client=client)).handle)

    def opens(self, client: Client, *, scripts: tuple[str, ...] = (), javascript: bool = True, language: str = "en") -> Page:
        context = self._browser.new_context(
            base_url=self.url, user_agent=client.agent, java_script_enabled=javascript, viewport={"width": 390, "height": 844}
        )
        for script in scripts:
            context.add_init_script(script)
        page = context.new_page()
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.goto(f"{PAGE}?lang={language}")
        return page


@pytest.fixture
def till(tmp_path: Path, browser: Browser) -> Iterator[Till]:
    clock = Clock()
    with databases.sqlite(tmp_path) as database, opened(tmp_path, database, clock) as (wechat, gateway):
        app = create_app(settings(wechat, database), clock=clock)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        till = Till(f"http://127.0.0.1:{server.server_port}", gateway, browser)
        yield till
        server.shutdown()
        thread.join()
        with app.app_context():
            parts().impressions.close()
            parts().database.close()
    assert [said for said in till.complaints if "404" not in said] == [], "the way back leads to a shop without this order"


def test_inside_wechat_the_payment_opens_by_itself_and_leads_back_when_it_is_made(till: Till) -> None:
    till.begins(IN_WECHAT)
    page = till.opens(IN_WECHAT, scripts=(BRIDGE,))
    [(name, order)] = page.evaluate("window.asked")
    assert name == "getBrandWCPayRequest"
    assert set(order) == {"appId", "timeStamp", "nonceStr", "package", "signType", "paySign"}
    assert order["package"] == f"prepay_id=wx20270320{KEY}"
    expect(page.get_by_role("button")).to_be_disabled()
    page.evaluate("window.finish('ok')")
    page.wait_for_url(lambda url: BACK in url or "/sign-in" in url)


def test_who_turns_back_at_the_last_step_can_pay_after_all(till: Till) -> None:
    till.begins(IN_WECHAT)
    page = till.opens(IN_WECHAT, scripts=(BRIDGE,))
    page.evaluate("window.finish('cancel')")
    expect(page.get_by_text("Not paid. You can try again until the time is up.")).to_be_visible()
    page.get_by_role("button", name="Pay ¥59.80 with WeChat").click()
    expect(page.get_by_text("Not paid.")).to_be_hidden()
    assert len(page.evaluate("window.asked")) == 2
    page.evaluate("window.finish('fail')")
    expect(page.get_by_text("WeChat did not take the payment.")).to_be_visible()
    expect(page.get_by_role("button")).to_be_enabled()


def test_wechats_script_may_come_later_than_ours(till: Till) -> None:
    till.begins(IN_WECHAT)
    page = till.opens(IN_WECHAT, scripts=(LATE_BRIDGE,))
    expect(page.get_by_role("button")).to_be_hidden()
    page.evaluate("window.comes()")
    assert len(page.evaluate("window.asked")) == 1


def test_without_javascript_a_sentence_says_what_to_do(till: Till) -> None:
    till.begins(IN_WECHAT)
    page = till.opens(IN_WECHAT, javascript=False)
    expect(page.get_by_text("WeChat’s payment needs JavaScript.")).to_be_visible()
    expect(page.get_by_role("button")).to_be_hidden()


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("client", [AT_DESK, IN_WECHAT], ids=["desk", "wechat"])
def test_the_page_can_be_read_by_everybody_on_every_screen(
    till: Till, client: Client, language: str, request: pytest.FixtureRequest
) -> None:
    till.begins(client)
    page = till.opens(client, scripts=(BRIDGE,), language=language)
    keep = request.config.getoption("--screenshots")
    for width, scheme in ((320, "light"), (390, "dark"), (1280, "light")):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light", reduced_motion="reduce")
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        if keep:
            name = "code" if client is AT_DESK else "button"
            page.screenshot(path=Path(keep) / f"wechat-{name}-{width}-{scheme}-{language}.png", full_page=True)
