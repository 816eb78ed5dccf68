"""What `c2b audit` proves of the database itself: it is whole, and its guards stand."""

import re
from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from c2b.audit.rules import Finding
from c2b.db import TRIGGERS

_STANDING = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
    "postgresql": "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'",
}
_MAKES = re.compile(r"CREATE TRIGGER (\w+)")


def checks(session: Session) -> list[Finding]:
    """Return what is wrong: damaged pages, rows that point nowhere (both SQLite), triggers that are missing or switched off."""
    return [*_whole(session), *_guards(session)]


def _whole(session: Session) -> Iterator[Finding]:
    if session.get_bind().dialect.name != "sqlite":
        return
    for what in session.scalars(text("PRAGMA integrity_check(10)")):
        if what != "ok":
            yield Finding("database.whole", what)
    for table, row, *_ in session.execute(text("PRAGMA foreign_key_check")):
        yield Finding("database.references", f"row {row} of {table} points to a row that isn't there")


def _guards(session: Session) -> Iterator[Finding]:
    dialect = session.get_bind().dialect.name
    standing = set(session.scalars(text(_STANDING[dialect])))
    for trigger in TRIGGERS:
        for name in _MAKES.findall("\n".join(getattr(trigger, dialect))):
            if name not in standing:
                yield Finding("database.guards", f"the trigger {name} is missing; c2b init makes it again")
