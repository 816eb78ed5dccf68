"""What the detection of stuffed ballots finds, and whom it wrongs: one table, of simulated elections and of real ones."""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import mean

from c2b.voting.detection.search import find
from tests.conftest import DATA
from tests.voting import simulation
from tests.voting.real_elections import LODZ, PRAGA, WESOLA, with_taps
from tests.voting.simulation import RING, STYLES, Election, Style


@dataclass(frozen=True)
class Found:
    """What was found in some elections of one kind; shares from 0 to 1."""

    elections: str
    recall: dict[str, float]
    """Of each style's ring, the mean of the elections."""
    wronged: float
    """Honest ballots in a suspicious group, in the worst of the elections."""
    seconds: float
    """Of the processor for one look, the longest."""

    def mean(self, *, claimed: bool) -> float:
        """Return the mean recall of the styles that the rules claim to find, or of all."""
        return mean(self.recall[style.name] for style in STYLES if style.found or not claimed)


REAL = (("Wesoła, 21 candidates, one ring at a time", WESOLA, 1), ("Praga-Południe", PRAGA, len(STYLES)), ("Łódź", LODZ, len(STYLES)))
"""Real elections, and how many rings at once: of Wesoła's 1,500 ballots all of them together would be more than a third."""
Make = Callable[[int, Sequence[Style]], Election]


def measured(elections: str, made: Make, seeds: Sequence[int], *, at_once: int = len(STYLES)) -> Found:
    """Look through elections of each seed, with rings of so many styles in each."""
    recalls: dict[str, list[float]] = {style.name: [] for style in STYLES}
    wronged, seconds = [], []
    for seed, first in product(seeds, range(0, len(STYLES), at_once)):
        election = made(seed, STYLES[first : first + at_once])
        began = time.process_time()
        suspects = {person for group in find(election.ballots, one_time=simulation.ONE_TIME) for person in group.ballots}
        seconds.append(time.process_time() - began)
        wronged.append(len(suspects & election.honest) / len(election.honest))
        for name, ring in election.rings.items():
            recalls[name].append(len(ring & suspects) / RING)
    return Found(elections, {name: mean(each) for name, each in recalls.items()}, max(wronged), max(seconds))


def simulated(voters: int, seed: int, styles: Sequence[Style]) -> Election:
    """Return a simulated election."""
    return simulation.election(seed, voters=voters, styles=styles)


def table(found: Sequence[Found]) -> str:
    """Return recall by style, its means, and the share of honest ballots that were suspected, in Markdown."""
    rows = [["ring of 50", *(each.elections for each in found), "why it can't be found"], ["---"] * (len(found) + 2)]
    rows += [[style.name, *(f"{each.recall[style.name]:.0%}" for each in found), style.why] for style in STYLES]
    rows.append(["mean of those that are claimed", *(f"{each.mean(claimed=True):.1%}" for each in found), ""])
    rows.append([f"mean of all {len(STYLES)}", *(f"{each.mean(claimed=False):.1%}" for each in found), ""])
    rows.append(["honest ballots suspected, at worst", *(f"{each.wronged:.2%}" for each in found), ""])
    rows.append(["processor time of a look", *(f"{each.seconds:.0f} s" for each in found), ""])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(arguments: Sequence[str]) -> None:
    """Measure and print the table; real elections are left out where they aren't there."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks detection", description=__doc__)
    parser.add_argument("--voters", type=int, default=20_000, help="honest voters of a simulated election")
    parser.add_argument("--seeds", type=int, default=3, help="elections of each kind")
    parser.add_argument("--votes", type=Path, default=DATA / "votes", metavar="DIR", help="where the real elections are")
    asked = parser.parse_args(arguments)
    seeds = range(asked.seeds)
    found = [measured(f"{asked.voters:,} simulated", partial(simulated, asked.voters), seeds)]
    for place, name, at_once in REAL:
        if (path := asked.votes / name).is_file():
            found.append(measured(place, partial(with_taps, path), seeds, at_once=at_once))
            sys.stderr.write(f"{place} measured\n")
    sys.stdout.write(table(found) + "\n")
