"""WeChat Pay (APIv3): inside WeChat by its script, in a telephone's browser by a link, everywhere else by a QR code."""

import json
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit
from zoneinfo import ZoneInfo

from c2b.db import Database
from c2b.payments.gateways.wechat import answers, bill, notices
from c2b.payments.gateways.wechat.answers import Reply
from c2b.payments.gateways.wechat.handle import Handle, Kind, choose
from c2b.payments.gateways.wechat.sdk import connect
from c2b.payments.protocol import Answer, Call, Client, Heard, Limits, Notice, PaymentFacts, RefundFacts, StatementLine
from c2b.settings import Settings

SECONDS = 5.0
CURRENCY = "CNY"
_BEIJING = ZoneInfo("Asia/Shanghai")
_ORDER = {Kind.JSAPI: "prepay_id", Kind.H5: "h5_url", Kind.NATIVE: "code_url"}
"""What WeChat gives for an order of each kind."""


class WeChat:
    """WeChat Pay. An order there has our key as its number, so each call can be repeated; `database` holds what the pay page shows."""

    limits = Limits(
        currencies=(CURRENCY,),
        # 365 days from the payment, 50 partial refunds, a minute between two of one payment, 150 requests a second:
        # pay.weixin.qq.com/doc/v3/merchant/4012552567
        refunded_within=timedelta(days=365),
        refunds_each=50,
        refund_gap=timedelta(minutes=1),
        refunds_a_second=150,
        # A refund that the account had no money for is closed after seven days: pay.weixin.qq.com/doc/v3/merchant/4013071031
        unfunded_for=timedelta(days=7),
    )
    lasts = timedelta(minutes=30)
    hosts = ("https://wx.tenpay.com",)
    thanks = ""
    """200 without a text is enough: pay.weixin.qq.com/doc/v3/merchant/4012791882."""

    def __init__(self, settings: Settings, database: Database, now: Callable[[], datetime], *, seconds: float = SECONDS) -> None:
        self.database, self.now = database, now
        self.merchant, self.app_id = settings.wechat_merchant, settings.wechat_app_id
        self.base_url = settings.base_url.rstrip("/")
        self.asks_openid = bool(settings.wechat_app_secret.get_secret_value())
        self._serial = settings.wechat_public_key_id
        self._pay = connect(settings, seconds=seconds)

    def is_offered(self, client: Client) -> bool:  # noqa: ARG002  as every gateway is asked
        """Say yes to every browser: each has a way of its own."""
        return True

    def start(self, facts: PaymentFacts) -> Answer:
        """Make the order known, again with the same number if it is there; yuan alone.

        An order made for one kind of browser can't be paid in another: it is closed, so that the customer begins anew there. Inside
        WeChat nothing is made until the pay page knows the openid.
        """
        if facts.currency != CURRENCY:
            return Answer(Heard.FAILED, why="WeChat Pay takes CNY alone")
        kept, kind = Handle.read(facts.handle), choose(facts.client, asks_openid=self.asks_openid)
        if kept and not facts.client.agent:
            kind = kept.kind
        if kept and kept.kind is not kind and not kept.waits_for_openid:
            return self._close(facts, "begun in another browser")
        if not _can_be_ordered(kind, facts.client):
            return Answer(Heard.PENDING, page=page(facts.key), handle=str(kept or Handle(kind, "", facts.back)))
        return self.order(facts, kind)

    def order(self, facts: PaymentFacts, kind: Kind) -> Answer:
        """Make the order of a kind that the client of the facts can pay, or find it; refused, it is asked for, for it may be there."""
        from wechatpayv3 import WeChatPayType

        given = {
            "description": f"预订 {urlsplit(self.base_url).hostname}",
            "out_trade_no": facts.key,
            "amount": {"total": facts.amount, "currency": facts.currency},
            "time_expire": facts.expires_at.astimezone(_BEIJING).isoformat(timespec="seconds"),
            "pay_type": WeChatPayType[kind.name],
        }
        if kind is Kind.JSAPI:
            given["payer"] = {"openid": facts.client.openid}
        elif kind is Kind.H5:
            given["scene_info"] = {"payer_client_ip": facts.client.ip, "h5_info": {"type": "Wap"}}
        reply = self._ask(self._pay.pay, **given)
        if not reply.is_good:
            return self._after_refusal(facts, reply)
        value = str(reply.said[_ORDER[kind]])
        if kind is Kind.H5:
            back = quote(self.base_url + facts.back, safe="")
            return Answer(Heard.PENDING, page=f"{value}&redirect_url={back}", handle=str(Handle(kind, "", facts.back)))
        return Answer(Heard.PENDING, page=page(facts.key), handle=str(Handle(kind, value, facts.back)))

    def query(self, facts: PaymentFacts) -> Answer:
        """Say what became of an order; one that can't be paid any more is closed, for WeChat leaves it open."""
        answer = self._query(facts)
        if answer.heard is Heard.PENDING and self.now() >= facts.expires_at:
            return self._close(facts, "expired")
        return answer

    def refund(self, facts: RefundFacts) -> Answer:
        """Send money back; the same number is the same refund, whatever WeChat answered before."""
        if not facts.payment_amount:
            raise ValueError("WeChat wants to be told how much was paid")
        amount = {"refund": facts.amount, "total": facts.payment_amount, "currency": facts.currency}
        reply = self._ask(self._pay.refund, out_refund_no=facts.key, out_trade_no=facts.payment_key, amount=amount)
        if reply.is_good:
            return answers.refund(reply.said, key=facts.key, merchant=self.merchant)
        if reply.comes_later:
            return Answer(Heard.PENDING, why=reply.why)
        if not reply.is_refusal:
            return answers.unknown(reply)
        known = self.query_refund(facts)
        return Answer(Heard.FAILED, why=reply.why) if known.heard is Heard.ABSENT else known

    def query_refund(self, facts: RefundFacts) -> Answer:
        """Say what became of a refund."""
        reply = self._ask(self._pay.query_refund, out_refund_no=facts.key)
        if reply.is_absent:
            return Answer(Heard.ABSENT)
        return answers.refund(reply.said, key=facts.key, merchant=self.merchant) if reply.is_good else answers.unknown(reply)

    def notice(self, call: Call) -> Notice | None:
        """Verify a notice; raises Forged for what WeChat didn't send in the last five minutes to this merchant and account."""
        return notices.read(self._pay, call, serial=self._serial, merchant=self.merchant, app_id=self.app_id)

    def statement(self, content: bytes) -> Iterable[StatementLine]:
        """Read a trade bill; raises Invalid naming line, column and repair."""
        return bill.lines(content, merchant=self.merchant)

    def sign(self, *, prepay_id: str, nonce: str) -> dict[str, str]:
        """Return what WeChat's script wants, signed: pay.weixin.qq.com/doc/v3/merchant/4012791857."""
        at, package = str(int(self.now().timestamp())), f"prepay_id={prepay_id}"
        signature = self._pay.sign([self.app_id, at, nonce, package])
        named = {"appId": self.app_id, "timeStamp": at, "nonceStr": nonce, "package": package}
        return {**named, "signType": "RSA", "paySign": str(signature)}

    def _query(self, facts: PaymentFacts) -> Answer:
        reply = self._ask(self._pay.query, out_trade_no=facts.key)
        if reply.is_good:
            return answers.payment(reply.said, key=facts.key, page=page(facts.key), handle=facts.handle)
        if not reply.is_absent:
            return answers.unknown(reply)
        kept = Handle.read(facts.handle)
        if kept and kept.waits_for_openid and self.now() < facts.expires_at:
            return Answer(Heard.PENDING, page=page(facts.key), handle=facts.handle)
        return Answer(Heard.ABSENT)

    def _close(self, facts: PaymentFacts, why: str) -> Answer:
        """Close an order and ask what became of it: it may have been paid at this moment."""
        self._ask(self._pay.close, out_trade_no=facts.key)
        answer = self._query(facts)
        return replace(answer, why=why) if answer.heard is Heard.FAILED else answer

    def _after_refusal(self, facts: PaymentFacts, reply: Reply) -> Answer:
        if not (reply.is_refusal or reply.comes_later):
            return answers.unknown(reply)
        known = self._query(facts)
        return Answer(Heard.FAILED, why=reply.why) if known.heard is Heard.ABSENT else known

    @staticmethod
    def _ask(call: Callable[..., tuple[int, str | bytes]], **given: Any) -> Reply:
        """Call WeChat; raises where the answer's signature is wrong or there is none, which is `unknown`."""
        status, text = call(**given)
        said = json.loads(text) if text else {}
        return Reply(status, said if isinstance(said, dict) else {})


def _can_be_ordered(kind: Kind, client: Client) -> bool:
    """Tell whether enough is known of the customer's browser for an order of this kind."""
    return bool({Kind.JSAPI: client.openid, Kind.H5: client.ip, Kind.NATIVE: True}[kind])


def page(key: str) -> str:
    """Return our page for a payment: the code, or the button."""
    return f"/wechat/pay/{key}"
