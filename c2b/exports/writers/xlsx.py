"""Workbooks, written row by row in constant memory."""

import io
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, BinaryIO, Self

import xlsxwriter

from c2b import money
from c2b.errors import N_, Refused
from c2b.exports.sheet import About, Cell, Column, Row, Sheet
from c2b.exports.writers.csv import FORMULA

MOST_ROWS = 1_048_576
"""What a worksheet holds."""
PICTURE = 240
"""Pixels of a picture's longer side."""
_LONGEST_TEXT = 32_767
_A4 = 9
_WIDTH = {Cell.TEXT: 18, Cell.INSTANT: 26}


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write the sheet as a table, and what it is about on a second page."""
    with Book(stream, sheet.about) as book:
        page = book.page(sheet.title, sheet.columns)
        page.header(sheet.columns)
        for row in sheet.rows:
            page.row(sheet.columns, row)
        book.about_page(sheet)


class Book:
    """A workbook; its pages may be written in turn, each from top to bottom."""

    def __init__(self, stream: BinaryIO, about: About) -> None:
        self.about = about
        self._book = xlsxwriter.Workbook(stream, {"constant_memory": True, "remove_timezone": True})
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}
        self._names: set[str] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        # Packs all pages into the stream; after an error too, as it removes what stands in temporary files.
        self._book.close()

    def page(self, title: str, columns: Sequence[Column]) -> "Page":
        """Add a worksheet with room for `columns`, which on paper lie side by side."""
        sheet = self._book.add_worksheet(self._name(title))
        sheet.set_paper(_A4)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        for index, column in enumerate(columns):
            sheet.set_column(index, index, _WIDTH.get(column.cell, 12))
        return Page(self, sheet)

    def about_page(self, sheet: Sheet) -> None:
        """Add what the file is about as a page of its own, when the rows have passed."""
        self.page(self.about.word("说明", "About"), _FACT).facts(sheet)

    def format(self, **properties: Any) -> Any:
        """Return a cell format, the same one for the same properties."""
        key = tuple(sorted(properties.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(properties)
        return self._formats[key]

    def _name(self, title: str) -> str:
        """Return a worksheet name as Excel takes it: at most 31 characters, none of its forbidden ones, no two alike."""
        plain = re.sub(r"[\[\]:*?/\\']", " ", title).strip()[:27] or "-"
        name, number = plain, 2
        while name.lower() in self._names:
            name, number = f"{plain} {number}", number + 1
        self._names.add(name.lower())
        return name


class Page:
    """One worksheet and the row that comes next."""

    def __init__(self, book: Book, sheet: Any) -> None:
        self._book = book
        self._sheet = sheet
        self._next = 0

    def header(self, columns: Sequence[Column]) -> None:
        """Write the columns' headers in the file's language, and keep them in sight, on every sheet of paper too."""
        self._sheet.repeat_rows(self._next)
        self.texts([column.header(self._book.about.locale) for column in columns])
        self._sheet.freeze_panes(self._next, 0)

    def texts(self, texts: Sequence[str]) -> None:
        """Write a row of words in bold."""
        for index, text in enumerate(texts):
            self._text(index, text, bold=True)
        self._end_row()

    def row(self, columns: Sequence[Column], row: Row, *, bold: bool = False) -> None:
        """Write a row of values, each as what its column is; raises Refused when the page is full."""
        for index, (column, value) in enumerate(zip(columns, row, strict=True)):
            if value is not None:
                self._put(index, column.cell, value, bold=bold)
        self._end_row()

    def picture(self, jpeg: bytes, what: str) -> None:
        """Show a picture of at most `PICTURE` pixels at half its size, sharp on paper, in a row of its own."""
        self._sheet.set_row_pixels(self._next, PICTURE // 2 + 8)
        self._sheet.write_blank(self._next, 0, None, self._book.format(bold=False))  # a row without a cell would lose its height
        shown = {"image_data": io.BytesIO(jpeg), "x_scale": 0.5, "y_scale": 0.5, "x_offset": 4, "y_offset": 4, "description": what}
        self._sheet.insert_image(self._next, 0, f"{self._next}.jpg", shown)
        self._end_row()

    def gap(self) -> None:
        """Leave a row empty."""
        self._end_row()

    def facts(self, sheet: Sheet) -> None:
        """Write what the file is about: campaign, rows, totals, the run; the rows must have passed."""
        about, head = sheet.about, self._book.format(bold=True)
        shown: list[tuple[str, Cell, Any]] = [
            (about.word("活动", "Campaign"), Cell.TEXT, f"{about.title} ({about.campaign})"),
            (about.word("导出时间", "Exported at"), Cell.INSTANT, about.made_at),
            (about.word("行数", "Rows"), Cell.INTEGER, sheet.tally.rows),
            (about.word("币种", "Currency"), Cell.TEXT, about.currency),
        ]
        for column in sheet.columns:
            if column.total:
                label = about.word("合计：", "Total: ") + column.header(about.locale)
                shown.append((label, column.cell, sheet.tally.totals[column.name]))
        if sheet.run:
            shown.append((about.word("运行哈希", "Hash of the run"), Cell.TEXT, sheet.run))
        for label, cell, value in shown:
            self._sheet.write_string(self._next, 0, label, head)
            self._put(1, cell, value, bold=False)
            self._end_row()

    def _put(self, index: int, cell: Cell, value: Any, *, bold: bool) -> None:
        if cell is Cell.TEXT:
            self._text(index, str(value), bold=bold)
        elif cell in (Cell.INSTANT, Cell.DATE):
            self._date(index, value, bold=bold)
        else:
            self._number(index, cell, value, bold=bold)

    def _text(self, index: int, text: str, *, bold: bool) -> None:
        # The cell is text already; the prefix keeps it text when somebody edits it.
        form = self._book.format(bold=bold, quote_prefix=text.startswith(FORMULA))
        self._sheet.write_string(self._next, index, text[:_LONGEST_TEXT], form)

    def _date(self, index: int, value: Any, *, bold: bool) -> None:
        if isinstance(value, datetime):
            value = self._book.about.local(value)
            # A cell has no zone: its format shows the offset.
            form = f'yyyy-mm-dd"T"hh:mm:ss"{value.isoformat()[-6:]}"'
        else:
            form = "yyyy-mm-dd"
        self._sheet.write_datetime(self._next, index, value, self._book.format(bold=bold, num_format=form))

    def _number(self, index: int, cell: Cell, value: int, *, bold: bool) -> None:
        currency = self._book.about.currency
        digits = money.digits(currency)
        number, form = {
            Cell.INTEGER: (value, "0"),
            Cell.MONEY: (money.decimal(value, currency), "#,##0" + ("." + "0" * digits if digits else "")),
            Cell.RATE: (value / 100, '0.00"%"'),  # 13 for 13 %, as it is imported
        }[cell]
        self._sheet.write_number(self._next, index, number, self._book.format(bold=bold, num_format=form))

    def _end_row(self) -> None:
        self._next += 1
        if self._next > MOST_ROWS:
            raise Refused(N_("An XLSX page holds %(rows)s rows and these are more; export CSV instead"), rows=MOST_ROWS)


_FACT = (Column("fact", "事项"), Column("value", "内容", Cell.INSTANT))
