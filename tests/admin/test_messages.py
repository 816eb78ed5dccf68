"""The delivery log: what could not be delivered is seen and sent again."""

from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select

from c2b.admin.messages import PAGE, TEMPLATES
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.jobs.models import Job
from c2b.messages.models import Message
from c2b.messages.rules import REASONS, MessageState
from c2b.people.rules import Permission, Role, may
from tests.admin import shop
from tests.admin.conftest import NOON, Logged, SignIn, spoken


def told(
    database: Database,
    recipient: str,
    state: MessageState = MessageState.SENT,
    *,
    at: datetime = NOON,
    error: str = "",
    **changes: Any,
) -> int:
    values: dict[str, Any] = {"event": f"order_paid:{recipient}", "channel": "email", "template": "order_paid", "locale": "en"}
    values |= {"fields": {"secret": "the text"}, "attempts": 6 if error else 1, "created_at": at, "last_error": error}
    with database.transaction() as session:
        message = Message(recipient=recipient, state=state, **(values | changes))
        session.add(message)
        session.flush()
        return message.id


def states(database: Database) -> list[MessageState]:
    with database.reading() as session:
        return list(session.scalars(select(Message.state).order_by(Message.id)))


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


def test_every_template_has_a_name_in_the_log() -> None:
    assert set(TEMPLATES) == set(REASONS)


def test_each_filter_shows_what_it_says_and_the_next_page_keeps_it(database: Database, sign_in: SignIn) -> None:
    for number in range(PAGE + 1):
        told(database, f"c{number:02}@example.com", MessageState.FAILED, template="balance_due", error="x")
    told(database, "+8613800138000", channel="phone")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages?template=order_paid")
    assert ("+8613800138000" in spoken(browser), "c50@example.com" in spoken(browser)) == (True, False)
    browser.get("/admin/messages?channel=phone&state=sent")
    assert ("+8613800138000" in spoken(browser), "c50@example.com" in spoken(browser)) == (True, False)
    browser.get("/admin/messages?to=C07%40EXAMPLE")
    assert ("c07@example.com" in spoken(browser), "c50@example.com" in spoken(browser)) == (True, False)
    browser.get("/admin/messages?to=example.com&template=balance_due&state=failed&channel=email")
    older = next(link.get("href") or "" for link in browser.tree.iter("a") if link.text == "Older")
    browser.get(f"/admin/messages{older}")
    assert ("c00@example.com" in spoken(browser), "+8613800138000" in spoken(browser)) == (True, False)
    browser.get("/admin/messages?template=nonsense&channel=nonsense")
    assert "+8613800138000" in spoken(browser)
    browser.get("/admin/messages?to=nobody")
    assert "No message fits this filter." in spoken(browser)


def test_every_state_is_counted_on_top(database: Database, sign_in: SignIn) -> None:
    for number, state in enumerate([*MessageState, MessageState.SENT]):
        told(database, f"c{number}@example.com", state)
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    assert "Not delivered 1" in spoken(browser)
    assert "Delivered 2" in spoken(browser)
    assert "Not sent 1 the customer refuses news, or was erased" in spoken(browser)


@pytest.mark.parametrize("role", [role for role in Role if may(role, Permission.DEPOSITS)])
def test_addresses_are_shown_in_full_only_to_who_may_see_personal_data(database: Database, sign_in: SignIn, role: Role) -> None:
    told(database, "anna@example.com", MessageState.FAILED, error="x")
    told(database, "+8613800138000", channel="phone")
    told(database, "erased:3", event="gone")
    browser = sign_in(role)
    browser.get("/admin/messages")
    full = may(role, Permission.PERSONAL_DATA)
    assert ("anna@example.com" in browser.html, "13800138000" in browser.html) == (full, full)
    assert ("a***@example.com" in browser.html, "***8000" in browser.html) == (not full, not full)
    assert ('name="to"' in browser.html, "Send again" in browser.html, "Send all failed again" in browser.html) == (full, full, full)
    browser.get("/admin/messages?to=anna")
    assert ("8000" in browser.html) is not full, "searching would tell who is a customer"


def test_all_that_failed_is_sent_again_by_one_button(database: Database, sign_in: SignIn, logged: Logged) -> None:
    numbers = [told(database, f"c{number}@example.com", MessageState.FAILED, error="x") for number in range(3)]
    told(database, "typo@example.con", MessageState.FAILED, error="x", template="sign_in_code")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/messages")
    assert "3 messages could not be delivered." in spoken(browser)
    browser.press("Send all failed again")
    assert "3 messages are sent again." in spoken(browser)
    assert states(database) == [MessageState.QUEUED] * 3 + [MessageState.FAILED]
    with database.reading() as session:
        assert session.scalars(select(Job.payload).order_by(Job.id)).all() == [{"message": number} for number in numbers]
    (entry,) = logged("messages.send_all_again")
    assert (entry.after, entry.actor.startswith("staff:")) == ({"messages": 3}, True)


def test_the_overview_calls_who_may_look_and_leads_to_the_failed_ones(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session)
    told(database, "typo@example.con", MessageState.FAILED, error="x", template="sign_in_code")
    browser = sign_in(Role.SUPPORT)
    browser.get("/admin/ss27/")
    assert "could not be delivered" not in spoken(browser), "a mistyped address of somebody signing in is nobody's work"
    told(database, "anna@example.com", MessageState.FAILED, error="x")
    browser.get("/admin/ss27/")
    assert "1 message could not be delivered" in spoken(browser)
    assert 'href="/admin/messages?state=failed"' in browser.html
    merchandiser = sign_in(Role.MERCHANDISER)
    merchandiser.get("/admin/ss27/")
    assert "could not be delivered" not in spoken(merchandiser)


@pytest.mark.parametrize(("role", "to"), [(Role.SUPPORT, "ben@example.com"), (Role.FINANCE, "b***@example.com")])
def test_an_orders_page_shows_what_was_told_of_it(database: Database, sign_in: SignIn, role: Role, to: str) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        ref, other = (shop.order(session, of, "K101", 1, email).ref for email in ("anna@example.com", "cleo@example.com"))
    browser = sign_in(role)
    browser.get(f"/admin/ss27/orders/{ref}")
    assert "Messages None yet." in spoken(browser)
    told(database, "ben@example.com", about=ref, sent_at=NOON)
    told(database, "ben@example.com", MessageState.FAILED, about=ref, event="2", template="balance_due", error="SMTPDataError")
    told(database, "cleo@example.com", about=other, event="3", template="refund_settled")
    browser.get(f"/admin/ss27/orders/{ref}")
    assert f"Not delivered SMTPDataError Balance open {to}" in spoken(browser)
    assert f"Delivered Deposit arrived {to}" in spoken(browser)
    assert "Refund sent" not in spoken(browser)
