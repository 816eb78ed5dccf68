"""The files that everybody may fetch after a selection: made once in the background, never while somebody waits."""

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.exports import actions
from c2b.exports.actions import Wanted
from c2b.exports.kinds import Format, Kind
from c2b.voting import bundle
from c2b.voting.models import PublishedVersion, Selection

BUNDLE = "bundle.zip"
FILES = (BUNDLE, bundle.RESULT, bundle.BALLOTS)
"""The bundle, and two of its parts by themselves for the page that verifies in the browser."""


def folder(session: Session, data: Path, slug: str) -> Path | None:
    """Return where a campaign's files are, or will be; None before its selection."""
    return next((place for found, place in _places(session, data) if found == slug), None)


def publish(database: Database, data: Path, now: datetime) -> list[str]:
    """Make what is missing, for a new selection or one with other overrides; return the campaigns' slugs.

    What was there before is taken away only when its successor is whole.
    """
    with database.reading() as session:
        missing = [(slug, place) for slug, place in _places(session, data) if not place.is_dir()]
    for slug, place in missing:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as new:
            _make(database, Path(new) / "files", slug, now)
            os.replace(Path(new) / "files", place)  # noqa: PTH105  Path.replace refuses a folder on some systems
        for old in {*place.parent.glob("[!.]*")} - {place}:
            shutil.rmtree(old, ignore_errors=True)
    return [slug for slug, _ in missing]


def _make(database: Database, new: Path, slug: str, now: datetime) -> None:
    new.mkdir()
    wanted = Wanted(slug, Kind.BUNDLE, Format.ZIP, "en", counts_allowed=True)  # a selection exists, whatever the clock says
    with (new / BUNDLE).open("wb") as stream, database.reading() as session:
        actions.write(session, stream, wanted=wanted, now=now)
    with zipfile.ZipFile(new / BUNDLE) as packed:
        for name in FILES[1:]:
            packed.extract(name, new)


def _places(session: Session, data: Path) -> Iterator[tuple[str, Path]]:
    """Yield each selected campaign with its folder, named by what is in it."""
    versions = select(PublishedVersion.campaign_id, PublishedVersion.hash).order_by(PublishedVersion.campaign_id, PublishedVersion.version)
    last = dict(session.execute(versions).all())  # of each campaign the last one stays
    query = select(Campaign.slug, Selection.output_hash, Selection.input_hash, Campaign.id)
    query = query.join(Selection, Selection.campaign_id == Campaign.id).order_by(Campaign.id)
    for row in session.execute(query):
        name = hashlib.sha256(repr((*row[:3], last.get(row.id, ""))).encode()).hexdigest()[:20]
        yield row.slug, data.resolve() / "published" / row.slug / name
