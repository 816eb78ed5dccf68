"""Ballots that one page or link brought and that favour a candidate.

A poster in a store or a fans' page does that honestly; so this needs a second sign.
"""

from collections import Counter

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import Finding, grouped
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.detection.signs import doubly_signed
from c2b.voting.rules import SuspicionRule


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return, by the page that sent them, ballots that favour a candidate and have something else in common."""
    groups = grouped(box.referrer, range(len(box)))
    totals = Counter(box.referrer.codes)
    return [_cluster(box, totals, finding) for finding in doubly_signed(box, picks, groups)]


def _cluster(box: Box, totals: Counter[int], finding: Finding) -> Cluster:
    code = box.referrer.codes[finding.members[0]]
    share = len(finding.members) / box.votes[finding.candidate]
    measured = Measured("share_of_a_candidates_votes", share, totals[code] / len(box), shown=box.referrer.names.texts[code])
    return cluster(box, SuspicionRule.REFERRER, finding.members, chance=finding.chance, expected=finding.expected, measured=measured)
