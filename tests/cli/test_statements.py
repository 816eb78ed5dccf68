from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.payments.gateways.sandbox import statement
from c2b.payments.models import MoneyCase
from c2b.payments.protocol import Entry, StatementLine
from tests.cli.shell import Shell

AT = datetime(2027, 3, 20, 4, tzinfo=UTC)
LINE = StatementLine(2, Entry.PAYMENT, "", "SBX-1", 5980, 35, "CNY", AT)


@pytest.fixture
def shell(tmp_path: Path, sqlite_database: Database) -> Shell:
    return Shell(tmp_path, sqlite_database)


def file(folder: Path, *lines: StatementLine) -> Path:
    path = folder / "march.csv"
    path.write_bytes(statement.write(lines))
    return path


def test_an_import_says_what_was_new(shell: Shell, tmp_path: Path) -> None:
    march = file(tmp_path, LINE)
    said = shell.does("statements", "import", "sandbox", march)
    assert said == "1 lines: 1 new, 0 known from other statements; the worker compares them with the books\n"
    assert shell.does("statements", "import", "sandbox", march) == "1 lines, all of them known: this file was imported before\n"
    april = file(tmp_path, LINE, replace(LINE, reference="SBX-2"))
    assert shell.does("statements", "import", "sandbox", april).startswith("2 lines: 1 new, 1 known")


def test_an_import_as_json_has_period_and_sums(shell: Shell, tmp_path: Path) -> None:
    document = shell.reads("statements", "import", "sandbox", file(tmp_path, LINE))
    assert len(document.pop("sha256")) == 64
    assert document == {
        "gateway": "sandbox",
        "merchant": "main",
        "lines": 1,
        "new": 1,
        "repeated": 0,
        "begins_at": AT.isoformat(),
        "ends_at": AT.isoformat(),
        "sums": {"CNY": {"fees": 35, "payment": 5980}},
        "again": False,
    }


def test_the_worker_compares_what_was_imported(shell: Shell, tmp_path: Path, sqlite_database: Database) -> None:
    shell.does("statements", "import", "sandbox", file(tmp_path, LINE))
    assert "jobs: 1" in shell.does("work", "--once")
    with sqlite_database.reading() as session:
        assert [(case.kind.value, case.details["there"]) for case in session.scalars(select(MoneyCase))] == [("unknown_reference", 5980)]
        actors = session.scalars(select(AuditEntry.actor).where(AuditEntry.action == "payments.import_statement")).all()
    assert [actor.partition(":")[0] for actor in actors] == ["cli"]
    assert shell.does("audit") == "All promises hold.\n"


def test_what_is_no_statement_is_refused_in_one_line(shell: Shell, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("a,b\n")
    assert "its first line has to be line,entry" in shell.refuses("statements", "import", "sandbox", wrong)
    assert "isn't switched on here" in shell.refuses("statements", "import", "nowhere", wrong)
    assert shell.run("statements", "import", "sandbox", tmp_path / "nothing.csv").exit_code == 2
