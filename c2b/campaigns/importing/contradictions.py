"""What can't be true of one candidate, whatever its cells say one by one: pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain, pairwise
from typing import Any

from c2b.campaigns.importing.shapes import CandidateIn, VariantIn
from c2b.errors import N_


@dataclass(frozen=True)
class Contradiction:
    """What is wrong in which row and own column."""

    row: int
    column: str
    message: str
    repair: str
    values: Mapping[str, Any] = field(default_factory=dict)


def contradictions(candidate: CandidateIn) -> Iterator[Contradiction]:
    """Find everything that contradicts itself or is missing though it must be there."""
    return chain(_name(candidate), _estimates(candidate), _axis(candidate, 1), _axis(candidate, 2), _twins(candidate), _prices(candidate))


def _name(of: CandidateIn) -> Iterator[Contradiction]:
    if of.values.get("name") == "":
        yield Contradiction(of.row, "name", N_("the name is missing"), N_("every candidate needs one"))


def _estimates(of: CandidateIn) -> Iterator[Contradiction]:
    if of.values.get("price_from", 0) > of.values.get("price_to", 0):
        yield Contradiction(of.row, "price_to", N_("is below the estimate's beginning"), N_("swap the two"))


def _axis(of: CandidateIn, axis: int) -> Iterator[Contradiction]:
    blank = [variant.row for variant in of.variants if not variant.options[axis - 1]]
    if len(blank) == len(of.variants):
        return
    for row in blank[:1]:
        yield Contradiction(row, f"option{axis}_value", N_("is blank, other rows of this candidate have a value"), N_("fill it in"))
    if not of.values.get(f"option{axis}_name"):
        yield Contradiction(of.row, f"option{axis}_name", N_("values without a name"), N_("name the option, like Size"))


def _twins(of: CandidateIn) -> Iterator[Contradiction]:
    seen: dict[tuple[str, str], int] = {}
    for variant in of.variants:
        first = seen.setdefault(variant.options, variant.row)
        if first != variant.row:
            message, repair = N_("row %(first)s is the same variant"), N_("remove one, or give it another value")
            yield Contradiction(variant.row, "option1_value", message, repair, {"first": first})


def _prices(of: CandidateIn) -> Iterator[Contradiction]:
    second, third = of.offer.get("tier2_units"), of.offer.get("tier3_units")
    if second and third and second >= third:
        yield Contradiction(of.row, "tier3_units", N_("tiers must rise"), N_("more units than the second tier's"))
    yield from chain.from_iterable(_ladder(variant, {"tier2_price": second, "tier3_price": third}) for variant in of.variants)


def _ladder(variant: VariantIn, units: Mapping[str, int | None]) -> Iterator[Contradiction]:
    """Check a variant's prices: each tier has both units and price, and is no dearer than the one before."""
    for before, column in pairwise(("price", "tier2_price", "tier3_price")):
        above, price = variant.values.get(before), variant.values.get(column)
        if (price is None) != (units[column] is None):
            yield Contradiction(variant.row, column, N_("a tier needs units and a price"), N_("fill in both, or neither"))
        elif price is not None and price > (above or 0):
            yield Contradiction(variant.row, column, N_("is above the tier before"), N_("prices must fall from tier to tier"))
