"""Ballots filled faster than a person can."""

from __future__ import annotations  # array[float] can be written in a signature only, before Python 3.12

from array import array
from math import isnan, nan
from statistics import median

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import LEAST, Finding, favoured
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.detection.tails import STRANGERS
from c2b.voting.rules import SuspicionRule

QUICK_TAPS, QUICK_GAP = 4, 1.2
"""Seconds between taps, on average: one honest voter in a hundred who knows what they want is as quick, so that it needs a second sign."""
INHUMAN_TAPS, INHUMAN_GAP = 8, 0.25
"""Nobody reads, scrolls and taps eight times at four a second."""


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return the quick ballots that favour a candidate together, then those that no person fills, whatever they picked."""
    gaps = array("d", [gap_of(box, ballot) for ballot in range(len(box))])
    quick = [ballot for ballot, gap in enumerate(gaps) if gap < QUICK_GAP]
    findings = favoured(box, picks, [quick], taste=STRANGERS)
    taken = {member for finding in findings for member in finding.members}
    inhuman = [ballot for ballot in quick if gaps[ballot] < INHUMAN_GAP and box.taps[ballot] >= INHUMAN_TAPS and ballot not in taken]
    if len(inhuman) >= LEAST:
        findings.append(Finding(-999.0, 0, tuple(inhuman), 0))
    return [_cluster(box, finding, gaps) for finding in findings]


def gap_of(box: Box, ballot: int) -> float:
    """Return a ballot's mean seconds between taps; nan for fewer than four taps, which tell nothing."""
    taps = box.taps[ballot]
    return box.lasted[ballot] / (taps - 1) if taps >= QUICK_TAPS else nan


def is_quick(box: Box, ballot: int) -> bool:
    """Tell whether a ballot was filled as quickly as hardly anybody fills theirs."""
    return gap_of(box, ballot) < QUICK_GAP


def _cluster(box: Box, finding: Finding, gaps: array[float]) -> Cluster:
    typical = median(gap for gap in gaps if not isnan(gap))
    measured = Measured("seconds_between_taps", median(gaps[member] for member in finding.members), typical, of=gaps)
    return cluster(box, SuspicionRule.TOO_FAST, finding.members, chance=finding.chance, expected=finding.expected, measured=measured)
