"""c2b backup, c2b restore: a copy of the living database, proved before anybody relies on it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import click
from sqlalchemy.exc import DBAPIError

from c2b import migrations
from c2b.cli import context
from c2b.cli.database import sqlite_file
from c2b.db import Database
from c2b.errors import N_, Refused
from c2b.work import audit


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
def backup(file: Path) -> None:
    """Copy the living database to FILE, which must not exist, and check the copy. Pictures in media/ are plain files: copy them too."""
    source = _ours(N_("Back up PostgreSQL with its own tool: pg_dump --format=custom --file=%(file)s --dbname=URL"), file)
    if not source.is_file():
        raise Refused(N_("There is no database at %(path)s yet; run c2b init"), path=source)
    _copy(source, file, upgrade=False)
    click.echo(f"{file}: {file.stat().st_size:,} bytes, whole, all promises hold")


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def restore(file: Path) -> None:
    """Bring the backup FILE to where the settings want the database; refuses to overwrite one, or to take a damaged backup."""
    target = _ours(N_("Restore PostgreSQL with its own tool, into an empty database: pg_restore --dbname=URL %(file)s"), file)
    target.parent.mkdir(parents=True, exist_ok=True)
    _copy(file, target, upgrade=True)
    click.echo(f"{target}: restored, whole, all promises hold")


def _ours(otherwise: str, file: Path) -> Path:
    found = sqlite_file(context.settings().database)
    if found is None:
        raise Refused(otherwise, file=file)
    return found


def _copy(source: Path, target: Path, *, upgrade: bool) -> None:
    """Copy page by page beside the writers, prove the copy, and only then give it its name; an existing file is never replaced."""
    if target.exists():
        raise Refused(N_("%(path)s exists already and is never overwritten: move it away, or choose another name"), path=target)
    if not target.parent.is_dir():
        raise Refused(N_("There is no folder %(path)s; make it first"), path=target.parent)
    half = target.with_name(f".{target.name}.half")
    half.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as old, closing(sqlite3.connect(half)) as new:
            old.backup(new)
            new.execute("SELECT version_num FROM alembic_version")  # an empty file is a whole database too, but none of ours
        _prove(half, source, upgrade=upgrade)
        os.link(half, target)  # unlike a rename it fails where a file has come in between
    except (sqlite3.DatabaseError, DBAPIError) as error:
        raise Refused(N_("%(path)s isn't a c2b database, or it is damaged: %(why)s"), path=source, why=str(error)) from error
    finally:
        half.unlink(missing_ok=True)


def _prove(copy: Path, source: Path, *, upgrade: bool) -> None:
    database = Database(f"sqlite:///{copy.resolve()}")
    try:
        if upgrade:
            migrations.upgrade(database)
        if not migrations.is_current(database):
            raise Refused(N_("%(path)s has tables of another version; install that version of c2b, or run c2b init first"), path=source)
        with database.reading() as session:
            findings = audit(session)
    finally:
        database.close()
    if findings:
        what = "; ".join(f"{finding.check}: {finding.what}" for finding in findings)
        raise Refused(N_("%(path)s breaks promises, see c2b audit: %(what)s"), path=source, what=what)
