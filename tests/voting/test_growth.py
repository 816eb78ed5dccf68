"""Votes, pages and counts cost the same with a thousand votes and with ten thousand: statements, and what the database has to look at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.ui.shell import parts
from c2b.voting import counting, history, queries
from tests import databases
from tests.benchmarks import driving, population
from tests.statements import counted, reading

VOTER = 1
FEW, MANY = 50, 500
"""Voters who gave all their votes."""


@dataclass(frozen=True)
class Shop:
    """A shop in which so many voters gave all votes; voter 1 gave none yet."""

    app: Flask
    database: Database

    def look(self, act: Callable[[Session], object]) -> None:
        with self.database.reading() as session:
            act(session)

    def ask(self, environ: driving.Request, expect: str = "200") -> None:
        driving.send(self.app, environ, expect=expect)


def undone(environ: driving.Request) -> driving.Request:
    return environ | {"wsgi.input": environ["wsgi.input"].replace(b"do=vote", b"do=undo")}


def first_vote(shop: Shop) -> None:
    shop.ask(next(driving.taps(shop.app, VOTER)), "303")


def second_vote(shop: Shop) -> None:
    shop.ask(list(islice(driving.taps(shop.app, VOTER), 2))[1], "303")


def taken_back(shop: Shop) -> None:
    shop.ask(undone(list(islice(driving.taps(shop.app, VOTER), 2))[1]), "303")


def own_votes(shop: Shop) -> None:
    shop.ask(driving.page(shop.app, VOTER) | {"PATH_INFO": "/me"})


def counts(shop: Shop) -> None:
    shop.look(lambda session: queries.counts(session, population.CAMPAIGN))


def turnout(shop: Shop) -> None:
    shop.look(lambda session: queries.turnout(session, population.CAMPAIGN))


def days(shop: Shop) -> None:
    shop.look(lambda session: history.votes_by_day(session, population.CAMPAIGN, time_zone="UTC"))


PATHS: dict[str, tuple[Callable[[Shop], None], int]] = {
    "a first vote": (first_vote, 3),
    "a second vote": (second_vote, 3),
    "a vote taken back": (taken_back, 3),
    "a whole ballot": (lambda shop: shop.ask(driving.ballot(shop.app, VOTER)), 4),
    "a page of the gallery": (lambda shop: shop.ask(driving.page(shop.app, VOTER)), 1),
    "one's own votes": (own_votes, 30),
    "the leaderboard": (counts, 2),
    "the turnout": (turnout, 2),
    "the votes of each day": (days, 2),
}
"""What is done, in this order, and the statements that it takes at most on PostgreSQL."""
CONTROL = "counted anew"
SLACK = 100
"""A plan takes a table's rows in one way or another; one that takes all ballots takes 450 more, one that takes all votes 9,000."""
Costs = dict[str, tuple[int, int]]
"""By what is done: statements, and what they look at."""


@pytest.fixture(scope="module", params=["postgresql", "sqlite"])
def costs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Costs, Costs]:
    """What everything costs with few votes, and with ten times as many."""
    few, many = (_costs(request.param, tmp_path_factory.mktemp("shop"), voters) for voters in (FEW, MANY))
    return few, many


def _costs(kind: str, folder: Path, voters: int) -> Costs:
    with databases.sqlite(folder) if kind == "sqlite" else databases.postgresql() as database:
        population.open_poll(database)
        population.enter(database, first=1, last=voters + 1)
        population.sign_in(database, first=1, last=1)
        population.vote(database, first=2, last=voters + 1)
        with database.transaction() as session:
            counting.fold(session)
            session.execute(text("ANALYZE"))  # what either database does by itself from time to time
        with opened(database, folder) as shop:
            shop.ask(driving.page(shop.app, VOTER))  # what a process keeps of the candidates is read
            shop.app.extensions["c2b"].impressions.flush()
            return {name: _cost(shop, act) for name, (act, _) in PATHS.items()} | {CONTROL: _cost(shop, _anew)}


def _anew(shop: Shop) -> None:
    shop.look(lambda session: counting.recount_hours(session, population.CAMPAIGN))


def _cost(shop: Shop, act: Callable[[Shop], None]) -> tuple[int, int]:
    with counted(shop.database) as statements, reading(shop.database) as looked_at:
        act(shop)
    return len(statements), sum(looked_at)


@contextmanager
def opened(database: Database, folder: Path) -> Iterator[Shop]:
    app = driving.shop(database.engine.url.render_as_string(hide_password=False), str(folder))
    with app.app_context():
        own = parts().database
        yield Shop(app, own)
        parts().impressions.close()
    own.close()


@pytest.mark.parametrize("what", PATHS)
def test_it_costs_the_same_with_ten_times_as_many_votes(costs: tuple[Costs, Costs], what: str) -> None:
    (few_statements, few), (many_statements, many) = (each[what] for each in costs)
    assert many_statements == few_statements
    assert many <= few + SLACK, (few, many)


@pytest.mark.parametrize("what", PATHS)
def test_it_takes_few_statements(costs: tuple[Costs, Costs], what: str, request: pytest.FixtureRequest) -> None:
    most = PATHS[what][1] if "postgresql" in request.node.name else PATHS[what][1] * 3
    assert costs[1][what][0] <= most


def test_an_aggregate_over_all_votes_would_be_noticed(costs: tuple[Costs, Costs]) -> None:
    few, many = (each[CONTROL][1] for each in costs)
    assert many > 5 * few


def test_the_leaderboard_looks_at_one_row_for_each_candidate(costs: tuple[Costs, Costs], request: pytest.FixtureRequest) -> None:
    if "postgresql" in request.node.name:
        assert costs[1]["the leaderboard"][1] <= population.CANDIDATES + 50
