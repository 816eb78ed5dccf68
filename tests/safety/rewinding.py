"""One database for many examples: put back to what it was in a few milliseconds, so that statements stay prepared."""

import sqlite3
from collections.abc import Callable
from typing import Any

import psycopg

from c2b.db import Base, Database

Rewind = Callable[[], None]


def keep(database: Database) -> Rewind:
    """Return what puts the database back to what it is now; nobody may be in a transaction then."""
    return _keep_sqlite(database) if database.is_sqlite else _keep_postgresql(database)


def _keep_sqlite(database: Database) -> Rewind:
    path, kept = database.engine.url.database or "", sqlite3.connect(":memory:")
    with sqlite3.connect(path) as here:
        here.backup(kept)

    def rewind() -> None:
        there = sqlite3.connect(path)
        kept.backup(there)
        there.close()

    return rewind


def _keep_postgresql(database: Database) -> Rewind:
    tables = [table.name for table in Base.metadata.sorted_tables]
    with _driver(database) as connection:
        kept = {table: b"".join(bytes(part) for part in _out(connection, table)) for table in tables}
        connection.rollback()

    def rewind() -> None:
        with _driver(database) as connection:
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute("; ".join(f"DELETE FROM {table}" for table in tables))
            for table, rows in kept.items():
                if rows:
                    with connection.cursor() as cursor, cursor.copy(f"COPY {table} FROM STDIN") as copy:
                        copy.write(rows)

    return rewind


def _driver(database: Database) -> Any:
    """Return a connection of the driver's own, that commits when it is left."""
    return psycopg.connect(database.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))


def _out(connection: Any, table: str) -> list[bytes]:
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} TO STDOUT") as copy:
        return list(copy)
