"""The gallery's order, a function of the campaign's secret and the viewer's number alone.

This file needs nothing but Python, and it is the very file that the shop runs and gives away: once the secret is published,
`python gallery_order.py SECRET VIEWER candidates.txt` prints what that viewer saw, and the fingerprint to compare with the one
that was published before the first vote.
"""

from __future__ import annotations  # array[int] can be written in a signature only, before Python 3.12

import hashlib
import hmac
import sys
from array import array
from collections import Counter
from functools import lru_cache
from pathlib import Path

FIRST_PAGE = 24
"""Candidates on a page of the gallery; any so many positions that begin a page are balanced among themselves."""


@lru_cache(maxsize=4096)
def gallery_order(secret: bytes, viewer: int, count: int) -> array[int]:
    """Return which of `count` candidates (0 ..., in the order of the list) stands at each position for this viewer.

    Viewers are taken in blocks of `count`; in a block each candidate stands exactly once at each position (a Latin square
    whose letters and columns are shuffled by the secret), so over all viewers nobody is seen more often on top. The order is kept,
    as a viewer turns pages: read it, and change a copy.
    """
    if not count:
        return array("I")
    block, row = divmod(viewer, count)
    letters, columns = _square(secret, block, count)
    return array("I", [letters[(row + column) % count] for column in columns])


@lru_cache(maxsize=512)
def _square(secret: bytes, block: int, count: int) -> tuple[array[int], array[int]]:
    """Return letters and columns of a block; kept, as viewers of a block come together."""
    return _shuffle(secret, b"letters", block, count), _dealt(_shuffle(secret, b"columns", block, count))


def _shuffle(secret: bytes, what: bytes, block: int, count: int) -> array[int]:
    key = hmac.new(secret, b"gallery:%s:%d:%d" % (what, block, count), hashlib.sha256).digest()
    stream = hashlib.shake_256(key).digest(8 * count)
    return array("I", sorted(range(count), key=lambda item: stream[8 * item : 8 * item + 8]))


def _dealt(columns: array[int]) -> array[int]:
    """Deal the columns to pages, one of each 24th part to every page.

    A candidate takes its steps through the columns viewer by viewer. So also a run of viewers that begins or ends within a
    block meets everybody equally often on the first page, to a view or two.
    """
    dealt: Counter[int] = Counter()
    page: dict[int, int] = {}
    for column in columns:
        part = column * FIRST_PAGE // len(columns)
        page[column] = dealt[part]
        dealt[part] += 1
    return array("I", sorted(columns, key=page.__getitem__))  # columns of one page stay shuffled


def main(secret: str, viewer: str, candidates: str) -> None:
    """Print the order of a viewer; `candidates` names a file with one code a line."""
    key, number = bytes.fromhex(secret), int(viewer)
    codes = Path(candidates).read_text(encoding="utf-8").split()
    if number < 0:
        raise ValueError(f"no viewer has the number {viewer}")
    lines = [f"{place}\t{codes[candidate]}" for place, candidate in enumerate(gallery_order(key, number, len(codes)), start=1)]
    sys.stdout.write("\n".join([f"# SHA-256 of the secret: {hashlib.sha256(key).hexdigest()}", *lines, ""]))


if __name__ == "__main__":
    if len(sys.argv) != 4:  # noqa: PLR2004  the script and its three words
        sys.exit("usage: python gallery_order.py SECRET VIEWER candidates.txt")
    try:
        main(*sys.argv[1:])
    except (OSError, ValueError) as error:
        sys.exit(f"{' '.join(sys.argv[1:])}: {error}")
