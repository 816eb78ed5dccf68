"""Alipay for websites: its page on desks, its wap page on telephones; refunds at once; signed notices.

Sources, on opendocs.alipay.com: alipay.trade.page.pay, .wap.pay, .query, .refund and .fastpay.refund.query; the notices' page (270/105902).
"""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from c2b.payments.gateways.alipay import bill, notices
from c2b.payments.gateways.alipay.sdk import CURRENCY, TIME_OUT, Line, fen, written, yuan
from c2b.payments.protocol import Answer, Call, Client, Heard, Limits, Notice, PaymentFacts, RefundFacts, StatementLine
from c2b.settings import Settings

_DONE = "10000"
_PAID = {"TRADE_SUCCESS", "TRADE_FINISHED"}
_ABSENT = "ACQ.TRADE_NOT_EXIST"
_WAITS_FOR_MONEY = "ACQ.SELLER_BALANCE_NOT_ENOUGH"
"""We have to fill our account there, and then the same call works."""
_FOR_GOOD = frozenset(
    f"ACQ.{why}"
    for why in (
        "BUYER_ENABLE_STATUS_FORBID",
        "BUYER_ERROR",
        "BUYER_NOT_EXIST",
        "CURRENCY_NOT_SUPPORT",
        "CUSTOMER_VALIDATE_ERROR",
        "DISCORDANT_REPEAT_REQUEST",
        "INVALID_PARAMETER",
        "NOT_ALLOW_PARTIAL_REFUND",
        "ONLINE_TRADE_VOUCHER_NOT_ALLOW_REFUND",
        "REASON_TRADE_REFUND_FEE_ERR",
        "REASON_TRADE_STATUS_INVALID",
        "REFUND_AMT_NOT_EQUAL_TOTAL",
        "REFUND_FEE_ERROR",
        "TRADE_HAS_CLOSE",
        "TRADE_HAS_FINISHED",
        "TRADE_NOT_ALLOW_REFUND",
        "TRADE_NOT_EXIST",
        "TRADE_STATUS_ERROR",
    )
)
"""Refusals of a refund that no repetition changes; the customer has to be paid some other way. All others are tried again."""
_PAGES = {"page": ("alipay.trade.page.pay", "FAST_INSTANT_TRADE_PAY"), "wap": ("alipay.trade.wap.pay", "QUICK_WAP_WAY")}
"""Method and product of each kind of page."""


class Alipay:
    """Alipay, for one application (app id) of one seller; takes yuan only."""

    limits = Limits(currencies=(CURRENCY,), refunded_within=timedelta(days=365), refund_gap=timedelta(seconds=3))
    """The contract of payments on websites says 12 months, later is ACQ.TRADE_HAS_FINISHED; alipay.trade.refund asks for 3 s between two
    refunds of one trade. A refund's number is known as long as its trade; one without money on our account is refused at once, not kept."""
    lasts = timedelta(minutes=30)
    thanks = "success"

    def __init__(self, settings: Settings, now: Callable[[], datetime], *, time_out: float = TIME_OUT) -> None:
        """Read the keys; raises Invalid naming what is missing."""
        self._line = Line(settings, time_out=time_out)
        self._app, self._now = settings.alipay_app_id, now
        self.merchant = settings.alipay_seller
        self.hosts = _hosts(settings.alipay_address)
        self._base = settings.base_url.rstrip("/")

    def is_offered(self, client: Client) -> bool:
        """Say no within WeChat, which doesn't open Alipay's pages."""
        return not client.is_wechat

    def start(self, facts: PaymentFacts) -> Answer:
        """Return the signed address of the page where the customer pays; Alipay hears of the payment only when they open it."""
        if facts.currency != CURRENCY:
            return Answer(Heard.FAILED, why="Alipay takes CNY only")
        return self._pending(facts)

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of a payment; absent until the customer opened the page and chose how to pay."""
        said = self._line.ask("alipay.trade.query", {"out_trade_no": facts.key}, self._now())
        if said.get("sub_code") == _ABSENT:
            return Answer(Heard.ABSENT)
        if said.get("code") != _DONE:
            return Answer(Heard.UNKNOWN, why=_why(said))
        _about(said, out_trade_no=facts.key)
        status = said["trade_status"]
        was_paid = bool(said.get("send_pay_date"))  # a trade that is closed after its money went back whole was paid once
        if status in _PAID or (status == "TRADE_CLOSED" and was_paid):
            return self._captured(said)
        if status == "TRADE_CLOSED":
            return Answer(Heard.FAILED, why="closed without payment")
        return self._pending(facts) if status == "WAIT_BUYER_PAY" else Answer(Heard.UNKNOWN, why=status)

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back; the same number again is the same refund, says Alipay, whatever became of the first call."""
        about = {"out_trade_no": facts.payment_key, "refund_amount": yuan(facts.amount), "out_request_no": facts.key}
        said = self._line.ask("alipay.trade.refund", about, self._now())
        if said.get("code") == _DONE:
            _about(said, out_trade_no=facts.payment_key)
            if said.get("fund_change") == "Y":
                return self._returned(facts.amount, said["trade_no"], facts.key)
            return self._asked_for(facts, otherwise=Answer(Heard.PENDING, why="accepted, not seen yet"))
        if said.get("sub_code") in _FOR_GOOD:  # the first call may have done it all the same
            return self._asked_for(facts, otherwise=Answer(Heard.FAILED, why=_why(said)))
        return Answer(Heard.PENDING if said.get("sub_code") == _WAITS_FOR_MONEY else Heard.UNKNOWN, why=_why(said))

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund. Money that a bank sends back goes into the customer's balance at Alipay, so done is done."""
        about = {"out_trade_no": facts.payment_key, "out_request_no": facts.key}
        said = self._line.ask("alipay.trade.fastpay.refund.query", about, self._now())
        if said.get("sub_code") == _ABSENT:
            return Answer(Heard.ABSENT)
        if said.get("code") != _DONE:
            return Answer(Heard.UNKNOWN, why=_why(said))
        if said.get("refund_status") != "REFUND_SUCCESS":  # it isn't there, or failed: the same number may be sent again
            return Answer(Heard.ABSENT)
        _about(said, out_trade_no=facts.payment_key, out_request_no=facts.key)
        return self._returned(fen(said["refund_amount"]), said["trade_no"], facts.key)

    def notice(self, call: Call) -> Notice | None:
        """Verify a notice and say what it is about; None: nothing that we need. Raises Forged."""
        return notices.read(call, app=self._app, seller=self.merchant, is_alipays=self._line.is_alipays)

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        """Read a bill of trades (业务明细); raises Invalid naming line, column and repair."""
        return bill.read(content)

    def _pending(self, facts: PaymentFacts) -> Answer:
        """The address is made anew each time, always of the kind that it was first: one number is one product at Alipay."""
        kind = facts.handle if facts.handle in _PAGES else "wap" if facts.client.is_phone else "page"
        method, product = _PAGES[kind]
        back = self._base + facts.back
        about = {
            "subject": f"订单 {facts.key}",
            "out_trade_no": facts.key,
            "total_amount": yuan(facts.amount),
            "product_code": product,
            "time_expire": written(facts.expires_at),
        } | ({"quit_url": back} if kind == "wap" else {})
        page = self._line.address(method, about, self._now(), return_url=back, notify_url=f"{self._base}/webhooks/alipay")
        return Answer(Heard.PENDING, page=page, handle=kind)

    def _captured(self, said: dict[str, Any]) -> Answer:
        currency, seller = said.get("trans_currency") or CURRENCY, said.get("seller_id") or self.merchant
        return Answer(Heard.DONE, amount=fen(said["total_amount"]), currency=currency, merchant=seller, reference=said["trade_no"])

    def _asked_for(self, facts: RefundFacts, *, otherwise: Answer) -> Answer:
        known = self.query_refund(facts)
        return otherwise if known.heard is Heard.ABSENT else known

    def _returned(self, amount: int, trade: str, key: str) -> Answer:
        return Answer(Heard.DONE, amount=amount, currency=CURRENCY, merchant=self.merchant, reference=bill.refund_reference(trade, key))


def _about(said: dict[str, Any], **asked: str) -> None:
    """Make sure that an answer, signed as it is, is about what was asked for."""
    if {name: said.get(name) for name in asked} != asked:
        raise ValueError("Alipay answered about something else")


def _why(said: dict[str, Any]) -> str:
    return " ".join(str(said[part]) for part in ("code", "sub_code", "sub_msg") if said.get(part))


def _hosts(address: str) -> tuple[str, ...]:
    """Return Alipay's address and the sites that it sends customers on to, of the real one and of its sandbox."""
    parsed = urlsplit(address)
    here = f"{parsed.scheme}://{parsed.netloc}"
    families = [family for family in ("alipay.com", "alipaydev.com") if (parsed.hostname or "").endswith(f".{family}")]
    return (here, *(f"https://*.{family}" for family in families))
