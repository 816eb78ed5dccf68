"""c2b init: the database, created or brought to the newest version."""

from pathlib import Path

import click
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from c2b import migrations
from c2b.cli import context
from c2b.db import Database
from c2b.errors import N_, Refused


@click.command()
def init() -> None:
    """Create the database, or bring its tables to the newest version; running it again changes nothing."""
    settings = context.settings()
    if file := sqlite_file(settings.database):
        file.parent.mkdir(parents=True, exist_ok=True)
    database = Database(settings.database)
    try:
        migrations.upgrade(database)
    except DBAPIError as error:
        raise Refused(N_("The database can't be opened: %(why)s"), why=str(error.orig).strip()) from error
    finally:
        database.close()
    click.echo("The database is ready.")


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite database, None for any other."""
    parsed = make_url(url)
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
