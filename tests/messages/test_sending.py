from datetime import datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.errors import NotFound
from c2b.jobs.actions import take
from c2b.jobs.worker import run_due
from c2b.messages import actions, queries
from c2b.messages.models import Message
from c2b.messages.queries import Filter
from c2b.messages.rules import TRIES, MessageState
from c2b.messages.sending import send
from c2b.settings import Settings
from tests.messages.conftest import MailServer


def queued(database: Database, now: datetime, **changes: Any) -> int:
    values: dict[str, Any] = {
        "event": "refund_settled:R1",
        "channel": "email",
        "recipient": "anna@example.com",
        "template": "refund_settled",
        "fields": {"amount": "¥50.00", "order": "A1", "campaign": "2027 春夏", "path": "/me/orders/A1"},
        "locale": "zh_Hans_CN",
    }
    with database.transaction() as session:
        made = actions.queue(session, now=now, **(values | changes))
    assert made is not None
    return made


def work(database: Database, settings: Settings, now: datetime) -> int:
    return run_due(database, {"messages.send": lambda base, payload, at: send(base, settings, payload["message"], at)}, now=lambda: now)


def message(database: Database) -> Message:
    with database.reading() as session:
        return session.scalars(select(Message)).one()


def words(mail: EmailMessage, kind: str = "plain") -> str:
    """Return the text of a mail, as the reader of plain or HTML mail gets it."""
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def test_a_mail_arrives_with_its_chinese_subject_and_text(
    database: Database, mail_server: MailServer, by_smtp: Settings, now: datetime
) -> None:
    queued(database, now)
    assert work(database, by_smtp, now) == 1
    (mail,) = mail_server.mails
    assert mail["Subject"] == "退款 ¥50.00 已完成"
    assert mail["To"] == "anna@example.com"
    assert mail["From"] == "noreply@shop.example.com"
    assert "「2027 春夏」" in words(mail)
    assert "https://shop.example.com/me/orders/A1" in words(mail)
    assert message(database).state == MessageState.SENT
    assert message(database).sent_at == now


def test_a_message_is_sent_once_however_often_its_job_runs(
    database: Database, mail_server: MailServer, by_smtp: Settings, now: datetime
) -> None:
    number = queued(database, now)
    send(database, by_smtp, number, now)
    send(database, by_smtp, number, now)
    assert len(mail_server.mails) == 1


def test_a_person_is_told_of_an_event_once(session: Session, now: datetime) -> None:
    fields = {"code": "123456", "minutes": "10"}
    told = [
        actions.queue(session, event="e", channel=channel, recipient=who, template="sign_in_code", fields=fields, locale="en", now=now)
        for channel, who in [
            ("email", "anna@example.com"),
            ("email", "anna@example.com"),
            ("email", "bo@example.com"),
            ("phone", "anna@example.com"),
        ]
    ]
    assert [made is not None for made in told] == [True, False, True, True]
    assert queries.counts(session)[MessageState.QUEUED] == 3


def test_a_message_that_lacks_a_field_is_never_queued(database: Database, now: datetime) -> None:
    with pytest.raises(KeyError):
        queued(database, now, fields={"amount": "¥50.00"})
    with database.reading() as session:
        assert queries.deliveries(session) == []


def test_a_server_that_is_busy_is_tried_again(database: Database, mail_server: MailServer, by_smtp: Settings, now: datetime) -> None:
    queued(database, now)
    mail_server.answer = "451 Try later"
    work(database, by_smtp, now)
    assert (message(database).state, message(database).attempts) == (MessageState.QUEUED, 1)
    assert message(database).last_error.startswith("SMTPRecipientsRefused at c2b/messages/sending.py")
    mail_server.answer = "250 OK"
    work(database, by_smtp, now + timedelta(minutes=1))
    assert (message(database).state, len(mail_server.mails)) == (MessageState.SENT, 1)


def test_a_mailbox_that_does_not_exist_is_failed_at_once(
    database: Database, mail_server: MailServer, by_smtp: Settings, now: datetime
) -> None:
    queued(database, now)
    mail_server.answer = "550 No such user"
    work(database, by_smtp, now)
    assert (message(database).state, message(database).attempts) == (MessageState.FAILED, 1)


def test_what_fails_again_and_again_is_shown_to_staff_who_may_send_it_again(database: Database, by_smtp: Settings, now: datetime) -> None:
    nobody = by_smtp.model_copy(update={"mail_url": "smtp://127.0.0.1:1"})
    number = queued(database, now)
    for day in range(TRIES + 2):
        work(database, nobody, now + timedelta(days=day))
    with database.reading() as session:
        (shown,) = queries.deliveries(session, Filter(state=MessageState.FAILED))
    assert (shown.id, shown.attempts) == (number, TRIES)
    with database.transaction() as session:
        actions.send_again(session, message_id=number, now=now)
    assert work(database, by_smtp, now) == 1
    assert message(database).state == MessageState.SENT


def test_only_a_failed_message_is_sent_again(database: Database, by_smtp: Settings, now: datetime) -> None:
    number = queued(database, now)
    work(database, by_smtp, now)
    with pytest.raises(NotFound), database.transaction() as session:
        actions.send_again(session, message_id=number, now=now)


def test_without_a_mail_server_a_mail_is_a_file_that_mail_programs_read(
    database: Database, by_file: Settings, now: datetime, caplog: pytest.LogCaptureFixture
) -> None:
    number = queued(database, now, locale="en")
    work(database, by_file, now)
    (file,) = (by_file.data / "outbox").iterdir()
    mail = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert file.name == f"{number:08}.eml"
    assert [record.getMessage() for record in caplog.records] == [f"A message was written to {file}; nobody else sends it"]
    assert mail["Subject"] == "Your refund of ¥50.00 is on its way to you"


def test_a_code_is_forgotten_once_it_is_sent(database: Database, by_file: Settings, now: datetime) -> None:
    queued(database, now, template="sign_in_code", fields={"code": "123456", "minutes": "10"})
    work(database, by_file, now)
    assert message(database).fields == {}
    assert message(database).state == MessageState.SENT


def test_a_text_message_without_a_provider_is_failed_and_says_why(database: Database, by_smtp: Settings, now: datetime) -> None:
    queued(database, now, channel="phone", recipient="+8613800000000")
    work(database, by_smtp, now)
    assert message(database).state == MessageState.FAILED
    assert message(database).last_error.startswith("NoWay")


def test_an_address_that_no_mail_can_have_is_failed_not_repeated(database: Database, by_smtp: Settings, now: datetime) -> None:
    queued(database, now, recipient="not an address")
    work(database, by_smtp, now)
    assert (message(database).state, message(database).attempts) == (MessageState.FAILED, 1)


def test_the_delivery_log_pages_without_gap(database: Database, now: datetime) -> None:
    for number in range(3):
        queued(database, now, event=f"refund_settled:R{number}")
    with database.reading() as session:
        first = queries.deliveries(session, limit=2)
        second = queries.deliveries(session, limit=2, older_than=first[-1].id)
    assert [row.event for row in first + second] == ["refund_settled:R2", "refund_settled:R1", "refund_settled:R0"]


def test_a_code_is_sent_before_everything_that_waits_already(sqlite_database: Database, now: datetime) -> None:
    for number in range(3):
        queued(sqlite_database, now, event=f"refund_settled:R{number}")
    code = queued(sqlite_database, now, event="sign_in:1", template="sign_in_code", fields={"code": "123456", "minutes": "10"})
    with sqlite_database.transaction() as session:
        first = take(session, kinds=["messages.send"], now=now)
    assert first
    assert first.payload == {"message": code}
