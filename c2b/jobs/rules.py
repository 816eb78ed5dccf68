"""What a job may be, and when it is tried again: pure."""

import enum
import traceback
from datetime import UTC, datetime, timedelta
from pathlib import Path

LEASE = timedelta(minutes=5)
"""How long a worker may be silent about a job before another takes over."""
TRIES = 8
AT_ONCE = datetime(2000, 1, 1, tzinfo=UTC)
"""Due longer than anything else: for what somebody sits and waits for, such as a code, however much other work there is."""
_FIRST_WAIT = timedelta(seconds=10)
_LONGEST_WAIT = timedelta(hours=6)
_ROOT = Path(__file__).resolve().parents[2]


class JobState(enum.StrEnum):
    """`queued` until done; `failed` after the last try, for a person to look at."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


def wait(attempts: int) -> timedelta:
    """Return how long to wait after so many tries: 10 s, 40 s, 160 s and so on, six hours at most."""
    return min(_FIRST_WAIT * (1 << 2 * (attempts - 1)), _LONGEST_WAIT)


def describe(error: BaseException) -> str:
    """Return an exception's kind and place in our own code; never its text, which may hold personal data."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if Path(frame.filename).is_relative_to(_ROOT / "c2b")]
    place = f" at {Path(frames[-1].filename).relative_to(_ROOT)}:{frames[-1].lineno}" if frames else ""
    return f"{type(error).__name__}{place}"
