"""Run as a program: decides a campaign again and again, killed with kill -9 before each SQL statement in turn.

Prints one JSON document: how often it was killed, after which kills the database was another one than before, and what the last,
undisturbed attempt said. `--torn` is the control: it commits before every statement, so that a kill must leave traces.
"""

import hashlib
import json
import os
import signal
import sys
import warnings
from contextlib import closing, suppress
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, event, select

from c2b.db import Base, Database
from c2b.production import actions

NOW = datetime.fromisoformat("2027-04-01T00:00:00+00:00")


class Killer:
    """Kills this process in front of the statement with a given number; COMMIT counts as one."""

    def __init__(self, database: Database, point: int, *, torn: bool) -> None:
        self.left = point
        self.torn = torn
        event.listen(database.engine, "before_cursor_execute", self.statement)
        event.listen(database.engine, "commit", self.count)

    def statement(self, connection: Connection, _cursor: Any, _statement: str, *_rest: Any) -> None:
        """Count a statement, and tear the transaction where the control asks for it."""
        if self.torn and connection.in_transaction():
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.commit()
            if connection.dialect.name == "sqlite" and not driver.in_transaction:
                driver.execute("BEGIN IMMEDIATE")
        self.count(connection)

    def count(self, _connection: Connection) -> None:
        """Go one statement further, or die."""
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Undone(Exception):
    """A rehearsal is over."""


def decide(database: Database, *, rehearsed: bool = False) -> dict[str, Any]:
    """Decide, or undo it at the end; returns the figures."""
    with database.transaction() as session:
        figures = actions.decide(session, slug="ss27", actor="cli:test", now=NOW).document()
        if rehearsed:
            raise Undone
    return figures


def attempt(database: Database, point: int, *, torn: bool) -> bool:
    """Decide in a process of its own that dies in front of statement `point`; tell whether it lived to the end."""
    database.close()  # no connection goes along; what is compiled of statements does
    child = os.fork()
    if child == 0:
        Killer(database, point, torn=torn)
        decide(database)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFEXITED(status) or os.WTERMSIG(status) == signal.SIGKILL, status
    return os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0


def fingerprint(database: Database) -> str:
    """Return a hash of every row of every table."""
    digest = hashlib.sha256()
    with database.reading() as session:
        for table in Base.metadata.sorted_tables:
            for row in session.execute(select(table).order_by(*table.primary_key)):
                digest.update(repr((table.name, tuple(row))).encode())
    return digest.hexdigest()


def main(url: str, *, torn: bool) -> dict[str, Any]:
    """Kill at the first statement, the second, and so on, until an attempt comes through."""
    changed: list[int] = []
    point = 1
    with closing(Database(url)) as database:
        with suppress(Undone):
            decide(database, rehearsed=True)
        before = fingerprint(database)
        while not attempt(database, point, torn=torn):
            if fingerprint(database) != before:
                changed.append(point)
                if torn:
                    break
            point += 1
        figures = None if torn else decide(database)
    return {"kills": point - 1, "changed": changed, "figures": figures}


if __name__ == "__main__":
    warnings.simplefilter("error")
    sys.stdout.write(json.dumps(main(sys.argv[1], torn="--torn" in sys.argv)))
