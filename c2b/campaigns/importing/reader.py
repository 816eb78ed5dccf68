"""Bytes to numbered rows of text: CSV in the encodings and with the separators that people have, and XLSX.

Files come from strangers, so everything has a limit, and whatever can't be read ends in one sentence that says why.
"""

import codecs
import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import NoneType
from typing import Any, Literal
from xml.etree.ElementTree import ParseError

from defusedxml import DefusedXmlException
from openpyxl import load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from c2b.campaigns.importing.findings import Findings
from c2b.errors import N_, Invalid

Encoding = Literal["auto", "utf-8", "gb18030"]

MAX_BYTES = 32_000_000
MAX_UNPACKED = 100_000_000
MAX_ROWS = 100_000
MAX_COLUMNS = 300
MAX_CELLS = 2_000_000
MAX_CELL = 50_000
_TRIED: Mapping[Encoding, tuple[str, ...]] = {"auto": ("utf-8", "gb18030"), "utf-8": ("utf-8",), "gb18030": ("gb18030",)}
_DELIMITERS = (",", ";", "\t")
_TOO_WIDE = N_("The file has more than %(limit)s columns; is it the right one?")


@dataclass(frozen=True)
class Row:
    """One row below the header; `number` is what a spreadsheet shows beside it."""

    number: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A header and the rows below it that aren't blank; `encoding` is empty for XLSX."""

    header: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str


def load(path: Path) -> bytes:
    """Return a file's bytes; raises Invalid for one too large before it fills the memory."""
    _refuse_large(path.stat().st_size)
    return path.read_bytes()


def _refuse_large(size: int) -> None:
    if size > MAX_BYTES:
        raise Invalid(N_("The file has more than %(limit)s MB; split it"), limit=MAX_BYTES // 1_000_000)


def read_table(data: bytes, *, encoding: Encoding, findings: Findings) -> Table:
    """Read a whole CSV or XLSX file; raises Invalid where it can't be read at all, adds to `findings` what concerns one cell."""
    if not data.strip():
        raise Invalid(N_("The file is empty"))
    _refuse_large(len(data))
    if data.startswith(b"PK\x03\x04"):
        return _table(_xlsx_rows(data, findings), "")
    text, name = _decoded(data, encoding)
    return _table(_csv_rows(text), name)


def _table(rows: Iterator[tuple[str, ...]], encoding: str) -> Table:
    header = _header(next(rows, ()))
    kept = tuple(islice(_filled(rows, len(header)), MAX_CELLS // len(header) + 1))
    if len(kept) * len(header) > MAX_CELLS:
        raise Invalid(N_("The file has more than %(limit)s cells; split it, or leave out columns that aren't used"), limit=MAX_CELLS)
    if not kept:
        raise Invalid(N_("The file has a header and nothing below it"))
    return Table(header, kept, encoding)


def _header(cells: tuple[str, ...]) -> tuple[str, ...]:
    names = [cell.strip().lstrip("\ufeff") for cell in cells]
    if not any(names):
        raise Invalid(N_("The first row is blank; it must name the columns"))
    doubled = Counter(filter(None, names)) - Counter(set(names))
    if doubled:
        raise Invalid(N_("The header names the column “%(name)s” twice; rename or remove one"), name=next(iter(doubled)))
    while not names[-1]:
        names.pop()
    return tuple(names)


def _filled(rows: Iterator[tuple[str, ...]], width: int) -> Iterator[Row]:
    """Return the rows that aren't blank, each as wide as the header."""
    for number, cells in enumerate(rows, start=2):
        if number > MAX_ROWS + 1:  # blank ones count: a workbook can have a million of them in a few bytes
            raise Invalid(N_("The file has more than %(limit)s rows; split it"), limit=MAX_ROWS)
        texts = tuple(map(str.strip, cells))
        if any(texts[width:]):
            raise Invalid(N_("Row %(row)s has more cells than the header; is a value with a comma missing its quotes?"), row=number)
        if max(map(len, texts), default=0) > MAX_CELL:
            message = N_("Row %(row)s has a cell of more than %(limit)s characters; is a closing quote missing?")
            raise Invalid(message, row=number, limit=MAX_CELL)
        if any(texts):
            yield Row(number, texts[:width] + ("",) * (width - len(texts)))


def _decoded(data: bytes, encoding: Encoding) -> tuple[str, str]:
    """Decode by the mark at the beginning, else as strict UTF-8, else as GB18030, which contains GBK."""
    if b"\x00" in data:
        raise Invalid(N_("The file holds NUL bytes; save it as CSV in UTF-8 (Excel: “CSV UTF-8”)"))
    if data.startswith(codecs.BOM_UTF8):
        data, encoding = data.removeprefix(codecs.BOM_UTF8), "utf-8"
    tried = _TRIED[encoding]
    for name in tried:
        try:
            return data.decode(name), name
        except UnicodeDecodeError as error:
            position = error.start
    message = N_("The file is not text in %(encodings)s: byte %(position)s fits none; save it as CSV in UTF-8")
    raise Invalid(message, encodings=" / ".join(tried).upper(), position=position + 1)


def _csv_rows(text: str) -> Iterator[tuple[str, ...]]:
    header = re.sub(r'"[^"]*"', "", text[:MAX_CELL]).lstrip("\r\n").splitlines()
    delimiter = max(_DELIMITERS, key=(header[0] if header else "").count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        for record in reader:
            if len(record) > MAX_COLUMNS:
                raise Invalid(_TOO_WIDE, limit=MAX_COLUMNS)
            yield tuple(record)
    except csv.Error as error:
        message = N_("Line %(line)s can't be read: %(why)s; is a closing quote missing?")
        raise Invalid(message, line=reader.line_num, why=str(error)) from error


def _xlsx_rows(data: bytes, findings: Findings) -> Iterator[tuple[str, ...]]:
    """Read the first sheet row by row; openpyxl parses by way of defusedxml, so entities and the like are refused."""
    _refuse_bomb(data)
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what the file says of its size may be a lie
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            if len(cells) > MAX_COLUMNS:
                raise Invalid(_TOO_WIDE, limit=MAX_COLUMNS)
            yield tuple(_cell_text(cell, number, findings) for cell in cells)
    except (
        zipfile.BadZipFile,
        InvalidFileException,
        DefusedXmlException,
        ParseError,
        KeyError,
        IndexError,
        ValueError,
        TypeError,
        OSError,
    ) as error:
        raise Invalid(
            N_("The file is not a workbook that can be read (%(why)s); save it as .xlsx again"), why=type(error).__name__
        ) from error


def _refuse_bomb(data: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise Invalid(N_("The file is not a workbook that can be read (%(why)s); save it as .xlsx again"), why="BadZipFile") from error
    if unpacked > MAX_UNPACKED:
        raise Invalid(N_("The workbook unpacks to more than %(limit)s MB; split it"), limit=MAX_UNPACKED // 1_000_000)


_WRITTEN: Mapping[type, Callable[[Any], str]] = {
    NoneType: lambda _: "",
    bool: lambda truth: str(truth).lower(),
    float: "{:.15g}".format,  # as many digits as a spreadsheet has
}
"""How a cell's value is written, by its type; any other as Python does."""


def _cell_text(cell: Any, row: int, findings: Findings) -> str:
    if cell.data_type == "f":
        message, repair = N_("the cell holds a formula"), N_("paste it as a value")
        findings.problem(message, repair, row=row, column=cell.column_letter, value=str(cell.value))
        return ""
    return _WRITTEN.get(type(cell.value), str)(cell.value)
