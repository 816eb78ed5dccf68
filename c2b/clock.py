"""The only clock: below the shells the present instant is an argument."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant in UTC, with microseconds."""
    return datetime.now(UTC)
