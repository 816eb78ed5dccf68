"""Sets of ballots as bits of long integers: a million ballots are 125 kB, and what two sets share is counted at memory speed."""

from collections.abc import Iterable, Sequence
from functools import reduce
from operator import and_

from c2b.voting.detection.facts import Box


class Picks:
    """Who picked what, a bit a ballot."""

    def __init__(self, box: Box) -> None:
        self.all = (1 << len(box)) - 1
        rows = {candidate: bytearray(len(box) // 8 + 1) for candidate in box.votes}
        for ballot in range(len(box)):
            place, bit = ballot >> 3, 1 << (ballot & 7)
            for candidate in box.picked(ballot):
                rows[candidate][place] |= bit
        self.of = {candidate: int.from_bytes(row, "little") for candidate, row in sorted(rows.items())}

    def ballots(self, numbers: Iterable[int]) -> int:
        """Return the set of these ballots."""
        row = bytearray(self.all.bit_length() // 8 + 1)
        for number in numbers:
            row[number >> 3] |= 1 << (number & 7)
        return int.from_bytes(row, "little")

    def shared(self, candidates: Iterable[int]) -> int:
        """Return the set of ballots that picked all of `candidates`."""
        return reduce(and_, (self.of[candidate] for candidate in candidates))

    def by_overlap(self, base: Iterable[int]) -> list[int]:
        """Return, for 0, 1, ... candidates of `base`, the set of ballots that picked just so many.

        The sets are added like binary numbers, column by column.
        """
        planes: list[int] = []
        size = 0
        for candidate in base:
            size += 1
            carry = self.of[candidate]
            for position, plane in enumerate(planes):
                planes[position], carry = plane ^ carry, plane & carry
            if carry:
                planes.append(carry)
        return [self._exactly(planes, count) for count in range(size + 1)]

    def _exactly(self, planes: Sequence[int], count: int) -> int:
        if count >> len(planes):
            return 0
        found = self.all
        for position, plane in enumerate(planes):
            found &= plane if count >> position & 1 else self.all ^ plane
        return found


def members(bits: int) -> tuple[int, ...]:
    """Return the ballots of a set, ascending."""
    found: list[int] = []
    for place, byte in enumerate(bits.to_bytes((bits.bit_length() + 7) // 8, "little")):
        if byte:
            found.extend(place * 8 + bit for bit in range(8) if byte >> bit & 1)
    return tuple(found)
