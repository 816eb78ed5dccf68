from collections import Counter
from time import perf_counter

import pytest

from c2b.voting.order import gallery_order

SECRET = b"s" * 32


def orders(viewers: range, count: int, secret: bytes = SECRET) -> list[list[int]]:
    return [list(gallery_order(secret, viewer, count)) for viewer in viewers]


def test_everybody_sees_every_candidate_once() -> None:
    for viewer in (0, 1, 499, 500, 123_456_789):
        assert sorted(gallery_order(SECRET, viewer, 500)) == list(range(500))


@pytest.mark.parametrize("first", [0, 500, 7 * 500])
def test_over_as_many_viewers_as_candidates_each_stands_once_at_every_position(first: int) -> None:
    seen = Counter((position, candidate) for order in orders(range(first, first + 500), 500) for position, candidate in enumerate(order))
    assert set(seen.values()) == {1}
    assert len(seen) == 500 * 500


def test_over_five_thousand_viewers_each_stands_on_the_first_page_equally_often() -> None:
    first_page = Counter(candidate for order in orders(range(5000), 500) for candidate in order[:24])
    wanted = 5000 * 24 / 500
    assert all(abs(first_page[candidate] - wanted) <= wanted * 0.01 for candidate in range(500))


def test_a_number_of_viewers_that_is_no_multiple_is_nearly_balanced_too() -> None:
    tops = Counter(order[0] for order in orders(range(5250), 500))
    assert set(tops.values()) <= {10, 11}


def test_an_order_is_the_same_on_every_visit() -> None:
    assert orders(range(20), 100) == orders(range(20), 100)
    assert list(gallery_order(SECRET, 7, 8)) == list(gallery_order(SECRET, 7, 8))


def test_an_order_can_be_recomputed_years_later() -> None:
    assert list(gallery_order(SECRET, 7, 8)) == PINNED, "changing the function would reorder running campaigns"


PINNED = [3, 5, 1, 0, 4, 7, 2, 6]


def test_two_secrets_give_two_orders() -> None:
    assert orders(range(20), 100) != orders(range(20), 100, b"t" * 32)


def test_neighbours_are_not_always_the_same() -> None:
    followers = {order[order.index(3) + 1] for order in orders(range(2000), 50) if order.index(3) < 49}
    assert len(followers) > 40, "otherwise standing behind a strong candidate would be a place of its own"


def test_viewers_one_after_the_other_do_not_see_a_shifted_page() -> None:
    pairs = zip(orders(range(200), 100), orders(range(1, 201), 100), strict=True)
    shifted = sum(1 for one, other in pairs if one[1:] == other[:-1] or one[:-1] == other[1:])
    assert shifted == 0


@pytest.mark.parametrize(("count", "orders_seen"), [(0, [[]] * 3), (1, [[0]] * 3)])
def test_tiny_galleries_have_an_order_too(count: int, orders_seen: list[list[int]]) -> None:
    assert orders(range(3), count) == orders_seen


def test_two_candidates_take_turns_on_top() -> None:
    assert Counter(order[0] for order in orders(range(100), 2)) == {0: 50, 1: 50}


def test_a_viewers_order_is_made_in_less_than_a_millisecond() -> None:
    gallery_order(SECRET, 0, 500)
    best = min(_timed(viewer) for viewer in range(1, 101))
    assert best < 0.001


def _timed(viewer: int) -> float:
    started = perf_counter()
    gallery_order(SECRET, viewer, 500)
    return perf_counter() - started
