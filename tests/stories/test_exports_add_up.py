"""What finance takes home: files that open, whose sums are those of their rows, of each other and of the pages."""

import csv
import hashlib
import re
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import load_workbook
from openpyxl.workbook import Workbook
from playwright.sync_api import Browser

from c2b.people.rules import Role
from tests.stories.people import leaving
from tests.stories.test_finances_money import Clerk
from tests.stories.timed import TimedShop


class Finance(Clerk):
    """Whoever answers for the figures."""

    def exports(self, kind: str, form: str, folder: Path) -> Path:
        """Choose a format, take the file, and see its row count and hash in the list of downloads."""
        self.opens("/admin/ss27/exports")
        self.page.locator(f"#format-{kind}").select_option(form)
        with self.page.expect_download() as download:
            self.page.locator(f"form[action$='/exports/{kind}']").get_by_role("button").click()
        path = folder / download.value.suggested_filename
        download.value.save_as(path)
        self.opens("/admin/ss27/exports")
        self.reads(hashlib.sha256(path.read_bytes()).hexdigest()[:8])
        return path


def rows(book: Workbook) -> list[dict[str, Any]]:
    """Return the first page of a workbook, by its headers."""
    header, *lines = book.worksheets[0].iter_rows(values_only=True)
    return [dict(zip(map(str, header), line, strict=True)) for line in lines]


def facts(book: Workbook) -> dict[str, Any]:
    """Return what the last page says of the whole."""
    return {str(label): value for label, value, *_ in book.worksheets[-1].iter_rows(values_only=True)}


def test_deposits_refunds_and_the_order_book_add_up_to_each_other_and_to_the_pages(
    timed: TimedShop, browser: Browser, tmp_path: Path
) -> None:
    timed.sells("K1", "K2", minimum=3)
    for code, units in (("K1", 2), ("K1", 1), ("K2", 2)):
        timed.has_sold(code, units)
    timed.decides()
    finance = Finance(timed, browser, Role.OWNER)
    with leaving(finance):
        deposits = load_workbook(finance.exports("deposits", "xlsx", tmp_path))
        refunds = load_workbook(finance.exports("refunds", "xlsx", tmp_path))
        orders = load_workbook(finance.exports("production-orders", "xlsx", tmp_path))
        plain = finance.exports("deposits", "csv", tmp_path).read_text(encoding="utf-8-sig")
        finance.photographs("exports")
        lines, back = rows(deposits), rows(refunds)
        assert Counter(line["Outcome"] for line in lines) == {"allocated": 2, "missed": 1}
        for book, found, column in ((deposits, lines, "Deposit"), (refunds, back, "Amount")):
            assert facts(book)["Rows"] == len(found)
            assert round(sum(row[column] for row in found), 2) == facts(book)[f"Total: {column}"]
        gone = [line["Deposit"] for line in lines if line["Outcome"] == "missed"]
        assert gone == [row["Amount"] for row in back]
        summary = rows(orders)
        assert summary[-1]["Units total"] == sum(line["Units"] for line in lines if line["Outcome"] == "allocated") == 3
        assert facts(orders)["Hash of the run"] == facts(deposits)["Hash of the run"] == facts(refunds)["Hash of the run"]
        assert sum(Decimal(row["deposit"]) for row in csv.DictReader(plain.splitlines())) == Decimal(str(facts(deposits)["Total: Deposit"]))
        finance.opens("/admin/ss27/refunds")
        finance.reads(f"¥{gone[0]:.2f}")
        finance.opens("/admin/ss27/decision")
        finance.reads(f"¥{gone[0]:.2f}")
        assert re.search(r"\b3 pieces", finance.page.locator("main").inner_text())
    timed.has_nothing_amiss()
