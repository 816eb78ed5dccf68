import threading
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from c2b.db import Database
from c2b.jobs import actions
from c2b.jobs.models import Job
from c2b.jobs.rules import LEASE, TRIES, JobState
from c2b.jobs.worker import run_due


class Handler:
    """Remembers what it was given, and fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.seen: list[dict[str, Any]] = []
        self.failures = failures

    def __call__(self, _database: Database, payload: Mapping[str, Any], _now: datetime) -> None:
        self.seen.append(dict(payload))
        if len(self.seen) <= self.failures:
            raise ConnectionError("anna@example.com refused")


def enqueue(database: Database, now: datetime, number: int = 1, **changes: Any) -> None:
    with database.transaction() as session:
        actions.enqueue(session, kind="mail", payload={"number": number}, now=now, **changes)


def run(database: Database, handler: Handler, now: datetime) -> int:
    return run_due(database, {"mail": handler}, now=lambda: now)


def job(database: Database) -> Job:
    with database.reading() as session:
        return session.scalars(select(Job)).one()


def test_jobs_are_done_once_and_in_the_order_they_fell_due(database: Database, now: datetime) -> None:
    enqueue(database, now, 2)
    enqueue(database, now, 1, run_at=now - timedelta(seconds=1))
    handler = Handler()
    assert run(database, handler, now) == 2
    assert run(database, handler, now) == 0
    assert handler.seen == [{"number": 1}, {"number": 2}]


def test_a_job_waits_for_its_instant(database: Database, now: datetime) -> None:
    enqueue(database, now, run_at=now + timedelta(minutes=1))
    handler = Handler()
    assert run(database, handler, now) == 0
    assert run(database, handler, now + timedelta(minutes=1)) == 1


def test_the_same_key_asked_for_twice_is_one_job(database: Database, now: datetime) -> None:
    enqueue(database, now, 1, key="tell:ss27")
    enqueue(database, now, 2, key="tell:ss27")
    handler = Handler()
    run(database, handler, now)
    enqueue(database, now, 3, key="tell:ss27")
    run(database, handler, now)
    assert handler.seen == [{"number": 1}]


def test_work_asked_for_in_a_transaction_that_fails_was_never_asked_for(database: Database, now: datetime) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        actions.enqueue(session, kind="mail", payload={}, now=now)
        raise RuntimeError
    assert run(database, Handler(), now) == 0


def test_a_failed_try_is_noted_without_personal_data_and_repeated_later(database: Database, now: datetime) -> None:
    enqueue(database, now)
    handler = Handler(failures=1)
    assert run(database, handler, now) == 1
    assert job(database).last_error.startswith("ConnectionError")
    assert "anna" not in job(database).last_error
    assert run(database, handler, now + timedelta(seconds=9)) == 0
    assert run(database, handler, now + timedelta(seconds=10)) == 1
    assert (job(database).state, job(database).last_error, len(handler.seen)) == (JobState.DONE, "", 2)


def test_after_the_last_try_a_job_is_left_for_a_person(database: Database, now: datetime) -> None:
    enqueue(database, now)
    handler = Handler(failures=99)
    for day in range(TRIES + 3):
        run(database, handler, now + timedelta(days=day))
    assert len(handler.seen) == TRIES
    assert job(database).state == JobState.FAILED


def test_one_jobs_failure_does_not_stop_the_others(database: Database, now: datetime) -> None:
    enqueue(database, now, 1)
    enqueue(database, now, 2)
    handler = Handler(failures=1)
    assert run(database, handler, now) == 2
    assert handler.seen == [{"number": 1}, {"number": 2}]


def test_a_kind_without_handler_stays_for_a_worker_that_knows_it(database: Database, now: datetime) -> None:
    enqueue(database, now)
    assert run_due(database, {}, now=lambda: now) == 0
    assert run(database, Handler(), now) == 1


def test_a_worker_that_is_told_to_stop_takes_no_further_job(database: Database, now: datetime) -> None:
    enqueue(database, now, 1)
    enqueue(database, now, 2)
    handler = Handler()
    run_due(database, {"mail": handler}, now=lambda: now, go_on=lambda: not handler.seen)
    assert handler.seen == [{"number": 1}]


def test_a_dead_workers_job_is_taken_over_when_its_lease_ends(database: Database, now: datetime) -> None:
    enqueue(database, now)
    with database.transaction() as session:
        assert actions.take(session, kinds=["mail"], now=now)
    handler = Handler()
    assert run(database, handler, now + LEASE - timedelta(seconds=1)) == 0
    assert run(database, handler, now + LEASE) == 1


def test_a_job_that_kills_every_worker_is_failed_in_the_end(database: Database, now: datetime) -> None:
    enqueue(database, now)
    taken = []
    for number in range(TRIES + 2):
        with database.transaction() as session:
            taken.append(actions.take(session, kinds=["mail"], now=now + number * LEASE))
    assert [bool(one) for one in taken] == [True] * TRIES + [False] * 2
    assert (job(database).state, job(database).last_error) == (JobState.FAILED, "the worker died")


def test_who_lost_the_lease_has_no_say_any_more(database: Database, now: datetime) -> None:
    enqueue(database, now)
    with database.transaction() as session:
        slow = actions.take(session, kinds=["mail"], now=now)
    with database.transaction() as session:
        assert actions.take(session, kinds=["mail"], now=now + LEASE)
    assert slow
    with database.transaction() as session:
        actions.finish(session, job=slow)
        actions.fail(session, job=slow, error=ValueError(), now=now)
    assert (job(database).state, job(database).last_error) == (JobState.QUEUED, "")


def test_many_workers_do_each_job_once(database: Database, now: datetime) -> None:
    for number in range(40):
        enqueue(database, now, number)
    handler = Handler()
    workers = [threading.Thread(target=run, args=(database, handler, now)) for _ in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(seen["number"] for seen in handler.seen) == list(range(40))
