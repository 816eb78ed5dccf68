"""An order costs the database as many statements however large it is, and however many came before it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from c2b.campaigns.models import Campaign
from c2b.deposits import actions
from c2b.deposits.apply import apply
from c2b.payments.protocol import Answer, Heard, Limits, Way
from c2b.payments.rules import PaymentState
from tests import books, make
from tests.deposits.scene import Shop
from tests.production.shop import crowd
from tests.statements import counted

SANDBOX = Way("sandbox", "main", make.ORDERING_CLOSES - make.ORDERING_OPENS, Limits())
CAPPED = {"cap": 5000}
MOST = {"place": 11, "start": 13, "apply": 19}
"""Statements of each step, whatever its size."""


class Steps:
    """Statements that each step of an order took."""

    def __init__(self, shop: Shop) -> None:
        self.shop = shop
        self.taken: dict[str, int] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        with counted(self.shop.database) as sent:
            yield
        self.taken[name] = len(sent)

    def order(self, variants: list[int]) -> dict[str, int]:
        """Let somebody order a unit of each variant and pay the deposits; returns the statements of placing, starting, applying."""
        person = self.shop.customer()
        with self.step("place"), self.shop.database.transaction() as session:
            about = {"slug": "ss27", "address": None, "idempotency_key": books.key(), "locale": "en"}
            lines = [(variant, 1) for variant in variants]
            ref = actions.place_order(session, person_id=person, lines=lines, now=self.shop.now, **about)  # type: ignore[arg-type]
        with self.step("start"), self.shop.database.transaction() as session:
            key = actions.start_payment(session, order_ref=ref, person_id=person, by=SANDBOX, now=self.shop.now)
        amount = self.shop.payment(key).amount
        answer = Answer(Heard.DONE, amount=amount, currency="CNY", merchant="main", reference=f"R-{key}")
        with self.step("apply"), self.shop.database.transaction() as session:
            assert apply(session, key=key, answer=answer, now=self.shop.now) is PaymentState.CAPTURED
        return dict(self.taken)


@pytest.fixture
def variants(shop: Shop) -> list[int]:
    """Ten products, each capped, of which everybody takes the first size."""
    return [shop.sells(f"K{number}", offer=CAPPED, position=number)[0] for number in range(10)]


def others(shop: Shop, variants: list[int], orders: int) -> None:
    """Let others order and pay before."""
    with shop.database.transaction() as session:
        of = session.get_one(Campaign, shop.campaign_id)
        taken = [variant for number in range(10) for variant in shop.variants(f"K{number}") if variant.id in variants]
        crowd(session, of, taken, orders, lines_each=2)


def test_an_order_of_ten_lines_takes_as_many_statements_as_one_of_one(shop: Shop, variants: list[int]) -> None:
    one = Steps(shop).order(variants[:1])
    ten = Steps(shop).order(variants)
    assert ten == one
    assert shop.findings() == []


@pytest.mark.parametrize("before", [10, 1000])
def test_a_thousand_orders_before_it_take_no_more_statements_than_ten(shop: Shop, variants: list[int], before: int) -> None:
    others(shop, variants, before)
    taken = Steps(shop).order(variants)
    assert {step: count for step, count in taken.items() if count > MOST[step]} == {}
    assert shop.findings() == []
