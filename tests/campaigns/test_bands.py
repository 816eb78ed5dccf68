from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.campaigns.bands import Band, bands, rounded


@pytest.mark.parametrize(
    ("amount", "named"),
    [(0, 0), (1, 1), (7, 7), (22900, 25000), (31900, 30000), (45000, 45000), (52900, 55000), (118000, 100000), (9900, 10000), (130, 150)],
)
def test_an_edge_is_an_amount_that_people_would_name(amount: int, named: int) -> None:
    assert rounded(amount) == named


def test_four_bands_meet_at_round_amounts() -> None:
    prices = [19900, 22900, 25900, 26900, 29900, 31900, 32900, 38900, 45900, 52900, 54900, 99900]
    assert bands(prices) == [Band(None, 25000), Band(25000, 35000), Band(35000, 55000), Band(55000, None)]


@pytest.mark.parametrize("prices", [[], [29900], [29900, 29900, 29900], [29900, 30100]])
def test_where_one_band_would_hold_everything_there_is_none(prices: list[int]) -> None:
    found = bands(prices)
    assert found == [] or len(found) > 1
    if len(set(prices)) < 2:
        assert found == []


def test_the_lower_edge_belongs_to_a_band_and_the_upper_to_the_next() -> None:
    assert [price in Band(200, 300) for price in (199, 200, 299, 300)] == [False, True, True, False]
    assert [price in Band(None, 300) for price in (0, 299, 300)] == [True, True, False]
    assert [price in Band(300, None) for price in (299, 300, 10**9)] == [False, True, True]


@pytest.mark.parametrize("nothing", [None, "250"])
def test_what_has_no_estimate_is_in_no_band(nothing: object) -> None:
    assert nothing not in Band(200, 300)
    assert nothing not in Band()


@given(st.lists(st.integers(0, 10**7), max_size=60))
def test_every_price_is_in_exactly_one_band_and_no_band_is_empty(prices: list[int]) -> None:
    found = bands(prices)
    assert len(found) <= 4
    if found:
        assert all(sum(price in band for band in found) == 1 for price in prices)
        assert all(any(price in band for price in prices) for band in found)
        assert all(one.high == other.low for one, other in pairwise(found))


def test_the_order_of_the_prices_changes_nothing() -> None:
    prices = [99900, 19900, 31900, 25900, 45900, 22900]
    assert bands(prices) == bands(sorted(prices)) == bands(prices[::-1])
