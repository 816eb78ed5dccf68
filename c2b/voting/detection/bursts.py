"""Ballots begun within a short time that favour a candidate, although the other ballots of that hour don't.

A newsletter brings thousands who pick as everybody does; a link to one candidate brings its friends within an hour. So favour
is measured against the hour's own traffic, and needs a second sign.
"""

from __future__ import annotations  # array[float] can be written in a signature only, before Python 3.12

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from statistics import median

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import LEAST, Finding
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.detection.signs import doubly_signed
from c2b.voting.rules import SuspicionRule

WINDOWS = (900.0, 7200.0, 43200.0)
"""Seconds: a script runs for minutes, helpers for hours. Windows overlap by half, so that no burst is cut in two."""
DAY = 86400.0


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return the bursts, each by its most surprising window."""
    timed = box.timed()
    times = array("d", [box.began[ballot] for ballot in timed])
    groups = [group for length in WINDOWS for group in _windows(timed, times, length)]
    return [_cluster(box, times, finding) for finding in doubly_signed(box, picks, groups)]


def _windows(timed: Sequence[int], times: Sequence[float], length: float) -> Iterator[Sequence[int]]:
    """Yield the ballots begun in each window that has enough of them; windows start at even times, whoever came first."""
    step = length / 2
    last = -1.0
    for time in times:
        if time // step == last:
            continue
        for start in sorted({max(time // step - 1, last + 1), time // step}):
            group = timed[bisect_left(times, start * step) : bisect_left(times, (start + 2) * step)]
            if len(group) >= LEAST:
                yield group
        last = time // step


def _cluster(box: Box, times: Sequence[float], finding: Finding) -> Cluster:
    began = [box.began[member] for member in finding.members]
    value, typical = baseline(times, min(began), max(began))
    measured = Measured("ballots_begun_in_the_time", value, typical)
    return cluster(box, SuspicionRule.BURST, finding.members, chance=finding.chance, expected=finding.expected, measured=measured)


def baseline(times: Sequence[float], since: float, until: float) -> tuple[int, float]:
    """Return how many of all ballots were begun in a time of a day, and the median of the same time on the other days."""
    first, last = int((times[0] - since) // DAY), int((times[-1] - until) // DAY) + 1
    others = [_between(times, since + day * DAY, until + day * DAY) for day in range(first, last + 1) if day]
    return _between(times, since, until), median(others or [0])


def _between(times: Sequence[float], since: float, until: float) -> int:
    return bisect_right(times, until) - bisect_left(times, since)
