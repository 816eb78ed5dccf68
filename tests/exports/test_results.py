from sqlalchemy.orm import Session

from c2b.exports.kinds import Kind
from tests import make
from tests.exports import files
from tests.exports.conftest import FORMULA, Shop

KIND = Kind.RESULTS


def test_results_are_the_selection_best_first(session: Session, shop: Shop) -> None:
    make.selection(session, shop.campaign, (shop.formula, 9), (shop.knit, 4), places=1)
    assert files.header(session, KIND) == ["rank", "candidate_code", "candidate_name", "votes", "held", "result", "tie_key", "override"]
    assert [list(row.values()) for row in files.table(session, KIND)] == [
        ["1", "K002", "'" + FORMULA, "9", "0", "selected", f"{1:064d}", ""],
        ["2", "K001", "款 K001", "4", "0", "not_selected", f"{2:064d}", ""],
    ]


def test_totals_and_the_selections_hash_go_with_them(session: Session, shop: Shop) -> None:
    make.selection(session, shop.campaign, (shop.formula, 9), (shop.knit, 4))
    _, info = files.made(session, KIND)
    assert (info.rows, info.totals, info.run) == (2, {"votes": 13, "held": 0}, "4" * 64)


def test_the_workbook_says_what_it_is_about_on_its_second_page(session: Session, shop: Shop) -> None:
    make.selection(session, shop.campaign, (shop.formula, 9), (shop.knit, 4))
    book = files.workbook(session, KIND)
    assert book.sheetnames == ["入选结果", "说明"]
    facts = {row[0]: row[1] for row in book["说明"].iter_rows(values_only=True)}
    assert facts["活动"] == "2027 春夏 (ss27)"
    assert (facts["行数"], facts["合计：票数"], facts["币种"], facts["运行哈希"]) == (2, 13, "CNY", "4" * 64)


def test_an_english_file_takes_the_chinese_name_where_there_is_no_english_one(session: Session, shop: Shop) -> None:
    shop.knit.name_en = ""
    make.selection(session, shop.campaign, (shop.formula, 9), (shop.knit, 4))
    assert [row["candidate_name"] for row in files.table(session, KIND, locale="en")] == ["Design K002", "款 K001"]
    assert files.workbook(session, KIND, locale="en").sheetnames == ["Results", "About"]


def test_an_override_stands_at_the_end_and_changes_no_result(session: Session, shop: Shop) -> None:
    make.selection(session, shop.campaign, (shop.formula, 9), (shop.knit, 4), places=1)
    make.override(session, shop.formula, made=False)
    make.override(session, shop.knit, approved_by="", approved_at=None)
    assert [(row["result"], row["override"]) for row in files.table(session, KIND)] == [("selected", "dropped"), ("not_selected", "")]
