"""Fixtures that every test may ask for."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from c2b.db import Database
from tests import databases

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer what a normal run leaves out."""
    parser.addoption("--long", action="store_true", help="Run the tests marked long too.")
    parser.addoption("--screenshots", metavar="DIR", help="Keep a picture of every page that the browser looks at.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what takes long, unless it is asked for."""
    if not config.getoption("--long"):
        for item in items:
            if item.get_closest_marker("long"):
                item.add_marker(pytest.mark.skip(reason="takes long; run it with --long"))


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
