"""Lists by code, of factories or of stores: one row each, checked cell by cell."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Table, read_table
from c2b.errors import N_, Invalid

_NEEDED = {"code", "name"}


@dataclass(frozen=True)
class Field:
    """A column: its names in files, what stands in its cells, what is said where something else does, and what a cell means."""

    names: tuple[str, ...]
    pattern: re.Pattern[str]
    wrong: str
    value: Callable[[str], Any] = str
    most: int = 0
    """Letters that fit, where `wrong` tells."""


def words(most: int, *names: str) -> Field:
    """Return a column of text that may be empty."""
    pattern = re.compile(f".{{0,{most}}}", re.DOTALL)
    return Field(names, pattern, N_("the text is too long; at most %(most)s characters fit"), most=most)


def code(wrong: str, *names: str) -> Field:
    """Return the column of the code by which a row is known."""
    return Field(("code", *names, "编码"), re.compile(r"[A-Za-z0-9._-]{1,40}"), wrong)


def title(*names: str) -> Field:
    """Return the column of the name, which is never empty."""
    return Field(("name", *names, "名称"), re.compile(r".{1,200}", re.DOTALL), N_("a name has 1 to 200 characters"))


@dataclass(frozen=True)
class Listing:
    """What a file says: one mapping of columns to values for each row without a problem."""

    rows: tuple[Mapping[str, Any], ...]
    findings: Findings


Check = Callable[[Mapping[str, str]], Mapping[str, str]]
"""Says what is wrong in a row as a whole, by column."""


def read_list(data: bytes, fields: Mapping[str, Field], *, check: Check = lambda _row: {}, encoding: Encoding = "auto") -> Listing:
    """Read a CSV or XLSX file of `fields`, of which code and name are needed; raises Invalid where the file as a whole can't be used."""
    findings = Findings()
    table = read_table(data, encoding=encoding, findings=findings)
    names = _named(table.header, fields)
    if lacking := _NEEDED - names.keys():
        raise Invalid(N_("The header has no column %(names)s"), names=", ".join(sorted(lacking)))
    unused = [name for name in filter(None, table.header) if name not in names.values()]
    if unused:
        findings.notice(N_("columns that aren't used: %(names)s"), names=", ".join(unused))
    return Listing(tuple(_rows(table, names, fields, check, findings)), findings)


def _named(header: Collection[str], fields: Mapping[str, Field]) -> dict[str, str]:
    found = {own: next(filter(header.__contains__, field.names), "") for own, field in fields.items()}
    return {own: name for own, name in found.items() if name}


def _rows(
    table: Table, names: Mapping[str, str], fields: Mapping[str, Field], check: Check, findings: Findings
) -> Iterator[Mapping[str, Any]]:
    seen = set[str]()
    for row in table.rows:
        texts = {own: row.cells[table.header.index(name)] for own, name in names.items()}
        wrong = {**check(texts), **_wrong(texts, fields, seen)}
        for own, message in wrong.items():
            most: dict[str, Any] = {"most": fields[own].most} if fields[own].most else {}
            findings.problem(message, row=row.number, column=names[own], value=texts[own], **most)
        seen.add(texts["code"])
        if not wrong:
            yield {own: fields[own].value(text) for own, text in texts.items()}


def _wrong(texts: Mapping[str, str], fields: Mapping[str, Field], seen: Collection[str]) -> dict[str, str]:
    """Return what is wrong in which column, of a row below others with the codes `seen`."""
    twice = {"code": N_("the code comes twice; remove one row")} if texts["code"] in seen else {}
    return {own: fields[own].wrong for own, text in texts.items() if not fields[own].pattern.fullmatch(text)} | twice
