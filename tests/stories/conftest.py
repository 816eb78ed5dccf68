"""Fixtures of the browser stories."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.stories.shop import Shop
from tests.stories.timed import TimedShop

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
"""The same engine in all of them; the first has no windows to care for and is quicker."""
CHROMIUM = next(filter(None, map(shutil.which, BROWSERS)), None)


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Take the system's Chromium where there is one, else the one that Playwright installed."""
    return {"executable_path": CHROMIUM, "args": ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"]}


@pytest.fixture
def shop(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Shop]:
    """Open a shop with an empty database."""
    shop = Shop(tmp_path)
    if keep := request.config.getoption("--screenshots"):
        shop.keep = Path(keep)
    shop.open()
    yield shop
    shop.close()


@pytest.fixture(scope="session")
def one_for_all(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[TimedShop]:
    """Open the shop whose clock stories set, once: starting it costs more than telling a story."""
    shop = TimedShop(tmp_path_factory.mktemp("timed"))
    if keep := request.config.getoption("--screenshots"):
        shop.keep = Path(keep)
    shop.open()
    yield shop
    shop.close()


@pytest.fixture
def timed(one_for_all: TimedShop) -> TimedShop:
    """Given a shop in which nothing has happened, whose clock the story sets."""
    one_for_all.begins_anew()
    return one_for_all
