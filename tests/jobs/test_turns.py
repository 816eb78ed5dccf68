"""Whose turn it is: due times, kinds, keys, and how often a job is tried."""

from datetime import datetime, timedelta

import pytest

from c2b.db import Database
from c2b.jobs import actions, queries
from c2b.jobs.rules import LEASE, TRIES, JobState, wait


def ask(database: Database, now: datetime, kind: str = "mail", **how: str | datetime) -> None:
    with database.transaction() as session:
        actions.enqueue(session, kind=kind, payload={"for": str(how.get("key", kind))}, now=now, **how)  # type: ignore[arg-type]  # a table of ways


def turn(database: Database, now: datetime, *kinds: str) -> str | None:
    with database.transaction() as session:
        taken = actions.take(session, kinds=list(kinds or ("mail",)), now=now)
    return taken.payload["for"] if taken else None


def test_who_is_due_longest_comes_first_whoever_asked_first(sqlite_database: Database, now: datetime) -> None:
    for key, minutes in (("late", 9), ("early", 1), ("middle", 5)):
        ask(sqlite_database, now, key=key, run_at=now + timedelta(minutes=minutes))
    after = now + timedelta(minutes=10)
    assert [turn(sqlite_database, after) for _ in range(4)] == ["early", "middle", "late", None]


@pytest.mark.parametrize(("seconds", "due"), [(-1, None), (0, "mail"), (1, "mail")])
def test_nothing_runs_before_its_time(sqlite_database: Database, now: datetime, seconds: int, due: str | None) -> None:
    ask(sqlite_database, now, run_at=now + timedelta(hours=1))
    assert turn(sqlite_database, now + timedelta(hours=1, seconds=seconds)) == due


@pytest.mark.parametrize(("kinds", "due"), [(("mail",), "mail"), (("sms",), None), (("sms", "mail"), "mail")])
def test_a_worker_takes_only_what_it_knows(sqlite_database: Database, now: datetime, kinds: tuple[str, ...], due: str | None) -> None:
    ask(sqlite_database, now)
    assert turn(sqlite_database, now, *kinds) == due


def test_the_same_key_is_one_job_even_after_it_is_done_and_no_key_is_always_another(sqlite_database: Database, now: datetime) -> None:
    for _ in range(2):
        ask(sqlite_database, now, key="refund:1")
        ask(sqlite_database, now)
    with sqlite_database.transaction() as session:
        while taken := actions.take(session, kinds=["mail"], now=now):
            actions.finish(session, job=taken)
    ask(sqlite_database, now, key="refund:1")
    with sqlite_database.reading() as session:
        assert queries.counts(session) == {JobState.QUEUED: 0, JobState.DONE: 3, JobState.FAILED: 0}


def test_a_job_is_tried_at_growing_distances_and_then_left(sqlite_database: Database, now: datetime) -> None:
    ask(sqlite_database, now)
    at = now
    for attempt in range(1, TRIES + 1):
        with sqlite_database.transaction() as session:
            taken = actions.take(session, kinds=["mail"], now=at)
            assert taken
            assert taken.attempt == attempt
            actions.fail(session, job=taken, error=TimeoutError(), now=at)
        assert turn(sqlite_database, at + wait(attempt) - timedelta(seconds=1)) is None
        at += wait(attempt)
    assert turn(sqlite_database, at + timedelta(days=9)) is None
    with sqlite_database.reading() as session:
        assert queries.counts(session)[JobState.FAILED] == 1


def test_a_lease_keeps_others_away_to_its_last_instant(sqlite_database: Database, now: datetime) -> None:
    ask(sqlite_database, now)
    assert turn(sqlite_database, now) == "mail"
    assert turn(sqlite_database, now + LEASE - timedelta(microseconds=1)) is None
    assert turn(sqlite_database, now + LEASE) == "mail"
