import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.people.models import Person
from tests import make
from tests.cli.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    shell = Shell(tmp_path / "shop")
    shell.does("init")
    return shell


@pytest.fixture
def elsewhere(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "elsewhere")


def database(shell: Shell) -> Database:
    return Database(f"sqlite:///{shell.folder / 'c2b.db'}")


def fill(shell: Shell) -> None:
    with closing(database(shell)) as living, living.transaction() as session:
        make.campaign(session)


def test_a_backup_restored_elsewhere_is_the_same_shop(shell: Shell, elsewhere: Shell, tmp_path: Path) -> None:
    fill(shell)
    assert "all promises hold" in shell.does("backup", tmp_path / "copy.db")
    assert "restored" in elsewhere.does("restore", tmp_path / "copy.db")
    assert elsewhere.does("campaign", "list") == shell.does("campaign", "list") == "ss27: voting\n"


def test_a_backup_is_one_file_and_nothing_half_done_stays_behind(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    shell.does("backup", folder / "copy.db")
    assert [path.name for path in folder.iterdir()] == ["copy.db"]


def test_a_backup_never_overwrites(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "copy.db").write_text("yesterday's")
    assert "never overwritten" in shell.refuses("backup", tmp_path / "copy.db")
    assert (tmp_path / "copy.db").read_text() == "yesterday's"


def test_a_restore_never_overwrites_a_living_shop(shell: Shell, tmp_path: Path) -> None:
    shell.does("backup", tmp_path / "copy.db")
    fill(shell)
    assert "never overwritten" in shell.refuses("restore", tmp_path / "copy.db")
    assert shell.does("campaign", "list") == "ss27: voting\n"


@pytest.mark.parametrize("content", [b"", b"These are my notes, not a database. " * 40])
def test_what_is_no_backup_is_not_restored(elsewhere: Shell, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "copy.db").write_bytes(content)
    assert "isn't a c2b database" in elsewhere.refuses("restore", tmp_path / "copy.db")
    assert list(elsewhere.folder.iterdir()) == []


def test_a_torn_backup_is_not_restored(shell: Shell, elsewhere: Shell, tmp_path: Path) -> None:
    fill(shell)
    shell.does("backup", tmp_path / "copy.db")
    whole = (tmp_path / "copy.db").read_bytes()
    (tmp_path / "torn.db").write_bytes(whole[: len(whole) // 2])
    elsewhere.refuses("restore", tmp_path / "torn.db")
    assert not (elsewhere.folder / "c2b.db").exists()


def test_a_backup_that_breaks_promises_is_refused_by_name(shell: Shell, elsewhere: Shell, tmp_path: Path) -> None:
    shell.does("backup", tmp_path / "copy.db")
    with closing(sqlite3.connect(tmp_path / "copy.db")) as connection:
        connection.execute("DROP TRIGGER transfer_guard_debit")
        connection.commit()
    assert "transfer_guard_debit" in elsewhere.refuses("restore", tmp_path / "copy.db")


def test_a_backup_beside_writers_is_one_moment_of_the_shop(shell: Shell, tmp_path: Path) -> None:
    stop = threading.Event()
    with closing(database(shell)) as living:

        def write() -> None:
            while not stop.is_set():
                with living.transaction() as session:
                    make.person(session)
                    make.person(session)

        writer = threading.Thread(target=write)
        writer.start()
        try:
            shell.does("backup", tmp_path / "copy.db")
        finally:
            stop.set()
            writer.join()
    with closing(Database(f"sqlite:///{tmp_path / 'copy.db'}")) as copy, copy.reading() as session:
        assert (session.scalar(select(func.count()).select_from(Person)) or 0) % 2 == 0
        assert session.scalar(text("PRAGMA integrity_check")) == "ok"
        assert session.scalars(select(Campaign.id)).all() == []


def test_without_a_database_there_is_nothing_to_back_up(elsewhere: Shell, tmp_path: Path) -> None:
    assert "c2b init" in elsewhere.refuses("backup", tmp_path / "copy.db")


def test_postgresql_is_left_to_its_own_tools(elsewhere: Shell, tmp_path: Path) -> None:
    elsewhere.environment["C2B_DATABASE_URL"] = "postgresql://127.0.0.1/shop"
    assert "pg_dump" in elsewhere.refuses("backup", tmp_path / "copy.db")
    (tmp_path / "copy.db").touch()
    assert "pg_restore" in elsewhere.refuses("restore", tmp_path / "copy.db")
