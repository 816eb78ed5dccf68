"""Production orders as a workbook for people: a summary, then a page a supplier with lines, totals, pictures and size grids."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import BinaryIO

from c2b.campaigns.importing.pictures import preview
from c2b.exports.sheet import Cell, Column, Row, Sheet
from c2b.exports.writers.xlsx import PICTURE, Book, Page

_SUMMARY = (
    Column("supplier_code", "供应商代码"),
    Column("supplier", "供应商"),
    Column("candidates", "款数", Cell.INTEGER),
    Column("units_total", "总件数", Cell.INTEGER),
    Column("amount", "金额", Cell.MONEY),
    Column("currency", "币种"),
)


@dataclass
class Options:
    """What a candidate comes in, in the order of the file; a colour is shown across, a size along."""

    name: dict[int, str] = field(default_factory=dict)
    values: dict[int, list[str]] = field(default_factory=lambda: {1: [], 2: []})
    colours: set[int] = field(default_factory=set)

    @property
    def across(self) -> int:
        """The option with a row a value: the colour, else the second one."""
        return 1 if 1 in self.colours and self.values[2] else 2

    def shown(self, axis: int) -> list[str]:
        """Return an option's values; one without a name where there are none."""
        return self.values[axis] or [""]

    def pair(self, colour: str, size: str) -> tuple[str, str]:
        """Return the first and the second option's value of what stands at a colour and a size."""
        return (colour, size) if self.across == 1 else (size, colour)


@dataclass(frozen=True)
class Looks:
    """What the candidates come in, and where the first picture of each lies, by code."""

    options: dict[str, Options]
    pictures: dict[str, Path]


def write(sheet: Sheet, stream: BinaryIO, *, media: Path | None = None) -> None:
    """Write the order book; `sheet` comes sorted by supplier, with its candidates' options and pictures beside it.

    `media` is the folder of pictures; without one there are none.
    """
    options, pictures = (each.rows for each in sheet.beside)
    first = {code: media / file for code, file in reversed(list(pictures))} if media else {}
    with Book(stream, sheet.about) as book:
        _pages(book, sheet, Looks(_options(options), first))


def _pages(book: Book, sheet: Sheet, looks: Looks) -> None:
    about = sheet.about
    summary = book.page(about.word("汇总", "Summary"), _SUMMARY)
    summary.header(_SUMMARY)
    place = sheet.place
    products = 0
    for (code, supplier), rows in groupby(sheet.rows, key=lambda row: (row[place["supplier_code"]], row[place["supplier"]])):
        lines = list(rows)
        codes = {line[place["candidate_code"]] for line in lines}
        products += len(codes)
        units, amount = (_sum(lines, place[name]) for name in ("units_total", "amount"))
        summary.row(_SUMMARY, (code, supplier, len(codes), units, amount, about.currency))
        _supplier(book.page(f"{code} {supplier}", sheet.columns), sheet, lines, looks)
    totals = sheet.tally.totals
    total = (about.word("合计", "Total"), None, products, totals["units_total"], totals["amount"], about.currency)
    summary.row(_SUMMARY, total, bold=True)
    book.about_page(sheet)


def _options(rows: Iterable[Row]) -> dict[str, Options]:
    found: dict[str, Options] = defaultdict(Options)
    for code, axis, name, value, swatch in rows:
        of = found[code]
        of.name[axis] = name
        of.values[axis].append(value)
        if swatch or "色" in name or "colo" in name.lower():
            of.colours.add(axis)
    return found


def _supplier(page: Page, sheet: Sheet, lines: Sequence[Row], looks: Looks) -> None:
    columns = sheet.columns
    page.header(columns)
    for line in lines:
        page.row(columns, line)
    sums = [_sum(lines, index) if column.total else None for index, column in enumerate(columns)]
    page.row(columns, [sheet.about.word("合计", "Total"), *sums[1:]], bold=True)
    _grids(page, sheet, lines, looks)


def _sum(lines: Sequence[Row], index: int) -> int:
    return sum(line[index] or 0 for line in lines)


def _grids(page: Page, sheet: Sheet, lines: Sequence[Row], looks: Looks) -> None:
    place = sheet.place
    for (code, name), rows in groupby(lines, key=lambda line: (line[place["candidate_code"]], line[place["candidate_name"]])):
        units = {(row[place["option1"]] or "", row[place["option2"]] or ""): row[place["units_total"]] for row in rows}
        page.gap()
        page.texts([code, name])
        if code in looks.pictures and (shown := preview(looks.pictures[code], PICTURE)):
            page.picture(shown, name)
        _grid(page, units, looks.options[code], sheet.about.word("合计", "Total"))


def _grid(page: Page, units: dict[tuple[str, str], int], options: Options, total: str) -> None:
    """Write colours x sizes with their sums; what nobody ordered stands there as 0."""
    across = options.across
    sizes = options.shown(3 - across)
    page.texts([options.name.get(across, ""), *sizes, total])
    columns = (Column("colour", ""), *(Column(size, "", Cell.INTEGER) for size in [*sizes, total]))
    sums = [0] * len(sizes)
    for colour in options.shown(across):
        row = [units.get(options.pair(colour, size), 0) for size in sizes]
        sums = [a + b for a, b in zip(sums, row, strict=True)]
        page.row(columns, (colour, *row, sum(row)))
    page.row(columns, (total, *sums, sum(sums)), bold=True)
