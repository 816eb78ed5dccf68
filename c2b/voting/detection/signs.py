"""The second sign that a weak one needs: favour of a candidate within an hour, or among those whom one page sent, is no offence.

Friends of a candidate come together too, by one link; but with their own telephones, at their own pace, and with this one
candidate in common.
"""

from collections import Counter
from collections.abc import Sequence

from c2b.voting.detection.bits import Picks
from c2b.voting.detection.facts import Box, Column
from c2b.voting.detection.groups import LEAST, MOST_OF_IT, Finding, by_taste, distinct, elsewhere, favours
from c2b.voting.detection.speed import is_quick
from c2b.voting.detection.tails import SURPRISE, TASTE, corrected, tail

SECOND = 0.5
"""Of the group's ballots that picked a second target; friends of one candidate have as many second ones as tastes."""
PART = 0.3
"""Of the group's ballots that show a second sign; less may belong to a few of them."""


def doubly_signed(box: Box, picks: Picks, groups: Sequence[Sequence[int]]) -> list[Finding]:
    """Return the ballots of each group that favour a candidate and have something else in common, most surprising first."""
    looked_at = len(groups) * len(box.votes)
    machines = [(column, Counter(column.codes)) for column in (box.device, box.agent)]
    quick = sum(is_quick(box, ballot) for ballot in range(len(box))) / len(box)

    def signed(group: Sequence[int], found: Finding) -> bool:
        return (
            any(_one_machine(column, total, group, found.members) for column, total in machines)
            or _is_much(sum(is_quick(box, member) for member in found.members), len(found.members), quick, 1)
            or _second_target(box, picks, found)
        )

    return distinct(found for group in groups for found in favours(box, picks, group, looked_at) if signed(group, found))


def _one_machine(column: Column, total: Counter[int], group: Sequence[int], members: Sequence[int]) -> bool:
    """Tell whether a device or browser is unusually common among them, and most of its ballots in the group are theirs.

    A shop's tablet is no sign: its customers have it in common, but not the candidate.
    """
    inside, around = (Counter(column.codes[ballot] for ballot in ballots if column.codes[ballot]) for ballots in (members, group))
    return any(
        count >= MOST_OF_IT * around[code] and _is_much(count, len(members), elsewhere(total[code] - count, total.total()), len(total))
        for code, count in inside.items()
    )


def _second_target(box: Box, picks: Picks, found: Finding) -> bool:
    """Tell whether most picked a second candidate too that others, who picked the first or the rest of their ballots, pick much less."""
    members = found.members
    inside = Counter(pick for member in members for pick in box.picked(member) if pick != found.candidate)
    others = box.votes[found.candidate] - len(members)
    for candidate, count in inside.items():
        if count < SECOND * len(members):
            continue
        both = (picks.of[candidate] & picks.of[found.candidate]).bit_count() - count
        usual = elsewhere(box.votes[candidate] - count, len(box) - len(members))
        share = max(elsewhere(both, others, usual), by_taste(box, picks, members, candidate) / len(members))
        if _is_much(count, len(members), share, len(box.votes)):
            return True
    return False


def _is_much(count: int, members: int, share: float, looked_at: int) -> bool:
    least = max(LEAST, PART * members)
    return count >= least and corrected(tail(count, TASTE * share * members, members), looked_at) < SURPRISE
