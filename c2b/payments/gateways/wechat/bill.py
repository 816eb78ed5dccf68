"""WeChat Pay's trade bill (交易账单): each value has a backtick before it, amounts are in yuan, a block of totals follows the lines.

Source: pay.weixin.qq.com/doc/v3/merchant, 4013071246 (fields of the trade bill). The order of the columns depends on the kind of bill.
"""

import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from c2b.errors import N_, Invalid, Sentences
from c2b.payments.protocol import Entry, StatementLine

_NEEDED = ("交易时间", "商户号", "微信订单号", "商户订单号", "交易状态", "货币种类", "应结订单金额", "手续费")
_OF_REFUNDS = ("微信退款单号", "商户退款单号", "退款金额", "退款状态")
"""In a bill of payments alone they are left out."""
_TOTALS = "总交易单数"
_BACK = frozenset({"REFUND", "REVOKED"})
_BEIJING = ZoneInfo("Asia/Shanghai")
_LARGEST = 256 * 1024 * 1024


def lines(content: bytes, *, merchant: str) -> Iterator[StatementLine]:
    """Read a bill, as it is or compressed by gzip; raises Invalid naming line, column and repair.

    A payment's amount is what WeChat settles with us (应结订单金额): coupons at our cost are not in it, so that the difference shows.
    A refund that failed moved nothing; WeChat writes it down on the day it was asked for and never again.
    """
    rows = [row for row in _text(content).splitlines() if row.strip()]
    columns = _columns(rows[0] if rows else "")
    ends = next((number for number, row in enumerate(rows) if row.startswith(_TOTALS)), len(rows))
    said, found = _cells(rows[ends + 1])[0] if ends + 1 < len(rows) else "", ends - 1
    if said != str(found):
        raise Invalid(
            N_("The bill has %(found)s trades, its totals count “%(said)s”; download it again, the whole of it"), found=found, said=said
        )
    for number, row in enumerate(rows[1:ends], 2):
        yield _Row(number, dict(zip(columns, _cells(row), strict=False)), len(columns)).read(merchant)


def _text(content: bytes) -> str:
    try:
        if content.startswith(b"\x1f\x8b"):
            unpack = zlib.decompressobj(wbits=31)
            content = unpack.decompress(content, _LARGEST)
        return content.decode("utf-8-sig")
    except (zlib.error, UnicodeDecodeError) as error:
        raise Invalid(N_("This is no text in UTF-8; download the bill from WeChat Pay again and don't save it by a spreadsheet")) from error


def _columns(head: str) -> list[str]:
    columns = _cells(head)
    missing = [name for name in _NEEDED if name not in columns]
    if missing:
        raise Invalid(
            N_("Line 1: the column %(column)s is missing; take the trade bill (交易账单) of WeChat Pay as it was downloaded"),
            column=missing[0],
        )
    return columns


def _cells(row: str) -> list[str]:
    """Return a line's values; commas inside of one are written otherwise by WeChat."""
    return [cell.strip().removeprefix("`") for cell in row.split(",")]


class _Row:
    """One line of the bill; what it says wrongly is Invalid."""

    def __init__(self, number: int, values: Mapping[str, str], width: int) -> None:
        self._number, self._values = number, values
        if len(values) < width:
            raise self._wrong(list(values)[-1], N_("the line ends here; download the bill again"))

    def read(self, merchant: str) -> StatementLine:
        """Return what the line says."""
        values = self._values
        if values["商户号"] != merchant:
            raise self._wrong("商户号", N_("another merchant's bill; take the one of the merchant in C2B_WECHAT_MERCHANT"))
        entry, key, reference, amount = self._what()
        fee = self._amount("手续费") if entry is not Entry.OTHER else 0
        return StatementLine(self._number, entry, key, reference, amount, fee, values["货币种类"] or "CNY", self._at())

    def _what(self) -> tuple[Entry, str, str, int]:
        values, state = self._values, self._values["交易状态"]
        if state == "SUCCESS":
            return Entry.PAYMENT, values["商户订单号"], values["微信订单号"], self._amount("应结订单金额")
        if state not in _BACK:
            raise self._wrong("交易状态", N_("SUCCESS, REFUND or REVOKED is meant"))
        for name in _OF_REFUNDS:
            if name not in values:
                raise self._wrong(name, N_("a refund without this column; take the bill of all trades (ALL)"))
        key, reference = values["商户退款单号"], values["微信退款单号"]
        failed = values["退款状态"] == "FAIL"
        return (Entry.OTHER, key, reference, 0) if failed else (Entry.REFUND, key, reference, -self._amount("退款金额"))

    def _amount(self, column: str) -> int:
        """Return an amount in fen; WeChat writes yuan, fees with five digits."""
        try:
            fen = Decimal(self._values[column]) * 100
        except InvalidOperation:
            raise self._wrong(column, N_("an amount like 59.80 is meant")) from None
        if not fen.is_finite() or fen != fen.to_integral_value():
            raise self._wrong(column, N_("an amount in whole fen is meant, like 59.80"))
        return int(fen)

    def _at(self) -> datetime:
        try:
            return datetime.strptime(self._values["交易时间"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=_BEIJING)
        except ValueError:
            raise self._wrong("交易时间", N_("a time like 2027-03-20 12:00:00 is meant")) from None

    def _wrong(self, column: str, repair: str) -> Invalid:
        place: dict[str, Any] = {"line": self._number, "column": column, "found": self._values.get(column, "")[:40]}
        return Invalid(N_("Line %(line)s, column %(column)s, “%(found)s”: %(repair)s"), repair=Sentences((Invalid(repair),)), **place)
