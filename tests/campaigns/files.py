"""Catalogues as texts and workbooks, for tests."""

import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from openpyxl import Workbook
from sqlalchemy.orm import Session

from c2b.campaigns import catalogue, importing
from c2b.campaigns.catalogue import ImportReport
from c2b.campaigns.importing.assemble import assemble
from c2b.campaigns.importing.shapes import CandidateIn

NOW = datetime(2027, 2, 1, tzinfo=UTC)


def csv(*lines: str) -> bytes:
    return "\n".join(lines).encode()


def xlsx(*rows: Sequence[Any]) -> bytes:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def candidates(*lines: str, **options: Any) -> list[CandidateIn]:
    """Return the candidates of a file that has no problem."""
    parsed = importing.read(csv(*lines), **options)
    made = assemble(parsed, currency="CNY")
    assert [str(problem) for problem in parsed.findings.problems] == []
    return made


def problems(*lines: str, **options: Any) -> list[str]:
    """Return what is wrong with a file, as people read it."""
    parsed = importing.read(csv(*lines), **options)
    assemble(parsed, currency="CNY")
    return [str(problem) for problem in parsed.findings.problems]


def load(session: Session, data: bytes | Iterable[str], slug: str = "ss27", now: datetime = NOW, **options: Any) -> ImportReport:
    """Import a file into the campaign `slug`."""
    parsed = importing.read(data if isinstance(data, bytes) else csv(*data))
    return catalogue.import_candidates(session, slug=slug, parsed=parsed, actor="staff:mei@example.com", now=now, **options)
