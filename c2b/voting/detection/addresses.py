"""Addresses made in a row: anna001@, anna002@, ...; anna+1@, anna+2@, ...; telephone numbers bought together."""

import re
from collections.abc import Sequence

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import LEAST, MOST_OF_IT, Finding, favoured, grouped
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.rules import SuspicionRule

STEP = 3
"""The gap between two numbers of a row; honest numbers are years and lucky ones, thinly spread over thousands of stems."""
_NUMBER = re.compile(r"[0-9]+(?!.*[0-9])")
_PHONE_ROW = 4
"""Last digits of a telephone number: the rest is what it is bought with."""
_LONGEST = 18
"""Digits that fit a column."""


def mail_stem(address: str) -> tuple[str, str, int]:
    """Return domain, stem and number of a mail address: anna17@example.com is anna#@example.com and 17, anna+x@ is anna+@ without one."""
    local, _, domain = address.lower().rpartition("@")
    mailbox, plus, tag = local.partition("+")
    if plus:
        return domain, f"{mailbox}+@{domain}", int(tag) if tag.isascii() and tag.isdigit() and len(tag) < _LONGEST else -1
    number = _NUMBER.search(local)
    if number is None or len(number[0]) > _LONGEST:
        return domain, "", -1
    return domain, f"{local[: number.start()]}#{local[number.end() :]}@{domain}", int(number[0])


def phone_stem(number: str) -> tuple[str, int]:
    """Return a telephone number without its last four digits, and these."""
    digits = re.sub(r"[^0-9]", "", number)
    return (digits[:-_PHONE_ROW] + "#", int(digits[-_PHONE_ROW:])) if len(digits) > _PHONE_ROW else ("", -1)


def find(box: Box, picks: Picks) -> list[Cluster]:
    """Return the rows of addresses whose ballots favour a candidate together."""
    rows = [row for group in grouped(box.stem, range(len(box))) for row in _rows(box, group)]
    return [_cluster(box, finding) for finding in favoured(box, picks, rows, share=MOST_OF_IT)]


def _rows(box: Box, group: Sequence[int]) -> list[list[int]]:
    """Split the ballots of a stem where the numbers jump; those without a number, all of one mailbox, are a row."""
    rows: list[list[int]] = [[]]
    for ballot in sorted(group, key=lambda ballot: (box.numbers[ballot], ballot)):
        if rows[-1] and box.numbers[ballot] - box.numbers[rows[-1][-1]] > STEP:
            rows.append([])
        rows[-1].append(ballot)
    return [row for row in rows if len(row) >= LEAST]


def _cluster(box: Box, finding: Finding) -> Cluster:
    stem = box.stem.names.texts[box.stem.codes[finding.members[0]]]
    numbers = [box.numbers[member] for member in finding.members]
    shown = f"{stem[:1]}***{'@' + stem.rpartition('@')[2] if '@' in stem else ''} {min(numbers)}-{max(numbers)}"
    measured = Measured("addresses_in_a_row", len(numbers), 1, shown=shown)
    return cluster(box, SuspicionRule.SEQUENTIAL, finding.members, chance=finding.chance, expected=finding.expected, measured=measured)
