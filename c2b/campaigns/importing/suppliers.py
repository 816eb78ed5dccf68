"""The list of factories, by code."""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Table, read_table
from c2b.errors import N_, Invalid

_WHOLE = re.compile(r"[0-9]{0,7}")
_ALIASES = {
    "code": ("code", "供应商编码", "编码"),
    "name": ("name", "供应商名称", "供应商", "名称"),
    "contact": ("contact", "联系人"),
    "phone": ("phone", "电话", "联系电话"),
    "capacity_units": ("capacity_units", "产能"),
    "lead_days": ("lead_days", "生产周期"),
}
_NUMBERS = {"capacity_units", "lead_days"}
_CHECKS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "code": (re.compile(r"[A-Za-z0-9._-]{1,40}"), N_("is no code of a supplier; use 1 to 40 of A-Z a-z 0-9 - _ .")),
    "name": (re.compile(r".{1,200}", re.DOTALL), N_("a name has 1 to 200 characters")),
    "contact": (re.compile(r".{0,200}", re.DOTALL), N_("the text is too long; at most 200 characters fit")),
    "phone": (re.compile(r".{0,40}", re.DOTALL), N_("the text is too long; at most 40 characters fit")),
    "capacity_units": (_WHOLE, N_("is not a whole number; write it like 5000")),
    "lead_days": (_WHOLE, N_("is not a whole number; write it like 30")),
}


@dataclass(frozen=True)
class Suppliers:
    """What a file says: one mapping of columns to values for each factory without a problem."""

    rows: tuple[Mapping[str, Any], ...]
    findings: Findings


def read_suppliers(data: bytes, *, encoding: Encoding = "auto") -> Suppliers:
    """Read `code, name, contact, phone, capacity_units, lead_days`; raises Invalid where the file as a whole can't be used."""
    findings = Findings()
    table = read_table(data, encoding=encoding, findings=findings)
    names = _named(table.header)
    lacking = {"code", "name"} - names.keys()
    if lacking:
        raise Invalid(N_("The header has no column %(names)s"), names=", ".join(sorted(lacking)))
    unused = [name for name in filter(None, table.header) if name not in names.values()]
    if unused:
        findings.notice(N_("columns that aren't used: %(names)s"), names=", ".join(unused))
    return Suppliers(tuple(_rows(table, names, findings)), findings)


def _named(header: Collection[str]) -> dict[str, str]:
    found = {own: next(filter(header.__contains__, aliases), "") for own, aliases in _ALIASES.items()}
    return {own: name for own, name in found.items() if name}


def _rows(table: Table, names: Mapping[str, str], findings: Findings) -> Iterator[Mapping[str, Any]]:
    seen = set[str]()
    for row in table.rows:
        texts = {own: row.cells[table.header.index(name)] for own, name in names.items()}
        wrong = _wrong(texts, seen)
        for own, message in wrong:
            findings.problem(message, row=row.number, column=names[own], value=texts[own])
        seen.add(texts["code"])
        if not wrong:
            yield _values(texts)


def _wrong(texts: Mapping[str, str], seen: Collection[str]) -> list[tuple[str, str]]:
    """Return what is wrong in which column, of a row below others with the codes `seen`."""
    twice = [("code", N_("the code comes twice; remove one row"))] if texts["code"] in seen else []
    return [(own, _CHECKS[own][1]) for own, text in texts.items() if not _CHECKS[own][0].fullmatch(text)] + twice


def _values(texts: Mapping[str, str]) -> dict[str, Any]:
    numbers = {own: int(texts[own]) if texts[own].isdigit() else None for own in texts.keys() & _NUMBERS}
    return {**texts, **numbers}
