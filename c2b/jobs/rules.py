"""What a job may be."""

import enum


class JobState(enum.StrEnum):
    """`queued` until done; `failed` after the last try, for a person to look at."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"
