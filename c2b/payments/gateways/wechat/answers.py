"""What WeChat Pay's answers mean: pure.

Source: pay.weixin.qq.com/doc/v3/merchant, 4013070356 (query an order), 4012552567 and 4013071031 (refunds).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c2b.payments.protocol import Answer, Heard

Said = Mapping[str, Any]
"""A JSON object of WeChat's."""
_PAID = frozenset({"SUCCESS", "REFUND"})
"""A payment that was refunded, even in part, was captured all the same."""
_WAITING = frozenset({"NOTPAY", "USERPAYING", "ACCEPT"})
_OVER = {"CLOSED": "closed", "REVOKED": "revoked", "PAYERROR": "the bank refused"}
_ON_ITS_WAY = {"PROCESSING": "", "ABNORMAL": "ABNORMAL: the card is gone; send it another way at pay.weixin.qq.com"}
"""States of a refund that isn't over, with what is to be done."""
_ABSENT = frozenset({"ORDER_NOT_EXIST", "RESOURCE_NOT_EXISTS"})
_LATER = frozenset({"NOT_ENOUGH", "FREQUENCY_LIMITED", "BIZERR_NEED_RETRY"})
"""Surely not done, and to be asked for again with the same number: no money on our account, or too soon."""
_OURS = frozenset({"SIGN_ERROR", "NO_AUTH", "APPID_MCHID_NOT_MATCH", "MCH_NOT_EXISTS"})
"""The shop is set up wrongly: this call did nothing, and what an earlier one did nobody can be asked."""
_UNDECIDED = 500


@dataclass(frozen=True)
class Reply:
    """One answer of WeChat's as it came: the status of HTTP and what was said."""

    status: int
    said: Said

    @property
    def is_good(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300  # noqa: PLR2004  as HTTP numbers them

    @property
    def is_absent(self) -> bool:
        """Whether WeChat knows no such order or refund."""
        return self.said.get("code") in _ABSENT

    @property
    def why(self) -> str:
        """WeChat's words for what was wrong."""
        return f"{self.said.get('code', self.status)}: {self.said.get('message', '')}".rstrip(": ")

    @property
    def is_refusal(self) -> bool:
        """Whether it says for certain that this request did nothing, now or later."""
        return not (self.is_good or self.status >= _UNDECIDED or self.said.get("code") in _OURS | _LATER)

    @property
    def comes_later(self) -> bool:
        """Whether the same request may be made again and then succeed."""
        return self.said.get("code") in _LATER


def unknown(reply: Reply) -> Answer:
    """Return that nobody knows, with WeChat's words."""
    return Answer(Heard.UNKNOWN, why=reply.why)


def payment(said: Said, *, key: str, page: str, handle: str) -> Answer:
    """Return what an order's state means; raises ValueError for another order's answer or a state that we never heard of."""
    if said.get("out_trade_no") != key:
        raise ValueError("the answer is about another order")
    state = str(said.get("trade_state"))
    if state in _PAID:
        amount, merchant, reference = said["amount"], str(said["mchid"]), str(said["transaction_id"])
        moved: dict[str, Any] = {"amount": int(amount["total"]), "currency": str(amount["currency"])}
        return Answer(Heard.DONE, merchant=merchant, reference=reference, handle=handle, **moved)
    if state in _WAITING:
        return Answer(Heard.PENDING, page=page, handle=handle)
    if state in _OVER:
        return Answer(Heard.FAILED, why=_OVER[state])
    raise ValueError(f"WeChat says {state}")


def refund(said: Said, *, key: str, merchant: str) -> Answer:
    """Return what a refund's state means; raises ValueError as `payment` does.

    ABNORMAL isn't final: the customer's card is gone, the money waits at WeChat until a person says where to. CLOSED is: the account had
    no money for seven days, and only a new number can be sent.
    """
    if said.get("out_refund_no") != key:
        raise ValueError("the answer is about another refund")
    state, reference = said.get("status", said.get("refund_status")), str(said["refund_id"])
    if state == "SUCCESS":
        amount = said["amount"]
        moved: dict[str, Any] = {"amount": int(amount["refund"]), "currency": str(amount.get("currency", "CNY"))}
        return Answer(Heard.DONE, merchant=merchant, reference=reference, handle=reference, **moved)
    if state in _ON_ITS_WAY:
        return Answer(Heard.PENDING, handle=reference, why=_ON_ITS_WAY[state])
    if state == "CLOSED":
        return Answer(Heard.FAILED, why="CLOSED: WeChat gave the refund up")
    raise ValueError(f"WeChat says {state}")
