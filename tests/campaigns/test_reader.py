import io
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from openpyxl import Workbook

from c2b.campaigns import importing
from c2b.campaigns.importing import reader
from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Table, read_table
from c2b.errors import Invalid
from tests.campaigns.files import csv, xlsx


def table(data: bytes, encoding: Encoding = "auto") -> Table:
    findings = Findings()
    read = read_table(data, encoding=encoding, findings=findings)
    assert findings.problems == []
    return read


def refusal(data: bytes, encoding: Encoding = "auto") -> str:
    with pytest.raises(Invalid) as caught:
        read_table(data, encoding=encoding, findings=Findings())
    return str(caught.value)


CHINESE = "code,name\nK1,羊毛大衣\n"


class TestEncodings:
    @pytest.mark.parametrize(
        ("encoded", "found"),
        [("utf-8", "utf-8"), ("utf-8-sig", "utf-8"), ("gbk", "gb18030"), ("gb18030", "gb18030")],
    )
    def test_each_is_known_by_itself(self, encoded: str, found: str) -> None:
        read = table(CHINESE.encode(encoded))
        assert (read.header, read.rows[0].cells, read.encoding) == (("code", "name"), ("K1", "羊毛大衣"), found)

    def test_signs_that_only_gb18030_has_arrive(self) -> None:
        assert table("code,name\nK1,㐀𠀀\n".encode("gb18030")).rows[0].cells[1] == "㐀𠀀"

    def test_a_named_encoding_is_taken_at_its_word(self) -> None:
        assert "fits none" in refusal(CHINESE.encode("gbk"), encoding="utf-8")
        assert table(CHINESE.encode("gbk"), encoding="gb18030").rows[0].cells[1] == "羊毛大衣"

    def test_a_mark_at_the_beginning_wins_over_a_guess(self) -> None:
        assert "byte" in refusal(b"\xef\xbb\xbfcode,name\nK1,\xff\xff\n")

    def test_what_fits_no_encoding_says_at_which_byte(self) -> None:
        message = refusal(b"code,name\nK1,\xff\xff\n")
        assert "UTF-8 / GB18030" in message
        assert "byte 14" in message

    def test_utf_16_is_refused_with_the_way_out(self) -> None:
        assert "CSV UTF-8" in refusal(CHINESE.encode("utf-16"))


class TestSeparators:
    @pytest.mark.parametrize("sign", [",", ";", "\t"])
    def test_each_is_known_by_the_header(self, sign: str) -> None:
        read = table(f"code{sign}name\nK1{sign}Coat\n".encode())
        assert (read.header, read.rows[0].cells) == (("code", "name"), ("K1", "Coat"))

    def test_another_sign_inside_a_value_changes_nothing(self) -> None:
        assert table(b'code;"a,b,c"\nK1;1,50\n').rows[0].cells == ("K1", "1,50")

    def test_a_quoted_value_may_run_over_lines_and_rows_count_as_in_a_spreadsheet(self) -> None:
        read = table(b'code,care\nK1,"wash\ncold"\n\nK2,dry\n')
        assert [(row.number, row.cells[1]) for row in read.rows] == [(2, "wash\ncold"), (4, "dry")]

    def test_line_ends_of_every_system_are_taken(self) -> None:
        assert [row.cells[0] for row in table(b"code,name\r\nK1,a\r\nK2,b").rows] == ["K1", "K2"]
        assert [row.cells[0] for row in table(b"code,name\rK1,a\rK2,b\r").rows] == ["K1", "K2"]

    def test_spaces_around_names_and_values_are_dropped_and_short_rows_filled(self) -> None:
        read = table(b" code , name ,care\n K1 , Coat \n")
        assert (read.header, read.rows[0].cells) == (("code", "name", "care"), ("K1", "Coat", ""))

    def test_columns_without_a_name_at_the_end_are_none(self) -> None:
        assert table(b"code,name,,\nK1,Coat,,\n").header == ("code", "name")


class TestWorkbooks:
    def test_numbers_dates_and_texts_arrive_as_people_see_them(self) -> None:
        read = table(xlsx(["code", "price", "barcode", "name"], ["K1", 199.9, 6901234567892, "羊毛"], [2, 199.0, 0.1 + 0.2, True]))
        assert read.rows[0].cells == ("K1", "199.9", "6901234567892", "羊毛")
        assert read.rows[1].cells == ("2", "199", "0.3", "true")

    def test_a_text_that_begins_like_a_formula_stays_a_text_in_csv(self) -> None:
        assert table(b'code,name\nK1,"=HYPERLINK(""x"")"\n').rows[0].cells[1] == '=HYPERLINK("x")'

    def test_a_formula_is_a_problem_of_its_cell(self) -> None:
        findings = Findings()
        read_table(xlsx(["code", "price"], ["K1", "=1+1"]), encoding="auto", findings=findings)
        problem = findings.problems[0]
        assert (problem.row, problem.column, problem.value) == (2, "B", "=1+1")
        assert "paste it as a value" in str(problem)

    def test_blank_rows_between_keep_the_numbers_right(self) -> None:
        assert [row.number for row in table(xlsx(["code", "name"], [], ["K1", "a"], [None, None], ["K2", "b"])).rows] == [3, 5]

    def test_only_the_first_sheet_is_read(self) -> None:
        book = Workbook()
        book.worksheets[0].append(["code", "name"])
        book.worksheets[0].append(["K1", "a"])
        book.create_sheet("notes").append(["code", "name", "x"])
        buffer = io.BytesIO()
        book.save(buffer)
        assert table(buffer.getvalue()).header == ("code", "name")


def zipped(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("__", "/").replace("_xml", ".xml").replace("_rels", ".rels"), content)
    return buffer.getvalue()


def with_part(data: bytes, part: str, content: bytes) -> bytes:
    """Return a workbook with one of its parts replaced."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, content if entry.filename == part else old.read(entry))
    return buffer.getvalue()


XXE = b"""<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>
<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>
<row r="1"><c t="inlineStr"><is><t>&e;</t></is></c></row></sheetData></worksheet>"""
LAUGHS = XXE.replace(b'SYSTEM "file:///etc/passwd"', b'"ha"').replace(b"]>", b'<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;">]>')

HOSTILE = {
    "empty": (b"", "empty"),
    "only blanks": (b" \n\n ", "empty"),
    "only a mark": (b"\xef\xbb\xbf", "blank"),
    "NUL bytes": (b"code,name\nK\x001,a\n", "NUL"),
    "header only": (b"code,name\n", "nothing below"),
    "header and blank rows": (b"code,name\n,\n,\n", "nothing below"),
    "blank header": (b",,\nK1,a,b\n", "first row is blank"),
    "doubled column": (b"code,name,name\nK1,a,b\n", "“name” twice"),
    "100,000 columns": (b",".join(b"c%d" % n for n in range(100_000)) + b"\n1\n", "more than 300 columns"),
    "a row wider than the header": (b"code,name\nK1,a,b\n", "more cells than the header"),
    "a row of 100,000 cells": (b"code,name\nK1" + b",a" * 100_000, "more than 300 columns"),
    "a cell of 100,000 letters": (b"code,name\nK1," + b"a" * 100_000, "more than 50000"),
    "a cell of a megabyte": (b"code,name\nK1," + b"a" * 1_000_000, "field limit|can't be read"),
    "a quote that never closes": (b'code,name\nK1,"' + b"a,b\n" * 60_000, "closing quote"),
    "too many rows": (b"code,name\n" + b"K,a\n" * 100_001, "more than 100000 rows"),
    "a JPEG": (b"\xff\xd8\xff\xe0\x00\x10JFIF", "NUL"),
    "an archive cut in half": (xlsx(["code"], ["K1"])[:1500], "not a workbook"),
    "a ZIP that is no workbook": (zipped(readme=b"hello"), "not a workbook"),
    "an external entity": (with_part(xlsx(["code"], ["K1"]), "xl/worksheets/sheet1.xml", XXE), "not a workbook"),
    "entities of entities": (with_part(xlsx(["code"], ["K1"]), "xl/worksheets/sheet1.xml", LAUGHS), "not a workbook"),
    "a broken sheet": (with_part(xlsx(["code"], ["K1"]), "xl/worksheets/sheet1.xml", b"<worksheet"), "not a workbook"),
    "a bomb": (with_part(xlsx(["code"], ["K1"]), "xl/worksheets/sheet1.xml", b" " * 110_000_000), "unpacks to more than 100 MB"),
    "a wide workbook": (xlsx([f"c{n}" for n in range(500)], [1]), "more than 300 columns"),
}


@pytest.mark.parametrize(("data", "why"), HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_file_ends_in_one_sentence(data: bytes, why: str) -> None:
    with pytest.raises(Invalid, match=why) as caught:
        importing.read(data)
    assert len(str(caught.value)) < 250


def test_a_file_beyond_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(reader.MAX_BYTES + 1)
    with pytest.raises(Invalid, match="32 MB"):
        reader.load(large)


def test_the_memory_that_a_wide_file_takes_is_bounded() -> None:
    data = HOSTILE["100,000 columns"][0]
    tracemalloc.start()
    with pytest.raises(Invalid):
        importing.read(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64_000_000


def test_a_header_that_fits_no_format_says_what_each_needs() -> None:
    with pytest.raises(Invalid, match="Handle and Title"):
        importing.read(csv("colour,size", "red,M"))


def test_a_format_that_was_asked_for_says_what_it_lacks() -> None:
    with pytest.raises(Invalid, match="no column Handle, which the format shopify needs"):
        importing.read(csv("Title", "Coat"), format="shopify")
