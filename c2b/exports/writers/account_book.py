"""The books as a workbook for accountants: trial balance, customers' money by order, and all transfers in words."""

from typing import BinaryIO

from c2b.exports.sheet import Cell, Column, Sheet
from c2b.exports.sheets.ledger import readable
from c2b.exports.writers.xlsx import Book

_TRANSFERS = (
    Column("at", "时间", Cell.INSTANT),
    Column("event", "事项"),
    Column("debit", "借方科目"),
    Column("credit", "贷方科目"),
    Column("amount", "金额", Cell.MONEY, total=True),
    Column("currency", "币种"),
    Column("debit_account", "借方代码"),
    Column("credit_account", "贷方代码"),
    Column("id", "编号"),
)


def write(sheet: Sheet, stream: BinaryIO) -> None:
    """Write the book; `sheet` is the ledger with its trial balance and customers' money beside it. Every page ends with its sums."""
    _accounts, trial, customers = sheet.beside
    with Book(stream, sheet.about) as book:
        for part in (trial, customers):
            _page(book, part)
        page = book.page(sheet.title, _TRANSFERS)
        page.header(_TRANSFERS)
        for row in sheet.rows:
            page.row(_TRANSFERS, readable(row, sheet.about))
        total = sheet.tally.totals["amount"]
        page.row(
            _TRANSFERS, [None, sheet.about.word("合计", "Total"), None, None, total, sheet.about.currency, None, None, None], bold=True
        )
        book.about_page(sheet)


def _page(book: Book, part: Sheet) -> None:
    page = book.page(part.title, part.columns)
    page.header(part.columns)
    for row in part.rows:
        page.row(part.columns, row)
    sums = [part.tally.totals[column.name] if column.total else None for column in part.columns]
    page.row(part.columns, [part.about.word("合计", "Total"), *sums[1:]], bold=True)
