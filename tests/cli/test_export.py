import csv
import io
import json
import os
from pathlib import Path

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from c2b.audit.models import AuditEntry
from c2b.db import Database
from tests import make
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    """A campaign with one deposit in its books and one vote, before anything was selected."""
    with sqlite_database.transaction() as session:
        campaign = make.campaign(session)
        candidate = make.candidate(session, campaign, "K001", name="=1+1")
        make.ballot(session, campaign, candidate, serial="b-1")
        make.transfer(session, campaign, "cap:1", 5980, debit="psp:sandbox:main", credit="dep:1")
    return Shell(tmp_path, sqlite_database)


def entries(database: Database) -> list[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry)))


def test_an_export_becomes_a_file_and_a_line_about_it(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "books.csv"
    result = shell.run("export", "ss27", "ledger", "-o", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr.startswith(f"{file}: 1 rows, amount 59.80 CNY, sha256 ")
    (row,) = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8-sig")))
    assert row["amount"] == "59.80"


def test_without_a_file_it_is_named_after_campaign_and_kind(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shell.does("export", "ss27", "ledger", "--format", "json")
    assert json.loads((tmp_path / "ss27-ledger.json").read_text())["count"] == 1


def test_it_streams_to_the_standard_output(shell: Shell) -> None:
    assert shell.does("export", "ss27", "ledger", "-o", "-", "--no-bom").splitlines()[1].startswith("cap:1,")


def test_a_pipe_is_written_into_and_not_replaced_by_a_file(shell: Shell, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)  # a blocking reader would wait for ever if nobody wrote
    shell.does("export", "ss27", "ledger", "-o", pipe)
    with open(reader, encoding="utf-8-sig") as read:  # noqa: PTH123  a file descriptor has no path
        assert read.read().splitlines()[1].startswith("cap:1,")
    assert pipe.is_fifo()


def test_a_folder_in_the_files_place_is_refused(shell: Shell, tmp_path: Path) -> None:
    result = shell.run("export", "ss27", "ledger", "-o", tmp_path)
    assert (result.exit_code, "can't be written" in result.stderr) == (1, True)


def test_no_bom_is_for_machines(shell: Shell, tmp_path: Path) -> None:
    people, machines = tmp_path / "people.csv", tmp_path / "machines.csv"
    shell.does("export", "ss27", "ledger", "-o", people)
    shell.does("export", "ss27", "ledger", "-o", machines, "--no-bom")
    assert people.read_bytes() == b"\xef\xbb\xbf" + machines.read_bytes()


@pytest.mark.parametrize(
    ("kind", "name"), [("ledger", "books.beancount"), ("votes", "votes.pb"), ("candidates", "all.xlsx"), ("votes", "v.json")]
)
def test_the_format_follows_the_files_ending(shell: Shell, tmp_path: Path, kind: str, name: str) -> None:
    shell.does("export", "ss27", kind, "-o", tmp_path / name)
    start = {"beancount": b"option", "pb": b"META", "xlsx": b"PK", "json": b"{"}[name.rsplit(".", 1)[-1]]
    assert (tmp_path / name).read_bytes().startswith(start)


def test_a_workbook_opens_and_has_headers_in_the_shops_language(shell: Shell, tmp_path: Path) -> None:
    shell.environment["C2B_LOCALE"] = "en"
    shell.does("export", "ss27", "candidates", "-o", tmp_path / "all.xlsx")
    page = load_workbook(tmp_path / "all.xlsx")["Candidates"]
    assert [page.cell(1, column).value for column in (1, 2)] == ["Code", "Name"]
    assert (page.cell(2, 2).value, page.cell(2, 2).data_type) == ("=1+1", "s")


def test_a_format_that_the_kind_has_not_is_refused_before_a_file_is_begun(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "votes.beancount"
    assert "take csv, xlsx, json, pb" in shell.refuses("export", "ss27", "votes", "-o", file)
    assert not file.exists()


def test_an_unknown_kind_is_wrong_usage(shell: Shell) -> None:
    assert shell.run("export", "ss27", "everything").exit_code == 2


def test_a_campaign_that_is_not_there_leaves_no_file(shell: Shell, tmp_path: Path) -> None:
    before = set(tmp_path.iterdir())
    assert "aw27" in shell.refuses("export", "aw27", "ledger", "-o", tmp_path / "books.csv")
    assert set(tmp_path.iterdir()) == before


def test_what_is_refused_keeps_the_file_of_before(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "results.csv"
    file.write_text("of yesterday")
    assert "c2b select" in shell.refuses("export", "ss27", "results", "-o", file)
    assert file.read_text() == "of yesterday"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".c2b-")] == []


def test_a_folder_that_is_not_there_is_said(shell: Shell, tmp_path: Path) -> None:
    assert "can't be written: No such file or directory" in shell.refuses("export", "ss27", "ledger", "-o", tmp_path / "no" / "books.csv")


def test_every_export_is_recorded_with_who_took_it(shell: Shell, sqlite_database: Database, tmp_path: Path) -> None:
    shell.does("export", "ss27", "votes", "-o", tmp_path / "votes.pb")
    shell.refuses("export", "ss27", "results", "-o", tmp_path / "results.csv")
    (entry,) = entries(sqlite_database)
    assert entry.actor.startswith("cli:")
    assert (entry.action, entry.campaign, entry.object, entry.after["format"], entry.after["rows"]) == (
        "exports.export",
        "ss27",
        "votes",
        "pb",
        1,
    )


def test_the_same_export_twice_is_the_same_file(shell: Shell, tmp_path: Path) -> None:
    for name in ("first.csv", "second.csv"):
        shell.does("export", "ss27", "votes", "-o", tmp_path / name)
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()
