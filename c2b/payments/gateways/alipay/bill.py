"""Alipay's bill of trades (业务明细), as its merchants download it: GBK, comments with #, one line a payment or refund."""

import csv
from collections.abc import Callable
from typing import TypeVar

from c2b.errors import N_, Invalid
from c2b.payments.gateways.alipay.sdk import CURRENCY, fen, moment
from c2b.payments.protocol import Entry, StatementLine

TRADE, KEY, KIND, DONE_AT = "支付宝交易号", "商户订单号", "业务类型", "完成时间"
AMOUNT, FEE, REQUEST = "商家实收（元）", "服务费（元）", "退款批次号/请求号"
_COLUMNS = (TRADE, KEY, KIND, DONE_AT, AMOUNT, FEE, REQUEST)
_KINDS = {"交易": Entry.PAYMENT, "退款": Entry.REFUND}
_ACCOUNTS_BILL = "账务流水号"
_T = TypeVar("_T")


def refund_reference(trade: str, key: str) -> str:
    """Return what we call a refund, which has no number of Alipay's own: its trade's and ours."""
    return f"{trade}/{key}"


def read(content: bytes) -> list[StatementLine]:
    """Read a bill; amounts are what came to the seller, fees what was taken. Raises Invalid naming line, column and repair."""
    lines = ((number, line) for number, line in enumerate(_text(content).splitlines(), start=1) if line.strip())
    rows = ((number, _fields(line)) for number, line in lines if not line.startswith("#"))
    number, header = next(rows, (1, []))
    _check_header(number, header)
    return [_line(number, _row(number, header, fields)) for number, fields in rows]


def _text(content: bytes) -> str:
    if content.startswith(b"PK"):
        raise Invalid(N_("This is Alipay’s ZIP; unpack it and import the file whose name ends in 业务明细.csv"))
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Invalid(N_("This file is not text; import the file whose name ends in 业务明细.csv, as Alipay gives it"))


def _fields(line: str) -> list[str]:
    return [field.strip() for field in next(csv.reader([line]), [])]


def _check_header(number: int, header: list[str]) -> None:
    if _ACCOUNTS_BILL in header:
        raise Invalid(N_("This is the bill of the account (账务明细); import the one of trades, whose name ends in 业务明细.csv"))
    missing = [column for column in _COLUMNS if column not in header]
    if missing:
        raise Invalid(
            N_("Line %(line)s: the column %(column)s is missing; import the file whose name ends in 业务明细.csv, as Alipay gives it"),
            line=number,
            column=missing[0],
        )


def _row(number: int, header: list[str], fields: list[str]) -> dict[str, str]:
    if len(fields) != len(header):
        raise Invalid(
            N_("Line %(line)s has %(found)s columns instead of %(wanted)s; download the file again and don’t change it"),
            line=number,
            found=len(fields),
            wanted=len(header),
        )
    return dict(zip(header, fields, strict=True))


def _line(number: int, row: dict[str, str]) -> StatementLine:
    entry = _KINDS.get(row[KIND], Entry.OTHER)
    amount = _value(number, row, AMOUNT, fen)
    refund = entry is Entry.REFUND
    return StatementLine(
        line=number,
        entry=entry,
        key=row[REQUEST] if refund else row[KEY],
        reference=refund_reference(row[TRADE], row[REQUEST]) if refund else row[TRADE],
        amount=-abs(amount) if refund else amount,
        fee=-_value(number, row, FEE, fen),
        currency=CURRENCY,
        at=_value(number, row, DONE_AT, moment),
    )


def _value(number: int, row: dict[str, str], column: str, reading: Callable[[str], _T]) -> _T:
    try:
        return reading(row[column])
    except ValueError as problem:
        raise Invalid(
            N_("Line %(line)s, column %(column)s: “%(value)s” can’t be read; download the file again and don’t change it"),
            line=number,
            column=column,
            value=row[column],
        ) from problem
