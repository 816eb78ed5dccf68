"""How many votes a second."""

import time
from contextlib import ExitStack, nullcontext
from itertools import islice
from pathlib import Path
from typing import Any
from unittest import mock

from flask import Flask
from sqlalchemy import text

from c2b.ui import shell
from c2b.voting.queries import BallotView
from tests.benchmarks import ceilings, driving, population, servers
from tests.benchmarks.driving import Load
from tests.benchmarks.figures import Figure, Scale, compared

BLOCK = 6000
"""Voters of a client: more than it has time for."""
CLIENTS = 4
"""As `c2b serve` on two cores: two processes, two threads each."""


def _prepare(opened: servers.Opened, last: int) -> None:
    database, _ = opened
    population.open_poll(database)
    population.enter(database, first=1, last=last)
    population.sign_in(database, first=1, last=last)
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))


def _statements(opened: servers.Opened, folder: Path) -> list[ceilings.Statement]:
    """Return what c2b sends for one vote: the ninth of a voter."""
    app = driving.shop(opened[1], str(folder))
    with app.app_context():
        database = shell.parts().database
    *before, ninth = islice(driving.taps(app, ceilings.PERSON), ceilings.SLOT)
    for environ in before:
        driving.send(app, environ, expect="303")
    with ceilings.taken_down(database) as seen:
        driving.send(app, ninth, expect="303")
    database.close()
    return seen


def on_postgresql(scale: Scale, folder: Path) -> list[Figure]:
    """Measure single votes and ballots of fifteen against pgbench, the same number of connections."""
    with servers.postgresql(folder) as opened:
        _prepare(opened, BLOCK * CLIENTS * (2 * scale.runs + 4))
        statements = _statements(opened, folder)
        offsets = iter(range(BLOCK * 3, 10**9, BLOCK * CLIENTS))
        runs, whole = [], []
        for _ in range(scale.runs):
            load = Load(opened[1], str(folder), "taps", scale.seconds, next(offsets), BLOCK)
            bench = ceilings.script(statements, first=next(offsets), block=BLOCK)
            done = driving.drive(load).rate
            runs.append((done, ceilings.pgbench(opened[1], bench, folder, clients=CLIENTS, seconds=scale.seconds)))
        _empty(opened)
        for number in range(scale.runs):
            load = Load(opened[1], str(folder), "ballots", scale.seconds, 1 + number * BLOCK * CLIENTS, BLOCK)
            bench = ceilings_of_ballots(first=1 + (scale.runs + number) * BLOCK * CLIENTS)
            done = driving.drive(load).rate
            whole.append((done, ceilings.pgbench(opened[1], bench, folder, clients=CLIENTS, seconds=scale.seconds)))
    how = f"{len(statements)} statements, {CLIENTS} connections"
    return [
        compared("vote POST on PostgreSQL", ">= 0.40", "votes/s", runs, how),
        compared("ballot of 15 in one request, PostgreSQL", ">= 0.30", "ballots/s", whole, f"{CLIENTS} connections"),
    ]


def _empty(opened: servers.Opened) -> None:
    with opened[0].transaction() as session:
        session.execute(text("TRUNCATE pick"))


def ceilings_of_ballots(*, first: int) -> str:
    """Return the script for pgbench that fills a ballot of fifteen: no login, no counters, no events."""
    values = ", ".join(
        f"({population.CAMPAIGN}, :person, {slot}, {population.VOTES_EACH}, (:person * 7 + {slot} * 31) % {population.CANDIDATES} + 1)"
        for slot in range(1, 16)
    )
    own = f"campaign_id = {population.CAMPAIGN} AND person_id = :person"
    return "\n".join(
        [
            "\\set n :n + 1",
            f"\\set person {first} + :client_id * {BLOCK} + :n",
            "BEGIN;",
            f"SELECT id, state, voting_closes FROM campaign WHERE id = {population.CAMPAIGN} FOR KEY SHARE;",
            f"SELECT version, votes_each FROM ballot WHERE {own} FOR UPDATE;",
            f"INSERT INTO pick (campaign_id, person_id, slot, votes_each, candidate_id) VALUES {values};",
            f"UPDATE ballot SET version = version + 1 WHERE {own};",
            "END;",
            "",
        ]
    )


def on_sqlite(scale: Scale, folder: Path) -> list[Figure]:
    """Measure single votes from sixteen threads against a bare loop."""
    runs, slowest = [], []
    with servers.sqlite(folder) as opened:
        block = 400
        _prepare(opened, 20 * block * (scale.runs + 1) + ceilings.PERSON)
        statements = _statements(opened, folder)
        for number in range(scale.runs):
            first = ceilings.PERSON + 1 + number * 20 * block
            load = Load(opened[1], str(folder), "taps", scale.seconds, first, block, threads=16, processes=1)
            sent = driving.drive(load)
            slowest.append(sent.quantile(0.99) * 1000)
            raw = ceilings.raw_sqlite(folder / "bench.db", statements, first=first + 16 * block + 5, seconds=scale.seconds)
            runs.append((sent.rate, raw))
    p99 = sorted(slowest)[len(slowest) // 2]
    return [compared("vote POST on SQLite, 16 connections", ">= 0.25; p99 < 50 ms", "votes/s", runs, f"p99 {p99:.0f} ms")]


def cpu(scale: Scale, folder: Path) -> list[Figure]:
    """Measure the server's own work for a vote on PostgreSQL: the same POST, with and without a database."""
    with servers.postgresql(folder) as opened:
        _prepare(opened, 20_000)
        app = driving.shop(opened[1], str(folder))
        _spent(app, first=1, seconds=0.5)
        first, runs = 1000, []
        for _ in range(scale.runs):
            with_database = _spent(app, first=first, seconds=scale.seconds)
            with _without_database():
                runs.append((with_database, _spent(app, first=first, seconds=scale.seconds)))
            first += 3000
        with app.app_context():
            shell.parts().database.close()
    return [compared("vote POST, server CPU", "<= 2.0", "ms", runs, "against the same POST without a database")]


def _spent(app: Flask, *, first: int, seconds: float) -> float:
    """Return the milliseconds of this process for one vote."""
    done, begun, until = 0, time.process_time(), time.perf_counter() + seconds
    for environ in driving.taps(app, first):
        driving.send(app, environ, expect="303")
        done += 1
        if time.perf_counter() > until:
            break
    return (time.process_time() - begun) / done * 1000


def _without_database() -> ExitStack:
    """Let the view do all but ask the database."""
    stack = ExitStack()
    ballot = BallotView(population.VOTES_EACH, frozenset({1}), serial="s1", version=1)
    answers: dict[str, Any] = {
        "c2b.web.votes.transaction": nullcontext,
        "c2b.web.votes.actions.tap": lambda *_, **_options: ballot,
    }
    for name, instead in answers.items():
        stack.enter_context(mock.patch(name, instead))
    return stack
