"""What the detection finds among the ballots of real elections, and whom it wrongs; with taps as a simulation has them all rules apply."""

from collections.abc import Callable
from pathlib import Path

import pytest

from c2b.voting.detection.facts import BallotFacts
from c2b.voting.detection.search import find
from tests.voting import simulation
from tests.voting.real_elections import LODZ, PRAGA, WESOLA, real, with_taps
from tests.voting.simulation import RING, STYLES, Election


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
@pytest.mark.parametrize(("name", "least"), [(WESOLA, 0), (PRAGA, 0.75), (LODZ, 0.9)])
def test_real_elections_with_a_ring_of_each_style_wrong_hardly_anybody(real_data: Path, name: str, least: float, measure: Measure) -> None:
    for seed in range(3):
        election = with_taps(real_data / "votes" / name, seed)
        recalls, wronged = measured(election, measure(election))
        assert wronged <= 0.005
        assert measure is picks_alone or sum(recalls[style] for style in CLAIMED) / len(CLAIMED) >= least
