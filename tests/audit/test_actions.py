from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.audit import actions, queries
from c2b.audit.rules import is_staff
from c2b.db import Database
from c2b.errors import Refused

DIGEST = "d" * 64


def recorded(session: Session, now: datetime, **changes: str) -> None:
    values: dict[str, Any] = {"actor": "staff:anna@example.com", "action": "campaign.advance", "campaign": "ss27"}
    actions.record(session, now=now, **(values | changes))


def test_an_entry_says_who_when_what_before_after_and_why(session: Session, now: datetime) -> None:
    actions.record(
        session,
        actor="cli:root",
        action="campaign.advance",
        campaign="ss27",
        object="K288",
        before={"state": "draft"},
        after={"state": "voting"},
        reason="It is time",
        now=now,
    )
    (entry,) = queries.entries(session)
    assert (entry.at, entry.actor, entry.action, entry.campaign, entry.object) == (now, "cli:root", "campaign.advance", "ss27", "K288")
    assert (entry.before, entry.after, entry.reason) == ({"state": "draft"}, {"state": "voting"}, "It is time")


def test_the_newest_entry_comes_first(session: Session, now: datetime) -> None:
    recorded(session, now + timedelta(hours=1), object="first written")
    recorded(session, now, object="then written")
    assert [entry.object for entry in queries.entries(session)] == ["then written", "first written"]


def test_entries_are_found_by_campaign_actor_and_room(session: Session, now: datetime) -> None:
    recorded(session, now, object="a")
    recorded(session, now, object="b", campaign="aw27")
    recorded(session, now, object="c", actor="worker")
    recorded(session, now, object="d", action="voting.select")
    assert [entry.object for entry in queries.entries(session, campaign="aw27")] == ["b"]
    assert [entry.object for entry in queries.entries(session, actor="worker")] == ["c"]
    assert [entry.object for entry in queries.entries(session, action="voting.")] == ["d"]


def test_a_percent_sign_in_the_filter_is_no_wildcard(session: Session, now: datetime) -> None:
    recorded(session, now)
    assert queries.entries(session, action="%") == []


def test_pages_follow_each_other_without_gap_or_repeat(session: Session, now: datetime) -> None:
    for number in range(5):
        recorded(session, now, object=str(number))
    first = queries.entries(session, limit=2)
    second = queries.entries(session, limit=2, older_than=first[-1].id)
    third = queries.entries(session, limit=2, older_than=second[-1].id)
    assert [entry.object for entry in first + second + third] == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize("statement", ["UPDATE audit_entry SET actor = 'x'", "DELETE FROM audit_entry"])
def test_nobody_rewrites_the_log(database: Database, now: datetime, statement: str) -> None:
    with database.transaction() as session:
        recorded(session, now)
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(statement))
    with database.reading() as session:
        assert [entry.actor for entry in queries.entries(session)] == ["staff:anna@example.com"]


def approve(session: Session, now: datetime, actor: str) -> None:
    actions.approve(session, campaign="ss27", action="production.decide", digest=DIGEST, actor=actor, now=now)


def test_an_approval_counts_for_these_exact_figures_only(session: Session, now: datetime) -> None:
    approve(session, now, "staff:bo@example.com")
    assert queries.approvers(session, campaign="ss27", action="production.decide", digest=DIGEST) == ["staff:bo@example.com"]
    assert queries.approvers(session, campaign="ss27", action="production.decide", digest="e" * 64) == []
    assert queries.approvers(session, campaign="aw27", action="production.decide", digest=DIGEST) == []
    assert queries.approvers(session, campaign="ss27", action="campaign.cancel", digest=DIGEST) == []


def test_agreeing_twice_is_agreeing_once(session: Session, now: datetime) -> None:
    approve(session, now, "staff:bo@example.com")
    approve(session, now, "staff:bo@example.com")
    assert queries.approvers(session, campaign="ss27", action="production.decide", digest=DIGEST) == ["staff:bo@example.com"]
    assert [entry.action for entry in queries.entries(session)] == ["production.decide.approve"]


@pytest.mark.parametrize("actor", ["cli:root", "worker", ""])
def test_the_command_line_is_nobodys_second_person(session: Session, now: datetime, actor: str) -> None:
    assert not is_staff(actor)
    with pytest.raises(Refused, match="signed-in"):
        approve(session, now, actor)
    assert queries.approvers(session, campaign="ss27", action="production.decide", digest=DIGEST) == []
