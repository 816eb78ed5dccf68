"""Comma-separated values as RFC 4180 has them, in UTF-8."""

import csv
import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any, BinaryIO

from c2b import money
from c2b.exports.sheet import About, Cell, Sheet

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet program take a text for a formula (OWASP, CSV injection)."""


def write(sheet: Sheet, stream: BinaryIO, *, bom: bool = True) -> None:
    """Write the sheet; `bom` helps spreadsheet programs of people, other programs go without it."""
    text = io.TextIOWrapper(stream, encoding="utf-8-sig" if bom else "utf-8", newline="", write_through=True)
    writer = csv.writer(text)
    writer.writerow([column.name for column in sheet.columns])
    writer.writerows(sheet.shown(_shown))
    text.detach()


def harmless(text: str) -> str:
    """Return text that no spreadsheet program takes for a formula."""
    return "'" + text if text.startswith(FORMULA) else text


def _shown(cell: Cell, about: About) -> Callable[[Any], object]:
    ways: dict[Cell, Callable[[Any], object]] = {
        Cell.TEXT: lambda value: harmless(str(value)),
        Cell.INTEGER: int,
        Cell.MONEY: lambda value: money.decimal(value, about.currency),
        Cell.INSTANT: lambda value: about.local(value).isoformat(timespec="seconds"),
        Cell.DATE: lambda value: value.isoformat(),
        Cell.RATE: lambda value: Decimal(value).scaleb(-2),
    }
    return ways[cell]
