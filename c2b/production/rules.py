"""The decision: what is made, at which price, by whom: pure."""

import enum
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from c2b.deposits.rules import tier


class ProductOutcome(enum.StrEnum):
    """Reached its minimum, or missed it."""

    REACHED = "reached"
    MISSED = "missed"


class ProductionOrderState(enum.StrEnum):
    """The life of a production order."""

    DRAFT = "draft"
    APPROVED = "approved"
    SENT = "sent"
    ACKNOWLEDGED = "acknowledged"
    PRODUCING = "producing"
    RECEIVED = "received"
    CLOSED = "closed"


class Grade(enum.StrEnum):
    """How good delivered pieces are; rejects go back to the factory and count as not delivered."""

    A = "a"
    B = "b"
    REJECT = "reject"


_LIFE = tuple(ProductionOrderState)
_AHEAD: Mapping[ProductionOrderState, tuple[ProductionOrderState, ...]] = {
    ProductionOrderState.SENT: (ProductionOrderState.ACKNOWLEDGED, ProductionOrderState.PRODUCING),
    ProductionOrderState.PRODUCING: (),
    ProductionOrderState.CLOSED: (),
}
"""Not every factory says that it has read the order; the first delivery makes it received."""


def next_states(state: ProductionOrderState) -> tuple[ProductionOrderState, ...]:
    """Return the states that a person can move a production order on to."""
    following = _LIFE[_LIFE.index(state) + 1 : _LIFE.index(state) + 2]
    return _AHEAD.get(state, following)


def takes_goods(state: ProductionOrderState) -> bool:
    """Say whether a delivery can come: the order went out and isn't closed."""
    return _LIFE.index(ProductionOrderState.SENT) <= _LIFE.index(state) < _LIFE.index(ProductionOrderState.CLOSED)


def is_revised(state: ProductionOrderState) -> bool:
    """Say whether a change is a new revision: the factory has the order (domain.md 6)."""
    return state is not ProductionOrderState.DRAFT and state is not ProductionOrderState.APPROVED


@dataclass(frozen=True)
class Claim:
    """A customer's line that waits for goods of one variant; `since`: when its deposit was captured."""

    line: int
    variant: int
    units: int
    since: datetime


def left_without(claims: Iterable[Claim], arrived: Mapping[int, int]) -> list[Claim]:
    """Return the lines that get nothing where fewer units of a variant arrived than customers wait for.

    Goods go by the time of the deposit, the earliest first, of equals the lower key. A line gets all its units or none; where one
    doesn't fit any more, a later smaller one may.
    """
    left, short = dict(arrived), []
    for claim in sorted(claims, key=lambda one: (one.since, one.line)):
        if claim.units <= left.get(claim.variant, 0):
            left[claim.variant] -= claim.units
        else:
            short.append(claim)
    return short


@dataclass(frozen=True)
class Captured:
    """A variant's units whose deposits are captured; `values` are the keys of its option values."""

    variant: int
    units: int
    values: tuple[int, ...] = ()
    minimum: int = 0
    """Units that it needs for itself."""
    seconds: tuple[tuple[int, int], ...] = ()
    """Second choices of those who ordered it: variant, units."""


@dataclass(frozen=True)
class Product:
    """What the decision looks at: a product's captured units and the conditions of its offer."""

    code: str
    minimum: int
    variants: Sequence[Captured]
    pack: int = 1
    tiers: tuple[int | None, int | None] = (None, None)
    """Units from which the second and the third price hold."""
    value_minimums: Mapping[int, int] | None = None
    """Units that an option value needs for itself: a dye lot."""

    @property
    def captured(self) -> int:
        """Units of all variants, those too that don't count in the end."""
        return sum(one.units for one in self.variants)


@dataclass(frozen=True)
class ToMake:
    """Units of one variant: what customers get, and the extra stock that fills the last pack."""

    variant: int
    ordered: int
    extra: int


@dataclass(frozen=True)
class Moved:
    """Units whose buyers get their second choice of the same product."""

    variant: int
    second: int
    units: int


@dataclass(frozen=True)
class ProductDecision:
    """What becomes of one product; `units` are those that count, `missed` those whose buyers get their money back."""

    code: str
    minimum: int
    units: int
    missed: int
    outcome: ProductOutcome
    tier: int
    make: tuple[ToMake, ...]
    moved: tuple[Moved, ...] = ()
    reason: str = ""
    """Public, where it is made although it missed."""


def decide(products: Iterable[Product], max_products: int, overridden: Mapping[str, str] = MappingProxyType({})) -> list[ProductDecision]:
    """Decide every product, in the order given: reached with what to make, or missed.

    What misses a minimum of its own, an option value or a variant, is left out first: its units count for the second choices of those who
    ordered it, and nowhere else. Of the products that reach their
    minimum the `max_products` with most units are made (0: all of them); of equals the one whose code comes first. What misses and is
    `overridden`, by code with the public reason, is made all the same, every unit of it, and takes nobody's place.
    """
    counted = [(product, _counted(product)) for product in products]
    reached = [(product.code, units) for product, (_, units) in counted if units >= max(product.minimum, 1)]
    best = sorted(reached, key=lambda one: (-one[1], one[0]))
    made = dict(best[: max_products or None])
    decided = [_decision(product, left, units, made=product.code in made) for product, (left, units) in counted]
    return [_override(product, one, overridden) for (product, _), one in zip(counted, decided, strict=True)]


def _override(product: Product, decided: ProductDecision, overridden: Mapping[str, str]) -> ProductDecision:
    reason = overridden.get(product.code, "")
    if decided.make or not (reason and product.captured):
        return decided
    whole = _decision(product, product.variants, product.captured, made=True)
    return replace(whole, outcome=ProductOutcome.MISSED, reason=reason)


def _counted(product: Product) -> tuple[Sequence[Captured], int]:
    """Return the variants that are left, with the units that count for each, and the sum of those.

    One group with a minimum of its own goes at a time, as in instant-runoff voting: the one that lacks most, of equals the later one.
    So the second choices of those who ordered it can still save another.
    """
    groups = list(_with_own_minimum(product))
    left = {one.variant: one.units for one in product.variants}
    while short := _worst(groups, left):
        left = _with_seconds(product, left.keys() - short)
    return [replace(one, units=left[one.variant]) for one in product.variants if one.variant in left], sum(left.values())


def _with_own_minimum(product: Product) -> Iterator[tuple[int, frozenset[int]]]:
    """Return what needs units for itself, as its minimum and its variants: option values, then single variants."""
    for value, minimum in (product.value_minimums or {}).items():
        yield minimum, frozenset(one.variant for one in product.variants if value in one.values)
    yield from ((one.minimum, frozenset({one.variant})) for one in product.variants if one.minimum)


def _worst(groups: Sequence[tuple[int, frozenset[int]]], left: Mapping[int, int]) -> frozenset[int]:
    """Return what is left of the group that lacks most; empty where none lacks any."""
    lack = ((minimum - sum(left.get(one, 0) for one in variants), variants & left.keys()) for minimum, variants in groups)
    short = [(units, at, variants) for at, (units, variants) in enumerate(lack) if units > 0 and variants]
    return max(short, key=lambda one: one[:2])[2] if short else frozenset()


def _with_seconds(product: Product, left: Collection[int]) -> dict[int, int]:
    """Return the units of what is left, with those who have it as their second choice and whose first is out."""
    units = {one.variant: one.units for one in product.variants if one.variant in left}
    for moved in _moved(product, left):
        units[moved.second] += moved.units
    return units


def _moved(product: Product, left: Collection[int]) -> Iterator[Moved]:
    out = (one for one in product.variants if one.variant not in left)
    return (Moved(one.variant, second, units) for one in out for second, units in one.seconds if second in left)


def _decision(product: Product, left: Sequence[Captured], units: int, *, made: bool) -> ProductDecision:
    taken = left if made else ()
    make = tuple(ToMake(one.variant, one.units, extra(one.units, product.pack)) for one in taken if one.units)
    return ProductDecision(
        code=product.code,
        minimum=product.minimum,
        units=units,
        missed=product.captured - sum(one.ordered for one in make),
        outcome=ProductOutcome.REACHED if made else ProductOutcome.MISSED,
        tier=tier(units, *product.tiers),
        make=make,
        moved=tuple(_moved(product, set(map(attrgetter("variant"), taken)))),
    )


def extra(units: int, pack: int) -> int:
    """Return the units that fill the last pack: packs hold one variant, so each variant is rounded up by itself."""
    return -units % pack


def within_capacity(made: Iterable[tuple[str, ProductDecision]], capacity: Mapping[str, int]) -> set[str]:
    """Return the codes of what factories can make: by supplier the products with most units first, as long as a whole one fits."""
    load, fitting = Counter[str](), set()
    for supplier, decision in sorted(made, key=lambda one: (-one[1].units, one[1].code)):
        pieces = sum(one.ordered + one.extra for one in decision.make)
        if supplier not in capacity or load[supplier] + pieces <= capacity[supplier]:
            load[supplier] += pieces
            fitting.add(decision.code)
    return fitting


@dataclass(frozen=True)
class ProductFigures:
    """One product's line in the figures; `extra` is stock beyond what customers ordered."""

    code: str
    units: int
    minimum: int
    outcome: str
    tier: int
    missed_units: int
    extra: int
    second: int = 0
    """Units that go to their buyers' second choice."""
    reason: str = ""
    """Public, where it is made although it missed."""

    @property
    def made(self) -> bool:
        """Whether it is made."""
        return self.outcome == ProductOutcome.REACHED or bool(self.reason)


@dataclass(frozen=True)
class DecisionFigures:
    """What a decision does, for the dry run and for good: amounts in minor units; `refunds` counts payments that get money back."""

    products: tuple[ProductFigures, ...]
    production_orders: int
    pieces: int
    """Everything that is made, extra stock too."""
    refunds: int
    refund_amount: int
    currency: str
    input_hash: str

    @property
    def made(self) -> int:
        """How many products are made."""
        return sum(1 for product in self.products if product.made)

    @property
    def extra(self) -> int:
        """Units of extra stock."""
        return sum(product.extra for product in self.products)

    def document(self) -> dict[str, Any]:
        """Return the figures as `c2b decide --json` prints them."""
        return asdict(self) | {"products": [asdict(product) for product in self.products]}


def figures(document: Mapping[str, Any]) -> DecisionFigures:
    """Return the figures that `DecisionFigures.document` wrote."""
    return DecisionFigures(**{**document, "products": tuple(ProductFigures(**product) for product in document["products"])})
