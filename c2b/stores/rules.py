"""Which store is near: by distance alone, never by what a store sells. Pure."""

import math
from collections.abc import Iterable, Sequence

Spot = tuple[float, float]
"""Latitude and longitude in degrees."""
_EARTH_KM = 6371.0088
"""Mean radius (IUGG)."""


def distance_km(one: Spot, other: Spot) -> float:
    """Return the great-circle distance by the haversine formula (R. W. Sinnott, Sky and Telescope 68, 1984)."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(math.radians, spot)) for spot in (one, other))
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(math.sqrt(min(half, 1)))


def middle(spots: Iterable[Spot]) -> Spot | None:
    """Return the middle of some places of one town; None without any."""
    known: Sequence[Spot] = list(spots)
    return (sum(lat for lat, _ in known) / len(known), sum(lon for _, lon in known) / len(known)) if known else None
