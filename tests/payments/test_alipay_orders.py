"""Orders paid by Alipay, from the basket to the books, and its notices at the shop's own door."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr
from sqlalchemy import select

from c2b.app import create_app
from c2b.db import Database
from c2b.deposits import pay, sending
from c2b.payments import inbox
from c2b.payments.gateways.alipay.gateway import Alipay
from c2b.payments.models import Payment
from c2b.payments.protocol import About
from c2b.payments.rules import PaymentState, RefundState
from c2b.ui.shell import parts
from tests.deposits.scene import Shop
from tests.payments.alipay_server import SELLER, AlipayServer


class Scene:
    """A shop whose customers pay by Alipay."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.shop = Shop(database, folder)
        self.server = AlipayServer(folder / "alipay", lambda: self.shop.now)
        self.database, self.anna = database, self.shop.customer()
        self.server.address_of = lambda key: self.shop.payment(key).page

    def begins(self) -> str:
        self.gateways = {"alipay": Alipay(self.server.settings(), lambda: self.shop.now, time_out=0.5)}
        ref = self.shop.order(self.anna, (self.shop.sells("K1")[0], 1))
        pay.pay(self.database, self.gateways, order_ref=ref, person_id=self.anna, gateway="alipay", now=self.shop.now)
        with self.database.reading() as session:
            return session.scalars(select(Payment.key).where(Payment.payer == ref)).one()

    def asks(self, key: str) -> PaymentState:
        return pay.check(self.database, self.gateways, key=key, now=self.shop.now)

    def sends_refunds(self) -> None:
        sending.send_refunds(self.database, self.gateways, self.shop.now)
        self.shop.forward(minutes=1)

    def agrees(self) -> bool:
        """Say whether Alipay's books, the shop's ledger and its orders say the same."""
        account = f"psp:alipay:{SELLER}"
        return self.shop.findings() == [] and self.shop.balances(account) == {account: self.server.refunded() - self.server.captured()}


@pytest.fixture
def scene(database: Database, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(database, tmp_path)
    with made.server:
        yield made


def test_an_order_is_paid_and_cancelled_and_all_books_agree(scene: Scene) -> None:
    key = scene.begins()
    assert scene.asks(key) is PaymentState.PENDING, "nobody opened the page, which is made again"
    scene.server.approve(key)
    assert scene.asks(key) is PaymentState.CAPTURED
    assert scene.agrees()
    scene.shop.cancel(scene.shop.payment(key).payer, scene.anna)
    scene.sends_refunds()
    assert [refund.state for refund in scene.shop.refunds()] == [RefundState.SETTLED]
    assert (scene.server.captured(), scene.server.refunded()) == (5980, 5980)
    assert scene.agrees()


def test_a_page_that_nobody_opened_fails_when_its_time_is_over(scene: Scene) -> None:
    key = scene.begins()
    scene.shop.forward(minutes=30)
    assert scene.asks(key) is PaymentState.FAILED
    scene.server.approve(key)
    assert scene.server.captured() == 0


@pytest.mark.parametrize("troubles", [["lost"], ["down", "lost"], ["done-error", "forged"], ["slow", "down", "error"]], ids=str)
def test_a_refund_through_a_bad_line_is_sent_once_and_all_books_agree(scene: Scene, troubles: list[str]) -> None:
    key = scene.begins()
    scene.server.approve(key)
    scene.asks(key)
    scene.shop.cancel(scene.shop.payment(key).payer, scene.anna)
    scene.server.troubles = list(troubles)
    for _ in range(len(troubles) + 1):
        scene.sends_refunds()
        scene.shop.forward(hours=1)
    assert [refund.state for refund in scene.shop.refunds()] == [RefundState.SETTLED]
    assert scene.server.refunded() == 5980
    assert scene.agrees()


@pytest.fixture
def door(scene: Scene) -> Iterator[FlaskClient]:
    url = scene.database.engine.url.render_as_string(hide_password=False)
    settings = scene.server.settings(database_url=url, secret_key=SecretStr("k" * 40), base_url="http://localhost")
    app = create_app(settings, clock=lambda: scene.shop.now)
    yield app.test_client()
    with app.app_context():
        parts().database.close()


def kept(scene: Scene) -> list[tuple[str, About, str]]:
    with scene.database.reading() as session:
        return [(event.gateway, event.about, event.key) for event in inbox.due(session, now=scene.shop.now)]


def test_a_notice_is_kept_before_alipay_hears_success_and_kept_once(scene: Scene, door: FlaskClient) -> None:
    key = scene.begins()
    scene.server.approve(key)
    for _ in range(3):
        ((headers, body),) = scene.server.repeated()
        answer = door.post("/webhooks/alipay", data=body, headers=headers)
        assert (answer.status_code, answer.text) == (200, "success")
        scene.shop.forward(hours=8)
    assert kept(scene) == [("alipay", About.PAYMENT, key)]


@pytest.mark.parametrize("signer", ["somebody", "shop"])
def test_a_forged_notice_is_refused_and_leaves_nothing(scene: Scene, door: FlaskClient, signer: str) -> None:
    headers, body = scene.server.notice(signer=signer, notify_id="n1", out_trade_no=scene.begins(), trade_status="TRADE_SUCCESS")
    assert door.post("/webhooks/alipay", data=body, headers=headers).status_code == 400
    assert door.post("/webhooks/alipay", data=urlencode({"x": "1"}), headers=headers).status_code == 400
    scene.shop.forward(minutes=6)
    late = scene.server.notice(at=scene.shop.now - timedelta(minutes=6), notify_id="n2", out_trade_no="K")
    assert door.post("/webhooks/alipay", data=late[1], headers=late[0]).status_code == 400
    assert kept(scene) == []
