"""Measure, print one table, write one JSON file: `python -m tests.benchmarks [--scale small|full] [--json FILE] [CASE ...]`.

`python -m tests.benchmarks detection` measures something else: which rings of fake voters are found, and whom that wrongs.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import detection, money, pages, servers, tallies, votes
from tests.benchmarks.figures import SCALES, Figure, Scale, table, write

CASES: dict[str, Callable[[Scale, Path], list[Figure]]] = {
    "postgresql": votes.on_postgresql,
    "cpu": votes.cpu,
    "sqlite": votes.on_sqlite,
    "gallery": pages.gallery,
    "tallies": tallies.large,
    "decision": money.decision,
    "deposit": money.deposit,
}


def main(arguments: list[str]) -> None:
    """Run the cases that are named, or all."""
    if arguments[:1] == ["detection"]:
        detection.main(arguments[1:])
        return
    parser = argparse.ArgumentParser(prog="tests/run --bench", description=__doc__)
    parser.add_argument("--scale", choices=sorted(SCALES), default="small", help="full: a million voters, twenty votes each")
    parser.add_argument("--json", type=Path, default=Path("benchmarks.json"), metavar="FILE")
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"some of {', '.join(CASES)}; default: all")
    asked = parser.parse_args(arguments)
    if unknown := set(asked.cases) - CASES.keys():
        parser.error(f"there is no case {', '.join(sorted(unknown))}")
    found: list[Figure] = []
    for name in asked.cases or CASES:
        with servers.folder() as folder:
            found += CASES[name](SCALES[asked.scale], folder)
        sys.stderr.write(f"{name} measured\n")
    sys.stdout.write(table(found) + "\n")
    write(found, asked.json)


if __name__ == "__main__":
    main(sys.argv[1:])
