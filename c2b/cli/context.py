"""What every command starts from: settings, database, who is at the keyboard, and how results are printed."""

import getpass
import json
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b import migrations
from c2b import settings as settings_module
from c2b.db import Database
from c2b.errors import N_, Refused
from c2b.settings import Settings


@dataclass
class Tools:
    """What one run of the command line opened."""

    settings: Settings
    database: Database | None = None


def settings() -> Settings:
    """Return the settings, read once a run; raises Invalid naming the variable that is wrong."""
    return _tools().settings


def database() -> Database:
    """Return the database, opened once a run; raises Refused where it isn't there or its tables are of another version."""
    tools = _tools()
    if tools.database is None:
        tools.database = _open(tools.settings.database)
        click.get_current_context().find_root().call_on_close(tools.database.close)
    return tools.database


def transaction() -> AbstractContextManager[Session]:
    """Open a writing transaction: leaving it commits, raising leaves no trace."""
    return database().transaction()


def reading() -> AbstractContextManager[Session]:
    """Open a transaction that only reads."""
    return database().reading()


def actor() -> str:
    """Return who the audit log names; it never counts as a second person."""
    return f"cli:{getpass.getuser()}"


def output(data: Any, *, as_json: bool, lines: Iterable[str] = ()) -> None:
    """Print `data` as one JSON document, or `lines` for people; `data` holds what `json` can, times as ISO 8601 texts."""
    if as_json:
        click.echo(json.dumps(data, ensure_ascii=False, indent=2))
        return
    for line in lines:
        click.echo(line)


def _tools() -> Tools:
    root = click.get_current_context().find_root()
    if not isinstance(root.obj, Tools):
        root.obj = Tools(settings_module.load())
    return root.obj


def _lacks_file(url: URL) -> bool:
    """SQLite would make an empty database of a path where none is."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file()


def _open(url: str) -> Database:
    made = make_url(url)
    if _lacks_file(made):
        raise Refused(N_("There is no database at %(path)s yet; run c2b init"), path=made.database)
    database = Database(url)
    try:
        current = migrations.is_current(database)
    except DBAPIError as error:
        database.close()
        raise Refused(N_("The database can't be opened: %(why)s"), why=str(error.orig).strip()) from error
    if not current:
        database.close()
        raise Refused(N_("The database's tables are of another version; run c2b init"))
    return database
