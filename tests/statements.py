"""Counting what goes to the database."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import get_ident
from typing import Any

from sqlalchemy import event

from c2b.db import Database


@contextmanager
def counted(database: Database) -> Iterator[list[str]]:
    """Yield a list that fills with the SQL of each statement that this thread runs meanwhile; what is flushed beside it doesn't count."""
    seen: list[str] = []
    here = get_ident()

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if get_ident() == here and not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append(statement)

    def look(statement: str) -> None:
        note(None, None, statement)

    event.listen(database.engine, "before_cursor_execute", note)
    database.listeners.append(look)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
        database.listeners.remove(look)


@contextmanager
def rows(database: Database) -> Iterator[list[int]]:
    """Yield a list that fills with how many rows each statement run meanwhile returned or changed; for PostgreSQL, which says so."""
    seen: list[int] = []

    def note(_connection: Any, cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith("BEGIN"):
            seen.append(max(cursor.rowcount, 0))

    event.listen(database.engine, "after_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "after_cursor_execute", note)
