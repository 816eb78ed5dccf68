"""Gateways at their worst, at fault rates from none to every second call: no fen is lost, none moves twice, nothing forged counts.

300 orders in a normal run: 192 by the sandbox, 60 by the real libraries, 48 on both databases.
"""

import logging
from pathlib import Path

import pytest

from c2b.db import Database
from tests.deposits.scene import Shop
from tests.safety.rails import RAILS
from tests.safety.season import Figures, Season, seeded

RATES = (0.0, 0.05, 0.2, 0.5)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    """Thousands of calls without an answer are what this is about, not what anybody reads."""
    caplog.set_level(logging.CRITICAL)


def play(database: Database, folder: Path, gateway: str, *, rate: float, orders: int, seed: int) -> Figures:
    """Play one season and see that everything agrees."""
    shop = Shop(database, folder)
    with RAILS[gateway](shop, folder) as rail:
        season = Season(shop, rail, rate, seeded(seed))
        season.opens(orders)
        figures = season.run()
        assert season.problems() == []
    return figures


@pytest.mark.parametrize("rate", RATES)
def test_the_sandboxs_books_the_ledger_and_the_orders_agree_to_the_fen(sqlite_database: Database, tmp_path: Path, rate: float) -> None:
    figures = play(sqlite_database, tmp_path, "sandbox", rate=rate, orders=48, seed=20270320)
    assert figures.forged > 10
    assert (figures.troubles > 20, figures.doubled > 0) == (rate >= 0.2, rate > 0)


@pytest.mark.parametrize("gateway", ["stripe", "wechat", "alipay"])
@pytest.mark.parametrize("rate", [0.2])
def test_the_real_libraries_agree_with_their_providers_to_the_fen(
    sqlite_database: Database, tmp_path: Path, gateway: str, rate: float
) -> None:
    figures = play(sqlite_database, tmp_path, gateway, rate=rate, orders=20, seed=7)
    assert figures.forged > 3
    assert figures.troubles > 3


def test_on_both_databases_it_is_the_same(database: Database, tmp_path: Path) -> None:
    play(database, tmp_path, "sandbox", rate=0.3, orders=24, seed=3)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("gateway", list(RAILS))
@pytest.mark.parametrize("seed", range(2))
def test_long_seasons_agree_to_the_fen(database: Database, tmp_path: Path, gateway: str, rate: float, seed: int) -> None:
    play(database, tmp_path, gateway, rate=rate, orders=300 if gateway == "sandbox" else 60, seed=seed)
