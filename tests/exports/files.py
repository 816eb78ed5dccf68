"""Exports as bytes, and back into rows: what every test of a kind needs."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook, load_workbook
from sqlalchemy.orm import Session

from c2b.exports import actions
from c2b.exports.actions import ExportInfo, Wanted
from c2b.exports.kinds import Format, Kind

LATER = datetime(2027, 4, 1, 4, 0, tzinfo=UTC)
"""After voting and ordering of `make.campaign()` have closed."""


def made(session: Session, kind: Kind, form: Format = Format.CSV, *, now: datetime = LATER, **changes: Any) -> tuple[bytes, ExportInfo]:
    """Export a kind of the campaign `ss27` in Chinese, for somebody who may look at counts."""
    stream = io.BytesIO()
    given: dict[str, Any] = {"slug": "ss27", "kind": kind, "format": form, "locale": "zh_Hans_CN", "counts_allowed": True, **changes}
    wanted = Wanted(**given)
    info = actions.write(session, stream, wanted=wanted, now=now)
    return stream.getvalue(), info


def table(session: Session, kind: Kind, **changes: Any) -> list[dict[str, str]]:
    """Return the rows of a kind's CSV."""
    data, _ = made(session, kind, **changes)
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def header(session: Session, kind: Kind) -> list[str]:
    """Return the column names of a kind's CSV."""
    data, _ = made(session, kind)
    return next(csv.reader([data.decode("utf-8-sig").splitlines()[0]]))


def workbook(session: Session, kind: Kind, **changes: Any) -> Workbook:
    """Return a kind's XLSX as openpyxl reads it."""
    data, _ = made(session, kind, Format.XLSX, **changes)
    return load_workbook(io.BytesIO(data))


def document(session: Session, kind: Kind, **changes: Any) -> Any:
    """Return a kind's JSON document."""
    data, _ = made(session, kind, Format.JSON, **changes)
    return json.loads(data)
