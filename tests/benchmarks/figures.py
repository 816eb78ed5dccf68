"""A measured case, and the table of all of them."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Scale:
    """How much is measured: seconds for each run, runs for each case, voters and order lines of the large cases."""

    seconds: float
    runs: int
    voters: int
    lines: int


SCALES = {"tiny": Scale(0.2, 1, 200, 100), "small": Scale(3, 3, 20_000, 10_000), "full": Scale(8, 5, 1_000_000, 100_000)}


@dataclass(frozen=True)
class Figure:
    """A row of the table: what c2b does and what the raw ceiling does, in `unit`, and the goal for the ratio."""

    case: str
    c2b: float
    ceiling: float
    ratio: float
    goal: str
    unit: str
    note: str = ""


def compared(case: str, goal: str, unit: str, runs: Sequence[tuple[float, float]], note: str = "") -> Figure:
    """Return the row of several runs, each of c2b and of its ceiling right after: medians, also of the ratios."""
    ratio = median(c2b / ceiling for c2b, ceiling in runs)
    return Figure(case, median(c2b for c2b, _ in runs), median(ceiling for _, ceiling in runs), ratio, goal, unit, note)


def table(figures: Sequence[Figure]) -> str:
    """Return the rows as a table in Markdown."""
    head = "| case | c2b | ceiling | ratio | goal |\n|---|---|---|---|---|\n"
    rows = (
        f"| {each.case} | {each.c2b:,.4g} {each.unit} | {each.ceiling:,.4g} {each.unit} | {each.ratio:.2f} | {each.goal}"
        f"{f'; {each.note}' if each.note else ''} |"
        for each in figures
    )
    return head + "\n".join(rows)


def write(figures: Sequence[Figure], path: Path) -> None:
    """Write the rows as JSON."""
    path.write_text(json.dumps([asdict(each) for each in figures], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
