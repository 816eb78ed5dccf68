"""Asking for work, taking it on lease, and saying how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, or_, select, update
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.jobs.models import Heartbeat, Job
from c2b.jobs.rules import LEASE, TRIES, JobState, describe, wait


@dataclass(frozen=True)
class Taken:
    """A job on lease; `attempt` tells this lease from a later one of another worker."""

    id: int
    kind: str
    payload: dict[str, Any]
    attempt: int


def enqueue(
    session: Session, *, kind: str, payload: dict[str, Any], now: datetime, key: str | None = None, run_at: datetime | None = None
) -> None:
    """Ask for work in the transaction of the change that needs it; the same `key` asked for twice is one job."""
    new = insert_into(session, Job).values(kind=kind, payload=payload, key=key, run_at=run_at or now, created_at=now)
    session.execute(new.on_conflict_do_nothing(index_elements=["key"]))


def enqueue_all(session: Session, *, kind: str, payloads: Sequence[dict[str, Any]], now: datetime, run_at: datetime | None = None) -> None:
    """Ask for many pieces of work of one kind, in one statement; with `run_at=rules.AT_ONCE` before all others that wait."""
    rows = [{"kind": kind, "payload": payload, "run_at": run_at or now, "created_at": now} for payload in payloads]
    if rows:
        session.execute(insert(Job), rows)


def take(session: Session, *, kinds: list[str], now: datetime) -> Taken | None:
    """Lease the longest due job of these kinds, or return None; no two workers get the same one.

    A job that killed its workers to the last try is failed here, not tried for ever.
    """
    free = (Job.state == JobState.QUEUED) & or_(Job.leased_until.is_(None), Job.leased_until <= now)
    session.execute(update(Job).where(free, Job.attempts >= TRIES).values(state=JobState.FAILED, last_error="the worker died"))
    due = select(Job.id, Job.kind, Job.payload, Job.attempts).where(free, Job.run_at <= now, Job.kind.in_(kinds))
    row = session.execute(due.order_by(Job.run_at, Job.id).limit(1).with_for_update(skip_locked=True)).first()
    if row is None:
        return None
    session.execute(update(Job).where(Job.id == row.id).values(attempts=Job.attempts + 1, leased_until=now + LEASE))
    return Taken(row.id, row.kind, row.payload, row.attempts + 1)


def finish(session: Session, *, job: Taken) -> None:
    """Note that `job` is done; what a worker says whose lease went to another is ignored."""
    _end(session, job, state=JobState.DONE, leased_until=None, last_error="")


def fail(session: Session, *, job: Taken, error: BaseException, now: datetime) -> None:
    """Put `job` back to be tried later, or fail it for good after the last try."""
    if job.attempt >= TRIES:
        _end(session, job, state=JobState.FAILED, leased_until=None, last_error=describe(error))
    else:
        _end(session, job, run_at=now + wait(job.attempt), leased_until=None, last_error=describe(error))


def _end(session: Session, job: Taken, **values: Any) -> None:
    ours = (Job.id == job.id) & (Job.attempts == job.attempt) & (Job.state == JobState.QUEUED)
    session.execute(update(Job).where(ours).values(values))


def beat(session: Session, *, now: datetime) -> None:
    """Say that a worker is alive at `now`."""
    new = insert_into(session, Heartbeat).values(id=1, at=now)
    session.execute(new.on_conflict_do_update(index_elements=["id"], set_={"at": now}))
