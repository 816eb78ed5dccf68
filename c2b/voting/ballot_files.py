"""Files of ballots: CSV in two forms, plain or gzipped, and Pabulib's .pb; read row by row, nothing else is kept.

Pabulib's format: http://pabulib.org/format - three sections, META, PROJECTS and VOTES, each with a header line.
"""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import TextIO

from c2b.errors import N_, Invalid

APPROVAL = frozenset({"approval", "choose-1"})


@dataclass(frozen=True)
class BallotRow:
    """One row: a voter's codes; `partial` if the voter's other votes stand on other rows."""

    line: int
    voter: str
    codes: tuple[str, ...]
    partial: bool = False


@dataclass(frozen=True)
class Project:
    """One of a Pabulib file's projects."""

    line: int
    code: str
    name: str
    category: str

    @property
    def title(self) -> str:
        """What it is called: its name, else its code."""
        return self.name or self.code


@dataclass
class BallotFile:
    """What a file holds; `projects` are complete once the first row was read, `rows` can be read once."""

    rows: Iterator[BallotRow]
    projects: list[Project] = field(default_factory=list)


@contextmanager
def opened(path: Path) -> Iterator[BallotFile]:
    """Open a `.csv`, `.csv.gz` or `.pb` file; raises Invalid, while rows are read too, for what isn't one or can't be read."""
    name = path.name.lower()
    try:
        with _text(path) as text:
            if name.endswith(".pb"):
                projects: list[Project] = []
                yield BallotFile(_pabulib(text, projects), projects)
            elif name.endswith((".csv", ".csv.gz")):
                yield BallotFile(_csv(text))
            else:
                raise Invalid(N_("“%(name)s” can't be read; ballots come as .csv, .csv.gz or .pb"), field="file", name=path.name)
    except UnicodeDecodeError as error:
        raise Invalid(N_("“%(name)s” isn't UTF-8 text; save it as UTF-8"), field="file", name=path.name) from error
    except (csv.Error, OSError, EOFError, zlib.error) as error:
        raise Invalid(N_("“%(name)s” can't be read: %(why)s"), field="file", name=path.name, why=str(error)) from error


def _text(path: Path) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


Numbered = Iterator[tuple[int, list[str]]]
"""Rows that aren't empty, with the number of the line that they end on."""


def _numbered(text: Iterable[str], delimiter: str) -> Numbered:
    reader = csv.reader(text, delimiter=delimiter)
    return ((reader.line_num, row) for row in reader if row)


def _csv(text: TextIO) -> Iterator[BallotRow]:
    header = text.readline()
    delimiter = max(",;\t", key=header.count)
    rows = _numbered(chain([header], text), delimiter)
    names = [name.strip().lower() for name in next(rows, (1, [""]))[1]]
    column = next((name for name in ("candidate", "votes") if name in names), "")
    if not column or "voter" not in names:
        raise Invalid(N_("The first line must name the columns voter,candidate or voter,votes"), field="file")
    at = _Columns(names.index("voter"), names.index(column), " ")
    return _ballots(rows, at, partial=column == "candidate")


@dataclass(frozen=True)
class _Columns:
    voter: int
    codes: int
    between: str
    """What stands between two codes."""


def _ballots(rows: Numbered, at: _Columns, *, partial: bool) -> Iterator[BallotRow]:
    for line, row in rows:
        if len(row) <= max(at.voter, at.codes):
            raise Invalid(N_("Line %(line)s has too few columns"), field="file", line=line)
        codes = tuple(code.strip() for code in row[at.codes].split(at.between) if code.strip())
        yield BallotRow(line, row[at.voter].strip(), codes, partial)


def _pabulib(text: TextIO, projects: list[Project]) -> Iterator[BallotRow]:
    rows = _numbered(text, ";")
    _begin(rows, "META")
    facts = {row[0].strip(): row[-1].strip() for _, row in _section(rows, until="PROJECTS")}
    if (kind := facts.get("vote_type", "")) not in APPROVAL:
        raise Invalid(N_("Ballots of the kind “%(kind)s” can't be counted here; only approval ballots can"), field="file", kind=kind)
    listed = _section(rows, until="VOTES")
    names = _header(listed, "project_id", "name")
    for line, row in listed:
        found = dict(zip(names, row, strict=False))
        projects.append(Project(line, found["project_id"].strip(), found.get("name", "").strip(), found.get("category", "").strip()))
    names = _header(rows, "voter_id", "vote")
    yield from _ballots(rows, _Columns(names.index("voter_id"), names.index("vote"), ","), partial=False)


def _begin(rows: Numbered, name: str) -> None:
    if (first := next(rows, (1, [""]))[1]) != [name]:
        raise Invalid(N_("The first line must be %(name)s, not “%(first)s”"), field="file", name=name, first=first[0][:40])


def _section(rows: Numbered, *, until: str) -> Numbered:
    """Yield the rows of a section up to the line that begins the next one."""
    for line, row in rows:
        if [cell.strip() for cell in row] == [until]:
            return
        yield line, row
    raise Invalid(N_("The section %(name)s is missing"), field="file", name=until)


def _header(rows: Numbered, *wanted: str) -> list[str]:
    line, row = next(rows, (0, []))
    names = [name.strip() for name in row]
    if missing := [name for name in wanted if name not in names]:
        raise Invalid(N_("Line %(line)s must name the column %(name)s"), field="file", line=line, name=missing[0])
    return names
