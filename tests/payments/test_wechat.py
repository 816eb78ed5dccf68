"""WeChat Pay through its real library, against a WeChat that checks signatures and keeps books of its own."""

import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from pydantic import SecretStr

from c2b.db import Database
from c2b.errors import Invalid
from c2b.payments.gateways import blueprints, build
from c2b.payments.gateways.wechat.gateway import WeChat
from c2b.payments.gateways.wechat.handle import Handle, Kind, choose
from c2b.payments.protocol import Answer, Client, Heard, PaymentFacts, ask
from tests.payments.conftest import START, Clock
from tests.payments.wechat_scene import (
    ANNA,
    AT_DESK,
    BACK,
    IN_WECHAT,
    INSIDE,
    KEY,
    ON_PHONE,
    PAGE,
    PHONE,
    facts,
    opened,
    refund_facts,
    settings,
)
from tests.payments.wechat_server import MERCHANT, Fault, WeChatServer

PAID = Answer(Heard.DONE, amount=5980, currency="CNY", merchant=MERCHANT, reference=f"4200{KEY}")
RETURNED = Answer(Heard.DONE, amount=5000, currency="CNY", merchant=MERCHANT, reference=f"5030{KEY}-1", handle=f"5030{KEY}-1")
MINUTE = timedelta(minutes=1)
Both = tuple[WeChatServer, WeChat]


@pytest.fixture
def both(tmp_path: Path, sqlite_database: Database, clock: Clock) -> Iterator[Both]:
    with opened(tmp_path, sqlite_database, clock) as (wechat, gateway):
        yield wechat, gateway
        assert not wechat.troubles, "a fault that nothing met proves nothing"


@pytest.fixture
def wechat(both: Both) -> WeChatServer:
    return both[0]


@pytest.fixture
def gateway(both: Both) -> WeChat:
    return both[1]


def started(gateway: WeChat, client: Client = AT_DESK) -> PaymentFacts:
    """Start the payment, and return its facts with what the gateway calls it."""
    asked = facts(START, client=client)
    return replace(asked, handle=gateway.start(asked).handle, client=Client())


@pytest.fixture
def paid(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> PaymentFacts:
    asked = started(gateway)
    wechat.approve(KEY)
    clock.forward(MINUTE)
    return asked


# --- which way to pay ---


@pytest.mark.parametrize(
    ("client", "asks", "kind"),
    [
        (IN_WECHAT, True, Kind.JSAPI),
        (IN_WECHAT, False, Kind.JSAPI),
        (Client(INSIDE, "203.0.113.7"), True, Kind.JSAPI),
        (Client(INSIDE, "203.0.113.7"), False, Kind.NATIVE),
        (ON_PHONE, True, Kind.H5),
        (Client(PHONE, ""), True, Kind.NATIVE),
        (AT_DESK, True, Kind.NATIVE),
        (Client(), True, Kind.NATIVE),
    ],
)
def test_each_browser_has_a_way_of_its_own_and_where_none_is_known_it_is_a_code(client: Client, kind: Kind, *, asks: bool) -> None:
    assert choose(client, asks_openid=asks) is kind


def test_at_a_desk_a_code_is_scanned(gateway: WeChat, wechat: WeChatServer) -> None:
    answer = gateway.start(facts(START, client=AT_DESK))
    assert answer == Answer(Heard.PENDING, page=PAGE, handle=f"native weixin://wxpay/bizpayurl?pr={KEY[:9]} {BACK}")
    assert wechat.kind(KEY) == "native"


def test_a_telephones_browser_is_sent_to_wechat_and_back_to_the_shop(gateway: WeChat, wechat: WeChatServer) -> None:
    answer = gateway.start(facts(START, client=ON_PHONE))
    to = urlsplit(answer.page)
    assert f"{to.scheme}://{to.netloc}" in gateway.hosts
    assert parse_qs(to.query)["redirect_url"] == [f"http://localhost{BACK}"]
    assert wechat.kind(KEY) == "h5"
    assert Handle.read(answer.handle) == Handle(Kind.H5, "", BACK)


def test_inside_wechat_its_script_pays_for_the_openid(gateway: WeChat, wechat: WeChatServer) -> None:
    answer = gateway.start(facts(START, client=IN_WECHAT))
    assert answer == Answer(Heard.PENDING, page=PAGE, handle=f"jsapi wx20270320{KEY} {BACK}")
    assert wechat.kind(KEY) == "jsapi"


def test_inside_wechat_nothing_is_made_before_the_openid_is_known(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> None:
    asked = started(gateway, Client(INSIDE, "203.0.113.7"))
    assert wechat.asked == []
    assert asked.handle == f"jsapi - {BACK}"
    assert gateway.query(asked) == Answer(Heard.PENDING, page=PAGE, handle=asked.handle), "the sweeper leaves it to the page"
    assert gateway.start(asked).heard is Heard.PENDING
    clock.forward(timedelta(minutes=30))
    assert gateway.query(asked) == Answer(Heard.ABSENT)


def test_other_currencies_than_yuan_are_refused_before_anything_is_asked(gateway: WeChat, wechat: WeChatServer) -> None:
    assert gateway.start(facts(START, currency="EUR")).heard is Heard.FAILED
    assert wechat.asked == []


@pytest.mark.parametrize("client", [AT_DESK, ON_PHONE, IN_WECHAT, Client(INSIDE)])
def test_it_is_offered_in_every_browser(gateway: WeChat, client: Client) -> None:
    assert gateway.is_offered(client)


@pytest.mark.parametrize("client", [AT_DESK, ON_PHONE, IN_WECHAT])
def test_starting_again_leads_to_the_same_order(gateway: WeChat, wechat: WeChatServer, client: Client) -> None:
    first = gateway.start(facts(START, client=client))
    again = gateway.start(facts(START, client=client, handle=first.handle))
    assert again.heard is Heard.PENDING
    assert again.handle == first.handle
    assert wechat.complaints == []


@pytest.mark.parametrize(("first", "then"), [(AT_DESK, IN_WECHAT), (AT_DESK, ON_PHONE), (IN_WECHAT, ON_PHONE), (ON_PHONE, AT_DESK)])
def test_in_another_browser_the_order_is_closed_so_that_a_new_one_can_be_paid(
    gateway: WeChat, wechat: WeChatServer, first: Client, then: Client
) -> None:
    asked = started(gateway, first)
    answer = gateway.start(replace(asked, client=then))
    assert answer == Answer(Heard.FAILED, why="begun in another browser")
    assert wechat.state(KEY) == "CLOSED"


def test_what_was_paid_meanwhile_is_not_lost_by_opening_another_browser(gateway: WeChat, wechat: WeChatServer) -> None:
    asked = started(gateway)
    wechat.approve(KEY)
    assert gateway.start(replace(asked, client=IN_WECHAT)) == replace(PAID, handle=asked.handle)


def test_the_worker_starts_again_what_never_arrived_in_whatever_way_it_can(gateway: WeChat, wechat: WeChatServer) -> None:
    assert gateway.start(facts(START)).heard is Heard.PENDING
    assert wechat.kind(KEY) == "native"


def test_the_key_of_a_payment_fits_what_wechat_takes(gateway: WeChat, wechat: WeChatServer) -> None:
    for key in ("-_-_-_-_-_-_-_-_", "0123456789abcdef", "ABCDEFGHIJKLMNOP"):
        assert gateway.start(facts(START, key=key)).heard is Heard.PENDING
    assert wechat.complaints == []


# --- what became of it ---


def test_a_payment_goes_from_waiting_to_captured(gateway: WeChat, wechat: WeChatServer) -> None:
    assert gateway.query(facts(START)) == Answer(Heard.ABSENT)
    asked = started(gateway)
    assert gateway.query(asked) == Answer(Heard.PENDING, page=PAGE, handle=asked.handle)
    wechat.approve(KEY)
    assert gateway.query(asked) == replace(PAID, handle=asked.handle)
    assert (wechat.captured(), wechat.complaints) == (5980, [])


@pytest.mark.parametrize(("end", "why"), [("decline", "the bank refused"), ("close", "closed")])
def test_what_can_never_be_paid_has_failed(gateway: WeChat, wechat: WeChatServer, end: str, why: str) -> None:
    asked = started(gateway)
    getattr(wechat, end)(KEY)
    assert gateway.query(asked) == Answer(Heard.FAILED, why=why)


def test_an_expired_order_is_closed_so_that_nobody_pays_it_later(gateway: WeChat, wechat: WeChatServer, clock: Clock) -> None:
    asked = started(gateway)
    clock.forward(timedelta(minutes=30) - timedelta(microseconds=1))
    assert gateway.query(asked).heard is Heard.PENDING
    clock.forward(timedelta(microseconds=1))
    assert gateway.query(asked) == Answer(Heard.FAILED, why="expired")
    assert wechat.state(KEY) == "CLOSED"


def test_money_that_came_at_the_last_moment_is_found_when_it_is_asked_for_later(
    gateway: WeChat, wechat: WeChatServer, clock: Clock
) -> None:
    asked = started(gateway)
    clock.forward(timedelta(minutes=30))
    wechat.approve(KEY)
    clock.forward(timedelta(days=1))
    assert gateway.query(asked) == replace(PAID, handle=asked.handle)


def test_a_payment_that_was_returned_was_captured_all_the_same(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts) -> None:
    gateway.refund(refund_facts(amount=5980))
    assert gateway.query(paid) == replace(PAID, handle=paid.handle)
    assert wechat.complaints == []


def test_an_order_number_never_stands_for_two_amounts(gateway: WeChat, wechat: WeChatServer) -> None:
    started(gateway)
    assert gateway.start(facts(START, amount=1, client=AT_DESK)).heard is Heard.PENDING, "the first one stands as it is"
    assert wechat.complaints == [f"{KEY} again with another amount"]
    wechat.approve(KEY)
    assert gateway.query(facts(START)).amount == 5980


# --- a bad line ---

MOVED: list[Fault] = ["lost", "done-error", "slow", "bad signature", "unsigned", "not json"]
NOT_MOVED: list[Fault] = ["down", "error"]


@pytest.fixture
def hasty(wechat: WeChatServer, sqlite_database: Database, clock: Clock) -> WeChat:
    """A gateway that doesn't wait five seconds for an answer."""
    return WeChat(settings(wechat, sqlite_database), sqlite_database, clock, seconds=0.3)


@pytest.mark.parametrize("fault", MOVED + NOT_MOVED)
def test_without_an_answer_to_trust_nobody_knows_and_asking_tells(hasty: WeChat, wechat: WeChatServer, fault: Fault) -> None:
    wechat.troubles = [fault]
    assert ask(hasty.start, facts(START)).heard is Heard.UNKNOWN
    assert hasty.query(facts(START)).heard is (Heard.PENDING if fault in MOVED else Heard.ABSENT)
    assert hasty.start(facts(START)).heard is Heard.PENDING
    wechat.approve(KEY)
    assert (wechat.captured(), wechat.complaints) == (5980, [])


@pytest.mark.parametrize("fault", MOVED + NOT_MOVED)
def test_a_question_without_an_answer_to_trust_says_nothing(hasty: WeChat, wechat: WeChatServer, paid: PaymentFacts, fault: Fault) -> None:
    wechat.troubles = [fault]
    assert ask(hasty.query, paid).heard is Heard.UNKNOWN
    wechat.troubles = [fault]
    assert ask(hasty.query_refund, refund_facts()).heard is (Heard.ABSENT if _is_unsigned_error(fault) else Heard.UNKNOWN)


def _is_unsigned_error(fault: Fault) -> bool:
    """Tell whether WeChat's 404 comes through: the library looks at no signature of an error, and nothing rests on one."""
    return fault in {"bad signature", "unsigned"}


@pytest.mark.parametrize("fault", MOVED + NOT_MOVED)
def test_a_refund_whose_answer_was_lost_is_sent_once(hasty: WeChat, wechat: WeChatServer, paid: PaymentFacts, fault: Fault) -> None:
    assert paid
    wechat.troubles = [fault]
    assert ask(hasty.refund, refund_facts()).heard is Heard.UNKNOWN
    assert hasty.query_refund(refund_facts()).heard is (Heard.DONE if fault in MOVED else Heard.ABSENT)
    assert hasty.refund(refund_facts()).heard in {Heard.DONE, Heard.PENDING}
    assert hasty.query_refund(refund_facts()) == RETURNED
    assert (wechat.refunded(), wechat.complaints) == (5000, [])


def test_an_order_is_never_mistaken_for_another_ones_answer(gateway: WeChat, paid: PaymentFacts, monkeypatch: pytest.MonkeyPatch) -> None:
    asking = gateway._pay.query
    monkeypatch.setattr(gateway._pay, "query", lambda out_trade_no: asking(out_trade_no=KEY) if out_trade_no else None)
    with pytest.raises(ValueError, match="another order"):
        gateway.query(replace(paid, key="pay-2-abcDEF_123"))


def test_a_shop_that_is_set_up_wrongly_takes_nothing_for_decided(wechat: WeChatServer, sqlite_database: Database, clock: Clock) -> None:
    wrong = WeChat(settings(wechat, sqlite_database, wechat_serial="0000"), sqlite_database, clock)
    assert wrong.start(facts(START)).why.startswith("SIGN_ERROR")
    answers = [wrong.start(facts(START)), wrong.query(facts(START)), wrong.refund(refund_facts()), wrong.query_refund(refund_facts())]
    assert {answer.heard for answer in answers} == {Heard.UNKNOWN}


# --- refunds ---


def test_a_refund_is_on_its_way_and_then_done_once_however_often_it_is_asked_for(
    gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts
) -> None:
    assert paid
    assert gateway.query_refund(refund_facts()) == Answer(Heard.ABSENT)
    assert gateway.refund(refund_facts()) == Answer(Heard.PENDING, handle=f"5030{KEY}-1")
    assert [gateway.query_refund(refund_facts()), gateway.refund(refund_facts())] == [RETURNED, RETURNED]
    assert (wechat.refunded(), wechat.complaints) == (5000, [])


def test_more_than_was_captured_never_goes_back(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts, clock: Clock) -> None:
    assert paid
    gateway.refund(refund_facts())
    clock.forward(MINUTE)
    answer = gateway.refund(refund_facts(key=f"{KEY}-2", amount=981))
    assert answer.heard is Heard.FAILED
    assert "more than was captured" in answer.why
    assert gateway.refund(refund_facts(key=f"{KEY}-3", amount=980)).heard is Heard.PENDING
    assert wechat.refunded() == 5980


def test_a_known_number_with_another_amount_says_what_it_stands_for(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts) -> None:
    assert paid
    gateway.refund(refund_facts())
    assert gateway.refund(refund_facts(amount=1)) == RETURNED
    assert wechat.refunded() == 5000


def test_a_second_refund_within_a_minute_waits(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts, clock: Clock) -> None:
    assert paid
    gateway.refund(refund_facts(amount=100))
    second = refund_facts(key=f"{KEY}-2", amount=200)
    clock.forward(gateway.limits.refund_gap - timedelta(seconds=1))
    assert gateway.refund(second).heard is Heard.PENDING
    assert gateway.query_refund(second) == Answer(Heard.ABSENT)
    clock.forward(timedelta(seconds=1))
    gateway.refund(second)
    assert gateway.query_refund(second).amount == 200
    assert wechat.refunded() == 300


def test_there_are_fifty_refunds_of_a_payment(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts, clock: Clock) -> None:
    assert paid
    for number in range(gateway.limits.refunds_each or 0):
        clock.forward(MINUTE)
        assert gateway.refund(refund_facts(key=f"{KEY}-{number}", amount=1)).heard is Heard.PENDING
    clock.forward(MINUTE)
    assert gateway.refund(refund_facts(key=f"{KEY}-more", amount=1)).heard is Heard.FAILED
    assert wechat.refunded() == 50


@pytest.mark.parametrize(("late", "heard"), [(timedelta(0), Heard.PENDING), (timedelta(seconds=1), Heard.FAILED)])
def test_after_365_days_nothing_goes_back(gateway: WeChat, wechat: WeChatServer, clock: Clock, late: timedelta, heard: Heard) -> None:
    started(gateway)
    wechat.approve(KEY)
    assert gateway.limits.refunded_within
    clock.forward(gateway.limits.refunded_within + late)
    assert gateway.refund(refund_facts()).heard is heard


def test_a_payment_that_was_not_captured_is_not_refunded(gateway: WeChat, wechat: WeChatServer) -> None:
    assert gateway.refund(refund_facts()).heard is Heard.FAILED
    started(gateway)
    assert gateway.refund(refund_facts()).heard is Heard.FAILED
    assert wechat.refunded() == 0


def test_a_refund_names_the_whole_payment_or_is_not_sent(gateway: WeChat, wechat: WeChatServer) -> None:
    with pytest.raises(ValueError, match="how much was paid"):
        gateway.refund(refund_facts(payment_amount=0))
    assert wechat.asked == []


def test_without_money_on_the_account_it_is_tried_again_with_the_same_number(
    gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts
) -> None:
    assert paid
    wechat.without_money = "refuse"
    answer = gateway.refund(refund_facts())
    assert (answer.heard, answer.why) == (Heard.PENDING, "NOT_ENOUGH: 基本账户余额不足")
    wechat.without_money = ""
    gateway.refund(refund_facts())
    assert gateway.query_refund(refund_facts()) == RETURNED
    assert wechat.refunded() == 5000


def test_a_refund_that_waited_seven_days_for_money_is_closed(
    gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts, clock: Clock
) -> None:
    assert paid
    wechat.without_money = "wait"
    gateway.refund(refund_facts())
    assert gateway.limits.unfunded_for
    clock.forward(gateway.limits.unfunded_for - timedelta(seconds=1))
    assert gateway.query_refund(refund_facts()).heard is Heard.PENDING
    clock.forward(timedelta(seconds=1))
    assert gateway.query_refund(refund_facts()) == Answer(Heard.FAILED, why="CLOSED: WeChat gave the refund up")
    assert wechat.refunded() == 0


def test_a_card_that_is_gone_is_a_persons_task_and_not_the_end(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts) -> None:
    assert paid
    wechat.settles_at_once = False
    gateway.refund(refund_facts())
    wechat.becomes(f"{KEY}-1", "ABNORMAL")
    answer = gateway.query_refund(refund_facts())
    assert answer.heard is Heard.PENDING
    assert answer.why.startswith("ABNORMAL")
    wechat.becomes(f"{KEY}-1", "SUCCESS")
    assert gateway.query_refund(refund_facts()) == RETURNED


def test_a_refund_that_comes_back_has_failed_after_it_was_done(gateway: WeChat, wechat: WeChatServer, paid: PaymentFacts) -> None:
    assert paid
    gateway.refund(refund_facts())
    assert gateway.query_refund(refund_facts()) == RETURNED
    wechat.bounce(f"{KEY}-1")
    assert gateway.query_refund(refund_facts()).heard is Heard.FAILED
    assert wechat.refunded() == 0


# --- setting it up ---


def test_the_settings_bring_the_gateway_and_its_page(wechat: WeChatServer, sqlite_database: Database) -> None:
    gateways = build(settings(wechat, sqlite_database), sqlite_database)
    assert gateways["wechat"].merchant == MERCHANT
    assert [blueprint.name for blueprint in blueprints(gateways)] == ["wechat_pay"]


def test_without_the_package_the_start_says_how_to_get_it(
    wechat: WeChatServer, sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "wechatpayv3", None)
    with pytest.raises(Invalid, match=r"pip install 'c2b\[wechat\]'"):
        build(settings(wechat, sqlite_database), sqlite_database)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"wechat_api_key": SecretStr("short")}, "C2B_WECHAT_API_KEY has 5 letters"),
        ({"wechat_private_key": Path("nowhere.pem")}, "C2B_WECHAT_PRIVATE_KEY: the file nowhere.pem"),
        ({"wechat_public_key": Path("nowhere.pem")}, "C2B_WECHAT_PUBLIC_KEY: the file nowhere.pem"),
        ({"wechat_private_key": Path(__file__)}, "C2B_WECHAT_PRIVATE_KEY"),
        ({"wechat_public_key": "merchant"}, "keys can't be used"),
    ],
)
def test_a_wrong_setting_is_named(wechat: WeChatServer, sqlite_database: Database, changes: dict[str, Any], why: str) -> None:
    if changes.get("wechat_public_key") == "merchant":  # the two files mixed up
        changes = {"wechat_public_key": wechat.folder / "merchant.pem"}
    with pytest.raises(Invalid) as refused:
        build(settings(wechat, sqlite_database, **changes), sqlite_database)
    assert why in str(refused.value)


def test_what_wechats_script_is_told_is_signed_by_the_merchant(gateway: WeChat, wechat: WeChatServer) -> None:
    told = gateway.sign(prepay_id="wx201410272009395522657a690389285100", nonce="n" * 32)
    assert {**told, "paySign": ""} == {
        "appId": "wx8888888888888888",
        "timeStamp": str(int(START.timestamp())),
        "nonceStr": "n" * 32,
        "package": "prepay_id=wx201410272009395522657a690389285100",
        "signType": "RSA",
        "paySign": "",
    }
    text = "\n".join((told["appId"], told["timeStamp"], told["nonceStr"], told["package"], ""))
    assert wechat.is_signed_by_merchant(text, told["paySign"])


def test_what_is_kept_of_an_order_fits_its_column() -> None:
    long = Handle(Kind.JSAPI, "wx" + "1" * 62, f"/c/{'a' * 60}/pay/{KEY}")
    assert Handle.read(str(long)) == long
    assert len(str(long)) <= 200
    longer = Handle(Kind.NATIVE, "weixin://wxpay/bizpayurl?pr=" + "a" * 150, f"/c/{'a' * 60}/pay/{KEY}")
    assert Handle.read(str(longer)) == replace(longer, back="/me"), "the code is what can't be done without"
    assert Handle.read("") is None


def test_the_openid_that_an_order_was_made_for_is_the_one_that_pays(gateway: WeChat, wechat: WeChatServer) -> None:
    asked = started(gateway, IN_WECHAT)
    other = Client(INSIDE, "203.0.113.7", ANNA[::-1])
    assert gateway.start(replace(asked, client=other)) == Answer(Heard.PENDING, page=PAGE, handle=asked.handle)
    assert wechat.complaints == []
