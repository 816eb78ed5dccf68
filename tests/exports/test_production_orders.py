import io
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet
from PIL import Image
from sqlalchemy.orm import Session

from c2b.campaigns.importing.pictures import store
from c2b.campaigns.models import Candidate, OptionValue, Picture, Variant
from c2b.exports.kinds import Format, Kind
from tests import make
from tests.exports import files
from tests.exports.conftest import FORMULA, Shop

KIND = Kind.PRODUCTION_ORDERS


@pytest.fixture
def decided(session: Session, shop: Shop) -> Shop:
    """Two suppliers: TX2 makes 60 knits in S and L, GZ1 makes 55 of the candidate named like a formula in M."""
    knit, formula = shop.sizes(session, shop.knit), shop.sizes(session, shop.formula)
    make.decision(session, shop.campaign, reached={shop.knit: 60, shop.formula: 55})
    first = make.supplier(session, "TX2")
    make.production_order(session, shop.campaign, first, (knit["S"], 40), (knit["L"], 20), due_date=date(2027, 5, 20))
    make.production_order(session, shop.campaign, make.supplier(session, "GZ1", name="广州织造"), (formula["M"], 55))
    return shop


def pictures(page: Any) -> list[Any]:
    """Return a page's pictures, which openpyxl gives no other way."""
    return list(page._images)


def cells(page: Worksheet) -> list[tuple[Any, ...]]:
    return [tuple(value for value in row if value is not None) for row in page.iter_rows(values_only=True)]


def test_its_columns_are_the_published_ones(session: Session, decided: Shop) -> None:
    assert decided.campaign.slug == "ss27"
    assert ", ".join(files.header(session, KIND)) == (
        "campaign, production_order, revision, line, supplier_code, supplier, candidate_code, candidate_name, sku, barcode, option1, "
        "option2, units_ordered, units_extra, units_total, unit_cost, tax_rate, amount, currency, due_date"
    )


@pytest.mark.usefixtures("decided")
def test_one_row_a_variant_sorted_by_supplier(session: Session) -> None:
    rows = files.table(session, KIND)
    assert [(row["supplier_code"], row["production_order"], row["line"], row["sku"], row["option1"]) for row in rows] == [
        ("GZ1", "ss27-GZ1", "1", "ss27-K002-M", "M"),
        ("TX2", "ss27-TX2", "1", "ss27-K001-S", "S"),
        ("TX2", "ss27-TX2", "2", "ss27-K001-L", "L"),
    ]
    assert {
        key: rows[1][key] for key in ("units_ordered", "units_extra", "units_total", "unit_cost", "tax_rate", "amount", "currency")
    } == {
        "units_ordered": "40",
        "units_extra": "0",
        "units_total": "40",
        "unit_cost": "100.00",
        "tax_rate": "13.00",
        "amount": "4000.00",
        "currency": "CNY",
    }
    assert (rows[1]["due_date"], rows[0]["due_date"], rows[1]["option2"]) == ("2027-05-20", "", "")


@pytest.mark.usefixtures("decided")
def test_totals_equal_the_sum_of_the_lines_and_name_the_decision(session: Session) -> None:
    _, info = files.made(session, KIND)
    rows = files.table(session, KIND)
    assert info.totals == {"units_ordered": 115, "units_extra": 0, "units_total": 115, "amount": 1150000}
    assert sum(int(row["units_total"]) for row in rows) == info.totals["units_total"]
    assert sum(Decimal(row["amount"]) for row in rows) * 100 == info.totals["amount"]
    assert (info.rows, info.run) == (3, "6" * 64)


def test_extra_stock_and_an_unknown_cost_are_shown_as_they_are(session: Session, shop: Shop) -> None:
    make.decision(session, shop.campaign, reached={shop.knit: 60})
    order = make.production_order(session, shop.campaign, make.supplier(session), (shop.sizes(session, shop.knit)["S"], 60))
    line = make.production_lines_of(session, order)[0]
    line.units_extra, line.unit_cost = 5, None
    session.flush()
    (row,) = files.table(session, KIND)
    assert [row[key] for key in ("units_ordered", "units_extra", "units_total", "unit_cost", "amount")] == ["60", "5", "65", "", ""]


@pytest.mark.usefixtures("decided")
def test_the_workbook_has_a_summary_and_a_page_a_supplier(session: Session) -> None:
    book = files.workbook(session, KIND)
    assert book.sheetnames == ["汇总", "GZ1 广州织造", "TX2 桐乡织造二厂", "说明"]
    assert cells(book["汇总"])[:4] == [
        ("供应商代码", "供应商", "款数", "总件数", "金额", "币种"),
        ("GZ1", "广州织造", 1, 55, 5500, "CNY"),
        ("TX2", "桐乡织造二厂", 1, 60, 6000, "CNY"),
        ("合计", 2, 115, 11500, "CNY"),
    ]
    assert ("运行哈希", "6" * 64) in cells(book["说明"])


@pytest.mark.usefixtures("decided")
def test_a_suppliers_page_has_its_lines_their_totals_and_a_grid_with_empty_sizes(session: Session) -> None:
    page = files.workbook(session, KIND)["TX2 桐乡织造二厂"]
    shown = cells(page)
    assert shown[0][:4] == ("活动", "生产单", "版本", "行")
    assert [row[0] for row in shown[1:3]] == ["ss27", "ss27"]
    assert shown[3] == ("合计", 60, 0, 60, 6000)
    assert shown[4:] == [(), ("K001", "款 K001"), ("", "S", "M", "L", "合计"), ("", 40, 0, 20, 60), ("合计", 40, 0, 20, 60)]


def pictured(session: Session, of: Candidate, *files: str) -> None:
    for position, file in enumerate(files, start=1):
        session.add(Picture(candidate_id=of.id, position=position, source=f"{of.code}-{position}", file=file))
    session.flush()


def test_a_suppliers_page_shows_the_first_picture_of_each_design_above_its_grid(session: Session, decided: Shop, tmp_path: Path) -> None:
    red = io.BytesIO()
    Image.new("RGBA", (600, 720), "red").save(red, "PNG")
    blue = io.BytesIO()
    Image.new("RGB", (90, 30), "blue").save(blue, "PNG")
    kept = [store(data.getvalue(), tmp_path).file for data in (red, blue)]
    pictured(session, decided.knit, "", *kept)
    page = files.workbook(session, KIND, media=tmp_path)["TX2 桐乡织造二厂"]
    (shown,) = pictures(page)
    picture = Image.open(shown.ref)
    assert (picture.format, picture.size) == ("JPEG", (200, 240))
    assert picture.convert("RGB").getpixel((100, 120)) == pytest.approx((255, 0, 0), abs=3)
    row = shown.anchor._from.row
    assert page.cell(row, 1).value == "K001"
    assert page.cell(row + 2, 2).value == "S", "the grid follows below it"
    assert page.row_dimensions[row + 1].height * 96 / 72 > 120, "the row is as high as the picture"


@pytest.mark.parametrize("file", ["gone.webp", "drawing.svg", "broken.webp"])
def test_a_picture_that_cannot_be_drawn_leaves_the_order_as_it_is(session: Session, decided: Shop, tmp_path: Path, file: str) -> None:
    (tmp_path / "drawing.svg").write_text("<svg/>")
    (tmp_path / "broken.webp").write_bytes(b"RIFF")
    plain = cells(files.workbook(session, KIND, media=tmp_path)["TX2 桐乡织造二厂"])
    pictured(session, decided.knit, file)
    page = files.workbook(session, KIND, media=tmp_path)["TX2 桐乡织造二厂"]
    assert (pictures(page), cells(page)) == ([], plain)


@pytest.mark.usefixtures("decided")
def test_every_page_prints_its_columns_side_by_side_and_none_is_too_narrow_for_its_times(session: Session) -> None:
    book = files.workbook(session, KIND)
    assert {(page.page_setup.orientation, page.page_setup.fitToHeight) for page in book} == {("landscape", 0)}
    assert book["TX2 桐乡织造二厂"].print_title_rows == "$1:$1"
    instants = [(page, cell) for page in book for row in page.iter_rows() for cell in row if "hh" in cell.number_format]
    assert instants
    longest = len("2027-04-01T12:00:00+08:00")
    assert all(page.column_dimensions[cell.coordinate.rstrip("0123456789")].width > longest for page, cell in instants)


@pytest.mark.usefixtures("decided")
def test_a_name_like_a_formula_arrives_as_text(session: Session) -> None:
    page = files.workbook(session, KIND)["GZ1 广州织造"]
    named = [cell for row in page.iter_rows() for cell in row if cell.value == FORMULA]
    assert {cell.data_type for cell in named} == {"s"}
    assert len(named) == 2  # in its line, and above its grid
    assert files.table(session, KIND)[0]["candidate_name"] == "'" + FORMULA


@pytest.mark.usefixtures("decided")
def test_numbers_and_dates_are_numbers_and_dates(session: Session) -> None:
    page = files.workbook(session, KIND)["TX2 桐乡织造二厂"]
    first = dict(zip([cell.value for cell in page[1]], page[2], strict=True))
    assert (first["总件数"].value, first["总件数"].data_type) == (40, "n")
    assert (first["单件成本"].value, first["单件成本"].number_format) == (100, "#,##0.00")
    assert (first["税率"].value, first["税率"].number_format) == (13, '0.00"%"')
    assert first["交期"].data_type == "d"
    assert str(first["交期"].value) == "2027-05-20 00:00:00"


@pytest.mark.usefixtures("decided")
def test_an_english_workbook_has_english_headers_and_names(session: Session) -> None:
    book = files.workbook(session, KIND, locale="en")
    assert book.sheetnames[0] == "Summary"
    shown = cells(book["TX2 桐乡织造二厂"])
    assert shown[0][:3] == ("Campaign", "Production order", "Revision")
    assert "Design K001" in shown[1]


def coloured(session: Session, of: Candidate, *colours: str, first: bool) -> list[Variant]:
    """Give a candidate sizes and colours, the colours as the first or second option; one variant a pair."""
    sizes = make.option_values(session, of, 2 if first else 1, "S", "M")
    paints = make.option_values(session, of, 1 if first else 2, *colours)
    pairs = [(paint, size) if first else (size, paint) for paint in paints for size in sizes]
    return [variant(session, of, *pair, position) for position, pair in enumerate(pairs, start=1)]


def variant(session: Session, of: Candidate, one: OptionValue, two: OptionValue, position: int) -> Variant:
    made = Variant(
        campaign_id=of.campaign_id, candidate_id=of.id, position=position, option1_id=one.id, option2_id=two.id, sku=f"{of.code}-{position}"
    )
    session.add(made)
    session.flush()
    return made


@pytest.mark.parametrize("first", [True, False])
def test_a_grid_has_colours_across_and_sizes_along_whichever_comes_first(session: Session, shop: Shop, *, first: bool) -> None:
    names: dict[str, Any] = {"option1_name": "颜色", "option2_name": "尺码"} if first else {"option1_name": "尺码", "option2_name": "颜色"}
    dress = make.candidate(session, shop.campaign, "D001", sizes="", **names)
    indigo_s, indigo_m, *_ = coloured(session, dress, "靛蓝", "米白", first=first)
    make.decision(session, shop.campaign, reached={dress: 70})
    make.production_order(session, shop.campaign, make.supplier(session), (indigo_s, 30), (indigo_m, 40))
    shown = cells(files.workbook(session, KIND)["TX2 桐乡织造二厂"])
    assert shown[-4:] == [("颜色", "S", "M", "合计"), ("靛蓝", 30, 40, 70), ("米白", 0, 0, 0), ("合计", 30, 40, 70)]


@pytest.mark.usefixtures("decided")
def test_machines_get_minor_units(session: Session) -> None:
    document = files.document(session, KIND)
    assert (document["kind"], document["campaign"], document["currency"], document["count"]) == (KIND, "ss27", "CNY", 3)
    assert document["totals"]["amount"] == 1150000
    assert (document["rows"][1]["unit_cost"], document["rows"][1]["tax_rate"], document["rows"][1]["due_date"]) == (
        10000,
        1300,
        "2027-05-20",
    )


@pytest.mark.usefixtures("decided")
def test_the_files_hash_is_of_the_whole_file(session: Session) -> None:
    first, again = files.made(session, KIND, Format.CSV), files.made(session, KIND, Format.CSV)
    assert first[1].sha256 == again[1].sha256
    assert len(first[1].sha256) == 64
