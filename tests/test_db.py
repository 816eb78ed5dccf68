from datetime import UTC, datetime

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, StatementError

from c2b.campaigns.models import Campaign
from c2b.db import Database
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
