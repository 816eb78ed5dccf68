import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from c2b.audit.checks import checks
from c2b.audit.rules import Finding
from c2b.db import Database
from tests import databases, make


def test_a_fresh_database_is_whole_and_guarded(session: Session) -> None:
    assert checks(session) == []


@pytest.mark.parametrize(
    ("table", "sqlite", "postgresql"),
    [("transfer", "transfer_guard_debit", "transfer_guard"), ("decision", "decision_no_update", "decision_append_only")],
)
def test_a_guard_that_was_taken_away_is_named(database: Database, table: str, sqlite: str, postgresql: str) -> None:
    name, drop = (sqlite, f"DROP TRIGGER {sqlite}") if database.is_sqlite else (postgresql, f"DROP TRIGGER {postgresql} ON {table}")
    with database.transaction() as session:
        session.execute(text(drop))
        assert checks(session) == [Finding("database.guards", f"the trigger {name} is missing; c2b init makes it again")]


def test_a_guard_that_postgresql_was_told_to_pass_over_is_as_good_as_missing() -> None:
    with databases.postgresql() as database, database.transaction() as session:
        session.execute(text("ALTER TABLE transfer DISABLE TRIGGER transfer_guard"))
        assert [finding.check for finding in checks(session)] == ["database.guards"]


def test_a_row_that_points_nowhere_is_found(sqlite_database: Database) -> None:
    connection = sqlite_database.engine.raw_connection()
    connection.cursor().execute("PRAGMA foreign_keys=OFF")
    connection.cursor().execute("PRAGMA query_only=OFF")
    connection.cursor().execute(
        "INSERT INTO option_value (candidate_id, axis, position, value, value_en, swatch) VALUES (77, 1, 1, 'M', '', '')"
    )
    connection.detach()
    with sqlite_database.transaction() as session:
        make.campaign(session)
        assert [finding.what for finding in checks(session)] == ["row 1 of option_value points to a row that isn't there"]
