"""Rings among the ballots of real elections: participatory budgets of Polish cities, from Pabulib.

Their honest voters are no simulation: schools hand out lists of five, which thousands copy, so only rings that no school
resembles are found by picks alone. Their taps aren't known; with taps as a simulation has them, all rules apply.
"""

from collections.abc import Callable, Sequence
from itertools import cycle, islice
from pathlib import Path

import pytest

from c2b.voting.ballot_files import opened
from c2b.voting.detection.facts import BallotFacts
from c2b.voting.detection.search import find
from tests.voting import simulation
from tests.voting.simulation import RING, STYLES, Crowd, Election

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


def with_taps(path: Path, seed: int) -> Election:
    crowd = RealCrowd(seed, real(path))
    honest = crowd.honest(len(crowd.real))
    made = Election(honest, {each.person_id for each in honest})
    for style in STYLES:
        ring = style.ring(crowd)
        made.rings[style.name] = {each.person_id for each in ring}
        made.ballots.extend(ring)
    return made


def picks_alone(election: Election) -> list[BallotFacts]:
    return [BallotFacts(each.person_id, each.picks) for each in election.ballots]


def measured(election: Election, ballots: list[BallotFacts]) -> tuple[dict[str, float], float]:
    found = {person for cluster in find(ballots, one_time=simulation.ONE_TIME) for person in cluster.ballots}
    recalls = {name: len(ring & found) / RING for name, ring in election.rings.items()}
    wronged = len(found & election.honest) / len(election.honest)
    print(f"honest {wronged:.2%}", {name: f"{share:.0%}" for name, share in recalls.items()})  # noqa: T201  the figures
    return recalls, wronged


CLAIMED = [style.name for style in STYLES if style.found]
Measure = Callable[[Election], list[BallotFacts]]


def test_by_taps_and_picks_rings_in_a_district_are_found(real_data: Path) -> None:
    election = with_taps(real_data / "votes" / PRAGA, 1)
    recalls, wronged = measured(election, election.ballots)
    assert sum(recalls[name] for name in CLAIMED) / len(CLAIMED) >= 0.75
    assert wronged <= 0.005


def test_by_picks_alone_a_copied_ballot_of_fifteen_is_found_in_a_district(real_data: Path) -> None:
    election = with_taps(real_data / "votes" / PRAGA, 1)
    recalls, wronged = measured(election, picks_alone(election))
    assert recalls["one ballot copied with a fifth changed, over days"] >= 0.95
    assert wronged <= 0.005


def test_an_election_of_21_candidates_says_nothing_by_picks_alone_and_wrongs_nobody(real_data: Path) -> None:
    honest = real(real_data / "votes" / WESOLA)
    assert find([BallotFacts(person, picks) for person, picks in enumerate(honest)]) == []


@pytest.mark.long
@pytest.mark.parametrize("measure", [lambda election: election.ballots, picks_alone], ids=["taps and picks", "picks alone"])
@pytest.mark.parametrize(("name", "wronged_at_most"), [(WESOLA, 0.005), (PRAGA, 0.005), (LODZ, 0.02)])
def test_real_elections_with_a_ring_of_each_style(real_data: Path, name: str, wronged_at_most: float, measure: Measure) -> None:
    wronged = []
    for seed in range(3):
        election = with_taps(real_data / "votes" / name, seed)
        wronged.append(measured(election, measure(election))[1])
    assert max(wronged) <= wronged_at_most
