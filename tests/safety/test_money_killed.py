"""kill -9 at every named point of a payment's and a refund's life, and before any statement: the books agree after the restart."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from c2b.db import Database
from tests.safety.killed_money import POINTS
from tests.safety.money_faults import FAULTS


def killed(database: Database, folder: Path, *options: str) -> dict[str, Any]:
    url = database.engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-m", "tests.safety.killed_money", url, str(folder), *options]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    assert isinstance(found, dict)
    return found


def test_after_120_kills_gateway_ledger_and_orders_agree_to_the_fen(sqlite_database: Database, tmp_path: Path) -> None:
    run = killed(sqlite_database, tmp_path, "--kills", "120")
    assert run["problems"] == []
    assert run["kills"] >= 120
    assert [point for point in POINTS if not run["points"].get(point)] == [], "every named point was reached"


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault])
def test_a_deliberate_fault_in_the_handling_of_money_is_noticed(sqlite_database: Database, tmp_path: Path, fault: str) -> None:
    assert killed(sqlite_database, tmp_path, "--kills", "120", "--fault", fault)["problems"] != []


def test_on_postgresql_kills_leave_nothing_behind_either(database: Database, tmp_path: Path) -> None:
    if database.is_sqlite:
        pytest.skip("it has its own 120")
    assert killed(database, tmp_path, "--kills", "36", "--seed", "2")["problems"] == []


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("seed", range(3, 7))
def test_after_1000_kills_everything_agrees(database: Database, tmp_path: Path, seed: int) -> None:
    run = killed(database, tmp_path, "--kills", "125", "--seed", str(seed))
    assert run["problems"] == []
    assert run["kills"] >= 125
