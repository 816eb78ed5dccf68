"""The delivery log: what is found in it, and what counts as delivered."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.errors import NotFound
from c2b.jobs.models import Job
from c2b.messages import actions, queries
from c2b.messages.actions import Draft
from c2b.messages.models import Message
from c2b.messages.queries import Filter
from c2b.messages.rules import MessageState
from tests.messages.test_texts import FIELDS
from tests.statements import counted

EVENT = "balance_reminder:A1:3"


def told(session: Session, now: datetime, **changes: Any) -> Message:
    values: dict[str, Any] = {"event": EVENT, "channel": "email", "recipient": "anna@example.com", "template": "balance_reminder"}
    values |= {"fields": {}, "locale": "en", "state": MessageState.SENT, "sent_at": now, "created_at": now}
    made = Message(**(values | changes))
    session.add(made)
    session.flush()
    return made


def test_delivered_is_when_a_mail_server_took_it(session: Session, now: datetime) -> None:
    assert queries.delivered(session, EVENT) is None
    told(session, now)
    assert queries.delivered(session, EVENT) == now
    assert queries.delivered(session, EVENT, "anna@example.com") == now
    assert queries.delivered(session, EVENT, "ben@example.com") is None
    assert queries.delivered(session, "balance_reminder:A1:1") is None


@pytest.mark.parametrize("state", [state for state in MessageState if state is not MessageState.SENT])
def test_what_waits_failed_or_was_dropped_is_not_delivered(session: Session, now: datetime, state: MessageState) -> None:
    told(session, now, state=state, sent_at=None)
    assert queries.delivered(session, EVENT) is None


def test_of_two_deliveries_the_first_counts(session: Session, now: datetime) -> None:
    told(session, now, sent_at=now + timedelta(hours=2))
    told(session, now, channel="phone", recipient="+8613800138000", sent_at=now + timedelta(hours=1))
    told(session, now, recipient="ben@example.com", state=MessageState.FAILED, sent_at=None)
    assert queries.delivered(session, EVENT) == now + timedelta(hours=1)
    assert queries.delivered(session, EVENT, "anna@example.com") == now + timedelta(hours=2)


def test_the_log_is_filtered_by_each_thing_and_by_all(session: Session, now: datetime) -> None:
    told(session, now, event="1")
    told(session, now, event="2", state=MessageState.FAILED)
    told(session, now, event="3", template="order_paid")
    told(session, now, event="4", channel="phone", recipient="+8613800138000")
    told(session, now, event="5", recipient="Ben_50%@example.com", state=MessageState.FAILED)

    def found(**asked: Any) -> str:
        return "".join(row.event for row in queries.deliveries(session, Filter(**asked)))

    assert found() == "54321"
    assert found(state=MessageState.FAILED) == "52"
    assert found(template="order_paid") == "3"
    assert found(channel="phone") == "4"
    assert found(recipient="1380013") == "4"
    assert found(recipient="ANNA@") == "321"
    assert found(recipient="n_5") == found(recipient="0%@") == "5", "signs mean themselves"
    assert found(recipient="%") == "5"
    assert found(state=MessageState.FAILED, recipient="anna") == "2"


def test_every_state_is_counted(session: Session, now: datetime) -> None:
    for number, state in enumerate([MessageState.SENT, MessageState.SENT, MessageState.FAILED]):
        told(session, now, event=str(number), state=state)
    assert queries.counts(session) == {
        MessageState.SENT: 2,
        MessageState.FAILED: 1,
        MessageState.QUEUED: 0,
        MessageState.DROPPED: 0,
    }


def test_a_code_to_a_mistyped_address_calls_nobody(session: Session, now: datetime) -> None:
    told(session, now, event="1", state=MessageState.FAILED, template="sign_in_code")
    assert queries.failed(session) == 0
    told(session, now, event="2", state=MessageState.FAILED)
    assert queries.failed(session) == 1


def test_a_message_is_found_by_its_order(session: Session, now: datetime) -> None:
    for event, order in (("1", "A1"), ("2", "A2"), ("3", "A1")):
        fields = FIELDS["balance_paid"] | {"order": order}
        actions.queue(
            session, event=event, channel="email", recipient="a@example.com", template="balance_paid", fields=fields, locale="en", now=now
        )
    assert [row.event for row in queries.about(session, "A1")] == ["3", "1"]
    assert queries.about(session, "A3") == []


def test_all_that_failed_is_sent_again_at_once_but_no_code_and_nothing_that_was_erased(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        failed = [told(session, now, event=str(number), state=MessageState.FAILED, attempts=6).id for number in range(3)]
        code = told(session, now, event="code", state=MessageState.FAILED, template="counter_code").id
        told(session, now, event="sent")
        told(session, now, event="gone", recipient="erased:1", state=MessageState.DROPPED)
        assert actions.send_all_again(session, now=now) == 3
        with pytest.raises(NotFound):
            actions.send_again(session, message_id=code, now=now)
    with database.reading() as session:
        assert sorted(row.id for row in queries.deliveries(session, Filter(state=MessageState.QUEUED)) if not row.attempts) == failed
        assert [job.payload for job in session.query(Job).order_by(Job.id)] == [{"message": number} for number in failed]
    with database.transaction() as session:
        assert actions.send_all_again(session, now=now) == 0


def test_however_many_are_told_it_takes_as_many_statements(database: Database, now: datetime) -> None:
    def drafts(count: int, event: str) -> list[Draft]:
        fields = FIELDS["result_published"]
        return [Draft(event, "email", f"c{number}@example.com", "result_published", fields, "en", f"r{number}") for number in range(count)]

    taken = []
    for count in (2, 100):
        with database.transaction() as session, counted(database) as seen:
            assert len(actions.queue_all(session, drafts(count, f"e{count}"), now=now)) == count
        taken.append(len(seen))
    assert taken == [3, 3]
    with database.transaction() as session:
        assert len(actions.queue_all(session, drafts(101, "e100"), now=now)) == 1, "the one that wasn't told yet"
        assert actions.queue_all(session, [], now=now) == []


def test_the_same_person_twice_in_one_breath_is_told_once(session: Session, now: datetime) -> None:
    draft = Draft("e", "email", "anna@example.com", "balance_paid", FIELDS["balance_paid"], "en")
    assert len(actions.queue_all(session, [draft, draft], now=now)) == 1
