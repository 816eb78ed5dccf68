"""Exporting: a sheet becomes a file, and the audit log says who took it."""

import hashlib
import io
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns import queries
from c2b.db import Database
from c2b.exports import kinds
from c2b.exports.kinds import Format, Kind
from c2b.exports.writers import csv, order_book


@dataclass(frozen=True)
class Wanted:
    """Which export of which campaign, for whom; CSV for people begins with a byte order mark."""

    slug: str
    kind: Kind
    format: Format
    locale: str
    bom: bool = True
    counts_allowed: bool = False
    """Votes may be shown before voting has closed."""
    media: Path | None = None
    """The folder of pictures, for formats that show them."""

    @property
    def file_name(self) -> str:
        """What the file is called: `ss27-deposits.csv`."""
        return f"{self.slug}-{self.kind}.{self.format}"


@dataclass(frozen=True)
class ExportInfo:
    """What was in the file: rows, the sums of its units and amounts, and what it can be recognised by."""

    rows: int
    totals: Mapping[str, int]
    amounts: tuple[str, ...]
    """Those of the totals that are amounts, in minor units of `currency`."""
    currency: str
    run: str
    """Hash of the selection or decision that the rows come from, or empty."""
    sha256: str
    """Of the file."""


def export(database: Database, stream: BinaryIO, *, wanted: Wanted, actor: str, now: datetime) -> ExportInfo:
    """Write the export to `stream` and record that `actor` took it; the caller keeps the file back until this returns.

    Raises NotFound for the campaign, Refused and Invalid as `kinds.writer` and `kinds.build` do.
    """
    with database.reading(at_once=True) as session:
        info = write(session, stream, wanted=wanted, now=now)
    after: dict[str, Any] = {"format": wanted.format.value, **asdict(info)}
    with database.transaction() as session:
        record(session, actor=actor, action="exports.export", campaign=wanted.slug, object=wanted.kind.value, after=after, now=now)
    return info


def write(session: Session, stream: BinaryIO, *, wanted: Wanted, now: datetime) -> ExportInfo:
    """Write the export in constant memory; raises as `export` does."""
    campaign = queries.campaign(session, wanted.slug)
    writer = _writer(wanted)
    sheet = kinds.build(session, campaign, wanted.kind, locale=wanted.locale, counts_allowed=wanted.counts_allowed, now=now)
    hashed = _Hashed(stream)
    with closing(sheet.rows):
        writer(sheet, cast("BinaryIO", hashed))
    tally, about = sheet.tally, sheet.about
    return ExportInfo(tally.rows, tally.totals, tally.amounts, about.currency, sheet.run, hashed.sha256)


def _writer(wanted: Wanted) -> kinds.Writer:
    """Return how the file is written, as it was wished."""
    writer = kinds.writer(wanted.kind, wanted.format)
    if writer is csv.write:
        return partial(csv.write, bom=wanted.bom)
    return partial(order_book.write, media=wanted.media) if writer is order_book.write else writer


class _Hashed(io.RawIOBase):
    """Passes bytes on and hashes them; can't go back, so that every format really streams."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._hash.update(data)
        self._stream.write(data)
        return len(data)
