"""WeChat Pay's notices: signed over the very bytes, encrypted, and easily replayed.

Source: pay.weixin.qq.com/doc/v3/merchant, 4012791882 (payments) and 4012791886 (refunds).
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from c2b.payments.protocol import About, Call, Forged, Notice

AGE = timedelta(minutes=5)
"""How far the time-stamp may be away: the library takes one that is days old."""
_SIGNED = ("wechatpay-signature", "wechatpay-timestamp", "wechatpay-nonce", "wechatpay-serial", "wechatpay-signature-type")
_DIGITS = re.compile("[0-9]{1,11}")
_KEY = re.compile("[A-Za-z0-9_-]{1,40}")
"""What a key of ours can look like: with other ones another program's orders of this merchant are told of."""
_ABOUT = {"TRANSACTION": (About.PAYMENT, "out_trade_no"), "REFUND": (About.REFUND, "out_refund_no")}


def read(pay: Any, call: Call, *, serial: str, merchant: str, app_id: str) -> Notice | None:
    """Verify a notice and say what it is about; None for what isn't about a payment or refund of ours. Raises Forged.

    `serial` is the id of WeChat Pay's public key. With any other the library would ask WeChat for certificates, so that a stranger's
    call could make it do so; it isn't given the chance.
    """
    if call.headers.get("wechatpay-serial") != serial or not _is_fresh(call):
        raise Forged
    try:
        event = pay.callback({name: call.headers.get(name, "") for name in _SIGNED}, call.body)
    except Exception as error:  # whatever the library can't read was not written by WeChat
        raise Forged from error
    if not event:
        raise Forged
    return _notice(event, merchant=merchant, app_id=app_id)


def _is_fresh(call: Call) -> bool:
    text = call.headers.get("wechatpay-timestamp", "")
    return bool(_DIGITS.fullmatch(text)) and abs(call.at - datetime.fromtimestamp(int(text), UTC)) <= AGE


def _notice(event: Mapping[str, Any], *, merchant: str, app_id: str) -> Notice | None:
    kind, what = str(event.get("event_type", "")), event["resource"]
    if what.get("mchid") != merchant or what.get("appid", app_id) != app_id:
        raise Forged
    about, name = _ABOUT.get(kind.partition(".")[0], (None, ""))
    key = str(what.get(name, ""))
    if about is None or not _KEY.fullmatch(key):
        return None
    return Notice(str(event["id"])[:120], kind[:80], about, key)
