"""Ballots that picked the same, although nothing else connects them.

People of the same taste also pick alike, but gradually: many share two picks of a list, fewer three, fewer still four. A ring
that votes from a list stands out of that: almost nobody shares half of it, and then fifty share all.
"""

from __future__ import annotations  # array[float] can be written in a signature only, before Python 3.12

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil, comb, exp, log, prod
from statistics import median

from c2b.voting.detection import minhash
from c2b.voting.detection.bits import Picks, members
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import Finding, distinct
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.detection.tails import STRANGERS, SURPRISE, TASTE, corrected, tail
from c2b.voting.rules import SuspicionRule

LEAST = 20
"""Ballots of a clique; below, friends who shopped together."""
ALIKE = 5
"""Ballots of a MinHash bucket that are looked at: a tenth of a ring."""
COMMON = 0.5
"""Share of a bucket's ballots that makes a pick part of its list."""
LIST = 3
"""Picks of a list: two candidates together are a matter of taste."""
MOST, FEW = 0.01, 200
"""Share of all ballots above which a common list is a campaign in the open and no ring, and what is few in a small election.

In Łódź's participatory budget of 2022 schools handed out lists that up to 13,000 of 90,000 voters copied, nearly all on paper.
"""
CUSTOM, SMALL = 0.05, 100
"""Share of all ballots on such common lists above which voting from a list is the custom, and proves little: then only few ballots do.

In Łódź a third of all ballots stood on seven of them, and lists of some hundreds were as honest.
"""
COPIED = 0.5
"""Share of a list that copies have in common at least."""
DEPTH = 8
"""Copies are so many times as many as the ballots that share one or two picks less than they.

A taste so sharp that its people share half of their picks makes a hump of hundreds too, but with a slope: it was four times at most.
"""
SHORT = 5
"""Picks of a list below whose copies only one step is looked at: two steps down everybody is."""
ALL_THREE = 2
"""How many times as many ballots of a ring have all three targets as have just two. In tastes it was 0.8 at most."""
LIFTED = -6.0
"""How surprising a pair must be, as log10, to be looked at in threes."""


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return the groups that voted from a list: of few targets, or the whole ballot copied with some changes."""
    most = max(MOST * len(box), FEW)
    findings = distinct([*_threes(picks), *_copies(box, picks)])
    in_the_open = sum(len(found.members) for found in findings if len(found.members) > most)
    if in_the_open > CUSTOM * len(box):
        most = SMALL
    return [_cluster(box, picks, found) for found in findings if len(found.members) <= most]


def _threes(picks: Picks) -> Iterator[Finding]:
    """Yield the ballots that share three candidates far more often than the three pairs of them explain."""
    partners = _lifted(picks)
    ballots, looked_at = picks.all.bit_length(), comb(len(picks.of), LIST)
    for three in _triangles(partners):
        shared = picks.shared(three)
        count = shared.bit_count()
        if count >= max(LEAST, ALL_THREE * _with_two(picks, three, shared)):
            expected = pairs_explain(picks, three)
            chance = corrected(tail(count, TASTE * expected, ballots), looked_at)
            if chance < SURPRISE:
                yield Finding(chance, three[0], members(shared), expected, three)


def _with_two(picks: Picks, three: Sequence[int], shared: int) -> int:
    """Return how many picked just two of three candidates: of a taste more than have all, of a ring's targets hardly anybody."""
    one, two, another = (picks.of[candidate] for candidate in three)
    return ((one & two | one & another | two & another) & ~shared).bit_count()


def _lifted(picks: Picks) -> dict[int, list[int]]:
    """Return, for each candidate, those after it that are picked with it too often for chance."""
    ballots = picks.all.bit_length()
    sizes = {candidate: bits.bit_count() for candidate, bits in picks.of.items() if bits.bit_count() >= LEAST}
    partners: dict[int, list[int]] = {candidate: [] for candidate in sizes}
    for first, second in combinations(sizes, 2):
        count = (picks.of[first] & picks.of[second]).bit_count()
        if count >= LEAST and tail(count, STRANGERS * sizes[first] * sizes[second] / ballots, ballots) < LIFTED:
            partners[first].append(second)
    return partners


def _triangles(partners: Mapping[int, list[int]]) -> Iterator[tuple[int, int, int]]:
    for first, seconds in partners.items():
        for second, third in combinations(seconds, 2):
            if third in partners[second]:
                yield first, second, third


def pairs_explain(picks: Picks, three: Sequence[int]) -> float:
    """Return how many ballots would pick all three if each pair's preference were all there is: no three-way interaction, Bartlett 1935.

    Those who picked all three don't enter, so a ring doesn't hide itself.
    """
    shared = picks.shared(three)
    one, two, three_ = (picks.of[candidate] for candidate in three)
    pairs = [(pair & ~shared).bit_count() for pair in (one & two, one & three_, two & three_)]
    alone = [(own & ~(other | another)).bit_count() for own, other, another in ((one, two, three_), (two, one, three_), (three_, one, two))]
    nobody = (picks.all & ~(one | two | three_)).bit_count()
    return prod(pair + 0.5 for pair in pairs) * (nobody + 0.5) / prod(single + 0.5 for single in alone)


def _copies(box: Box, picks: Picks) -> Iterator[Finding]:
    """Yield the ballots around each list that near-equal ballots agree on, if they stand out from those that share less of it."""
    lists = _lists(box)
    for base in lists:
        sets = picks.by_overlap(base)
        counts = [each.bit_count() for each in sets]
        best = min(
            ((chance_from(counts, least), -least) for least in range(max(LIST, ceil(COPIED * len(base))), len(counts))), default=(0.0, 0)
        )
        chance = corrected(best[0], len(lists) * len(base))
        if chance < SURPRISE:
            found = sum(sets[-best[1] :])  # sets of ballots without a common one: adding is joining
            yield Finding(chance, base[0], members(found), expected_from(counts, -best[1]), base)


def _lists(box: Box) -> list[tuple[int, ...]]:
    """Return what the ballots of each MinHash bucket agree on, if that is at least half an ordinary ballot."""
    sizes = [size for ballot in range(len(box)) if (size := box.starts[ballot + 1] - box.starts[ballot])]
    least = max(LIST, median(sizes) / 2)
    lists: dict[tuple[int, ...], None] = {}
    for bucket in minhash.buckets(box, ALIKE):
        counts = Counter(pick for ballot in bucket for pick in box.picked(ballot))
        base = tuple(sorted(pick for pick, count in counts.items() if count >= COMMON * len(bucket)))
        if len(base) >= least:
            lists[base] = None
    return list(lists)


def chance_from(counts: Sequence[int], least: int) -> float:
    """Return how surprising it is, as log10, that so many ballots share `least` candidates of a list or more.

    0 without a gap below them.
    """
    found = sum(counts[least:])
    steps = 1 if len(counts) - 1 <= SHORT else 2
    below = sum(counts[least - steps : least])
    if found < max(LEAST, DEPTH * below):
        return 0.0
    return tail(found, TASTE * expected_from(counts, least), sum(counts))


def expected_from(counts: Sequence[int], least: int) -> float:
    """Return how many ballots would share `least` of a list or more, judged by how many share one, two and three less.

    Per combination of picks the counts of honest voters fall ever faster, or by a steady curve where they have tastes: the
    straight line and the curve through the last three are both drawn on, and the larger value is taken.
    """
    size = len(counts) - 1
    third, second, last = (log((counts[least - back] + 0.5) / comb(size, least - back)) for back in (3, 2, 1))
    line, curve = 2 * last - second, 3 * last - 3 * second + third
    return min(comb(size, least) * exp(max(line, curve)), float(counts[least - 1] + 1)) * 2  # each further step halves it at least


def _cluster(box: Box, picks: Picks, found: Finding) -> Cluster:
    overlaps = array("d", bytes(8 * len(box)))
    for shared, bits in enumerate(picks.by_overlap(found.base)):
        for ballot in members(bits) if shared else ():
            overlaps[ballot] = shared
    value = median(overlaps[member] for member in found.members)
    measured = Measured("picks_of_a_list", value, median(overlaps), of=overlaps)
    return cluster(box, SuspicionRule.CLIQUE, found.members, chance=found.chance, expected=found.expected, measured=measured)
