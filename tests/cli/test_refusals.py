"""Whatever is asked: a refusal is one line on stderr and exit status 1, wrong usage is 2, and nothing is a traceback."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from tests import make
from tests.campaigns.test_campaign_file import EXAMPLE
from tests.cli.shell import Shell

NOISE = bytes(range(128, 256)) * 20
RUBBISH = {
    "nul": b"\0" * 5000,
    "noise": NOISE,
    "empty": b"",
    "half a workbook": b"PK\x03\x04" + NOISE,
    "half a gzip": b"\x1f\x8b" + NOISE,
    "blank lines": b"\n" * 100,
    "deep": b"a = " + b"[" * 5000 + b"]" * 5000,
    "an unclosed quote": b'code,name\n"K1,Coat\n' + b"K2,Hat\n" * 10000,
    "a picture": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "UTF-16": "code,name\nK1,Coat\n".encode("utf-16"),
}
READERS = {
    ("campaign", "create"): ".toml",
    ("candidates", "import", "ss27"): ".csv",
    ("suppliers", "import"): ".xlsx",
    ("stores", "import"): ".xlsx",
    ("ballots", "import", "ss27"): ".csv",
    ("restore",): ".db",
}


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    with sqlite_database.transaction() as session:
        make.campaign(session, state=CampaignState.DRAFT)
    return Shell(tmp_path / "data", sqlite_database)


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_refused_in_one_line(shell: Shell, tmp_path: Path, reader: tuple[str, ...], rubbish: str) -> None:
    file = tmp_path / f"rubbish{READERS[reader]}"
    file.write_bytes(RUBBISH[rubbish])
    assert shell.refuses(*reader, file).startswith("Error: ")


@pytest.mark.parametrize("name", ["votes.csv.gz", "votes.pb", "votes.txt"])
@pytest.mark.parametrize("rubbish", RUBBISH)
def test_rubbish_is_no_ballots_by_any_name(shell: Shell, tmp_path: Path, name: str, rubbish: str) -> None:
    (tmp_path / name).write_bytes(RUBBISH[rubbish])
    assert shell.refuses("ballots", "import", "ss27", tmp_path / name).startswith("Error: ")


@pytest.mark.parametrize("reader", READERS, ids=" ".join)
def test_a_folder_or_nothing_in_place_of_a_file_is_wrong_usage(shell: Shell, tmp_path: Path, reader: tuple[str, ...]) -> None:
    for path in (tmp_path, tmp_path / "nothing"):
        done = shell.run(*reader, path)
        assert (done.exit_code, done.stdout) == (2, "")


@pytest.mark.parametrize(
    "command",
    [
        ("campaign", "show", "nothing"),
        ("campaign", "check", "nothing"),
        ("campaign", "advance", "nothing", "voting"),
        ("campaign", "advance", "nothing", "paused", "--reason", "x"),
        ("campaign", "advance", "nothing", "cancelled", "--reason", "x"),
        ("select", "nothing"),
        ("select", "nothing", "--dry-run"),
        ("decide", "nothing"),
        ("decide", "nothing", "--dry-run"),
        ("export", "nothing", "candidates"),
        ("staff", "reset", "anna@example.com"),
        ("staff", "add", "anna", "--role", "owner"),
    ],
    ids=" ".join,
)
def test_what_is_not_there_is_refused_in_one_line(shell: Shell, command: tuple[str, ...]) -> None:
    assert "Traceback" not in shell.refuses(*command)


@pytest.mark.parametrize(
    ("command", "why"),
    [
        (("campaign", "advance", "ss27", "tally"), "no candidates"),
        (("campaign", "advance", "ss27", "decided"), "c2b select ss27"),
        (("campaign", "advance", "ss27", "paused"), "Say why"),
        (("campaign", "advance", "ss27", "cancelled"), "reason"),
        (("select", "ss27"), "when voting has closed"),
        (("decide", "ss27"), "once ordering has closed"),
        (("decide", "ss27", "--dry-run"), "before pre-orders are open"),
        (("export", "ss27", "production-orders"), "c2b decide"),
        (("export", "ss27", "results"), "c2b select"),
        (("export", "ss27", "votes", "--format", "beancount"), "take csv, xlsx, json, pb"),
        (("export", "ss27", "candidates", "-o", "no/folder/at/all.csv"), "can't be written"),
        (("backup", "no/folder/at/all.db"), "There is no folder"),
    ],
    ids=str,
)
def test_what_comes_too_early_or_goes_nowhere_says_why(shell: Shell, command: tuple[str, ...], why: str) -> None:
    assert why in shell.refuses(*command)


@pytest.mark.parametrize(
    "command",
    [
        ("campaign", "advance", "ss27", "draft"),
        ("campaign", "advance", "ss27", "somewhere"),
        ("candidates", "import", "ss27", __file__, "--format", "excel"),
        ("candidates", "import", "ss27", __file__, "--encoding", "latin-1"),
        ("export", "ss27", "everything"),
        ("export", "ss27", "votes", "--format", "pdf"),
        ("staff", "add", "anna@example.com", "--role", "king"),
        ("demo", "--candidates", "0"),
        ("serve", "--port", "0"),
        ("nothing",),
    ],
    ids=str,
)
def test_what_no_command_knows_is_wrong_usage(shell: Shell, command: tuple[str, ...]) -> None:
    done = shell.run(*command)
    assert (done.exit_code, done.stdout) == (2, "")


def test_a_file_where_a_folder_should_be_is_refused_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert str(tmp_path / "data") in Shell(tmp_path / "data").refuses("init")
    assert str(tmp_path / "data") in Shell(tmp_path / "data" / "below").refuses("init")


def test_a_setting_that_is_wrong_stops_every_command(shell: Shell) -> None:
    shell.environment["C2B_LOCALE"] = "de"
    assert "C2B_LOCALE" in shell.refuses("campaign", "list")
    assert "C2B_LOCALE" in shell.refuses("init")


def test_years_that_nobody_means_are_refused(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "ss27.toml"
    for year in ("0001", "1999", "9999"):
        file.write_text(EXAMPLE.replace("2027-04-20", f"{year}-12-31"), encoding="utf-8")
        assert "balance.due: must lie between the years 2000 and 2199" in shell.refuses("campaign", "create", file)


def test_who_stops_reading_makes_no_traceback(shell: Shell, tmp_path: Path) -> None:
    many = tmp_path / "many.csv"
    many.write_text("code,name,description\n" + "".join(f"K{n},Coat {n},{'warm ' * 100}\n" for n in range(500)))
    shell.does("candidates", "import", "ss27", many)
    with subprocess.Popen(
        [sys.executable, "-m", "c2b.cli", "export", "ss27", "candidates", "-o", "-"],
        env=os.environ | shell.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as export:
        assert export.stdout is not None
        assert export.stderr is not None
        export.stdout.close()
        assert b"Traceback" not in export.stderr.read()
    assert export.returncode == 1
