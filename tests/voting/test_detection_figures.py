"""What the detection finds, and whom it wrongs, in simulated elections with a ring of each style."""

import time

import pytest

from c2b.voting.detection.facts import Cluster
from c2b.voting.detection.search import find
from tests.voting import simulation
from tests.voting.simulation import RING, STYLES, Election, Style

CLAIMED = [style for style in STYLES if style.found]
NOT_FOUND = [style for style in STYLES if not style.found]


def flagged(clusters: list[Cluster]) -> set[int]:
    return {person for cluster in clusters for person in cluster.ballots}


def look(election: Election) -> set[int]:
    return flagged(find(election.ballots, one_time=simulation.ONE_TIME))


def recall(election: Election, found: set[int], style: Style) -> float:
    return len(election.rings[style.name] & found) / RING


@pytest.fixture(scope="module")
def small() -> Election:
    """A fifth of a real one: rings of fifty weigh more in it, and so do chance groups."""
    return simulation.election(11, voters=4000)


@pytest.fixture(scope="module")
def suspects(small: Election) -> set[int]:
    return look(small)


@pytest.mark.parametrize("style", CLAIMED, ids=lambda style: style.name)
def test_rings_of_fifty_are_found(small: Election, suspects: set[int], style: Style) -> None:
    assert recall(small, suspects, style) >= 0.9


def test_hardly_an_honest_ballot_is_suspected(small: Election, suspects: set[int]) -> None:
    assert len(suspects & small.honest) <= 0.005 * len(small.honest)


@pytest.mark.parametrize("style", NOT_FOUND, ids=lambda style: style.name)
def test_bought_votes_that_look_like_friends_of_a_candidate_are_not_found(small: Election, suspects: set[int], style: Style) -> None:
    assert recall(small, suspects, style) <= 0.2, "better than said: claim it"


@pytest.mark.parametrize("seed", [21, 22, 23])
def test_honest_elections_have_no_suspicious_group(seed: int) -> None:
    honest = simulation.Crowd(seed).honest(4000)
    assert [(each.rule, each.evidence) for each in find(honest, one_time=simulation.ONE_TIME)] == []


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_of_twenty_thousand_voters_rings_are_found_and_hardly_an_honest_one_is_suspected(seed: int) -> None:
    election = simulation.election(seed, voters=20000)
    began = time.process_time()
    found = look(election)
    taken = time.process_time() - began
    recalls = {style.name: recall(election, found, style) for style in STYLES}
    wronged = len(found & election.honest) / len(election.honest)
    print(f"seed {seed}: {taken:.1f} s, honest {wronged:.3%}", {name: f"{share:.0%}" for name, share in recalls.items()})  # noqa: T201  the figures
    assert sum(recalls[style.name] for style in CLAIMED) / len(CLAIMED) >= 0.95
    assert wronged <= 0.005
    assert taken < 30
