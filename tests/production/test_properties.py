"""Whatever customers ordered: every unit is made or refunded, every fen is in exactly one place, the dry run was right."""

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.deposits.models import Obligation, OrderLine
from c2b.deposits.rules import ObligationKind, Outcome
from c2b.ledger.models import GuardedAccount
from c2b.production import actions, queries
from c2b.production.models import ProductionOrderLine
from c2b.work import audit
from tests import databases, make
from tests.production import shop

NOW = make.ORDERING_CLOSES + timedelta(days=2)


class Terms(NamedTuple):
    """The conditions of one product's offer."""

    minimum: int
    pack: int
    tier2_units: int
    own: int
    """Units that each variant needs for itself."""


TERMS = st.lists(st.builds(Terms, st.integers(1, 12), st.integers(1, 6), st.integers(2, 20), st.integers(0, 4)), min_size=1, max_size=3)
BASKETS = st.lists(st.tuples(st.dictionaries(st.integers(0, 8), st.integers(1, 5), min_size=1, max_size=4), st.booleans()), max_size=6)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TERMS, BASKETS, st.integers(0, 2))
@example(terms=[Terms(1, 1, 2, own=3)], baskets=[({0: 5}, True), ({1: 1}, True)], max_products=0)  # one gets the second choice
def test_every_unit_is_made_or_refunded_and_every_fen_is_in_one_place(
    terms: list[Terms], baskets: list[tuple[dict[int, int], bool]], max_products: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, databases.sqlite(Path(folder)) as database:
        with database.transaction() as session:
            fill(session, terms, baskets, max_products)
        with database.reading() as session:
            dry = queries.preview(session, slug="ss27")
        with database.transaction() as session:
            assert actions.decide(session, slug="ss27", actor="cli:test", now=NOW, expected=dry.input_hash) == dry
        with database.reading() as session:
            assert audit(session) == []
            holds_true(session, dry.refund_amount)


def fill(session: Session, terms: list[Terms], baskets: list[tuple[dict[int, int], bool]], max_products: int) -> None:
    campaign = shop.settling(session, max_products=max_products)
    variants = []
    for number, term in enumerate(terms):
        offer = term._asdict()
        own = offer.pop("own")
        product = shop.product(session, campaign, f"K{number}", **offer)
        variants += make.variants(session, product)
        for variant in variants[-3:]:
            variant.tier2_price, variant.minimum = 9000, own or None
    for basket, paid in baskets:
        taken = {variants[number % len(variants)].id: units for number, units in basket.items()}
        lines = [(variant, taken[variant.id]) for variant in variants if variant.id in taken]
        order = shop.buys(session, campaign, *lines, paid=paid)
        for line in session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)):
            others = [one.id for one in variants if one.candidate_id == line.candidate_id and one.id not in taken]
            line.second_id = others[0] if others and others[0] not in named(session, order.id) else None


def named(session: Session, order: int) -> set[int | None]:
    return set(session.scalars(select(OrderLine.second_id).where(OrderLine.order_id == order)))


def holds_true(session: Session, refunded: int) -> None:
    """Check lines, balances and accounts against each other."""
    lines = session.scalars(select(OrderLine)).all()
    held = dict(session.execute(select(GuardedAccount.account, GuardedAccount.credits - GuardedAccount.debits)).all())
    balances = dict(session.execute(select(Obligation.line_id, Obligation.amount).where(Obligation.kind == ObligationKind.BALANCE)).all())
    made = set(session.scalars(select(ProductionOrderLine.variant_id)))
    for line in lines:
        if line.outcome is Outcome.ALLOCATED:
            assert line.first_id not in made
            assert line.final_unit_price is not None
            assert line.final_unit_price <= line.unit_price
            assert held[f"dep:{line.id}"] + balances[line.id] == line.final_unit_price * line.units
        else:
            assert line.outcome is (Outcome.MISSED if line.reserved_at else Outcome.CANCELLED)
            assert line.outcome is Outcome.CANCELLED or not made.intersection({line.variant_id, line.second_id})
            assert held.get(f"dep:{line.id}", 0) == 0
            assert line.id not in balances
    assert sum(amount for account, amount in held.items() if account.startswith("hold:")) == refunded
    assert session.scalar(select(func.count()).where(OrderLine.outcome == Outcome.OPEN)) == 0
