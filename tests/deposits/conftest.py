from pathlib import Path

import pytest

from c2b.db import Database
from tests.deposits.scene import Shop


@pytest.fixture
def shop(database: Database, tmp_path: Path) -> Shop:
    return Shop(database, tmp_path)
