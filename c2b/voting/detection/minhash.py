"""Ballots that are nearly the same find each other without comparing all with all: MinHash, Broder 1997.

The chance that two ballots have the same smallest value under a random order of the candidates is their Jaccard index: what
both picked, of what either picked.
"""

import hashlib
from collections.abc import Iterator

from c2b.voting.detection.facts import Box

BANDS, ROWS = 8, 3
"""Two ballots copied from one of fifteen picks with a fifth changed have an index near 0.47: one pair in ten meets in a band of three."""


def buckets(box: Box, least: int) -> Iterator[list[int]]:
    """Yield groups of at least `least` ballots that agree in all rows of a band, band by band, in the order of their first ballots."""
    for band in range(BANDS):
        orders = [_order(box, band * ROWS + row) for row in range(ROWS)]
        found: dict[tuple[int, ...], list[int]] = {}
        for ballot in range(len(box)):
            if picked := box.picked(ballot):
                found.setdefault(tuple(min(map(order.__getitem__, picked)) for order in orders), []).append(ballot)
        yield from (bucket for bucket in found.values() if len(bucket) >= least)


def _order(box: Box, number: int) -> dict[int, int]:
    """Return a place for each candidate in an order that depends on its key and `number` alone."""
    drawn = {key: hashlib.blake2b(b"%d:%d" % (number, key), digest_size=8).digest() for key in box.votes}
    return {key: place for place, key in enumerate(sorted(drawn, key=lambda key: (drawn[key], key)))}
