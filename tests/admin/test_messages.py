"""The delivery log: what could not be delivered is seen and sent again."""

from datetime import datetime

import pytest
from sqlalchemy import select

from c2b.admin.messages import PAGE
from c2b.db import Database
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.people.rules import Role
from tests.admin.conftest import NOON, Logged, SignIn, spoken


def told(database: Database, recipient: str, state: MessageState = MessageState.SENT, *, at: datetime = NOON, error: str = "") -> int:
    with database.transaction() as session:
        message = Message(
            event=f"order_paid:{recipient}",
            channel="email",
            recipient=recipient,
            template="order_paid",
            fields={"secret": "the text"},
            locale="en",
            state=state,
            attempts=6 if error else 1,
            created_at=at,
            last_error=error,
        )
        session.add(message)
        session.flush()
        return message.id


def states(database: Database) -> list[MessageState]:
    with database.reading() as session:
        return list(session.scalars(select(Message.state)))


def test_without_messages_the_page_says_what_will_stand_there(sign_in: SignIn) -> None:
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    assert "No messages" in spoken(browser)


def test_a_message_that_could_not_be_delivered_is_counted_and_says_why(database: Database, sign_in: SignIn) -> None:
    told(database, "anna@example.com")
    told(database, "ben@example.com", MessageState.FAILED, error="SMTPRecipientsRefused")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    page = spoken(browser)
    assert "1 message could not be delivered." in page
    assert all(words in page for words in ("anna@example.com", "ben@example.com", "SMTPRecipientsRefused", "Deposit arrived"))
    assert "the text" not in page


def test_the_filter_shows_one_state(database: Database, sign_in: SignIn) -> None:
    told(database, "anna@example.com")
    told(database, "ben@example.com", MessageState.FAILED, error="x")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages?state=failed")
    assert ("ben@example.com" in spoken(browser), "anna@example.com" in spoken(browser)) == (True, False)
    browser.get("/admin/messages?state=nonsense&older=nonsense")
    assert "anna@example.com" in spoken(browser)


def test_a_long_log_has_pages(database: Database, sign_in: SignIn) -> None:
    numbers = [told(database, f"c{number:02}@example.com") for number in range(PAGE + 1)]
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    assert ("c50@example.com" in spoken(browser), "c00@example.com" in spoken(browser), "Older" in spoken(browser)) == (True, False, True)
    browser.get(f"/admin/messages?older={numbers[1]}")
    assert ("c00@example.com" in spoken(browser), "Older" in spoken(browser)) == (True, False)


def test_it_is_sent_again_by_hand_and_the_log_knows_by_whom(database: Database, sign_in: SignIn, logged: Logged) -> None:
    number = told(database, "ben@example.com", MessageState.FAILED, error="x")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    browser.press("Send again ben@example.com")
    assert "It is sent again within seconds." in spoken(browser)
    assert states(database) == [MessageState.QUEUED]
    with database.reading() as session:
        assert session.scalars(select(Job.payload)).all() == [{"message": number}]
    (entry,) = logged("messages.send_again")
    assert (entry.object, entry.actor.startswith("staff:")) == (str(number), True)


@pytest.mark.parametrize("number", ["0", "-1", "x", "", "99999999"])
def test_what_is_no_failed_message_changes_nothing(database: Database, sign_in: SignIn, logged: Logged, number: str) -> None:
    told(database, "ben@example.com", MessageState.FAILED, error="x")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    token = browser.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    answer = browser.client.post("/admin/messages", data={"csrf_token": token, "message": number})
    assert (answer.status_code, states(database), logged("messages.send_again")) == (404, [MessageState.FAILED], [])
