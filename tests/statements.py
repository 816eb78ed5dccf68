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

    def look(_cursor: Any, statement: str, _values: Any) -> None:
        note(None, None, statement)

    event.listen(database.engine, "before_cursor_execute", note)
    database.listeners.append(look)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
        database.listeners.remove(look)


@contextmanager
def reading(database: Database) -> Iterator[list[int]]:
    """Yield a list that fills with what each statement run meanwhile has to look at, whatever it returns.

    On PostgreSQL these are the rows that its plan takes from tables, by having it explained and undone just before it runs; on SQLite
    the steps of its program, in tens.
    """
    seen: list[int] = []
    with _steps(database, seen) if database.is_sqlite else _rows(database, seen):
        yield seen


@contextmanager
def _rows(database: Database, seen: list[int]) -> Iterator[None]:
    def note(_connection: Any, cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if statement.lstrip().startswith(("SELECT", "WITH", "INSERT", "UPDATE", "DELETE")):
            with cursor.connection.cursor() as beside:
                beside.execute("SAVEPOINT explained")
                beside.execute("SET LOCAL enable_seqscan = off")  # a table as small as a test's is else read whole, index or not
                beside.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + statement, values)
                seen.append(_taken(beside.fetchone()[0][0]["Plan"]))
                beside.execute("ROLLBACK TO SAVEPOINT explained")

    def look(cursor: Any, statement: str, values: Any) -> None:
        note(None, cursor, statement, values)

    event.listen(database.engine, "before_cursor_execute", note)
    database.listeners.append(look)
    try:
        yield
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
        database.listeners.remove(look)


_LOOKED_AT = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")


def _taken(plan: dict[str, Any]) -> int:
    """Return the rows that a plan and what is below it take from tables, those that it throws away among them."""
    own = sum(plan.get(name, 0) for name in _LOOKED_AT) * plan["Actual Loops"] if "Relation Name" in plan else 0
    return round(own) + sum(_taken(each) for each in plan.get("Plans", ()))


@contextmanager
def _steps(database: Database, seen: list[int]) -> Iterator[None]:
    seen.append(0)

    def tick() -> int:
        seen[0] += 1
        return 0

    watched = []

    def checked_out(driver: Any, *_rest: Any) -> None:
        watched.append(driver)
        driver.set_progress_handler(tick, 10)

    for writer in database._writers:
        checked_out(writer.connection.driver_connection)
    event.listen(database.engine, "checkout", checked_out)
    try:
        yield
    finally:
        event.remove(database.engine, "checkout", checked_out)
        for driver in watched:
            driver.set_progress_handler(None, 0)
