"""Many ballots from one device, or by one rare browser, that favour one candidate.

The device is user agent and network in one: a shop's tablet, a class, an office and a mobile network behind one address
look like one device. They are innocent while their picks are as different as people are.
"""

from collections.abc import Sequence
from statistics import median

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster, Column
from c2b.voting.detection.groups import MOST_OF_IT, favoured, grouped
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.rules import SuspicionRule

DAY = 86400.0
LEAST_A_DAY = 20
"""Ballots of a device on one day; fewer are seen in the whole vote or not at all."""


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return the groups of one device or browser, of the whole vote or a day of it: a ring may sit among a shop's many customers."""
    devices = grouped(box.device, range(len(box)))
    groups = [*devices, *(day for group in devices for day in _days(box, group)), *grouped(box.agent, range(len(box)))]
    everybody = median([len(group) for group in _every_device(box.device)] or [0])
    return [
        cluster(
            box,
            SuspicionRule.DEVICE,
            found.members,
            chance=found.chance,
            expected=found.expected,
            measured=Measured("ballots_of_a_device", len(found.members), everybody),
        )
        for found in favoured(box, picks, groups, share=MOST_OF_IT)
    ]


def _every_device(column: Column) -> list[list[int]]:
    """Return all ballots by device, groups of one too."""
    groups: dict[int, list[int]] = {}
    for ballot, code in enumerate(column.codes):
        if code:
            groups.setdefault(code, []).append(ballot)
    return list(groups.values())


def _days(box: Box, group: Sequence[int]) -> list[list[int]]:
    days: dict[float, list[int]] = {}
    for ballot in group:
        days.setdefault(box.began[ballot] // DAY, []).append(ballot)
    return [day for day in days.values() if LEAST_A_DAY <= len(day) < len(group)]
