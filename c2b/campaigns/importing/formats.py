"""Three ways of writing a catalogue down; each becomes lines in the own columns, and keeps the file's names for reports."""

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import prod
from types import MappingProxyType
from typing import Any, Literal

from c2b.campaigns.importing.columns import COLUMNS, named
from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.importing.reader import Encoding, Table, read_table
from c2b.errors import N_, Invalid

_MOST_VARIANTS = 1000
"""Of one product; what is beyond is a slip."""

Format = Literal["auto", "c2b", "shopify", "woocommerce"]


@dataclass(frozen=True)
class Line:
    """One row in the own columns. `images` are its pictures, `shows` those of its first option's value."""

    row: int
    cells: Mapping[str, str]
    images: tuple[str, ...] = ()
    shows: tuple[str, ...] = ()

    @property
    def pictures(self) -> list[tuple[str, str]]:
        """Its pictures with the first option's value that each shows, blank for none."""
        value = self.cells.get("option1_value", "")
        return [*((source, "") for source in self.images), *((source, value) for source in self.shows)]


@dataclass(frozen=True)
class Parsed:
    """A file's lines; `names` maps own columns to the file's names, also where a format makes one of several."""

    format: str
    encoding: str
    names: Mapping[str, str]
    lines: tuple[Line, ...]
    findings: Findings

    @property
    def codes(self) -> set[str]:
        """The codes that the file names."""
        return {line.cells["code"] for line in self.lines}

    def problem(self, row: int, column: str, message: str, repair: str = "", *, value: str, **values: Any) -> None:
        """Add a problem with an own column, by the name that the file gives it."""
        self.findings.problem(message, repair, row=row, column=self.names.get(column, column), value=value, **values)


@dataclass(frozen=True)
class _Layout:
    """How to know a format and how to read it."""

    name: str
    needs: frozenset[str]
    columns: Mapping[str, str]
    lines: Callable[[Table, Findings], Iterator[Line]]


_NOTHING: Mapping[str, str] = MappingProxyType({})


def read(
    data: bytes,
    *,
    format: Format = "auto",  # noqa: A002  the option's name
    encoding: Encoding = "auto",
    matched: Mapping[str, str] = _NOTHING,
) -> Parsed:
    """Read a catalogue in a known format; raises Invalid where the file as a whole can't be used.

    `matched`: the file's names of own columns, where a person has said them; then it is read as ours.
    """
    findings = Findings()
    table = read_table(data, encoding=encoding, findings=findings)
    layout = _layout(table, "c2b" if matched else format, matched)
    unused = [name for name in table.header if name and name not in layout.columns.values()]
    if unused:
        findings.notice(N_("columns that aren't used: %(names)s"), names=", ".join(unused))
    return Parsed(layout.name, table.encoding, layout.columns, tuple(layout.lines(table, findings)), findings)


def peek(data: bytes) -> tuple[Table, bool]:
    """Return a file as a table and whether its header fits a format by itself; raises Invalid where it can't be read at all."""
    table = read_table(data, encoding="auto", findings=Findings())
    try:
        _layout(table, "auto", _NOTHING)
    except Invalid:
        return table, False
    return table, True


def _layout(table: Table, wanted: Format, matched: Mapping[str, str]) -> _Layout:
    own = named(table.header, matched)
    layouts = [
        _Layout("shopify", frozenset({"Handle", "Title"}), _SHOPIFY, _shopify),
        _Layout("woocommerce", frozenset({"Type", "SKU", "Name"}), _WOOCOMMERCE, _woocommerce),
        _Layout("c2b", frozenset({own.get("code", "code"), own.get("name", "code")}), own, partial(_own, own)),
    ]
    asked = [layout for layout in layouts if wanted in ("auto", layout.name)]
    found = next((layout for layout in asked if layout.needs <= set(table.header)), None)
    if found:
        return found
    if wanted == "auto":
        needs = N_("The header fits no format: ours needs a column code, Shopify's Handle and Title, WooCommerce's Type, SKU and Name")
        raise Invalid(needs)
    lacking = ", ".join(sorted(asked[0].needs - set(table.header)))
    raise Invalid(N_("The header has no column %(names)s, which the format %(format)s needs"), names=lacking, format=wanted)


def _own(names: Mapping[str, str], table: Table, _findings: Findings) -> Iterator[Line]:
    implied = _implied(names)
    for row, raw in _raw(table):
        cells = {own: raw[name] for own, name in names.items()}
        cells |= {f"{axis}_name": cells[f"{axis}_value"] and name for axis, name in implied.items()}
        yield _own_line(row, cells, _split(cells.pop("image", ""), "|"))


def _own_line(row: int, cells: Mapping[str, str], pictures: tuple[str, ...]) -> Line:
    """Who gives colours their swatch shows each colour by the picture beside it."""
    return Line(row, cells, shows=pictures) if cells.get("option1_swatch") else Line(row, cells, images=pictures)


def _raw(table: Table) -> list[tuple[int, dict[str, str]]]:
    """Return each row's number and cells by the file's own names."""
    return [(row.number, dict(zip(table.header, row.cells, strict=True))) for row in table.rows]


def _implied(names: Mapping[str, str]) -> dict[str, str]:
    """Return the options' names that stand in no column of their own: “规格” alone is both the name and, in each row, its value."""
    return {axis: names[f"{axis}_value"] for axis in ("option1", "option2") if _implies_name(names, axis)}


def _implies_name(names: Mapping[str, str], axis: str) -> bool:
    value = names.get(f"{axis}_value", f"{axis}_value")
    return value != f"{axis}_value" and f"{axis}_name" not in names


def _split(text: str, separator: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(separator) if part.strip())


_SHOPIFY = {
    "code": "Handle",
    "name": "Title",
    "category": "Type",
    "description": "Body (HTML)",
    "option1_name": "Option1 Name",
    "option1_value": "Option1 Value",
    "option2_name": "Option2 Name",
    "option2_value": "Option2 Value",
    "option3_value": "Option3 Value",
    "sku": "Variant SKU",
    "barcode": "Variant Barcode",
    "weight_g": "Variant Grams",
    "price": "Variant Price",
    "image": "Image Src",
    "variant_image": "Variant Image",
    "gift_card": "Gift Card",
}


def _shopify(table: Table, findings: Findings) -> Iterator[Line]:
    """One row a variant, or a picture alone; product columns stand in the first row only."""
    rows = _raw(table)
    gifts = {raw["Handle"]: number for number, raw in rows if raw.get("Gift Card", "").casefold() == "true"}
    for handle, number in gifts.items():
        findings.notice(N_("a gift card can't be a candidate"), row=number, column="Handle", value=handle)
    for number, raw in rows:
        if raw["Handle"] not in gifts:
            yield _shopify_line(number, raw, findings)


def _shopify_line(number: int, raw: Mapping[str, str], findings: Findings) -> Line:
    if raw.get("Option3 Value"):
        message, repair = N_("a third option can't be ordered"), N_("join it with the second, like “M / long”")
        findings.problem(message, repair, row=number, column="Option3 Value", value=raw["Option3 Value"])
    return Line(number, _shopify_cells(raw), _split(raw.get("Image Src", ""), "\n"), _split(raw.get("Variant Image", ""), "\n"))


def _shopify_cells(raw: Mapping[str, str]) -> dict[str, str]:
    cells = {own: raw[name] for own, name in _SHOPIFY.items() if name in raw and own in (*COLUMNS, "code")}
    if (cells.get("option1_name"), cells.get("option1_value")) == ("Title", "Default Title"):
        cells |= {"option1_name": "", "option1_value": ""}
    cells["description"] = _plain(cells.get("description", ""))
    cells["weight_g"] = "" if re.fullmatch(r"0*(\.0*)?", cells.get("weight_g", "")) else cells["weight_g"]
    return cells


def _plain(markup: str) -> str:
    """Return the text of a piece of HTML, a line a paragraph."""
    broken = re.sub(r"(?i)<br\s*/?>|</(p|div|li|h[1-6]|tr)>", "\n", markup)
    text = html.unescape(re.sub(r"<[^<>]*>", "", broken))
    return "\n".join(line for line in (" ".join(part.split()) for part in text.splitlines()) if line)


_WOOCOMMERCE = {
    "code": "SKU",
    "kind": "Type",
    "id": "ID",
    "parent": "Parent",
    "name": "Name",
    "category": "Categories",
    "description": "Description",
    "short": "Short description",
    "option1_name": "Attribute 1 name",
    "option1_value": "Attribute 1 value(s)",
    "option2_name": "Attribute 2 name",
    "option2_value": "Attribute 2 value(s)",
    "price": "Regular price",
    "weight": "Weight (kg)",
    "image": "Images",
}


def _woocommerce(table: Table, findings: Findings) -> Iterator[Line]:
    """One row a product; a variable one's variations are rows of their own, anywhere in the file."""
    rows = _raw(table)
    parents = _woo_parents(rows)
    for number, raw in rows:
        match raw["Type"]:
            case "simple" | "variable":
                yield Line(number, _woo_product(raw), _split(raw.get("Images", ""), ","))
            case "variation":
                yield from _variations(number, raw, parents, findings)
            case kind:
                findings.notice(N_("a product of this kind can't be a candidate"), row=number, column="Type", value=kind)


def _woo_parents(rows: Iterable[tuple[int, Mapping[str, str]]]) -> dict[str, Mapping[str, str]]:
    """Map variable products by what their variations call them: SKU, or id."""
    products = [raw for _, raw in rows if raw["Type"] == "variable"]
    return {_woo_code(raw): raw for raw in products} | {f"id:{raw.get('ID', '')}": raw for raw in products}


def _woo_code(raw: Mapping[str, str]) -> str:
    return raw["SKU"] or raw.get("ID", "")


def _woo_product(raw: Mapping[str, str]) -> dict[str, str]:
    path = raw.get("Categories", "").split(",")[0].split(">")
    cells = {
        "code": _woo_code(raw),
        "name": raw["Name"],
        "category": path[-1].strip(),
        "description": _plain(raw.get("Description", "") or raw.get("Short description", "")),
    }
    if raw["Type"] == "simple":  # what attributes it has only describe it
        return cells | {"price": raw.get("Regular price", "")}
    return cells | {"option1_name": raw.get("Attribute 1 name", ""), "option2_name": raw.get("Attribute 2 name", "")}


def _variations(number: int, raw: Mapping[str, str], parents: Mapping[str, Mapping[str, str]], findings: Findings) -> Iterator[Line]:
    """Return a variation's lines: one, or, where it leaves an attribute open (“any size”), one for each of the parent's values."""
    parent = parents.get(raw.get("Parent", ""))
    if parent is None:
        message, repair = N_("no variable product has this SKU"), N_("export parent and variations together")
        findings.problem(message, repair, row=number, column="Parent", value=raw.get("Parent", ""))
        return
    opened = [_opened(number, raw, parent, attribute, findings) for attribute in ("Attribute 1", "Attribute 2")]
    if prod(map(len, opened)) > _MOST_VARIANTS:
        message, repair = N_("the variation is for more than %(limit)s variants"), N_("name the values that it is for")
        findings.problem(message, repair, row=number, column="Parent", value=raw["Parent"], limit=_MOST_VARIANTS)
        return
    for values in product(*opened):
        yield Line(number, _woo_variant(raw, parent, values), shows=_split(raw.get("Images", ""), ","))


def _woo_variant(raw: Mapping[str, str], parent: Mapping[str, str], opened: Sequence[str]) -> dict[str, str]:
    """Return the cells of one variant; `opened` are the values of the attributes that the variation leaves open, else blank."""
    first, second = (value or raw.get(f"Attribute {axis} value(s)", "") for axis, value in enumerate(opened, start=1))
    return {
        "code": _woo_code(parent),
        "option1_value": first,
        "option2_value": second,
        "sku": raw["SKU"] and "-".join(filter(None, (raw["SKU"], *opened))),
        "weight_g": _grams(raw.get("Weight (kg)", "")),
        "price": raw.get("Regular price", ""),
    }


def _opened(number: int, raw: Mapping[str, str], parent: Mapping[str, str], attribute: str, findings: Findings) -> tuple[str, ...]:
    """Return the parent's values of an attribute that the variation leaves open, and say so; a blank if it doesn't."""
    column = f"{attribute} value(s)"
    every = () if raw.get(column) else _split(parent.get(column, ""), ",")
    if every:
        message = N_("the variation is for any %(name)s: one variant is made for each of %(values)s")
        name = parent.get(f"{attribute} name", attribute)
        findings.notice(message, row=number, column=column, name=name, values=", ".join(every))
    return every or ("",)


def _grams(kilograms: str) -> str:
    return str(round(float(kilograms) * 1000)) if re.fullmatch(r"[0-9]{1,6}(\.[0-9]+)?", kilograms) else ""
