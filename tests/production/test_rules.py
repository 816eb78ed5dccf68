import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.production.rules import (
    Captured,
    DecisionFigures,
    Moved,
    Product,
    ProductDecision,
    ProductFigures,
    ProductOutcome,
    decide,
    extra,
    figures,
)

REACHED, MISSED = ProductOutcome.REACHED, ProductOutcome.MISSED


def product(code: str, *units: int, minimum: int = 50, pack: int = 1, tiers: tuple[int | None, int | None] = (None, None)) -> Product:
    variants = [Captured(number, count) for number, count in enumerate(units, start=1)]
    return Product(code=code, minimum=minimum, variants=variants, pack=pack, tiers=tiers)


def decided(*products: Product, max_products: int = 0) -> dict[str, ProductDecision]:
    return {one.code: one for one in decide(products, max_products)}


@pytest.mark.parametrize(("units", "outcome"), [(49, MISSED), (50, REACHED), (51, REACHED), (0, MISSED)])
def test_a_product_is_made_from_its_minimum_on(units: int, outcome: ProductOutcome) -> None:
    assert decided(product("K1", units))["K1"].outcome == outcome


def test_all_sizes_of_a_product_count_together() -> None:
    one = decided(product("K1", 20, 20, 10))["K1"]
    assert (one.outcome, one.units, one.missed) == (REACHED, 50, 0)
    assert [(make.variant, make.ordered, make.extra) for make in one.make] == [(1, 20, 0), (2, 20, 0), (3, 10, 0)]


def test_a_product_that_nobody_ordered_is_missed_whatever_its_minimum() -> None:
    assert decided(product("K1", 0, minimum=0))["K1"].outcome == MISSED


def test_a_missed_product_makes_nothing_and_all_its_buyers_get_their_money_back() -> None:
    one = decided(product("K1", 30, 19))["K1"]
    assert (one.make, one.missed) == ((), 49)


def test_a_size_that_nobody_took_is_not_made() -> None:
    assert [make.variant for make in decided(product("K1", 50, 0, 7))["K1"].make] == [1, 3]


@pytest.mark.parametrize(("units", "pack", "more"), [(50, 1, 0), (50, 10, 0), (51, 10, 9), (59, 10, 1), (1, 12, 11)])
def test_the_last_pack_is_filled_with_extra_stock(units: int, pack: int, more: int) -> None:
    assert extra(units, pack) == more


def test_each_size_fills_its_own_packs() -> None:
    one = decided(product("K1", 27, 25, pack=10))["K1"]
    assert [(make.ordered, make.extra) for make in one.make] == [(27, 3), (25, 5)]


def test_extra_stock_does_not_help_to_reach_the_minimum() -> None:
    assert decided(product("K1", 49, pack=10))["K1"].outcome == MISSED


@pytest.mark.parametrize(("units", "of"), [(1, 1), (99, 1), (100, 2), (199, 2), (200, 3), (1000, 3)])
def test_a_tier_holds_from_its_number_of_units_on(units: int, of: int) -> None:
    assert decided(product("K1", units, minimum=1, tiers=(100, 200)))["K1"].tier == of


@pytest.mark.parametrize(("tiers", "of"), [((None, None), 1), ((100, None), 2)])
def test_a_product_may_have_fewer_tiers(tiers: tuple[int | None, int | None], of: int) -> None:
    assert decided(product("K1", 500, tiers=tiers))["K1"].tier == of


def test_only_the_best_of_those_that_reached_are_made() -> None:
    made = decided(product("K1", 60), product("K2", 80), product("K3", 70), product("K4", 20), max_products=2)
    assert {code for code, one in made.items() if one.outcome == REACHED} == {"K2", "K3"}
    assert made["K1"].missed == 60


def test_of_equals_at_the_cut_the_first_code_is_made_however_they_are_listed() -> None:
    for order in (("K2", "K1", "K3"), ("K3", "K2", "K1")):
        made = decided(*(product(code, 60) for code in order), max_products=2)
        assert {code for code, one in made.items() if one.outcome == REACHED} == {"K1", "K2"}


def test_products_come_out_in_the_order_they_went_in() -> None:
    assert [one.code for one in decide([product("B", 1), product("A", 99)], 0)] == ["B", "A"]


RED, BLUE, SMALL, LARGE = 1, 2, 3, 4


def coloured(of_red: int, of_blue: int, *, minimum: int = 50, **needs: int) -> Product:
    names = {"red": RED, "blue": BLUE, "small": SMALL, "large": LARGE}
    variants = [Captured(10, of_red, (RED, SMALL)), Captured(20, of_blue, (BLUE, LARGE))]
    return Product(code="K1", minimum=minimum, variants=variants, value_minimums={names[name]: units for name, units in needs.items()})


def test_a_colour_that_misses_its_own_minimum_is_left_out_and_the_rest_is_made() -> None:
    one = decided(coloured(60, 20, blue=30))["K1"]
    assert (one.outcome, one.units, one.missed) == (REACHED, 60, 20)
    assert [make.variant for make in one.make] == [10]


def test_a_colour_without_a_minimum_of_its_own_is_made_with_one_unit() -> None:
    one = decided(coloured(60, 1, red=30))["K1"]
    assert [make.variant for make in one.make] == [10, 20]


def test_the_units_of_a_colour_that_is_left_out_do_not_help_the_product() -> None:
    one = decided(coloured(40, 20, blue=30))["K1"]
    assert (one.outcome, one.units, one.missed, one.make) == (MISSED, 40, 60, ())


def test_leaving_out_a_colour_can_leave_out_a_size_too() -> None:
    variants = [Captured(1, 40, (RED, SMALL)), Captured(2, 10, (RED, LARGE)), Captured(3, 15, (BLUE, LARGE))]
    one = decide([Product("K1", 40, variants, value_minimums={BLUE: 20, LARGE: 20})], 0)[0]
    assert [make.variant for make in one.make] == [1]
    assert (one.units, one.missed) == (40, 25)


def shades(*variants: Captured, minimum: int = 40, **needs: int) -> ProductDecision:
    """Decide a product of red (1), blue (2) and green (3), where the named ones need units for themselves."""
    values = {name: number for number, name in enumerate(("red", "blue", "green"), start=1)}
    return decide([Product("K1", minimum, variants, value_minimums={values[name]: units for name, units in needs.items()})], 0)[0]


def test_who_ordered_a_colour_that_misses_gets_the_second_choice_and_it_counts_there() -> None:
    one = shades(Captured(1, 25, (1,)), Captured(2, 20, (2,), seconds=((1, 15),)), blue=30)
    assert (one.outcome, one.units, one.missed) == (REACHED, 40, 5)
    assert [(make.variant, make.ordered) for make in one.make] == [(1, 40)]
    assert one.moved == (Moved(2, 1, 15),)


def test_second_choices_can_save_a_colour_and_what_lacks_most_goes_first() -> None:
    one = shades(Captured(1, 25, (1,)), Captured(2, 20, (2,), seconds=((1, 15),)), red=30, blue=30)
    assert [(make.variant, make.ordered) for make in one.make] == [(1, 40)]


def test_of_colours_that_lack_the_same_the_later_one_goes_first() -> None:
    variants = (Captured(1, 20, (1,), seconds=((2, 20),)), Captured(2, 20, (2,), seconds=((1, 20),)))
    one = shades(*variants, red=30, blue=30)
    assert [(make.variant, make.ordered) for make in one.make] == [(1, 40)]


def test_a_second_choice_that_misses_too_is_no_help_and_there_is_no_third() -> None:
    variants = (Captured(1, 50, (1,)), Captured(2, 10, (2,), seconds=((3, 10),)), Captured(3, 5, (3,), seconds=((1, 5),)))
    one = shades(*variants, blue=30, green=30)
    assert [(make.variant, make.ordered) for make in one.make] == [(1, 55)]
    assert (one.moved, one.missed) == ((Moved(3, 1, 5),), 10)


def test_nobody_is_moved_where_the_product_is_not_made() -> None:
    one = shades(Captured(1, 5, (1,)), Captured(2, 20, (2,), seconds=((1, 20),)), blue=30)
    assert (one.outcome, one.moved, one.missed) == (MISSED, (), 25)


def test_an_exception_makes_what_was_ordered_and_moves_nobody() -> None:
    product = Product("K1", 40, [Captured(1, 5, (1,)), Captured(2, 20, (2,), seconds=((1, 20),))], value_minimums={2: 30})
    one = decide([product], 0, {"K1": "It is our classic"})[0]
    assert ([(make.variant, make.ordered) for make in one.make], one.moved) == ([(1, 5), (2, 20)], ())


def test_a_single_variant_can_need_units_for_itself() -> None:
    one = shades(Captured(1, 40, (1,)), Captured(2, 9, (1,), minimum=10, seconds=((1, 4),)))
    assert [(make.variant, make.ordered) for make in one.make] == [(1, 44)]


def test_tiers_count_only_what_is_made() -> None:
    variants = [Captured(1, 90, (RED,)), Captured(2, 20, (BLUE,))]
    one = decide([Product("K1", 50, variants, tiers=(100, None), value_minimums={BLUE: 30})], 0)[0]
    assert one.tier == 1


PRODUCTS = st.lists(
    st.builds(
        lambda code, units, minimum, pack: Product(
            f"K{code}", minimum, [Captured(n, u, (n % 2,)) for n, u in enumerate(units)], pack, value_minimums={1: 5}
        ),
        st.integers(0, 99),
        st.lists(st.integers(0, 40), max_size=6),
        st.integers(1, 60),
        st.integers(1, 12),
    ),
    max_size=12,
    unique_by=lambda one: one.code,
)


@given(PRODUCTS, st.integers(0, 5))
def test_every_unit_is_either_made_or_refunded_whatever_was_ordered(products: list[Product], max_products: int) -> None:
    for before, after in zip(products, decide(products, max_products), strict=True):
        made = sum(make.ordered for make in after.make)
        assert made + after.missed == sum(one.units for one in before.variants)
        assert (after.outcome == REACHED) == bool(after.make)
        assert after.outcome == MISSED or after.units == made >= before.minimum
        assert all((make.ordered + make.extra) % before.pack == 0 and make.extra < before.pack for make in after.make)


@given(PRODUCTS, st.integers(1, 5))
def test_no_more_products_are_made_than_wanted_and_none_that_is_worse_than_one_left_out(products: list[Product], most: int) -> None:
    free, capped = decide(products, 0), decide(products, most)
    made = [one for one in capped if one.outcome == REACHED]
    assert len(made) == min(most, sum(1 for one in free if one.outcome == REACHED))
    dropped = [f.units for f, c in zip(free, capped, strict=True) if f.outcome == REACHED and c.outcome == MISSED]
    assert all(one.units >= max(dropped, default=0) for one in made)


def test_figures_survive_being_stored_as_json() -> None:
    lines = (ProductFigures("K1", 60, 50, "reached", 2, 0, 3), ProductFigures("K2", 4, 50, "missed", 1, 4, 0))
    made = DecisionFigures(lines, 1, 63, 4, 20000, "CNY", "f" * 64)
    assert figures(json.loads(json.dumps(made.document()))) == made
    assert (made.made, made.extra) == (1, 3)
    assert set(made.document()) >= {"products", "production_orders", "pieces", "refunds", "refund_amount", "currency"}
    assert set(made.document()["products"][0]) >= {"code", "units", "minimum", "outcome"}
