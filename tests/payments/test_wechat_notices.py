"""What WeChat tells by itself: believed only with its signature, in time, for this merchant and account."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from c2b.app import create_app
from c2b.db import Database
from c2b.payments import inbox
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.models import InboxEvent
from c2b.payments.protocol import About, Call, Forged, Notice
from c2b.ui.shell import parts
from tests.payments.conftest import START, Clock
from tests.payments.wechat_scene import KEY, facts, opened, refund_facts, settings
from tests.payments.wechat_server import APP, MERCHANT, Event, WeChatServer

PAID = {"mchid": MERCHANT, "appid": APP, "out_trade_no": KEY, "trade_state": "SUCCESS"}
BACK = {"mchid": MERCHANT, "out_trade_no": KEY, "out_refund_no": f"{KEY}-1", "refund_status": "SUCCESS"}
SECOND = timedelta(seconds=1)
Both = tuple[WeChatServer, WeChat]


@pytest.fixture
def both(tmp_path: Path, sqlite_database: Database, clock: Clock) -> Iterator[Both]:
    with opened(tmp_path, sqlite_database, clock) as pair:
        yield pair


@pytest.fixture
def wechat(both: Both) -> WeChatServer:
    return both[0]


@pytest.fixture
def gateway(both: Both) -> WeChat:
    return both[1]


def call(event: Event, clock: Clock, **changes: str) -> Call:
    """Return a notice as it comes in; `changes` are headers that somebody tampered with, or took away."""
    headers = {name.lower(): value for name, value in event[0].items()} | {name.replace("_", "-"): value for name, value in changes.items()}
    return Call({name: value for name, value in headers.items() if value}, event[1], clock())


def test_a_payment_and_its_refund_are_told_of_by_our_keys(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> None:
    gateway.start(facts(START))
    wechat.approve(KEY)
    clock.forward(timedelta(minutes=1))
    gateway.refund(refund_facts())
    wechat.bounce(f"{KEY}-1")
    assert [gateway.notice(call(event, clock)) for event in wechat.events()] == [
        Notice(f"EV-{1:032}", "TRANSACTION.SUCCESS", About.PAYMENT, KEY),
        Notice(f"EV-{2:032}", "REFUND.SUCCESS", About.REFUND, f"{KEY}-1"),
        Notice(f"EV-{3:032}", "REFUND.CLOSED", About.REFUND, f"{KEY}-1"),
    ]


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("COUPON.USE", {"mchid": MERCHANT}),
        ("COMPLAINT.CREATE", {"mchid": MERCHANT, "out_trade_no": KEY}),
        ("TRANSACTION.SUCCESS", {"mchid": MERCHANT, "appid": APP, "out_trade_no": "another-program's|order"}),
        ("REFUND.SUCCESS", {"mchid": MERCHANT, "out_refund_no": "1" * 64}),
        ("REFUND.SUCCESS", {"mchid": MERCHANT}),
    ],
)
def test_what_is_no_payment_or_refund_of_ours_is_taken_and_left_alone(
    gateway: WeChat, wechat: WeChatServer, clock: Clock, kind: str, what: dict[str, str]
) -> None:
    assert gateway.notice(call(wechat.notice(kind, what), clock)) is None


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("TRANSACTION.SUCCESS", PAID | {"mchid": "1900000001"}),
        ("TRANSACTION.SUCCESS", PAID | {"appid": "wx0000000000000000"}),
        ("REFUND.SUCCESS", BACK | {"mchid": "1900000001"}),
        ("REFUND.SUCCESS", {"out_refund_no": f"{KEY}-1"}),
    ],
)
def test_what_is_meant_for_another_merchant_is_refused(
    gateway: WeChat, wechat: WeChatServer, clock: Clock, kind: str, what: dict[str, str]
) -> None:
    with pytest.raises(Forged):
        gateway.notice(call(wechat.notice(kind, what), clock))


@pytest.mark.parametrize(
    ("away", "taken"),
    [
        (timedelta(minutes=-5), True),
        (timedelta(minutes=5), True),
        (timedelta(minutes=-5) - SECOND, False),
        (timedelta(minutes=5) + SECOND, False),
        (timedelta(hours=-25), False),
        (timedelta(days=-3), False),
    ],
)
def test_a_notice_is_good_for_five_minutes(gateway: WeChat, wechat: WeChatServer, clock: Clock, away: timedelta, *, taken: bool) -> None:
    event = wechat.notice("TRANSACTION.SUCCESS", PAID, at=START + away)
    if taken:
        assert gateway.notice(call(event, clock))
    else:
        with pytest.raises(Forged):
            gateway.notice(call(event, clock))


def test_one_that_is_told_of_a_day_later_is_signed_anew_and_taken(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> None:
    gateway.start(facts(START))
    wechat.approve(KEY)
    first = wechat.events()[0]
    clock.forward(timedelta(hours=25))
    with pytest.raises(Forged):
        gateway.notice(call(first, clock))
    assert gateway.notice(call(wechat.all_events()[0], clock))


@pytest.mark.parametrize(
    "changes",
    [
        {"wechatpay_signature": ""},
        {"wechatpay_signature": "AAAA"},
        {"wechatpay_signature": "WECHATPAY/SIGNTEST/bm90IHNpZ25lZA=="},
        {"wechatpay_signature": "not base64 \x00"},
        {"wechatpay_nonce": "other"},
        {"wechatpay_timestamp": str(int(START.timestamp()) + 1)},
        {"wechatpay_timestamp": ""},
        {"wechatpay_timestamp": "１８００"},
        {"wechatpay_timestamp": "9" * 30},
        {"wechatpay_timestamp": "99999999999"},
        {"wechatpay_serial": ""},
        {"wechatpay_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"},
        {"wechatpay_serial": "no number"},
        {"wechatpay_signature_type": ""},
        {"wechatpay_signature_type": "WECHATPAY2-SM2-WITH-SM3"},
    ],
)
def test_whatever_is_tampered_with_is_refused_and_wechat_is_asked_nothing(
    gateway: WeChat, wechat: WeChatServer, clock: Clock, changes: dict[str, str]
) -> None:
    with pytest.raises(Forged):
        gateway.notice(call(wechat.notice("TRANSACTION.SUCCESS", PAID), clock, **changes))
    assert wechat.asked == [], "a stranger's call makes us ask nobody"


def test_another_body_another_signer_or_no_sense_is_refused(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> None:
    headers, body = wechat.notice("TRANSACTION.SUCCESS", PAID)
    other = wechat.notice("TRANSACTION.SUCCESS", PAID)[1]
    wrongs: list[Event] = [
        (headers, other),
        (headers, body + b" "),
        (headers, b"\xff\xfe"),
        wechat.notice("TRANSACTION.SUCCESS", PAID, by="stranger"),
        wechat.notice("TRANSACTION.SUCCESS", PAID, by="merchant"),
        (wechat.signed(b"[]"), b"[]"),
        (wechat.signed(b"{}"), b"{}"),
        (wechat.signed(body.replace(b"ciphertext", b"cypher")), body.replace(b"ciphertext", b"cypher")),
    ]
    for event in wrongs:
        with pytest.raises(Forged):
            gateway.notice(call(event, clock))


def test_one_sealed_with_another_key_is_refused(both: Both, sqlite_database: Database, clock: Clock) -> None:
    wechat, _ = both
    other = WeChat(settings(wechat, sqlite_database, wechat_api_key="z" * 32), sqlite_database, clock)
    with pytest.raises(Forged):
        other.notice(call(wechat.notice("TRANSACTION.SUCCESS", PAID), clock))


# --- through the shop's door ---


@pytest.fixture
def app(both: Both, sqlite_database: Database, clock: Clock) -> Iterator[Flask]:
    made = create_app(settings(both[0], sqlite_database), clock=clock)
    yield made
    with made.app_context():
        parts().impressions.close()
        parts().database.close()


def kept(database: Database) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(InboxEvent)) or 0


def test_the_shop_keeps_each_event_once_and_says_that_it_has_it(app: Flask, both: Both, sqlite_database: Database, clock: Clock) -> None:
    wechat, gateway = both
    gateway.start(facts(START))
    wechat.approve(KEY)
    client = app.test_client()
    for event in [*wechat.events(), *wechat.all_events()]:
        answer = client.post("/webhooks/wechat", headers=event[0], data=event[1], content_type="application/json")
        assert (answer.status_code, answer.data) == (200, b"")
    assert kept(sqlite_database) == 1
    with sqlite_database.reading() as session:
        waiting = inbox.due(session, now=clock())
    assert [(each.gateway, each.about, each.key) for each in waiting] == [("wechat", About.PAYMENT, KEY)]


def test_forged_replayed_and_foreign_notices_leave_nothing(app: Flask, wechat: WeChatServer, sqlite_database: Database) -> None:
    wrongs = [
        wechat.notice("TRANSACTION.SUCCESS", PAID, by="stranger"),
        wechat.notice("TRANSACTION.SUCCESS", PAID, at=START - timedelta(minutes=6)),
        wechat.notice("TRANSACTION.SUCCESS", PAID | {"mchid": "1900000001"}),
        ({}, b"hello"),
    ]
    for headers, body in wrongs:
        assert app.test_client().post("/webhooks/wechat", headers=headers, data=body).status_code == 400
    assert kept(sqlite_database) == 0
