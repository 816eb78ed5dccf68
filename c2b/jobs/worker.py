"""Doing the work that is due."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from c2b.db import Database
from c2b.jobs import actions

Handler = Callable[[Database, Mapping[str, Any], datetime], None]
"""Does one kind of job, in transactions of its own; it may be called again for a job it has done."""


def run_due(
    database: Database, handlers: Mapping[str, Handler], *, now: Callable[[], datetime], go_on: Callable[[], bool] = lambda: True
) -> int:
    """Do all jobs that are due, one after the other, as long as `go_on`; return how many were tried.

    One job's failure is that job's alone: it is noted and tried again later.
    """
    tried = 0
    while go_on():
        with database.transaction() as session:
            job = actions.take(session, kinds=sorted(handlers), now=now())
        if job is None:
            break
        tried += 1
        _run(database, handlers[job.kind], job, now)
    return tried


def _run(database: Database, handler: Handler, job: actions.Taken, now: Callable[[], datetime]) -> None:
    try:
        handler(database, job.payload, now())
    except Exception as error:  # noqa: BLE001  whatever a handler raises, the other jobs go on
        with database.transaction() as session:
            actions.fail(session, job=job, error=error, now=now())
    else:
        with database.transaction() as session:
            actions.finish(session, job=job)
