from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import bindparam, select, update
from sqlalchemy.exc import DBAPIError, StatementError

from c2b.campaigns.models import Campaign
from c2b.db import Database, Look
from tests import make


def test_an_instant_comes_back_in_utc_with_its_microseconds(database: Database) -> None:
    instant = datetime(2027, 3, 1, 2, 0, 0, 123456, tzinfo=UTC)
    with database.transaction() as session:
        make.campaign(session, created_at=instant)
    with database.reading() as session:
        assert session.scalars(select(Campaign.created_at)).one() == instant


def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError), database.transaction() as session:
        make.campaign(session, created_at=datetime(2027, 3, 1))  # noqa: DTZ001  the point


def test_raising_leaves_no_trace(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        make.campaign(session)
        raise RuntimeError
    with database.reading() as session:
        assert session.scalars(select(Campaign.id)).all() == []


def test_what_is_read_at_once_sees_one_instant(database: Database) -> None:
    with database.reading(at_once=True) as session:
        assert session.scalars(select(Campaign.id)).all() == []
        with database.transaction() as other:
            make.campaign(other)
        assert session.scalars(select(Campaign.id)).all() == []
    with database.reading() as session:
        assert len(session.scalars(select(Campaign.id)).all()) == 1


def test_a_read_only_transaction_writes_nothing(sqlite_database: Database) -> None:
    with pytest.raises(DBAPIError, match="readonly"), sqlite_database.reading() as session:
        make.campaign(session)


def test_a_look_knows_times_bytes_and_text_on_both_databases(database: Database) -> None:
    with database.transaction() as session:
        made = make.campaign(session)
    asked = Look(select(Campaign.id, Campaign.secret).where(Campaign.slug == bindparam("slug"), Campaign.created_at <= bindparam("now")))
    assert [(key, bytes(secret)) for key, secret in asked.rows(database, {"slug": "ss27", "now": made.created_at})] == [
        (made.id, made.secret)
    ]
    assert asked.rows(database, {"slug": "ss27", "now": made.created_at - timedelta(microseconds=1)}) == []


def test_a_look_never_sees_what_is_not_committed_and_leaves_no_transaction_open(database: Database) -> None:
    asked = Look(select(Campaign.slug))
    with database.transaction() as session:
        make.campaign(session)
        session.flush()
        assert asked.rows(database, {}) == []
    assert asked.rows(database, {}) == [("ss27",)]
    with database.transaction() as session:
        session.execute(update(Campaign).values(slug="aw27"))
    assert asked.rows(database, {}) == [("aw27",)]


def test_the_connection_that_writes_is_one_and_outlives_an_error(sqlite_database: Database) -> None:
    used = set()
    for number in range(3):
        with suppress(RuntimeError), sqlite_database.transaction() as session:
            used.add(id(session.connection().connection.driver_connection))
            make.campaign(session, slug=f"s{number}")
            if number == 1:
                raise RuntimeError
        with sqlite_database.reading() as session:
            assert id(session.connection().connection.driver_connection) not in used
    assert len(used) == 1
    with sqlite_database.reading() as session:
        assert session.scalars(select(Campaign.slug).order_by(Campaign.slug)).all() == ["s0", "s2"]
