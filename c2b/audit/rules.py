"""Who acts, who may agree, and what a check finds: pure."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One thing that `c2b audit` found wrong: which check, and what it saw, in English, without personal data."""

    check: str
    what: str


def is_staff(actor: str) -> bool:
    """Tell whether `actor` is a signed-in member of staff; the command line and the worker are nobody's second person."""
    return actor.startswith("staff:")
