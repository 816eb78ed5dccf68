"""What pages and probes read of the work in the background."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.jobs.models import Heartbeat, Job
from c2b.jobs.rules import JobState


def last_beat(session: Session) -> datetime | None:
    """Return when a worker last said that it is alive; None: there never was one."""
    return session.scalars(select(Heartbeat.at)).one_or_none()


def counts(session: Session) -> Mapping[JobState, int]:
    """Return how many jobs are in each state; the failed ones wait for a person."""
    return dict.fromkeys(JobState, 0) | dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all())
