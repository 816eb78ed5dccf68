"""Fixtures that every test may ask for."""

import gc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

import pytest
from argon2 import PasswordHasher
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from werkzeug.routing import Rule

from c2b.db import Database
from c2b.people import actions as people
from tests import databases


class Compiled(BytecodeCache):
    """Templates once compiled, for all applications that tests make: compiling them anew took a third of the time of page tests."""

    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._kept.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


class Route(Rule):
    """A route whose builder of addresses was once compiled, for all applications that tests make: nine tenths of making one."""

    _kept: ClassVar[dict[object, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:  # noqa: FBT001, FBT002  werkzeug's own
        if self.defaults:
            return super()._compile_builder(append_unknown)
        key = (self.rule, self.subdomain, append_unknown)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


Flask.jinja_options = {"bytecode_cache": Compiled()}
Flask.url_rule_class = Route
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what a normal run leaves out."""
    parser.addoption("--long", action="store_true", help="Run the tests marked long too.")
    parser.addoption("--screenshots", metavar="DIR", help="Keep a picture of every page that the browser looks at.")


LONG = (
    "tests/stories/",
    "tests/safety/test_money_killed",
    "tests/safety/test_decision_killed",
    "tests/safety/test_market",
    "tests/safety/test_money_machine",
    "tests/safety/test_gateway_faults",
    "tests/voting/test_verifiers",
    "tests/voting/test_machine",
    "tests/benchmarks/",
)
"""Begun first: whoever has nothing left to do can take small tests from the others, and no part of a long one."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes long; skip what takes very long, unless it is asked for."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long; run it with --long"))


def pytest_collection_finish() -> None:
    """Have the garbage collector leave ten thousand collected tests alone: looking at them all again took a seventh of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 50)


@pytest.fixture(autouse=True, scope="session")
def prepared() -> Iterator[pytest.MonkeyPatch]:
    """Let what only costs time be done once or cheaply: SQL is compiled for the first engine, passwords are hashed with little work."""
    quick = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("c2b.db.create_engine", databases.alike(create_engine))
        patch.setattr("c2b.people.actions._PASSWORDS", quick)
        patch.setattr("c2b.people.actions._NOBODYS", people._unmatchable(quick))
        yield patch


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Run the test on both databases, each fresh and migrated."""
    with databases.sqlite(tmp_path) if request.param == "sqlite" else databases.postgresql() as database:
        yield database


@pytest.fixture
def sqlite_database(tmp_path: Path) -> Iterator[Database]:
    """For what doesn't depend on the database: pages, command line."""
    with databases.sqlite(tmp_path) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """Open a writing transaction that the test ends by leaving."""
    with database.transaction() as session:
        yield session


@pytest.fixture
def real_data() -> Path:
    """Return the folder of real catalogues and elections; skip where it isn't beside the checkout."""
    if not DATA.is_dir():
        pytest.skip("the folder of real catalogues and elections isn't beside this checkout")
    return DATA


@pytest.fixture
def now() -> datetime:
    """Return the instant that tests call now: in the middle of a voting phase of `make.campaign()`."""
    return datetime(2027, 3, 8, 4, 0, tzinfo=UTC)
