"""The log as pages and people search it."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.audit import actions, queries
from c2b.db import Database

WRITTEN = (
    ("staff:anna@example.com", "campaign.advance", "ss27"),
    ("staff:bert@example.com", "campaign.pause", "ss27"),
    ("cli:root", "campaign.advance", "aw27"),
    ("worker", "production.decide", "ss27"),
    ("staff:anna@example.com", "production.decide.approve", "ss27"),
    ("staff:anna@example.com", "people.add_staff", ""),
)


@pytest.fixture
def log(sqlite_database: Database, now: datetime) -> Database:
    """Six entries, a minute apart, numbered in the order of their writing."""
    with sqlite_database.transaction() as session:
        for number, (actor, action, campaign) in enumerate(WRITTEN, start=1):
            at = now + timedelta(minutes=number)
            actions.record(session, actor=actor, action=action, campaign=campaign, object=str(number), now=at)
    return sqlite_database


def found(session: Session, **filters: str) -> str:
    return " ".join(entry.object for entry in queries.entries(session, **filters))  # type: ignore[arg-type]  # a table of filters


@pytest.mark.parametrize(
    ("filters", "numbers"),
    [
        ({}, "6 5 4 3 2 1"),
        ({"campaign": "ss27"}, "5 4 2 1"),
        ({"campaign": "aw27"}, "3"),
        ({"campaign": "none"}, ""),
        ({"actor": "staff:anna@example.com"}, "6 5 1"),
        ({"actor": "staff:anna"}, ""),
        ({"action": "campaign."}, "3 2 1"),
        ({"action": "production.decide"}, "5 4"),
        ({"action": "production.decide.approve"}, "5"),
        ({"action": "decide"}, ""),
        ({"action": "_ampaign"}, ""),
        ({"campaign": "ss27", "actor": "staff:anna@example.com"}, "5 1"),
        ({"campaign": "ss27", "actor": "staff:anna@example.com", "action": "campaign."}, "1"),
        ({"campaign": "aw27", "actor": "worker"}, ""),
    ],
)
def test_filters_narrow_the_log_together(log: Database, filters: dict[str, str], numbers: str) -> None:
    with log.reading() as session:
        assert found(session, **filters) == numbers


@pytest.mark.parametrize(("limit", "pages"), [(1, 6), (2, 3), (4, 2), (5, 2), (6, 1), (50, 1)])
def test_pages_of_any_length_hold_every_entry_once(log: Database, limit: int, pages: int) -> None:
    seen: list[str] = []
    last: int | None = None
    with log.reading() as session:
        for _page in range(pages):
            page = queries.entries(session, limit=limit, older_than=last)
            seen += [entry.object for entry in page]
            last = page[-1].id
        assert queries.entries(session, limit=limit, older_than=last) == []
    assert seen == ["6", "5", "4", "3", "2", "1"]


def test_paging_keeps_the_filter(log: Database) -> None:
    with log.reading() as session:
        (first,) = queries.entries(session, campaign="ss27", limit=1)
        rest = queries.entries(session, campaign="ss27", older_than=first.id)
    assert [entry.object for entry in (first, *rest)] == ["5", "4", "2", "1"]


def test_before_the_first_entry_there_is_nothing(log: Database) -> None:
    with log.reading() as session:
        oldest = queries.entries(session)[-1]
        assert queries.entries(session, older_than=oldest.id) == []
        assert queries.entries(session, older_than=0) == []


def test_who_stands_in_a_campaigns_log_is_listed_once_by_name(log: Database) -> None:
    with log.reading() as session:
        assert queries.actors(session, campaign="ss27") == ["staff:anna@example.com", "staff:bert@example.com", "worker"]
        assert queries.actors(session, campaign="none") == []


def test_who_agreed_first_is_named_first(sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        for name in ("zoe", "anna", "bert"):
            facts = {"campaign": "ss27", "action": "production.decide", "digest": "d" * 64}
            actions.approve(session, **facts, actor=f"staff:{name}@example.com", now=now)
        agreed = queries.approvers(session, campaign="ss27", action="production.decide", digest="d" * 64)
    assert agreed == [f"staff:{name}@example.com" for name in ("zoe", "anna", "bert")]


def test_an_entry_keeps_what_it_was_given_to_the_letter(sqlite_database: Database, now: datetime) -> None:
    before, after = {"names": ["款 K1", "a\nb"], "price": None}, {"names": [], "price": 29900, "on": True}
    with sqlite_database.transaction() as session:
        actions.record(session, actor="worker", action="campaign.update", before=before, after=after, reason="“why”", now=now)
    with sqlite_database.reading() as session:
        (entry,) = queries.entries(session)
    assert (entry.before, entry.after, entry.reason, entry.at) == (before, after, "“why”", now)
