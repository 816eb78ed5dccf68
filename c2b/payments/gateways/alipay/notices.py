"""Alipay's notices: forms that it posts when something happened, signed over their parameters.

A notice is repeated for 25 hours (after 4 min, 10 min, 10 min, 1 h, 2 h, 6 h, 15 h) until it hears `success`. Its id stays the same, while
`notify_time` is the time of that very sending; so an old one is a replay, and refusing it loses nothing, for we ask by ourselves too.
"""

from collections.abc import Callable
from datetime import timedelta
from urllib.parse import parse_qsl

from c2b.payments.gateways.alipay.sdk import moment
from c2b.payments.protocol import About, Call, Forged, Notice

FRESH = timedelta(minutes=5)
_MOST = 100
"""Parameters of a notice; it has about thirty."""
_LONGEST_KEY, _LONGEST_ID = 40, 120


def read(call: Call, *, app: str, seller: str, is_alipays: Callable[[dict[str, str], str], bool]) -> Notice | None:
    """Verify a notice and say what it is about; None: not about a trade of ours.

    Raises Forged where the signature, the application or the seller isn't right, or the time is more than `FRESH` from the call's.
    """
    said = _parameters(call.body)
    signature, kind = said.pop("sign", ""), said.pop("sign_type", "")
    if kind != "RSA2" or not is_alipays(said, signature) or said.get("app_id") != app:
        raise Forged
    if said.get("notify_type") != "trade_status_sync":  # as that a bank took a refund, which changes nothing for us
        return None
    if said.get("seller_id") != seller or not _is_fresh(said, call):
        raise Forged
    return _notice(said)


def _notice(said: dict[str, str]) -> Notice | None:
    trade, request = said.get("out_trade_no", ""), said.get("out_biz_no", "")
    is_refund = request.startswith(f"{trade}-")  # ours; others were made by hand on Alipay's site, and concern the payment
    about, key = (About.REFUND, request) if is_refund else (About.PAYMENT, trade)
    name = said.get("notify_id", "")
    if not (0 < len(key) <= _LONGEST_KEY and 0 < len(name) <= _LONGEST_ID):
        return None
    return Notice(name, said.get("trade_status", "")[:80], about, key)


def _parameters(body: bytes) -> dict[str, str]:
    """Read the form; one that names a parameter twice could be read in two ways, so it is none of Alipay's."""
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, strict_parsing=True, max_num_fields=_MOST, errors="strict")
    except ValueError as problem:
        raise Forged from problem
    said = dict(pairs)
    if len(said) != len(pairs):
        raise Forged
    return said


def _is_fresh(said: dict[str, str], call: Call) -> bool:
    try:
        return abs(call.at - moment(said.get("notify_time", ""))) <= FRESH
    except ValueError:
        return False
