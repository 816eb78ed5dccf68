import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from c2b.db import Database
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "shop")


def test_init_makes_the_folder_and_the_database(shell: Shell) -> None:
    assert shell.does("init") == "The database is ready.\n"
    assert (shell.folder / "c2b.db").is_file()
    assert shell.does("campaign", "list") == ""


def test_init_again_changes_nothing(shell: Shell) -> None:
    shell.does("init")
    with closing(sqlite3.connect(shell.folder / "c2b.db")) as connection:
        connection.execute("INSERT INTO viewer_counter VALUES (1, 77)")
        connection.commit()
    shell.does("init")
    with closing(sqlite3.connect(shell.folder / "c2b.db")) as connection:
        assert connection.execute("SELECT reserved FROM viewer_counter").fetchall() == [(77,)]


def test_init_brings_postgresql_up_too(database: Database, tmp_path: Path) -> None:
    shell = Shell(tmp_path, database)
    assert shell.does("init") == "The database is ready.\n"
    assert shell.does("audit") == "All promises hold.\n"


def test_init_says_why_a_database_cannot_be_opened(shell: Shell) -> None:
    shell.environment["C2B_DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/none"
    assert "can't be opened" in shell.refuses("init")
    shell.environment["C2B_DATABASE_URL"] = "mysql://nobody@127.0.0.1/none"
    assert "C2B_DATABASE_URL" in shell.refuses("init")


def test_init_leaves_a_file_alone_that_is_no_database(shell: Shell) -> None:
    shell.folder.mkdir()
    (shell.folder / "c2b.db").write_bytes(b"These are my notes, not a database. " * 40)
    assert "can't be opened" in shell.refuses("init")
    assert (shell.folder / "c2b.db").read_bytes().startswith(b"These are my notes")
