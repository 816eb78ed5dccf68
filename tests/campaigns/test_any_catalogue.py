"""Catalogues that nobody wrote by hand: whatever is in them ends in candidates or in a sentence."""

import csv as csv_files
import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from c2b.campaigns import importing, queries
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.shapes import CandidateIn
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid
from tests import make
from tests.campaigns.files import candidates, load, xlsx

OWN = ("code", "name", "price", "price_from", "tier2_units", "tier2_price", "minimum", "option1_name", "option1_value", "sku", "image")
SHOPIFY = ("Handle", "Title", "Option1 Name", "Option1 Value", "Variant SKU", "Variant Price", "Variant Grams", "Image Src")
WOOCOMMERCE = ("ID", "Type", "SKU", "Name", "Regular price", "Parent", "Attribute 1 name", "Attribute 1 value(s)", "Images", "Weight (kg)")
CELLS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "K1", "K2", "simple", "variable", "variation", "grouped", "S", "M", "S, M", "10.00", "-1", "1e9", "=1+1", "\ufeff"]
    ),
)


def written(header: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    file = io.StringIO()
    csv_files.writer(file).writerows([header, *rows])
    return file.getvalue().encode("utf-8", "surrogatepass")


def made(data: bytes) -> list[CandidateIn] | str:
    """Return what becomes of a file: its candidates, or the sentence that refuses it."""
    try:
        parsed = importing.read(data)
    except Invalid as problem:
        return str(problem)
    return assemble(parsed, currency="CNY")


def tables(header: Sequence[str]) -> st.SearchStrategy[bytes]:
    row = st.lists(CELLS, min_size=len(header), max_size=len(header))
    return st.lists(row, max_size=6).map(lambda rows: written(header, rows))


@pytest.mark.parametrize("header", [OWN, SHOPIFY, WOOCOMMERCE], ids=["own", "shopify", "woocommerce"])
def test_whatever_the_cells_hold_a_catalogue_is_read_or_refused_in_a_sentence(header: Sequence[str]) -> None:
    @settings(max_examples=150, deadline=None)
    @given(tables(header))
    def holds(data: bytes) -> None:
        found = made(data)
        if isinstance(found, str):
            assert found.strip()
            return
        assert len({each.code for each in found}) == len(found)
        assert all(each.variants for each in found)

    holds()


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_bytes_that_are_no_catalogue_end_in_a_sentence_or_in_no_candidates(data: bytes) -> None:
    found = made(data)
    assert found if isinstance(found, str) else all(each.values["name"] for each in found)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (1001, "1001"),
        (1001.0, "1001"),
        (Decimal("12.5"), "12.5"),
        (0.1 + 0.2, "0.3"),
        ("  K 1 ", "K 1"),
        (True, "true"),
        (None, ""),
    ],
)
def test_a_workbooks_number_is_written_as_people_read_it(cell: Any, text: str) -> None:
    parsed = importing.read(xlsx(["code", "name", "composition"], ["K1", "大衣", cell]))
    assert parsed.lines[0].cells.get("composition", "") == text


def test_a_code_that_a_spreadsheet_made_a_number_is_still_the_code() -> None:
    (found,) = assemble(importing.read(xlsx(["code", "name", "price"], [1001.0, "大衣", 299])), currency="CNY")
    assert (found.code, found.variants[0].values["price"]) == ("1001", 29900)


@pytest.mark.parametrize("moment", [date(2027, 3, 1), datetime(2027, 3, 1, 10, 0)])  # noqa: DTZ001  as workbooks hold them
def test_a_date_in_a_workbook_is_text_and_no_traceback(moment: date) -> None:
    parsed = importing.read(xlsx(["code", "name", "composition"], ["K1", "大衣", moment]))
    assert parsed.lines[0].cells["composition"].startswith("2027-03-01")


def test_a_csv_and_a_workbook_of_the_same_rows_are_the_same_candidates() -> None:
    header, rows = (
        ["code", "name", "price", "option1_name", "option1_value", "sku"],
        [["K1", "大衣", "299.00", "尺码", size, f"K1-{size}"] for size in "SML"],
    )
    lines = [",".join(line) for line in (header, *rows)]
    assert assemble(importing.read(xlsx(header, *rows)), currency="CNY") == candidates(*lines)


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_however_it_is_written_down_it_is_the_same_catalogue(separator: str, encoding: str, ending: str) -> None:
    rows = [
        ["code", "name", "price", "option1_name", "option1_value"],
        ["K1", "雨巷风衣", "529", "颜色", "苔绿"],
        ["K1", "雨巷风衣", "529", "颜色", "月白"],
    ]
    data = ending.join(separator.join(row) for row in rows).encode(encoding)
    (found,) = assemble(importing.read(data), currency="CNY")
    assert (found.values["name"], [variant.values["price"] for variant in found.variants]) == ("雨巷风衣", [52900, 52900])


class TestThroughTheDatabase:
    HEADER = "code,name,category,option1_name,option1_value,price,sku"

    def sizes(self, session: Session, code: str) -> list[str]:
        return [variant.label for variant in queries.candidate(session, self.campaign, code, locale="en").variants]

    @pytest.fixture(autouse=True)
    def draft(self, session: Session) -> None:
        self.campaign = make.campaign(session, state=CampaignState.DRAFT).id

    def test_options_keep_the_order_of_the_file_and_not_of_the_alphabet(self, session: Session) -> None:
        load(session, [self.HEADER, *(f"K1,T恤,上衣,尺码,{size},99,K1-{size}" for size in ("XS", "S", "M", "L", "XL"))])
        assert self.sizes(session, "K1") == ["XS", "S", "M", "L", "XL"]

    def test_a_space_behind_an_options_name_makes_no_second_option(self, session: Session) -> None:
        load(session, [self.HEADER, "K1,T恤,上衣,尺码,S,99,K1-S", "K1,T恤,上衣,尺码 ,M ,99,K1-M"])
        detail = queries.candidate(session, self.campaign, "K1", locale="en")
        assert (detail.option1_name, [option.value for option in detail.options1]) == ("尺码", ["S", "M"])

    def test_the_same_file_twice_changes_nothing(self, session: Session) -> None:
        lines = [self.HEADER, "K1,T恤,上衣,尺码,S,99,K1-S", "K2,风衣,外套,尺码,M,529,K2-M"]
        first, second = load(session, lines), load(session, lines)
        assert [(report.new, report.changed, report.unchanged) for report in (first, second)] == [(2, 0, 0), (0, 0, 2)]

    def test_one_bad_row_keeps_the_whole_file_out(self, session: Session) -> None:
        report = load(session, [self.HEADER, "K1,T恤,上衣,尺码,S,99,K1-S", "K2,风衣,外套,尺码,M,abc,K2-M"])
        assert (len(report.problems), queries.candidates(session, self.campaign, locale="en")) == (1, [])

    def test_the_good_ones_go_in_without_the_bad_when_asked(self, session: Session) -> None:
        load(session, [self.HEADER, "K1,T恤,上衣,尺码,S,99,K1-S", "K2,风衣,外套,尺码,M,abc,K2-M"], skip_bad=True)
        assert [card.code for card in queries.candidates(session, self.campaign, locale="en")] == ["K1"]
