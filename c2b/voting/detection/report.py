"""What staff are shown of a group: numbers beside everybody's, nothing that names a person."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from math import isnan
from typing import Any

from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.rules import SuspicionRule

BARS = 24
HELPED = 20
"""Candidates that are listed at most."""


@dataclass(frozen=True)
class Measured:
    """What a rule measured of a group, and what is typical of everybody; `unit` says what is measured.

    `of` holds the measured value of each ballot for the bars, None: when it began.
    """

    unit: str
    value: float
    typical: float
    of: Sequence[float] | None = None
    shown: str = ""


def cluster(box: Box, rule: SuspicionRule, members: Sequence[int], *, chance: float, expected: float, measured: Measured) -> Cluster:
    """Return the group with its evidence.

    `ballots`; `since`, `until`: ISO 8601, UTC, null without taps; `unit`, `value`, `typical`: the measure, the group's and everybody's;
    `expected`: ballots of this kind that honest voters explain; `chance`: log10 of the probability that honest voters do this;
    `shown`: what they have in common, masked; `candidates`: key, votes of the group, votes of all, most helped first;
    `bars`: unit, edges (one more than bars, at most 24 bars), counts of `cluster` and `everybody`; times in seconds since 1970.
    """
    evidence = {
        "ballots": len(members),
        **_window(box, members),
        "unit": measured.unit,
        "value": round(measured.value, 3),
        "typical": round(measured.typical, 3),
        "expected": round(expected, 2),
        "chance": round(max(chance, -999.0), 1),
        "shown": measured.shown,
        "candidates": _helped(box, members),
        "bars": _bars(box, members, measured),
    }
    return Cluster(rule, tuple(sorted(box.persons[member] for member in members)), evidence)


def _window(box: Box, members: Sequence[int]) -> dict[str, str | None]:
    began = [box.began[member] for member in members if not isnan(box.began[member])]
    if not began:
        return {"since": None, "until": None}
    ended = max(box.began[member] + box.lasted[member] for member in members if not isnan(box.began[member]))
    return {"since": _iso(min(began)), "until": _iso(ended)}


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def _helped(box: Box, members: Sequence[int]) -> list[dict[str, int]]:
    """Return the candidates whose votes stand out most against their votes elsewhere."""
    own, everybody = Counter(pick for member in members for pick in box.picked(member)), box.votes
    share = len(members) / len(box)
    best = sorted(own, key=lambda pick: (share * everybody[pick] - own[pick], pick))[:HELPED]
    return [{"candidate": pick, "votes": own[pick], "of": everybody[pick]} for pick in best]


def _bars(box: Box, members: Sequence[int], measured: Measured) -> dict[str, Any]:
    values = box.began if measured.of is None else measured.of
    unit = "time" if measured.of is None else measured.unit
    known = sorted(value for value in values if not isnan(value))
    if not known:
        return {"unit": unit, "edges": [], "cluster": [], "everybody": []}
    low, high = known[0], known[max(0, int(len(known) * 0.99) - 1)]  # the slowest hundredth stands in the last bar
    high = known[-1] if measured.of is None else max(high, *(values[member] for member in members))
    edges = _edges(low, high)
    return {"unit": unit, "edges": edges, "cluster": _counts(edges, (values[m] for m in members)), "everybody": _counts(edges, known)}


def _edges(low: float, high: float) -> list[float]:
    step = max((high - low) / BARS, 1e-9)
    return [round(low + step * number, 6) for number in range(BARS + 1)]


def _counts(edges: Sequence[float], values: Iterable[float]) -> list[int]:
    found = Counter(min(max(bisect_right(edges, value) - 1, 0), BARS - 1) for value in values if not isnan(value))
    return [found[bar] for bar in range(BARS)]
