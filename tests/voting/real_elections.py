"""Rings among the ballots of real elections: participatory budgets of Polish cities, from Pabulib.

Their honest voters are no simulation: schools hand out lists of five, which thousands copy, so only rings that no school
resembles are found by picks alone. Their taps aren't known; they are made up as a simulation's.
"""

from collections.abc import Sequence
from itertools import cycle, islice
from pathlib import Path

from c2b.voting.ballot_files import opened
from c2b.voting.detection.facts import BallotFacts
from tests.voting.simulation import STYLES, Crowd, Election, Style

PRAGA, WESOLA, LODZ = "Poland_Warszawa_2021_Praga-Poludnie.pb", "Poland_Warszawa_2020_Wesola.pb", "Poland_Lodz_2022.pb"


class RealCrowd(Crowd):
    """A crowd whose picks are those of a real election's voters."""

    def __init__(self, seed: int, ballots: Sequence[tuple[int, ...]]) -> None:
        super().__init__(seed, votes=max(map(len, ballots)))
        self.real = ballots
        counts = dict.fromkeys((pick for picks in ballots for pick in picks), 0)
        for picks in ballots:
            for pick in picks:
                counts[pick] += 1
        self.keys = sorted(counts, key=lambda key: (-counts[key], key))

    def picks(self, taste: int, count: int, always: Sequence[int] = ()) -> tuple[int, ...]:
        """Return `always` and then what real voters picked, each pick from another one."""
        del taste
        found = dict.fromkeys(always[:count])
        while len(found) < count:
            found[self.random.choice(self.random.choice(self.real))] = None
        return tuple(found)

    def honest(self, how_many: int) -> list[BallotFacts]:
        """Return the real ballots with taps: a twentieth from shops and offices with one device each, the others like anybody's."""
        shared = list(islice(cycle(f"shop {number}" for number in range(max(1, how_many // 1200))), how_many // 20))
        made = [self.ballot(picks, agent="tablet", network=network) for picks, network in zip(self.real, shared, strict=False)]
        return made + [self.ballot(picks) for picks in self.real[len(shared) :]]


def real(path: Path) -> list[tuple[int, ...]]:
    with opened(path) as file:
        codes = [row.codes for row in file.rows]
    keys = {code: key for key, code in enumerate(sorted({code for row in codes for code in row}))}
    return [tuple(keys[code] for code in row) for row in codes]


def with_taps(path: Path, seed: int, styles: Sequence[Style] = STYLES) -> Election:
    """Return a real election with made-up taps and a ring of each style."""
    crowd = RealCrowd(seed, real(path))
    honest = crowd.honest(len(crowd.real))
    made = Election(honest, {each.person_id for each in honest})
    for style in styles:
        ring = style.ring(crowd)
        made.rings[style.name] = {each.person_id for each in ring}
        made.ballots.extend(ring)
    return made
