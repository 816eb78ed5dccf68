"""Lines to candidates: rows of one code are brought together, every cell is read, every contradiction is found."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from c2b.campaigns.importing.columns import CODE, COLUMNS, Level
from c2b.campaigns.importing.contradictions import contradictions
from c2b.campaigns.importing.formats import Line, Parsed
from c2b.campaigns.importing.shapes import CandidateIn, OptionIn, PictureIn, Values, VariantIn
from c2b.errors import N_, Invalid

_LONGEST_SKU = 80
_OPTION_COLUMNS = (
    {"option1_value_en": "value_en", "option1_swatch": "swatch", "option1_minimum": "minimum"},
    {"option2_value_en": "value_en"},
)
_VARIANT_COLUMNS = {name: name.removeprefix("variant_") for name, column in COLUMNS.items() if column.level is Level.VARIANT}
"""And what a variant calls them."""


def assemble(parsed: Parsed, *, currency: str) -> list[CandidateIn]:
    """Return the candidates of a file that have no problem, in its order; everything wrong is added to the file's findings.

    Prices are read in `currency` and held in its minor units.
    """
    groups = _by_code(parsed)
    made = [_Group(parsed, code, lines, currency).candidate() for code, lines in groups.items()]
    bad_rows = {finding.row for finding in parsed.findings.problems}
    bad = {line.cells["code"] for line in parsed.lines if line.row in bad_rows}
    return _with_unique_skus(parsed, made, bad)


def _by_code(parsed: Parsed) -> dict[str, list[Line]]:
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in parsed.lines:
        code = line.cells["code"]
        if CODE.fullmatch(code):
            groups[code].append(line)
            continue
        message = N_("is no code of a candidate") if code else N_("the code is missing")
        parsed.problem(line.row, "code", message, N_("use 1 to 60 of A-Z a-z 0-9 - _ ."), value=code)
    return groups


def _with_unique_skus(parsed: Parsed, made: Sequence[CandidateIn], bad: set[str]) -> list[CandidateIn]:
    """Report the SKUs that two variants share, and return the candidates that neither are `bad` nor have the later of them."""
    first: dict[str, int] = {}
    for candidate in made:
        for variant in candidate.variants:
            row = first.setdefault(variant.sku, variant.row)
            if row != variant.row:
                bad.add(candidate.code)
                message, repair = N_("row %(first)s has the same SKU"), N_("give every variant its own")
                parsed.problem(variant.row, "sku", message, repair, value=variant.sku, first=row)
    return [candidate for candidate in made if candidate.code not in bad]


class _Group:
    """The lines of one code on their way to a candidate."""

    def __init__(self, parsed: Parsed, code: str, lines: Sequence[Line], currency: str) -> None:
        self.parsed, self.code, self.lines, self.currency = parsed, code, lines, currency

    def candidate(self) -> CandidateIn:
        rows = list(filter(_is_variant, self.lines)) or [self.lines[0]]
        read = CandidateIn(
            row=self.lines[0].row,
            code=self.code,
            values=self._agreed(Level.CANDIDATE, self.lines),
            offer=self._agreed(Level.OFFER, self.lines),
            options=(*self._options(1, rows), *self._options(2, rows)),
            variants=tuple(self._variant(line, position) for position, line in enumerate(rows, start=1)),
            pictures=_pictures(self.lines),
        )
        made = replace(read, values=_estimated(read.values, read.variants))
        by_row = {line.row: line for line in self.lines}
        for found in contradictions(made):
            value = by_row[found.row].cells.get(found.column, "")
            self.parsed.problem(found.row, found.column, found.message, found.repair, value=value, **found.values)
        return made

    def _read(self, line: Line, name: str) -> Any:
        """Read one cell; where it is wrong say so and take it as blank."""
        text, column = line.cells.get(name, ""), COLUMNS[name]
        try:
            return column.parse(text, self.currency) if text else column.blank
        except Invalid as problem:
            self.parsed.problem(line.row, name, problem.message, value=text, **problem.values)
            return column.blank

    def _agreed(self, level: Level, lines: Sequence[Line]) -> dict[str, Any]:
        """Read the columns of `level` that the file has."""
        present = {name for line in lines for name in line.cells}
        return {name: self._told(name, lines) for name, column in COLUMNS.items() if column.level is level and name in present}

    def _told(self, name: str, lines: Sequence[Line]) -> Any:
        """Read what the lines say of one thing; a blank cell agrees with anything, two different ones contradict."""
        first, *others = [line for line in lines if line.cells.get(name)] or [lines[0]]
        said = first.cells.get(name, "")
        for other in [other for other in others if other.cells[name] != said][:1]:
            message, repair = N_("row %(first)s says “%(said)s” of the same thing"), N_("write the same in both, or leave one blank")
            self.parsed.problem(other.row, name, message, repair, value=other.cells[name], first=first.row, said=said)
        return self._read(first, name)

    def _options(self, axis: int, rows: Sequence[Line]) -> list[OptionIn]:
        by_value: dict[str, list[Line]] = defaultdict(list)
        for line in rows:
            by_value[line.cells.get(f"option{axis}_value", "")].append(line)
        by_value.pop("", None)
        names = _OPTION_COLUMNS[axis - 1]
        return [
            OptionIn(axis, position, value, _renamed(self._agreed(Level.OPTION, _only(lines, names)), names))
            for position, (value, lines) in enumerate(by_value.items(), start=1)
        ]

    def _variant(self, line: Line, position: int) -> VariantIn:
        values = {own: self._read(line, name) for name, own in _VARIANT_COLUMNS.items() if name in line.cells}
        first, second = values.pop("option1_value", ""), values.pop("option2_value", "")
        given = values.pop("sku", "")
        return VariantIn(line.row, position, (first, second), given or _sku(self.code, first, second), bool(given), values)


def _is_variant(line: Line) -> bool:
    """Say whether a row has something of a variant; else it only adds a picture or speaks of the candidate."""
    return any(map(line.cells.get, _VARIANT_COLUMNS))


def _renamed(values: Values, names: Mapping[str, str]) -> Values:
    return {names[name]: value for name, value in values.items()}


def _only(lines: Iterable[Line], names: Mapping[str, str]) -> list[Line]:
    """Return the lines with nothing but the columns `names`."""
    return [replace(line, cells={name: text for name, text in line.cells.items() if name in names}) for line in lines]


def _estimated(values: Values, variants: Sequence[VariantIn]) -> Values:
    """Fill in a missing estimate: one end by the other, both by the variants' prices."""
    ends = _known(values.get("price_from"), values.get("price_to")) or sorted(_known(*(each.values.get("price") for each in variants)))
    others = {name: value for name, value in values.items() if name not in ("price_from", "price_to")}
    return others | {"price_from": ends[0], "price_to": ends[-1]} if ends else others


def _known(*prices: int | None) -> list[int]:
    return [price for price in prices if price is not None]


def _pictures(lines: Iterable[Line]) -> tuple[PictureIn, ...]:
    found: dict[str, str] = {}
    for line in lines:
        for source, shows in line.pictures:
            found[source] = found.get(source) or shows
    return tuple(PictureIn(source, shows) for source, shows in found.items())


def _sku(code: str, first: str, second: str) -> str:
    """Make a SKU where a file has none: the same file makes the same one."""
    plain = "-".join(filter(None, (code, first, second)))
    return plain if len(plain) <= _LONGEST_SKU else f"{code}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"
