"""c2b parcels import: the export of shipments goes out, the warehouse's list comes in."""

from pathlib import Path

import pytest

from c2b.db import Database
from tests.cli.shell import Shell
from tests.deposits.test_parcels import HEADER, packed, ready


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    return Shell(tmp_path, sqlite_database)


@pytest.fixture
def order(sqlite_database: Database) -> tuple[str, str]:
    """An order of twelve K1, paid whole, and the SKU."""
    with sqlite_database.transaction() as session:
        (order,), sku = ready(session)
        return order.ref, sku


def file(folder: Path, *rows: str) -> Path:
    path = folder / "parcels.csv"
    path.write_text(HEADER + "\n".join(rows), encoding="utf-8")
    return path


def test_what_waits_is_exported_and_what_left_is_imported(shell: Shell, tmp_path: Path, order: tuple[str, str]) -> None:
    ref, sku = order
    assert f"{ref}," in shell.does("export", "ss27", "shipments", "-o", "-")
    parcels = file(tmp_path, f"{ref},{sku},12,SF,SF1,,")
    assert shell.does("parcels", "import", "ss27", parcels) == "1 new parcels, 0 lines delivered, 0 rows known before\n"
    again = shell.reads("parcels", "import", "ss27", parcels)
    assert again == {"written": True, "parcels": 0, "delivered": 0, "unchanged": 1, "problems": [], "notices": []}
    assert ref not in shell.does("export", "ss27", "shipments", "-o", "-")


def test_a_list_with_a_problem_is_not_written_and_exits_with_1(
    shell: Shell, tmp_path: Path, sqlite_database: Database, order: tuple[str, str]
) -> None:
    ref, sku = order
    done = shell.run("parcels", "import", "ss27", file(tmp_path, f"{ref},{sku},7,SF,SF1,,", f"{ref},{sku},99,SF,SF2,,"))
    assert done.exit_code == 1
    assert done.stdout == "problem: row 3, units “99”: only 5 of it are left to send; correct the number\n"
    assert "nothing was written: 1 problems" in done.stderr
    with sqlite_database.reading() as session:
        assert packed(session) == []


def test_a_campaign_that_is_not_there_is_refused_in_one_line(shell: Shell, tmp_path: Path) -> None:
    assert "There is no campaign" in shell.refuses("parcels", "import", "aw27", file(tmp_path, "a,b,1,SF,SF1,,"))
