"""Lines to candidates: rows of one code are brought together, every cell is read, every contradiction is found."""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from c2b.campaigns.importing.columns import CODE, COLUMNS, Level
from c2b.campaigns.importing.formats import Line, Parsed
from c2b.errors import N_, Invalid

Values = Mapping[str, Any]


@dataclass(frozen=True)
class OptionIn:
    """One value of the first or second option; `position` is its place in the file."""

    axis: int
    position: int
    value: str
    values: Values


@dataclass(frozen=True)
class VariantIn:
    """One size/colour combination: the values of its two options (empty where it has none) and its columns."""

    row: int
    position: int
    options: tuple[str, str]
    sku: str
    """As the file gives it, or made of code and options where it gives none."""
    sku_given: bool
    values: Values


@dataclass(frozen=True)
class PictureIn:
    """A picture by file name or address, of the first option's value `shows` if that isn't empty."""

    source: str
    shows: str


@dataclass(frozen=True)
class CandidateIn:
    """A candidate as a file describes it; columns that the file lacks are absent from its values."""

    row: int
    code: str
    values: Values
    offer: Values
    options: tuple[OptionIn, ...]
    variants: tuple[VariantIn, ...]
    pictures: tuple[PictureIn, ...]


def assemble(parsed: Parsed, *, currency: str) -> list[CandidateIn]:
    """Return the candidates of a file that have no problem, in its order; everything wrong is added to the file's findings.

    Prices are read in `currency` and held in its minor units.
    """
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in parsed.lines:
        code = line.cells["code"]
        if CODE.fullmatch(code):
            groups[code].append(line)
        else:
            _bad_code(parsed, line, code)
    bad_rows = {finding.row for finding in parsed.findings.problems}
    made = []
    for code, lines in groups.items():
        group = _Group(parsed, code, lines, currency)
        candidate = group.candidate()
        if not group.bad and bad_rows.isdisjoint(line.row for line in lines):
            made.append(candidate)
    return _with_unique_skus(parsed, made)


def _bad_code(parsed: Parsed, line: Line, code: str) -> None:
    column, repair = parsed.names.get("code", "code"), N_("use 1 to 60 of A-Z a-z 0-9 - _ .")
    message = N_("is no code of a candidate") if code else N_("the code is missing")
    parsed.findings.problem(message, repair, row=line.row, column=column, value=code)


def _with_unique_skus(parsed: Parsed, made: Sequence[CandidateIn]) -> list[CandidateIn]:
    """Report the SKUs that two variants share, and return the candidates without the later of them."""
    first: dict[str, int] = {}
    bad = set()
    for candidate in made:
        for variant in candidate.variants:
            row = first.setdefault(variant.sku, variant.row)
            if row != variant.row:
                bad.add(candidate.code)
                message, repair = N_("row %(first)s has the same SKU"), N_("give every variant its own")
                column = parsed.names.get("sku", "sku")
                parsed.findings.problem(message, repair, row=variant.row, column=column, value=variant.sku, first=row)
    return [candidate for candidate in made if candidate.code not in bad]


class _Group:
    """The lines of one code on their way to a candidate."""

    def __init__(self, parsed: Parsed, code: str, lines: Sequence[Line], currency: str) -> None:
        self.parsed, self.code, self.lines, self.currency = parsed, code, lines, currency
        self.bad = False

    def candidate(self) -> CandidateIn:
        rows = [line for line in self.lines if any(line.cells.get(name) for name in _VARIANT_COLUMNS)] or [self.lines[0]]
        values, offer = self._agreed(Level.CANDIDATE, self.lines), self._agreed(Level.OFFER, self.lines)
        self._check_name(values)
        options = self._options(rows)
        variants = tuple(self._variant(line, position) for position, line in enumerate(rows, start=1))
        self._check_options(values, variants)
        self._check_prices(offer, variants)
        return CandidateIn(self.lines[0].row, self.code, self._estimated(values, variants), offer, options, variants, self._pictures())

    def _problem(self, message: str, repair: str = "", *, line: Line, column: str, value: str | None = None, **values: Any) -> None:
        self.bad = True
        shown = line.cells.get(column, "") if value is None else value
        name = self.parsed.names.get(column, column)
        self.parsed.findings.problem(message, repair, row=line.row, column=name, value=shown, **values)

    def _read(self, line: Line, name: str) -> Any:
        """Read one cell; where it is wrong say so and take it as blank."""
        text = line.cells.get(name, "")
        if not text:
            return COLUMNS[name].blank
        try:
            return COLUMNS[name].parse(text, self.currency)
        except Invalid as problem:
            self._problem(problem.message, line=line, column=name, **problem.values)
            return COLUMNS[name].blank

    def _agreed(self, level: Level, lines: Sequence[Line]) -> dict[str, Any]:
        """Read the columns of `level` that the file has; a blank cell agrees with anything, two different ones contradict."""
        present = [name for name, column in COLUMNS.items() if column.level is level and any(name in line.cells for line in lines)]
        agreed = {}
        for name in present:
            told = [line for line in lines if line.cells.get(name)]
            agreed[name] = self._read(told[0], name) if told else COLUMNS[name].blank
            for other in told[1:]:
                if other.cells[name] != told[0].cells[name]:
                    message, repair = (
                        N_("row %(first)s says “%(said)s” of the same thing"),
                        N_("write the same in both, or leave one blank"),
                    )
                    self._problem(message, repair, line=other, column=name, first=told[0].row, said=told[0].cells[name])
                    break
        return agreed

    def _check_name(self, values: Mapping[str, Any]) -> None:
        if "name" in values and not values["name"]:
            self._problem(N_("the name is missing"), N_("every candidate needs one"), line=self.lines[0], column="name")
        lowest, highest = values.get("price_from"), values.get("price_to")
        if lowest is not None and highest is not None and lowest > highest:
            line = next(line for line in self.lines if line.cells.get("price_to"))
            self._problem(N_("is below the estimate's beginning"), N_("swap the two"), line=line, column="price_to")

    def _options(self, rows: Sequence[Line]) -> tuple[OptionIn, ...]:
        made = []
        for axis in (1, 2):
            own = {"option1_minimum": "minimum", "option1_swatch": "swatch"} if axis == 1 else {}
            own[f"option{axis}_value_en"] = "value_en"
            order = dict.fromkeys(line.cells.get(f"option{axis}_value", "") for line in rows)
            for position, value in enumerate((value for value in order if value), start=1):
                lines = [line for line in rows if line.cells.get(f"option{axis}_value") == value]
                agreed = self._agreed(Level.OPTION, [_only(line, own) for line in lines])
                made.append(OptionIn(axis, position, value, {own[name]: read for name, read in agreed.items()}))
        return tuple(made)

    def _variant(self, line: Line, position: int) -> VariantIn:
        values = {name: self._read(line, name) for name in _VARIANT_COLUMNS if name in line.cells}
        first, second = values.pop("option1_value", ""), values.pop("option2_value", "")
        given = values.pop("sku", "")
        return VariantIn(line.row, position, (first, second), given or _sku(self.code, first, second), bool(given), values)

    def _check_options(self, values: Mapping[str, Any], variants: Sequence[VariantIn]) -> None:
        seen: dict[tuple[str, str], int] = {}
        line_of = {line.row: line for line in self.lines}
        for axis in (0, 1):
            filled = [bool(variant.options[axis]) for variant in variants]
            value, name = f"option{axis + 1}_value", f"option{axis + 1}_name"
            if any(filled) and not all(filled):
                line = line_of[variants[filled.index(False)].row]
                self._problem(N_("is blank, other rows of this candidate have a value"), N_("fill it in"), line=line, column=value)
            if any(filled) and not values.get(name):
                self._problem(N_("values without a name"), N_("name the option, like Size"), line=line_of[variants[0].row], column=name)
        for variant in variants:
            first = seen.setdefault(variant.options, variant.row)
            if first != variant.row:
                message, repair = N_("row %(first)s is the same variant"), N_("remove one, or give it another value")
                self._problem(message, repair, line=line_of[variant.row], column="option1_value", first=first)

    def _check_prices(self, offer: Mapping[str, Any], variants: Sequence[VariantIn]) -> None:
        line_of = {line.row: line for line in self.lines}
        if offer.get("tier3_units") and (offer.get("tier2_units") or 0) >= offer["tier3_units"]:
            line = next(line for line in self.lines if line.cells.get("tier3_units"))
            self._problem(N_("tiers must rise"), N_("more units than the second tier's"), line=line, column="tier3_units")
        for variant in variants:
            ladder = [variant.values.get(name) for name in ("price", "tier2_price", "tier3_price")]
            for tier in (2, 3):
                above, price = ladder[tier - 2], ladder[tier - 1]
                column, line = f"tier{tier}_price", line_of[variant.row]
                if (price is None) != (offer.get(f"tier{tier}_units") is None):
                    message, repair = N_("a tier needs units and a price"), N_("fill in both tier%(tier)s_units and tier%(tier)s_price")
                    self._problem(message, repair, line=line, column=column, tier=tier)
                elif price is not None and (above is None or price > above):
                    self._problem(N_("is above the tier before"), N_("prices must fall from tier to tier"), line=line, column=column)

    def _estimated(self, values: Mapping[str, Any], variants: Sequence[VariantIn]) -> Values:
        """Fill in a missing estimate: one end by the other, both by the variants' prices."""
        prices = [price for variant in variants if (price := variant.values.get("price")) is not None]
        lowest, highest = values.get("price_from"), values.get("price_to")
        if lowest is None and highest is None:
            return {**values, "price_from": min(prices), "price_to": max(prices)} if prices else values
        return {**values, "price_from": highest if lowest is None else lowest, "price_to": lowest if highest is None else highest}

    def _pictures(self) -> tuple[PictureIn, ...]:
        found: dict[str, str] = {}
        for line in self.lines:
            for source in line.images:
                found.setdefault(source, "")
            for source in line.shows:
                found[source] = found.get(source) or line.cells.get("option1_value", "")
        return tuple(PictureIn(source, shows) for source, shows in found.items())


_VARIANT_COLUMNS = tuple(name for name, column in COLUMNS.items() if column.level is Level.VARIANT)


def _only(line: Line, names: Mapping[str, str]) -> Line:
    """Return a line with nothing but the columns `names`."""
    return Line(line.row, {name: text for name, text in line.cells.items() if name in names})


def _sku(code: str, first: str, second: str) -> str:
    """Make a SKU where a file has none: the same file makes the same one."""
    plain = "-".join(part for part in (code, first, second) if part)
    return plain if len(plain) <= 80 else f"{code}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"  # noqa: PLR2004  the column's length
