"""The list of factories, by code."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from c2b.campaigns.importing.columns import CODE
from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Row, read_table
from c2b.errors import N_, Invalid

_TEXTS = {"code": 40, "name": 200, "contact": 200, "phone": 40}
_NUMBERS = ("capacity_units", "lead_days")
_ALIASES = {
    "code": ("供应商编码", "编码"),
    "name": ("供应商名称", "供应商", "名称"),
    "contact": ("联系人",),
    "phone": ("电话", "联系电话"),
    "capacity_units": ("产能",),
    "lead_days": ("生产周期",),
}
_MOST = 10_000_000


@dataclass(frozen=True)
class Suppliers:
    """What a file says: one mapping of columns to values for each factory without a problem."""

    rows: tuple[Mapping[str, Any], ...]
    findings: Findings


def read_suppliers(data: bytes, *, encoding: Encoding = "auto") -> Suppliers:
    """Read `code, name, contact, phone, capacity_units, lead_days`; raises Invalid where the file as a whole can't be used."""
    findings = Findings()
    table = read_table(data, encoding=encoding, findings=findings)
    names = {own: name for own in (*_TEXTS, *_NUMBERS) for name in (own, *_ALIASES[own])[::-1] if name in table.header}
    for needed in ("code", "name"):
        if needed not in names:
            raise Invalid(N_("The header has no column %(names)s"), names=needed)
    if unused := [name for name in table.header if name and name not in names.values()]:
        findings.notice(N_("columns that aren't used: %(names)s"), names=", ".join(unused))
    made: dict[str, Mapping[str, Any]] = {}
    for row in table.rows:
        texts = {own: row.cells[table.header.index(name)] for own, name in names.items()}
        if _check(texts, row, names, findings, made):
            made[texts["code"]] = {own: _value(own, text) for own, text in texts.items()}
    return Suppliers(tuple(made.values()), findings)


def _value(own: str, text: str) -> Any:
    return (int(text) if text else None) if own in _NUMBERS else text


def _check(texts: Mapping[str, str], row: Row, names: Mapping[str, str], findings: Findings, made: Mapping[str, Any]) -> bool:
    """Report what is wrong with one row, and say whether it can be used."""
    before = len(findings.problems)

    def problem(own: str, message: str, repair: str) -> None:
        findings.problem(message, repair, row=row.number, column=names[own], value=texts[own])

    if not CODE.fullmatch(texts["code"]):
        problem("code", N_("is no code of a supplier"), N_("use 1 to 40 of A-Z a-z 0-9 - _ ."))
    elif texts["code"] in made:
        problem("code", N_("the code comes twice"), N_("remove one row"))
    if not texts["name"]:
        problem("name", N_("the name is missing"), N_("every supplier needs one"))
    for own, text in texts.items():
        if own in _TEXTS and len(text) > _TEXTS[own]:
            problem(own, N_("the text is too long"), N_("shorten it"))
        if own in _NUMBERS and text and not (text.isascii() and text.isdigit() and len(text) <= len(str(_MOST))):
            problem(own, N_("is not a whole number"), N_("write it like 50"))
    return len(findings.problems) == before
