"""One-time mail domains, and unknown domains that a whole group shares: whoever owns a domain has as many addresses as they like."""

from collections.abc import Container

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Cluster
from c2b.voting.detection.groups import MOST_OF_IT, Finding, favoured, grouped
from c2b.voting.detection.report import Measured, cluster
from c2b.voting.detection.tails import STRANGERS
from c2b.voting.rules import SuspicionRule


def find(box: Box, picks: Picks, one_time: Container[str]) -> list[Cluster]:
    """Return the ballots of one-time mail that favour a candidate together, and those of a single domain.

    A one-time address alone is no sign: some people just don't want advertising. All such domains are one group, for a ring uses many.
    """
    listed = {code for code, domain in enumerate(box.domain.names.texts) if domain and is_one_time(domain, one_time)}
    hidden = [ballot for ballot, code in enumerate(box.domain.codes) if code in listed]
    own = [group for group in grouped(box.domain, range(len(box))) if box.domain.codes[group[0]] not in listed]
    common = len(hidden) / len(box)
    found = [_cluster(box, finding, "one_time_mail_share", common) for finding in favoured(box, picks, [hidden], taste=STRANGERS)]
    return found + [
        _cluster(box, finding, "mail_domain_share", _share(box, finding)) for finding in favoured(box, picks, own, share=MOST_OF_IT)
    ]


def is_one_time(domain: str, one_time: Container[str]) -> bool:
    """Tell whether the domain, or one that it belongs to, is listed."""
    labels = domain.split(".")
    return any(".".join(labels[start:]) in one_time for start in range(len(labels) - 1))


def _share(box: Box, finding: Finding) -> float:
    code = box.domain.codes[finding.members[0]]
    return sum(each == code for each in box.domain.codes) / len(box)


def _cluster(box: Box, finding: Finding, unit: str, common: float) -> Cluster:
    domains = sorted({box.domain.names.texts[box.domain.codes[member]] for member in finding.members})
    measured = Measured(unit, len(finding.members) / box.votes[finding.candidate], common, shown=", ".join(domains[:5]))
    return cluster(box, SuspicionRule.ONE_TIME_MAIL, finding.members, chance=finding.chance, expected=finding.expected, measured=measured)
