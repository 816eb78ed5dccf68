"""What a customer takes instead where a colour, or another part of a product, misses a minimum of its own."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.campaigns.queries import CandidateDetail, OptionRow, VariantRow, details
from c2b.deposits.locking import own_order
from c2b.deposits.models import OrderLine
from c2b.deposits.rules import Outcome, may_cancel
from c2b.errors import N_, NotFound, Refused


@dataclass(frozen=True)
class SecondChoice:
    """What a line's customer can name instead, and has named: variants with what they are called."""

    needs: tuple[tuple[str, int], ...] = ()
    """The parts of what was ordered that have a minimum of their own, with the units that each needs."""
    may: tuple[VariantRow, ...] = ()
    """Empty where it can't be named any more, there is no such part, or nothing else can be had for the price."""
    named: VariantRow | None = None
    ordered: VariantRow | None = None
    """What was ordered, where the decision gave the second choice."""


def _needs(variant: VariantRow) -> tuple[tuple[str, int], ...]:
    parts = [(option.value, option.minimum) for option in _options(variant)]
    return tuple((part, units) for part, units in (*parts, (variant.label, variant.minimum)) if units)


def _seconds(of: VariantRow, product: CandidateDetail, taken: Collection[int]) -> tuple[VariantRow, ...]:
    """Return the variants of `product` that can be named instead of one of them, those of the same size first.

    Each costs the same on every tier, shares no value that may miss its minimum with it, and isn't in the order already (`taken`).
    """
    others = [one for one in product.variants if one.id not in {of.id, *taken} and _costs(one) == _costs(of)]
    fitting = [one for one in others if not any(option.minimum for option in _shared(of, one))]
    return tuple(sorted(fitting, key=lambda one: not _shared(of, one)))


def _shared(one: VariantRow, other: VariantRow) -> list[OptionRow]:
    return [option for option in _options(one) if option in _options(other)]


def _options(variant: VariantRow) -> list[OptionRow]:
    return [option for option in (variant.option1, variant.option2) if option]


def _costs(variant: VariantRow) -> tuple[int | None, int | None, int | None]:
    return variant.price, variant.tier2_price, variant.tier3_price


def by_order(lines: Iterable[OrderLine]) -> dict[int, list[OrderLine]]:
    """Return the lines of each order by its key."""
    found: dict[int, list[OrderLine]] = defaultdict(list)
    for line in lines:
        found[line.order_id].append(line)
    return found


def second_choice(line: OrderLine, product: CandidateDetail, of_order: Iterable[OrderLine]) -> SecondChoice:
    """Return the second choice of a line of an order, among `of_order`, its lines."""
    by_id: dict[int | None, VariantRow] = {variant.id: variant for variant in product.variants}
    variant = by_id[line.first_id or line.variant_id]
    needs = _needs(variant) if line.outcome is Outcome.OPEN else ()
    may = _seconds(variant, product, _taken(line, of_order)) if needs else ()
    return SecondChoice(needs, may, by_id.get(line.second_id), by_id.get(line.first_id))


def _taken(line: OrderLine, of_order: Iterable[OrderLine]) -> set[int]:
    """Return the variants that the other lines of an order have, or have as their second choice: no two lines end as the same one."""
    return {key for other in of_order if other.id != line.id for key in (other.variant_id, other.second_id) if key}


def name_second(session: Session, *, order_ref: str, line_id: int, person_id: int, variant_id: int | None, now: datetime) -> None:
    """Name what a customer takes instead, or take that back (None): until ordering closes.

    Raises NotFound for what isn't theirs; Refused once ordering closed, and for a variant that can't be had instead.
    """
    order = own_order(session, order_ref, person_id)
    lines = session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)).all()
    line = _one(lines, line_id)
    if line.outcome is not Outcome.OPEN or not may_cancel(order.campaign, now):
        raise Refused(N_("Ordering has closed; a second choice can’t be changed any more"))
    [product] = details(session, [session.get_one(Candidate, line.candidate_id)], locale="")
    may = {one.id for one in second_choice(line, product, lines).may}
    if variant_id not in {None, *may}:
        raise Refused(N_("This can’t be taken instead; choose one of the list"))
    line.second_id = variant_id


def _one(lines: Iterable[OrderLine], line_id: int) -> OrderLine:
    found = next((line for line in lines if line.id == line_id), None)
    if found is None:
        raise NotFound(N_("There is no such line in this order"))
    return found
