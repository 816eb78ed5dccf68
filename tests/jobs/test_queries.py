from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from c2b.jobs import actions, queries
from c2b.jobs.rules import JobState


def test_before_any_worker_ran_there_is_no_heartbeat(session: Session) -> None:
    assert queries.last_beat(session) is None


def test_the_last_heartbeat_counts_whichever_worker_it_was(session: Session, now: datetime) -> None:
    actions.beat(session, now=now)
    actions.beat(session, now=now + timedelta(seconds=10))
    assert queries.last_beat(session) == now + timedelta(seconds=10)


def test_jobs_are_counted_by_state(session: Session, now: datetime) -> None:
    for number in range(3):
        actions.enqueue(session, kind="mail", payload={"number": number}, now=now)
    taken = actions.take(session, kinds=["mail"], now=now)
    assert taken
    actions.finish(session, job=taken)
    assert queries.counts(session) == {JobState.QUEUED: 2, JobState.DONE: 1, JobState.FAILED: 0}
