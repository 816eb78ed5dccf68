"""The question of most rules: do ballots that have something in common favour a candidate more than taste explains?"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Column
from c2b.voting.detection.tails import SURPRISE, TASTE, corrected, tail

LEAST = 8
"""Ballots in a group below which nobody looks: a family, or friends around one telephone."""
MOST_OF_IT = 0.7
"""A group by itself innocent (a shop's tablet, an office, a class) is suspicious only if so much of it picked one candidate.

All of a ring picks its target. Honest groups were simulated with a third of them for one local candidate, and with a taste so
sharp that six in ten picked the same.
"""


@dataclass(frozen=True)
class Finding:
    """Ballots of a group that favour a candidate; `chance` is log10, corrected for all that was looked at.

    `expected`: how many of them honest voters explain; `base`: the list of a clique.
    """

    chance: float
    candidate: int
    members: tuple[int, ...]
    expected: float
    base: tuple[int, ...] = ()


def grouped(column: Column, ballots: Iterable[int]) -> list[list[int]]:
    """Return the groups of ballots with an equal text, none for the empty one; too small ones are left out."""
    groups: dict[int, list[int]] = {}
    for ballot in ballots:
        if code := column.codes[ballot]:
            groups.setdefault(code, []).append(ballot)
    return [group for group in groups.values() if len(group) >= LEAST]


def favoured(box: Box, picks: Picks, groups: Sequence[Sequence[int]], *, share: float = 0, taste: float = TASTE) -> list[Finding]:
    """Return, of each group, the ballots that picked what at least `share` of it picked and taste doesn't explain."""
    looked_at = len(groups) * len(box.votes)
    return distinct(found for group in groups for found in favours(box, picks, group, looked_at, share=share, taste=taste))


def favours(box: Box, picks: Picks, group: Sequence[int], looked_at: int, *, share: float = 0, taste: float = TASTE) -> Iterator[Finding]:
    """Yield what `favoured` returns of one group, with the ballots that stand in several findings."""
    inside = Counter(pick for ballot in group for pick in box.picked(ballot))
    for candidate, count in inside.items():
        if count < max(LEAST, share * len(group)):
            continue
        expected = len(group) * elsewhere(box.votes[candidate] - count, len(box) - len(group))
        if corrected(tail(count, taste * expected, len(group)), looked_at) >= SURPRISE:
            continue
        expected = max(expected, by_taste(box, picks, group, candidate))
        chance = corrected(tail(count, taste * expected, len(group)), looked_at)
        if chance < SURPRISE:
            yield Finding(chance, candidate, with_pick(box, group, candidate), expected)


def by_taste(box: Box, picks: Picks, group: Sequence[int], candidate: int) -> float:
    """Return how many of a group would pick a candidate, judged by their other picks: by how many others with these picked it too."""
    outside = picks.all & ~picks.ballots(group)
    fans = picks.of[candidate] & outside
    usual = elsewhere(fans.bit_count(), outside.bit_count())
    shares: dict[int, float] = {}
    expected = 0.0
    for ballot in group:
        others = [pick for pick in box.picked(ballot) if pick != candidate]
        for pick in others:
            if pick not in shares:
                shares[pick] = elsewhere((picks.of[pick] & fans).bit_count(), (picks.of[pick] & outside).bit_count(), usual)
        if others:
            expected += sum(shares[pick] for pick in others) / len(others)
    return expected


def elsewhere(votes: int, ballots: int, usual: float = 1.0) -> float:
    """Return the share of `ballots` outside a group that did something, judged as if one more had done it as `usual`."""
    return (votes + usual) / (ballots + 1)


def with_pick(box: Box, group: Iterable[int], candidate: int) -> tuple[int, ...]:
    """Return the ballots of a group that picked a candidate."""
    return tuple(sorted(ballot for ballot in group if candidate in box.picked(ballot)))


def distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, most surprising first, without those whose ballots mostly stand in one before them."""
    kept: list[Finding] = []
    taken: set[int] = set()
    for finding in sorted(findings, key=lambda each: (each.chance, each.members, each.candidate)):
        if 2 * len(taken.intersection(finding.members)) < len(finding.members):
            kept.append(finding)
            taken.update(finding.members)
    return kept
