"""Alipay: the real SDK against a gateway that checks signatures and keeps books of its own."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest

from c2b.errors import Invalid
from c2b.payments.gateways.alipay import sdk
from c2b.payments.gateways.alipay.gateway import Alipay
from c2b.payments.gateways.alipay.sdk import fen, moment, yuan
from c2b.payments.protocol import About, Answer, Call, Client, Forged, Heard, Notice, PaymentFacts, RefundFacts, ask
from tests.payments.alipay_server import SELLER, AlipayServer, Refusal, keys, private_pem
from tests.payments.conftest import START, Clock

KEY, REFUND = "GEZDGNBVGY3TQOJQ", "GEZDGNBVGY3TQOJQ-1"
NUMBER = "2027032022001400000000000000"
PHONE = Client(agent="Mozilla/5.0 (iPhone; CPU iPhone OS 19_0) Mobile/15E148")
PAID = Answer(Heard.DONE, amount=5980, currency="CNY", merchant=SELLER, reference=NUMBER)
RETURNED = Answer(Heard.DONE, amount=5000, currency="CNY", merchant=SELLER, reference=f"{NUMBER}/{REFUND}")


@pytest.fixture
def server(tmp_path: Path, clock: Clock) -> Iterator[AlipayServer]:
    with AlipayServer(tmp_path / "alipay", clock) as server:
        yield server


@pytest.fixture
def alipay(server: AlipayServer, clock: Clock) -> Alipay:
    return Alipay(server.settings(base_url="https://shop.example.com"), clock, time_out=0.5)


@pytest.fixture
def payment() -> PaymentFacts:
    return PaymentFacts(KEY, 5980, "CNY", SELLER, START + timedelta(minutes=30), f"/c/ss27/pay/{KEY}")


@pytest.fixture
def refund() -> RefundFacts:
    return RefundFacts(REFUND, KEY, 5000, "CNY", NUMBER, payment_amount=5980)


def pays(server: AlipayServer, alipay: Alipay, payment: PaymentFacts) -> None:
    """Let a customer open the page and pay."""
    server.visit(alipay.start(payment).page)
    server.approve(payment.key)


def test_a_customer_is_sent_to_a_signed_page_and_that_is_all(server: AlipayServer, alipay: Alipay, payment: PaymentFacts) -> None:
    started = alipay.start(payment)
    assert server.calls == []
    assert alipay.query(payment) == Answer(Heard.ABSENT), "nobody opened it yet"
    assert server.visit(started.page) == f"https://shop.example.com/c/ss27/pay/{KEY}"
    said = parse_qs(urlsplit(started.page).query)
    assert said["notify_url"] == ["https://shop.example.com/webhooks/alipay"]
    assert '"total_amount":"59.80"' in said["biz_content"][0]
    assert '"time_expire":"2027-03-20 12:30:00"' in said["biz_content"][0], "in Beijing, where it is eight hours later"


def test_a_page_that_was_opened_waits_for_the_customer(server: AlipayServer, alipay: Alipay, payment: PaymentFacts) -> None:
    server.visit(alipay.start(payment).page)
    waiting = alipay.query(payment)
    assert (waiting.heard, waiting.handle) == (Heard.PENDING, "page")
    server.visit(waiting.page)


@pytest.mark.parametrize(
    ("client", "handle", "method"),
    [
        (Client(agent="Mozilla/5.0 (X11; Linux x86_64)"), "", "alipay.trade.page.pay"),
        (PHONE, "", "alipay.trade.wap.pay"),
        (Client(), "wap", "alipay.trade.wap.pay"),
        (PHONE, "page", "alipay.trade.page.pay"),
    ],
    ids=["desk", "phone", "phone, asked by the worker", "begun at a desk, gone on by phone"],
)
def test_a_payment_keeps_the_kind_of_page_that_it_began_with(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, *, client: Client, handle: str, method: str
) -> None:
    page = alipay.start(replace(payment, client=client, handle=handle)).page
    assert parse_qs(urlsplit(page).query)["method"] == [method]
    server.visit(page)


def test_a_number_that_comes_again_with_another_amount_is_refused_by_alipay(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts
) -> None:
    server.visit(alipay.start(payment).page)
    with pytest.raises(Refusal, match="CONTEXT_INCONSISTENT"):
        server.visit(alipay.start(replace(payment, amount=1)).page)


def test_a_payment_is_captured_once_however_often_it_is_begun(server: AlipayServer, alipay: Alipay, payment: PaymentFacts) -> None:
    pays(server, alipay, payment)
    pays(server, alipay, payment)
    assert alipay.query(payment) == PAID
    server.finish(KEY)
    assert alipay.query(payment) == PAID, "a finished trade was paid too"
    assert server.captured() == 5980


def test_a_trade_that_is_closed_without_payment_has_failed(server: AlipayServer, alipay: Alipay, payment: PaymentFacts) -> None:
    server.visit(alipay.start(payment).page)
    server.decline(KEY)
    assert alipay.query(payment) == Answer(Heard.FAILED, why="closed without payment")


def test_a_trade_that_is_closed_because_all_went_back_was_captured(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts
) -> None:
    pays(server, alipay, payment)
    alipay.refund(replace(refund, amount=5980))
    assert alipay.query(payment) == PAID


def test_nobody_can_pay_after_the_payments_time(server: AlipayServer, alipay: Alipay, payment: PaymentFacts, clock: Clock) -> None:
    server.visit(alipay.start(payment).page)
    clock.forward(timedelta(minutes=30))
    server.approve(KEY)
    assert alipay.query(payment).heard is Heard.FAILED
    assert server.captured() == 0


def test_only_yuan_are_taken_and_never_within_wechat(alipay: Alipay, payment: PaymentFacts) -> None:
    assert alipay.start(replace(payment, currency="EUR")) == Answer(Heard.FAILED, why="Alipay takes CNY only")
    assert alipay.is_offered(PHONE)
    assert not alipay.is_offered(Client(agent=f"{PHONE.agent} MicroMessenger/8.0"))


def test_a_refund_is_sent_once_however_often_it_is_asked_for(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts
) -> None:
    pays(server, alipay, payment)
    assert alipay.query_refund(refund) == Answer(Heard.ABSENT)
    assert [alipay.refund(refund), alipay.refund(refund), alipay.query_refund(refund)] == [RETURNED, RETURNED, RETURNED]
    assert server.refunded() == 5000


def test_refunds_never_exceed_what_was_captured(server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts) -> None:
    pays(server, alipay, payment)
    alipay.refund(refund)
    more = alipay.refund(replace(refund, key=f"{KEY}-2", amount=981))
    assert more == Answer(Heard.FAILED, why="40004 ACQ.REASON_TRADE_REFUND_FEE_ERR 业务失败")
    assert alipay.refund(replace(refund, key=f"{KEY}-3", amount=980)).heard is Heard.DONE
    assert server.refunded() == server.captured() == 5980


def test_a_refusal_after_a_lost_answer_is_no_failure(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts
) -> None:
    pays(server, alipay, payment)
    alipay.refund(refund)
    other = alipay.refund(replace(refund, amount=4000))
    assert other == RETURNED, "what went back, not what was asked for the second time"


def test_a_refund_after_a_year_is_refused_for_good(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts
) -> None:
    pays(server, alipay, payment)
    server.finish(KEY)
    answer = alipay.refund(refund)
    assert answer.heard is Heard.FAILED
    assert "ACQ.TRADE_HAS_FINISHED" in answer.why
    assert alipay.limits.refunded_within == timedelta(days=365)


def test_a_refund_without_money_on_our_account_waits_until_there_is_some(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts
) -> None:
    pays(server, alipay, payment)
    server.balance = 4999
    poor = alipay.refund(refund)
    assert poor.heard is Heard.PENDING
    assert "SELLER_BALANCE_NOT_ENOUGH" in poor.why
    server.balance = 5000
    assert alipay.refund(refund) == RETURNED


@pytest.mark.parametrize("payment_key", [KEY, "ANOTHERPAYMENT77"])
def test_a_refund_of_what_was_not_captured_fails(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts, payment_key: str
) -> None:
    server.visit(alipay.start(payment).page)
    facts = replace(refund, payment_key=payment_key)
    assert alipay.refund(facts).heard is Heard.FAILED
    assert alipay.query_refund(facts) == Answer(Heard.ABSENT)


TROUBLES = ["down", "lost", "error", "done-error", "slow", "forged"]


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_goes_wrong_with_a_question_nobody_knows(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts, trouble: str
) -> None:
    pays(server, alipay, payment)
    server.troubles = [trouble, trouble]
    assert ask(alipay.query, payment) == ask(alipay.query_refund, refund) == Answer(Heard.UNKNOWN)
    server.released.set()
    assert alipay.query(payment) == PAID


@pytest.mark.parametrize("trouble", TROUBLES)
def test_whatever_goes_wrong_with_a_refund_it_is_sent_once(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts, trouble: str
) -> None:
    pays(server, alipay, payment)
    server.troubles = [trouble]
    assert ask(alipay.refund, refund) == Answer(Heard.UNKNOWN)
    server.released.set()
    known = alipay.query_refund(refund)
    assert known == (Answer(Heard.ABSENT) if trouble in ("down", "error") else RETURNED)
    assert alipay.refund(refund) == RETURNED
    assert server.refunded() == 5000


@pytest.mark.parametrize(
    ("changes", "answer"),
    [
        ({"code": "20000", "sub_code": "isp.unknow-error"}, Answer(Heard.UNKNOWN, why="20000 isp.unknow-error")),
        ({"code": "40004", "sub_code": "ACQ.SYSTEM_ERROR"}, Answer(Heard.UNKNOWN, why="40004 ACQ.SYSTEM_ERROR")),
        ({"trade_status": "TRADE_PENDING"}, Answer(Heard.UNKNOWN, why="TRADE_PENDING")),
        ({"total_amount": 59.8}, PAID),
        ({"seller_id": "2088999999999999"}, replace(PAID, merchant="2088999999999999")),
        ({"trans_currency": "USD"}, replace(PAID, currency="USD")),
    ],
    ids=str,
)
def test_an_answer_is_taken_for_what_it_says(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, changes: dict[str, Any], answer: Answer
) -> None:
    pays(server, alipay, payment)
    server.changes = changes
    assert alipay.query(payment) == answer


@pytest.mark.parametrize("changes", [{"out_trade_no": "ANOTHERPAYMENT77"}, {"total_amount": "much"}, {"trade_status": None}], ids=str)
def test_an_answer_about_something_else_is_not_believed(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, changes: dict[str, Any]
) -> None:
    pays(server, alipay, payment)
    server.changes = changes
    assert ask(alipay.query, payment).heard is Heard.UNKNOWN


@pytest.mark.parametrize("changes", [{"out_request_no": f"{KEY}-9"}, {"out_trade_no": "ANOTHERPAYMENT77"}], ids=str)
def test_an_answer_about_another_refund_is_not_believed(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts, changes: dict[str, Any]
) -> None:
    pays(server, alipay, payment)
    alipay.refund(refund)
    server.changes = changes
    assert ask(alipay.query_refund, refund).heard is Heard.UNKNOWN


def heard(alipay: Alipay, said: tuple[dict[str, str], bytes], at: datetime) -> Notice | None:
    headers, body = said
    return alipay.notice(Call(headers, body, at))


def test_a_notice_says_to_ask_about_the_payment(server: AlipayServer, alipay: Alipay, payment: PaymentFacts, clock: Clock) -> None:
    pays(server, alipay, payment)
    (event,) = server.events()
    assert heard(alipay, event, clock()) == Notice("202703200022200000", "TRADE_SUCCESS", About.PAYMENT, KEY)
    assert alipay.thanks == "success"


def test_a_notice_of_a_refund_says_to_ask_about_the_refund(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, refund: RefundFacts, clock: Clock
) -> None:
    pays(server, alipay, payment)
    alipay.refund(refund)
    assert heard(alipay, server.events()[1], clock()) == Notice("202703200022200001", "TRADE_SUCCESS", About.REFUND, REFUND)


def test_a_refund_that_somebody_made_on_alipays_site_concerns_the_payment(server: AlipayServer, alipay: Alipay, clock: Clock) -> None:
    event = server.notice(notify_id="n1", out_trade_no=KEY, out_biz_no="2088-by-hand", trade_status="TRADE_CLOSED")
    assert heard(alipay, event, clock()) == Notice("n1", "TRADE_CLOSED", About.PAYMENT, KEY)


@pytest.mark.parametrize("late", [timedelta(minutes=4), timedelta(hours=25)])
def test_a_repeated_notice_is_the_same_event_and_fresh_however_late(
    server: AlipayServer, alipay: Alipay, payment: PaymentFacts, clock: Clock, late: timedelta
) -> None:
    pays(server, alipay, payment)
    first = heard(alipay, server.events()[0], clock())
    clock.forward(late)
    assert server.events() == []
    assert heard(alipay, server.repeated()[0], clock()) == first


@pytest.mark.parametrize("off", [timedelta(minutes=5, seconds=1), timedelta(minutes=-5, seconds=-1), timedelta(days=3)])
def test_a_notice_that_is_replayed_later_is_forged(server: AlipayServer, alipay: Alipay, clock: Clock, off: timedelta) -> None:
    event = server.notice(notify_id="n1", out_trade_no=KEY)
    assert heard(alipay, event, clock() + off / abs(off) * timedelta(minutes=5))
    with pytest.raises(Forged):
        heard(alipay, event, clock() + off)


@pytest.mark.parametrize(
    "said",
    [
        {"signer": "somebody"},
        {"signer": "shop"},
        {"app_id": "2021999999999999"},
        {"seller_id": "2088999999999999"},
        {"notify_time": "yesterday"},
        {"notify_time": ""},
    ],
    ids=str,
)
def test_a_notice_that_is_not_alipays_or_not_for_us_is_forged(
    server: AlipayServer, alipay: Alipay, clock: Clock, said: dict[str, str]
) -> None:
    with pytest.raises(Forged):
        heard(alipay, server.notice(**({"notify_id": "n1", "out_trade_no": KEY} | said)), clock())  # type: ignore[arg-type]  # names and values


@pytest.mark.parametrize(
    "change",
    [
        {"out_trade_no": "ANOTHERPAYMENT77"},
        {"total_amount": "0.01"},
        {"sign": ""},
        {"sign": "not base64!"},
        {"sign_type": "RSA"},
        {"sign_type": ""},
        {"extra": "1"},
    ],
    ids=str,
)
def test_a_notice_that_was_changed_on_its_way_is_forged(server: AlipayServer, alipay: Alipay, clock: Clock, change: dict[str, str]) -> None:
    headers, body = server.notice(notify_id="n1", out_trade_no=KEY, total_amount="59.80")
    changed = urlencode(dict(parse_qsl(body.decode())) | change).encode()
    with pytest.raises(Forged):
        heard(alipay, (headers, changed), clock())


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=1", b"no form", b"a=1&a=2", b"{}", b"&".join(b"a%d=1" % n for n in range(101))])
def test_what_is_no_form_is_forged(alipay: Alipay, clock: Clock, body: bytes) -> None:
    with pytest.raises(Forged):
        heard(alipay, ({}, body), clock())


def test_a_parameter_twice_is_forged_even_with_the_first_ones_signature(server: AlipayServer, alipay: Alipay, clock: Clock) -> None:
    headers, body = server.notice(notify_id="n1", out_trade_no=KEY)
    with pytest.raises(Forged):
        heard(alipay, (headers, b"out_trade_no=ANOTHERPAYMENT77&" + body), clock())


@pytest.mark.parametrize(
    "said",
    [
        {"notify_type": "", "msg_method": "alipay.trade.refund.depositback.completed", "biz_content": '{"dback_status":"F"}'},
        {"out_trade_no": ""},
        {"out_trade_no": "K" * 41},
        {"notify_id": ""},
    ],
    ids=["a bank took a refund", "no number", "another system's number", "no id"],
)
def test_a_notice_that_we_need_not_is_taken_and_passed_over(
    server: AlipayServer, alipay: Alipay, clock: Clock, said: dict[str, str]
) -> None:
    event = server.notice(**({"notify_id": "n1", "out_trade_no": KEY} | said))  # type: ignore[arg-type]  # names and values
    assert heard(alipay, event, clock()) is None


@pytest.mark.parametrize(("amount", "text"), [(1, "0.01"), (10, "0.10"), (5980, "59.80"), (100, "1.00"), (999_999_999_99, "999999999.99")])
def test_amounts_are_exact_both_ways(amount: int, text: str) -> None:
    assert yuan(amount) == text
    assert fen(text) == amount


@pytest.mark.parametrize(("said", "amount"), [(59.8, 5980), ("59.8", 5980), (88.88, 8888), (4.35, 435), ("-0.60", -60), (" 7 ", 700)])
def test_amounts_are_read_as_alipay_writes_them(said: object, amount: int) -> None:
    assert fen(said) == amount


@pytest.mark.parametrize("said", ["", "59.801", "1e3", "¥1", "1,000.00", "NaN", None, "٣"])
def test_what_is_no_amount_is_refused(said: object) -> None:
    with pytest.raises(ValueError, match="no amount"):
        fen(said)


def test_times_are_beijings() -> None:
    assert moment("2027-03-20 12:00:00") == START


def test_a_key_may_be_saved_as_alipays_tools_write_it(server: AlipayServer, clock: Clock, payment: PaymentFacts, tmp_path: Path) -> None:
    bare = tmp_path / "bare.txt"
    bare.write_text("".join(private_pem(keys("shop")).splitlines()[1:-1]))
    gateway = Alipay(server.settings(alipay_private_key=bare), clock)
    server.visit(gateway.start(payment).page)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "can’t be read; look at its path"),
        (b"\xff\xfe", "holds no RSA key"),
        (b"hello", "holds no RSA key"),
        (b"", "holds no RSA key"),
    ],
)
def test_a_key_that_is_none_stops_the_start_and_says_which(
    server: AlipayServer, clock: Clock, tmp_path: Path, content: bytes | None, words: str
) -> None:
    file = tmp_path / "key.pem"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Invalid, match=words):
        Alipay(server.settings(alipay_public_key=file), clock)


def test_without_its_package_the_start_says_what_to_install(server: AlipayServer, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ModuleNotFoundError(name)

    settings = server.settings()
    monkeypatch.setattr(sdk, "import_module", missing)
    with pytest.raises(Invalid, match=r"pip install 'c2b\[alipay\]'"):
        Alipay(settings, clock)


@pytest.mark.parametrize(
    ("address", "hosts"),
    [
        ("https://openapi.alipay.com/gateway.do", ("https://openapi.alipay.com", "https://*.alipay.com")),
        (
            "https://openapi-sandbox.dl.alipaydev.com/gateway.do",
            ("https://openapi-sandbox.dl.alipaydev.com", "https://*.alipaydev.com"),
        ),
        ("http://127.0.0.1:8011/gateway.do", ("http://127.0.0.1:8011",)),
        ("https://evilalipay.com/gateway.do", ("https://evilalipay.com",)),
    ],
)
def test_customers_may_be_sent_to_alipays_sites_and_no_others(
    server: AlipayServer, clock: Clock, address: str, hosts: tuple[str, ...]
) -> None:
    assert Alipay(server.settings(alipay_address=address), clock).hosts == hosts
