"""Work that outlives a request, as rows: enqueued in the transaction of the change that needs it."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import Base, Key, choice
from c2b.jobs.rules import JobState


class Job(Base):
    """One piece of work for `c2b work`; a worker that dies loses its lease, and another takes over."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_due", "state", "run_at"),)

    id: Mapped[Key]
    kind: Mapped[str] = mapped_column(String(60))
    """Names the handler in the table that cli and app compose."""
    key: Mapped[str | None] = mapped_column(String(120), unique=True)
    """The same work asked for twice is one row."""
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[JobState] = mapped_column(choice(JobState), default=JobState.QUEUED)
    run_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    last_error: Mapped[str] = mapped_column(Text, default="")
    """The exception's kind and place; never personal data."""
    created_at: Mapped[datetime]


class Heartbeat(Base):
    """When a worker last said that it is alive; one row, whichever worker it was."""

    __tablename__ = "heartbeat"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[datetime]
