"""Every writer on sheets made by hand, without a database."""

import csv as plain_csv
import io
import json as plain_json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from openpyxl import load_workbook

from c2b.exports.sheet import About, Cell, Column, Row, Rows, Sheet, Tally
from c2b.exports.writers import csv, json, xlsx
from c2b.exports.writers.xlsx import Book

AT = datetime(2027, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)
COLUMNS = (
    Column("name", "名称"),
    Column("units", "件数", Cell.INTEGER, total=True),
    Column("unit_price", "单价", Cell.MONEY),
    Column("placed_at", "时间", Cell.INSTANT),
    Column("due_date", "交期", Cell.DATE),
    Column("tax_rate", "税率", Cell.RATE),
)
FULL = ("衬衫", 3, 12990, AT, date(2027, 5, 1), 1300)
EMPTY = ("", None, None, None, None, None)


def about(**changes: Any) -> About:
    values: dict[str, Any] = {"campaign": "ss27", "title": "春夏", "currency": "CNY", "zone": ZoneInfo("Asia/Shanghai")}
    return About(**(values | {"locale": "zh_Hans_CN", "made_at": AT, "counts": True} | changes))


def rows(*given: Row) -> Rows:
    yield from given


def sheet(*given: Row, columns: tuple[Column, ...] = COLUMNS, **changes: Any) -> Sheet:
    return Sheet("things", "东西", columns, rows(*given), about(**changes))


def names(titles: Sequence[str]) -> list[str]:
    """Return what the pages of a workbook are called."""
    stream = io.BytesIO()
    with Book(stream, about()) as book:
        for title in titles:
            book.page(title, ())
    return load_workbook(stream).sheetnames


def test_csv_shows_each_value_as_people_write_it() -> None:
    stream = io.BytesIO()
    csv.write(sheet(FULL, EMPTY), stream, bom=False)
    header, full, empty = plain_csv.reader(io.StringIO(stream.getvalue().decode(), newline=""))
    assert header == [column.name for column in COLUMNS]
    assert full == ["衬衫", "3", "129.90", "2027-03-01T10:00:00+08:00", "2027-05-01", "13.00"]
    assert empty == [""] * 6


def test_json_keeps_minor_units_basis_points_and_what_is_missing() -> None:
    stream = io.BytesIO()
    json.write(sheet(FULL, EMPTY), stream)
    document = plain_json.loads(stream.getvalue())
    assert list(document["rows"][0].values()) == ["衬衫", 3, 12990, "2027-03-01T10:00:00.123456+08:00", "2027-05-01", 1300]
    assert list(document["rows"][1].values()) == ["", None, None, None, None, None]
    assert (document["count"], document["totals"], document["made_at"]) == (2, {"units": 3}, "2027-03-01T10:00:00.123456+08:00")


def test_json_without_rows_is_a_document_too() -> None:
    stream = io.BytesIO()
    json.write(sheet(), stream)
    assert plain_json.loads(stream.getvalue())["rows"] == []


def test_a_workbook_leaves_cells_without_value_empty() -> None:
    stream = io.BytesIO()
    xlsx.write(sheet(FULL, EMPTY), stream)
    page = load_workbook(stream)["东西"]
    assert [cell.data_type for cell in page[2]] == ["s", "n", "n", "d", "d", "n"]
    assert [cell.value for cell in page[3]][1:] == [None] * 5
    assert page.freeze_panes == "A2"


@pytest.mark.parametrize(
    ("titles", "pages"),
    [
        (["A/B: [x]*?\\'s"], ["A B   x     s"]),
        (["生产" * 30], [("生产" * 30)[:27]]),
        (["TX2", "tx2", "TX2"], ["TX2", "tx2 2", "TX2 3"]),
        (["/"], ["-"]),
    ],
)
def test_pages_have_names_that_excel_takes(titles: list[str], pages: list[str]) -> None:
    assert names(titles) == pages


def test_a_text_longer_than_a_cell_is_cut_to_what_it_holds() -> None:
    stream = io.BytesIO()
    xlsx.write(sheet(("x" * 40_000,), columns=COLUMNS[:1]), stream)
    assert len(str(load_workbook(stream)["东西"].cell(2, 1).value)) == 32_767


def test_headers_are_in_the_files_language() -> None:
    assert [COLUMNS[2].header(locale) for locale in ("zh_Hans_CN", "en")] == ["单价", "Unit price"]


def test_a_tally_counts_what_has_passed_and_adds_up_when_all_has() -> None:
    tally = Tally(COLUMNS)
    passing = tally.watch(rows(FULL, EMPTY, FULL))
    next(passing)
    assert (tally.rows, tally.totals) == (1, {})
    assert len(list(passing)) == 2
    assert (tally.rows, tally.totals, tally.amounts) == (3, {"units": 6}, ())


def test_closing_a_sheet_closes_where_its_rows_come_from() -> None:
    closed: list[str] = []

    def source() -> Rows:
        try:
            yield FULL
            yield FULL
        finally:
            closed.append("source")

    opened = Sheet("things", "东西", COLUMNS, source(), about())
    next(opened.rows)
    opened.rows.close()
    assert closed == ["source"]
