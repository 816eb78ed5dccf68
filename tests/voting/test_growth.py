"""Votes, pages and the leaderboard cost the same whether ten votes were given or ten thousand: statements, and rows read."""

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import pytest
from flask import Flask

from c2b.db import Database
from c2b.ui.shell import parts
from c2b.voting import counting, queries
from tests import databases
from tests.benchmarks import driving, population
from tests.statements import counted, rows

VOTER = 1
FULL = population.VOTES_EACH
Cost = tuple[int, int]
"""Statements, and rows in all."""


@pytest.fixture(params=[10 // FULL + 1, 10_000 // FULL], ids=["few", "many"])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Flask, Database]]:
    """A shop in which so many voters gave all votes; voter 1 gave none yet."""
    with databases.postgresql() as database:
        population.open_poll(database)
        population.enter(database, first=1, last=request.param + 1)
        population.sign_in(database, first=1, last=1)
        population.vote(database, first=2, last=request.param + 1)
        app = driving.shop(database.engine.url.render_as_string(hide_password=False), str(tmp_path))
        with app.app_context():
            own = parts().database
        yield app, own
        own.close()


def cost(database: Database, act: Callable[[], object]) -> Cost:
    with counted(database) as statements, rows(database) as seen:
        act()
    return len(statements), sum(seen)


def test_a_vote_costs_three_statements_and_reads_its_own_rows(shop: tuple[Flask, Database]) -> None:
    app, database = shop
    first, second = islice(driving.taps(app, VOTER), 2)
    assert cost(database, lambda: driving.send(app, first, expect="303")) == (3, 3), "ballot, candidate, and the ballot's change"
    assert cost(database, lambda: driving.send(app, second, expect="303")) == (3, 4), "and the pick before"
    undo = second | {"wsgi.input": second["wsgi.input"].replace(b"do=vote", b"do=undo")}
    assert cost(database, lambda: driving.send(app, undo, expect="303")) == (3, 5)


def test_a_ballot_in_one_request_costs_its_own_rows(shop: tuple[Flask, Database]) -> None:
    app, database = shop
    statements, read = cost(database, lambda: driving.send(app, driving.ballot(app, VOTER), expect="200"))
    assert statements == 4
    assert read <= 1 + 15 + 1, "the ballot, its candidates, and the ballot's change"


def test_the_leaderboard_reads_one_row_for_each_candidate(shop: tuple[Flask, Database]) -> None:
    _, database = shop
    with database.transaction() as session:
        counting.fold(session)

    def look() -> None:
        with database.reading() as session:
            queries.counts(session, population.CAMPAIGN)

    statements, read = cost(database, look)
    assert statements == 2
    assert read <= population.CANDIDATES + 1


def test_a_page_reads_candidates_and_the_viewers_own_ballot(shop: tuple[Flask, Database]) -> None:
    app, database = shop
    statements, read = cost(database, lambda: driving.send(app, driving.page(app, VOTER), expect="200"))
    assert statements <= 12
    assert read <= 2 * population.CANDIDATES + 60
