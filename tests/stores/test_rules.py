"""How far a store is."""

import pytest

from c2b.stores.rules import Spot, distance_km, middle

BEIJING, SHANGHAI, LONDON = (39.9042, 116.4074), (31.2304, 121.4737), (51.5074, -0.1278)


@pytest.mark.parametrize(
    ("one", "other", "km"),
    [(BEIJING, SHANGHAI, 1067), (BEIJING, LONDON, 8138), ((0.0, 0.0), (0.0, 180.0), 20015), ((0.0, 179.5), (0.0, -179.5), 111)],
)
def test_a_distance_is_along_the_earth_and_the_same_both_ways(one: Spot, other: Spot, km: int) -> None:
    assert distance_km(one, other) == pytest.approx(km, rel=0.005)
    assert distance_km(other, one) == pytest.approx(distance_km(one, other))


def test_a_place_is_no_way_from_itself() -> None:
    assert distance_km(BEIJING, BEIJING) == 0


def test_the_middle_of_a_town_lies_between_its_places_and_nothing_has_none() -> None:
    assert middle([(30.0, 120.0), (31.0, 121.0)]) == (30.5, 120.5)
    assert middle([]) is None
