"""What an import has to say about a file: where, what is wrong there, and how to repair it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_SHOWN = 80
"""Characters of a value that a report repeats."""


@dataclass(frozen=True)
class Finding:
    """A problem or a notice at one place; `message` and `repair` are templates for `values`."""

    row: int
    """As a spreadsheet counts: the header is row 1; 0: the file as a whole."""
    column: str
    """By the name that the file gives it."""
    value: str
    message: str
    repair: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        place = f"row {self.row}, {self.column}".removesuffix(", ") if self.row else ""
        where = " ".join(filter(None, (place, self.value and f"“{self.value}”")))
        what = "; ".join(filter(None, (self.message % self.values, self.repair % self.values)))
        return ": ".join(filter(None, (where, what)))


@dataclass
class Findings:
    """Everything found so far; a problem keeps its candidate out, a notice keeps out nothing."""

    problems: list[Finding] = field(default_factory=list)
    notices: list[Finding] = field(default_factory=list)

    def accepted(self, *, skip_bad: bool) -> bool:
        """Say whether an import goes on: nothing is wrong, or what is wrong stays out."""
        return skip_bad or not self.problems

    def problem(self, message: str, repair: str = "", *, row: int = 0, column: str = "", value: str = "", **values: Any) -> None:
        """Add a problem."""
        self.problems.append(Finding(row, column, _short(value), message, repair, _all_short(values)))

    def notice(self, message: str, *, row: int = 0, column: str = "", value: str = "", **values: Any) -> None:
        """Add a notice."""
        self.notices.append(Finding(row, column, _short(value), message, "", values))


def _short(value: str) -> str:
    return value if len(value) <= _SHOWN else value[:_SHOWN] + "…"


def _all_short(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _short(value) if isinstance(value, str) else value for name, value in values.items()}
