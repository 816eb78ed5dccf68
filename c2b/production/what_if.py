"""What a decision by other numbers would make: looked at, never done; a decision follows the rules that were published."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Supplier
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.refunds import refund_figures
from c2b.production import rules
from c2b.production.plan import Offered, misses, offered, reserved
from c2b.production.rules import Product, ProductDecision

CURVE = tuple(range(50, 151, 10))
"""Per cent of the minimum at which the curve is drawn."""


@dataclass(frozen=True)
class Scenario:
    """Other numbers: minimums in per cent of the published ones, products at most (0: all), balances never paid in per cent."""

    minimum: int = 100
    max_products: int = 0
    drop: int = 0
    capacity: bool = False
    """Whether a factory makes no more than its capacity."""


@dataclass(frozen=True)
class Figures:
    """What a scenario would do; amounts in minor units, None where a cost isn't known."""

    made: frozenset[str]
    """Codes of the products that are made."""
    pieces: int
    cost: int | None
    revenue: int
    """At the promised prices, less the balances that are never paid."""
    refunds: int
    refund_amount: int
    customers: int
    """Who gets money back."""
    over_capacity: tuple[tuple[str, int, int], ...]
    """Suppliers that would make more than they can: code, pieces, capacity."""


@dataclass(frozen=True)
class WhatIf:
    """A scenario beside the published rules, and how many products are made at which minimum."""

    asked: Figures
    published: Figures
    curve: tuple[tuple[int, int], ...]


def what_if(session: Session, campaign: Campaign, scenario: Scenario) -> WhatIf:
    """Return what a scenario would do, beside what deciding by the rules does: a constant number of statements."""
    products = offered(session, campaign)
    capacity = {code: units for code, units in session.execute(select(Supplier.code, Supplier.capacity_units)) if units is not None}
    own = Scenario(max_products=campaign.max_products)
    curve = tuple((at, len(_made(products, replace(scenario, minimum=at), capacity))) for at in CURVE)
    return WhatIf(
        asked=_figures(session, campaign, products, scenario, capacity),
        published=_figures(session, campaign, products, own, capacity),
        curve=curve,
    )


def _made(products: list[Offered], scenario: Scenario, capacity: Mapping[str, int]) -> list[tuple[Offered, ProductDecision]]:
    decided = rules.decide((_scaled(one.product, scenario.minimum) for one in products), scenario.max_products)
    made = [pair for pair in zip(products, decided, strict=True) if pair[1].make]
    limits = capacity if scenario.capacity else {}
    fitting = rules.within_capacity([(one.supplier_code, decision) for one, decision in made], limits)
    return [(one, decision) for one, decision in made if decision.code in fitting]


def _scaled(product: Product, percent: int) -> Product:
    return replace(product, minimum=max(-(-product.minimum * percent // 100), 1))


def _figures(session: Session, campaign: Campaign, products: list[Offered], scenario: Scenario, capacity: Mapping[str, int]) -> Figures:
    made = _made(products, scenario, capacity)
    lost = misses([decision for _, decision in made])
    back = refund_figures(session, lines=select(OrderLine.id).where(reserved(campaign), lost))
    people = select(func.count(Order.person_id.distinct())).join(OrderLine, OrderLine.order_id == Order.id)
    sold = select(func.coalesce(func.sum(OrderLine.units * OrderLine.unit_price), 0), func.coalesce(func.sum(OrderLine.deposit), 0))
    revenue, deposits = session.execute(sold.where(reserved(campaign), ~lost)).one()
    return Figures(
        made=frozenset(decision.code for _, decision in made),
        pieces=sum(_pieces(decision) for _, decision in made),
        cost=_cost(made),
        revenue=int(revenue) - (int(revenue) - int(deposits)) * scenario.drop // 100,
        refunds=back.count,
        refund_amount=back.amount,
        customers=session.scalar(people.where(reserved(campaign), lost)) or 0,
        over_capacity=tuple(_over(made, capacity)),
    )


def _pieces(decision: ProductDecision) -> int:
    return sum(one.ordered + one.extra for one in decision.make)


def _cost(made: Iterable[tuple[Offered, ProductDecision]]) -> int | None:
    """Return what making costs; None where a unit cost is missing."""
    total = 0
    for one, decision in made:
        if one.unit_cost is None:
            return None
        total += one.unit_cost * _pieces(decision)
    return total


def _over(made: Iterable[tuple[Offered, ProductDecision]], capacity: Mapping[str, int]) -> Iterable[tuple[str, int, int]]:
    load: dict[str, int] = {}
    for one, decision in made:
        load[one.supplier_code] = load.get(one.supplier_code, 0) + _pieces(decision)
    return ((code, units, capacity[code]) for code, units in sorted(load.items()) if units > capacity.get(code, units))
