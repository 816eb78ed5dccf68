"""What a message may be."""

import enum


class MessageState(enum.StrEnum):
    """`failed` is shown to staff."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
