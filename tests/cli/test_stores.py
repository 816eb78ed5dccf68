"""c2b stores import: where orders are collected."""

from pathlib import Path

import pytest

from c2b.db import Database
from c2b.stores import queries
from tests.cli.shell import Shell

LIST = "code,name,city,latitude,longitude\nHZ1,湖滨店,杭州,30.2553,120.1652\n"


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    return Shell(tmp_path / "data", sqlite_database)


def file(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "stores.csv"
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_stores_are_imported_twice_with_one_result(shell: Shell, tmp_path: Path, sqlite_database: Database, encoding: str) -> None:
    path = file(tmp_path, LIST, encoding)
    assert shell.does("stores", "import", path) == "stores 1 new, 0 changed, 0 unchanged, 0 skipped\n"
    assert shell.does("stores", "import", path) == "stores 0 new, 0 changed, 1 unchanged, 0 skipped\n"
    with sqlite_database.reading() as session:
        assert [(store.name, store.city) for store in queries.stores(session)] == [("湖滨店", "杭州")]


def test_a_problem_is_named_with_row_and_column_and_nothing_is_written(shell: Shell, tmp_path: Path, sqlite_database: Database) -> None:
    done = shell.run("stores", "import", file(tmp_path, f"{LIST}HZ2,滨江店,杭州,north,120\n"))
    assert done.exit_code == 1
    assert "row 3, latitude “north”: is no latitude; write degrees like 30.2741" in done.output
    with sqlite_database.reading() as session:
        assert queries.stores(session) == []
    assert shell.reads("stores", "import", file(tmp_path, f"{LIST}HZ2,滨江店,杭州,north,120\n"), "--skip-bad")["new"] == 1
