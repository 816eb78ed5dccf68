"""Price bands for a filter: a few round ranges that split a campaign's own estimates about evenly."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

PARTS = 4


@dataclass(frozen=True)
class Band:
    """A range of estimates in minor units, `low` in it and `high` not; None: no bound."""

    low: int | None = None
    high: int | None = None

    def __contains__(self, price: object) -> bool:
        """Tell whether an estimate lies in it; what has none lies in no band."""
        return isinstance(price, int) and (self.low or 0) <= price and (self.high is None or price < self.high)


def bands(prices: Sequence[int]) -> list[Band]:
    """Return up to four bands that meet at round amounts and leave none empty; no bands where one would hold everything."""
    ordered = sorted(prices)
    cuts = {rounded(ordered[len(ordered) * part // PARTS]) for part in range(1, PARTS)} if ordered else set()
    edges = [edge for edge in sorted(cuts) if ordered[0] < edge <= ordered[-1]]
    kept = _filled(edges, ordered)
    return [Band(low, high) for low, high in pairwise([None, *kept, None])] if kept else []


def _filled(edges: list[int], prices: list[int]) -> list[int]:
    """Leave out an edge below which nothing begins that the edge before it didn't have."""
    kept: list[int] = []
    for edge in edges:
        if any(price in Band(kept[-1] if kept else None, edge) for price in prices):
            kept.append(edge)
    return kept


def rounded(amount: int) -> int:
    """Return the nearest amount that people would name: 22900 is 25000, 31900 is 30000, 118000 is 100000."""
    step = max(1, int(f"1{'0' * (len(str(amount)) - 1)}") // 2)
    return (amount + step // 2) // step * step
