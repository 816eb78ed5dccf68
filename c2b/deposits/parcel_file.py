"""The warehouse's list of parcels: one row for each order, SKU and parcel, in the words that order tools use."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Table, read_table
from c2b.errors import N_, Invalid

_ALIASES = {
    "order": ("order", "order_number", "订单编号", "订单号", "订单"),
    "sku": ("sku", "商家编码", "SKU编码", "规格编码", "SKU"),
    "units": ("units_left", "待发数量", "units", "quantity", "购买数量", "数量", "件数"),
    "carrier": ("carrier", "物流公司", "快递公司", "承运商"),
    "number": ("number", "tracking_number", "物流单号", "运单号", "快递单号"),
    "sent": ("sent", "sent_on", "发货日期", "发货时间"),
    "delivered": ("delivered", "delivered_on", "签收日期", "签收时间"),
}
_NEEDED = ("order", "sku", "units", "carrier", "number")
_LONGEST = 60
_DAY = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T].*)?")


@dataclass(frozen=True)
class Entry:
    """One row: so many units of an order's SKU in a parcel; `sent`: the day it left."""

    row: int
    order: str
    sku: str
    units: int
    carrier: str
    number: str
    sent: date
    delivered: date | None


@dataclass(frozen=True)
class Entries:
    """What a file says: the rows without a problem, and what is wrong with the others."""

    rows: tuple[Entry, ...]
    findings: Findings
    columns: Mapping[str, str]
    """What the file calls our columns."""


def read_parcels(data: bytes, *, today: date, encoding: Encoding = "auto") -> Entries:
    """Read a CSV or XLSX file; without a day of its own a parcel left `today`, a row without carrier and number isn't packed yet.

    Raises Invalid where the file can't be used at all.
    """
    findings = Findings()
    table = read_table(data, encoding=encoding, findings=findings)
    names = _named(table.header)
    if lacking := [own for own in _NEEDED if own not in names]:
        raise Invalid(N_("The header has no column %(names)s"), names=", ".join(lacking))
    rows = tuple(filter(None, _rows(table, names, findings, today)))
    return Entries(rows, findings, names)


def _named(header: Iterable[str]) -> dict[str, str]:
    """Map our columns that a header has to the names that it gives them."""
    plain = {re.sub(r"[ -]+", "_", name.casefold()): name for name in header}
    found = {own: next(filter(plain.__contains__, map(str.casefold, aliases)), "") for own, aliases in _ALIASES.items()}
    return {own: plain[name] for own, name in found.items() if name}


def _plain(text: str) -> str:
    """Take away the apostrophe by which our own CSV keeps spreadsheet programs from taking an order's name for a formula."""
    return text[1:] if re.match(r"'[=+\-@]", text) else text


def _rows(table: Table, names: Mapping[str, str], findings: Findings, today: date) -> Iterator[Entry | None]:
    for row in table.rows:
        texts = {own: _plain(row.cells[table.header.index(name)]) for own, name in names.items()}
        if not texts["carrier"] and not texts["number"]:  # a row of the export that nobody packed yet
            continue
        yield _Cells(row.number, texts, names, findings).entry(today)


@dataclass(frozen=True)
class _Cells:
    """One row's cells by our own names, and where to say what is wrong with them."""

    row: int
    texts: Mapping[str, str]
    names: Mapping[str, str]
    findings: Findings

    def entry(self, today: date) -> Entry | None:
        before = len(self.findings.problems)
        self._complete()
        units, (sent, delivered) = self._units(), self._days(today)
        if len(self.findings.problems) > before:
            return None
        order, sku, carrier, number = (self.texts[own] for own in ("order", "sku", "carrier", "number"))
        return Entry(self.row, order, sku, units, carrier, number, sent, delivered)

    def _days(self, today: date) -> tuple[date, date | None]:
        """Return the days on which it was sent and delivered."""
        sent, delivered = self._day("sent"), self._day("delivered")
        left = sent or min(today, delivered or today)
        ends = delivered or left
        if not left <= ends <= today:
            self._wrong("delivered" if delivered else "sent", N_("the days can’t be"), N_("sent first, then delivered, not in the future"))
        return left, delivered

    def _wrong(self, own: str, message: str, repair: str) -> None:
        self.findings.problem(message, repair, row=self.row, column=self.names.get(own, own), value=self.texts.get(own, ""))

    def _complete(self) -> None:
        for own in _NEEDED:
            if not self.texts[own]:
                self._wrong(own, N_("the cell is empty"), N_("fill it in, or take the row out"))
            elif len(self.texts[own]) > _LONGEST:
                self._wrong(own, N_("the text is too long"), N_("write at most 60 characters"))

    def _units(self) -> int:
        text = self.texts["units"].removesuffix(".0")
        if re.fullmatch(r"[1-9][0-9]{0,5}", text):
            return int(text)
        if text:
            self._wrong("units", N_("is not a number of pieces"), N_("write a whole number from 1, like 2"))
        return 0

    def _day(self, own: str) -> date | None:
        text = self.texts.get(own, "")
        day = _day(text)
        if text and day is None:
            self._wrong(own, N_("is not a day"), N_("write it like 2027-06-05"))
        return day


def _day(text: str) -> date | None:
    found = _DAY.fullmatch(text)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None
