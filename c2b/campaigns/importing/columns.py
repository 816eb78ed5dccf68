"""The columns of the own format: what each one holds, and the other names that it goes by."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any

from c2b import money
from c2b.errors import N_, Invalid

CODE = re.compile(r"[A-Za-z0-9._-]{1,60}")


class Level(Enum):
    """What a column says something about; rows of one thing must agree on its columns."""

    CANDIDATE = "candidate"
    OFFER = "offer"
    OPTION = "option"
    VARIANT = "variant"


Parser = Callable[[str, str], Any]
"""From the cell's text and the campaign's currency; raises Invalid."""


@dataclass(frozen=True)
class Column:
    """One column: its level, and how its text becomes a value; `blank` is the value of an empty cell."""

    level: Level
    parse: Parser
    blank: Any = None


def _text(limit: int) -> Parser:
    def parse(text: str, _currency: str) -> str:
        if len(text) > limit:
            raise Invalid(N_("has %(length)s characters; at most %(limit)s fit"), length=len(text), limit=limit)
        return text

    return parse


def _whole(low: int, high: int = 1_000_000) -> Parser:
    def parse(text: str, _currency: str) -> int:
        cleaned = text.replace(",", "").removesuffix(".0")
        if not re.fullmatch(r"[0-9]{1,9}", cleaned):
            raise Invalid(N_("is not a whole number; write it like 50"))
        if not low <= int(cleaned) <= high:
            raise Invalid(N_("must lie between %(low)s and %(high)s"), low=low, high=high)
        return int(cleaned)

    return parse


def _swatch(text: str, _currency: str) -> str:
    if not re.fullmatch(r"#[0-9A-Fa-f]{6}", text):
        raise Invalid(N_("is not a colour; write it like #1f3a5f"))
    return text.lower()


def _basis_points(text: str, _currency: str) -> int:
    """Read a tax rate in per cent, "13" or "13%", into basis points."""
    cleaned = text.removesuffix("%").strip()
    if not re.fullmatch(r"(100|[0-9]{1,2})(\.[0-9]{1,2})?", cleaned):
        raise Invalid(N_("is not a rate; write it in per cent, like 13"))
    return int(Decimal(cleaned) * 100)


def _column(level: Level, parse: Parser) -> Column:
    return Column(level, parse)


def _words(level: Level, limit: int) -> Column:
    return Column(level, _text(limit), blank="")


_BOTH = {"name": 200, "category": 100, "description": 20_000, "composition": 300, "care": 300, "option1_name": 60, "option2_name": 60}

COLUMNS: Mapping[str, Column] = (
    {name: _words(Level.CANDIDATE, limit) for name, limit in _BOTH.items()}
    | {f"{name}_en": _words(Level.CANDIDATE, limit) for name, limit in _BOTH.items()}
    | {name: _column(Level.CANDIDATE, money.parse) for name in ("price_from", "price_to")}
    | {name: _column(Level.OFFER, _whole(1)) for name in ("minimum", "pack", "cap")}
    | {name: _column(Level.OFFER, _whole(2)) for name in ("tier2_units", "tier3_units")}
    | {
        "supplier": _words(Level.OFFER, 40),
        "unit_cost": _column(Level.OFFER, money.parse),
        "lead_days": _column(Level.OFFER, _whole(0, 3650)),
        "tax_rate": _column(Level.OFFER, _basis_points),
        "option1_minimum": _column(Level.OPTION, _whole(1)),
        "variant_minimum": _column(Level.VARIANT, _whole(1)),
        "option1_swatch": Column(Level.OPTION, _swatch, blank=""),
        "option1_value_en": _words(Level.OPTION, 100),
        "option2_value_en": _words(Level.OPTION, 100),
        "option1_value": _words(Level.VARIANT, 100),
        "option2_value": _words(Level.VARIANT, 100),
        "sku": _words(Level.VARIANT, 80),
        "barcode": _words(Level.VARIANT, 40),
        "weight_g": _column(Level.VARIANT, _whole(0, 10_000_000)),
    }
    | {name: _column(Level.VARIANT, money.price) for name in ("price", "tier2_price", "tier3_price")}
)
"""All but `code`, which names the candidate, and `image`, which names pictures."""

ALIASES: Mapping[str, tuple[str, ...]] = {
    "code": ("商品编号", "商品编码", "款号", "货号"),
    "name": ("商品名称", "名称", "品名", "款名"),
    "name_en": ("英文名称",),
    "category_en": ("英文类目",),
    "description_en": ("英文描述",),
    "composition_en": ("英文成分",),
    "care_en": ("英文洗护",),
    "category": ("类目", "分类", "二级类目", "一级类目"),
    "description": ("简介", "商品描述", "描述"),
    "composition": ("成分", "面料成分", "材质"),
    "care": ("洗护", "洗涤说明"),
    "price_from": ("最低预估价", "预估价"),
    "price_to": ("最高预估价",),
    "price": ("SKU价格", "预订价", "价格", "零售价", "售价"),
    "tier2_units": ("二档件数",),
    "tier2_price": ("二档价",),
    "tier3_units": ("三档件数",),
    "tier3_price": ("三档价",),
    "minimum": ("起订量", "最小起订量"),
    "pack": ("装箱数",),
    "cap": ("上限",),
    "supplier": ("供应商编码", "供应商"),
    "unit_cost": ("成本价", "成本"),
    "lead_days": ("生产周期",),
    "tax_rate": ("税率",),
    "option1_name": ("规格名称", "规格1名称"),
    "option1_value": ("规格", "规格值", "规格1"),
    "option1_name_en": ("规格1英文名称",),
    "option1_value_en": ("规格1英文",),
    "option1_minimum": ("规格1起订量",),
    "variant_minimum": ("SKU起订量", "规格起订量"),
    "option1_swatch": ("规格1色值",),
    "option2_name": ("规格2名称",),
    "option2_name_en": ("规格2英文名称",),
    "option2_value_en": ("规格2英文",),
    "option2_value": ("规格2",),
    "sku": ("SKU编码", "规格编码", "SKU"),
    "barcode": ("条形码", "条码"),
    "weight_g": ("重量(克)", "重量"),
    "image": ("图片", "主图", "商品图片"),
}
"""Names that Chinese shop software gives our columns; of several in one file the first here is taken."""


def named(header: tuple[str, ...], matched: Mapping[str, str] = MappingProxyType({})) -> dict[str, str]:
    """Map the own columns that `header` has to the names that it gives them.

    `matched`: what a person says of own columns: a name of the header, or nothing for one that the file hasn't.
    """
    said = {own: name for own, name in matched.items() if name in header}
    left = tuple(name for name in header if name not in said.values())
    return {own: name for own, name in _guessed(left).items() if own not in matched} | said


def _guessed(header: tuple[str, ...]) -> dict[str, str]:
    plain = {re.sub(r"[ -]+", "_", name.casefold()): name for name in header}
    found = {own: plain.get(own) or next(filter(header.__contains__, ALIASES.get(own, ())), "") for own in ("code", "image", *COLUMNS)}
    return {own: name for own, name in found.items() if name}
