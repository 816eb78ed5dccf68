"""A real mail server that dies, dawdles and changes its mind: each event reaches a person once, and no failure is forgotten."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select, update

from c2b.db import Database
from c2b.jobs.models import Job
from c2b.jobs.rules import LEASE, JobState
from c2b.messages import sending
from c2b.messages.models import Message
from c2b.messages.rules import TRIES, MessageState
from c2b.messages.sending import Taken, send
from c2b.settings import Settings
from tests.messages.conftest import MailServer
from tests.messages.test_sending import message, queued, words, work

Does = Callable[["Moody"], str | None]
"""What happens while the server has a mail and hasn't answered yet; it answers what this returns, or hangs up."""


class Moody(MailServer):
    """A real SMTP server that does one of `moods` for each mail that it is given, and then takes every mail."""

    def __init__(self) -> None:
        super().__init__()
        self.moods: list[Does] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if not self.moods:
            return await super().handle_DATA(server, session, envelope)
        mood = self.moods.pop(0)
        kept = message_from_bytes(envelope.content, policy=policy.default)
        answer = await asyncio.get_running_loop().run_in_executor(None, mood, self)
        if answer and answer.startswith("250"):
            self.mails.append(kept)
        if answer is None:
            server.transport.abort()
        return answer or "421 gone"


@pytest.fixture
def mail_server() -> Iterator[Moody]:
    handler = Moody()
    controller = Controller(handler, hostname="127.0.0.1", port=handler.port)
    controller.start()
    yield handler
    controller.stop()


def dies(_server: Moody) -> None:
    return None


def takes_it_and_dies(server: Moody) -> None:
    server.mails.append(message_from_bytes(b"Subject: taken\n\n", policy=policy.default))


def says(answer: str) -> Does:
    return lambda _server: answer


def ids(server: Moody) -> list[str]:
    return [mail["Message-ID"] for mail in server.mails]


def test_a_mail_has_both_forms_the_richer_one_last(database: Database, mail_server: Moody, by_smtp: Settings, now: datetime) -> None:
    queued(database, now)
    work(database, by_smtp, now)
    (mail,) = mail_server.mails
    assert mail.get_content_type() == "multipart/alternative"
    parts = [(part.get_content_type(), part.get_content_charset()) for part in mail.iter_parts()]
    assert parts == [("text/plain", "utf-8"), ("text/html", "utf-8")]  # RFC 2046, 5.1.4: the last one is what the sender likes best
    assert not [name for name in mail if name.lower().startswith(("x-", "return-receipt", "disposition"))]
    assert "https://shop.example.com/me/orders/A1" in words(mail)
    assert 'href="https://shop.example.com/me/orders/A1"' in words(mail, "html")


def test_a_hostile_name_reaches_the_reader_as_words_and_adds_no_header(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    name = "Coat\r\nBcc: all@example.com\r\n\r\n<b>free</b>"
    fields = {"product": name, "order": "A1", "amount": "¥50.00", "path": "/me/orders/A1"}
    queued(database, now, template="product_missed", fields=fields, locale="en")
    work(database, by_smtp, now)
    (mail,) = mail_server.mails
    assert "Bcc" not in mail
    assert mail["Subject"] == "Coat Bcc: all@example.com <b>free</b> hasn't reached its minimum: you get ¥50.00 back"
    assert "<b>" not in words(mail, "html")


def test_a_server_that_dies_with_the_mail_in_its_hands_gets_it_again(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    mail_server.moods = [dies, dies]
    queued(database, now)
    for minutes in range(3):
        work(database, by_smtp, now + timedelta(minutes=minutes))
    assert len(mail_server.mails) == 1
    assert (message(database).state, message(database).attempts) == (MessageState.SENT, 3)


def test_a_server_that_took_the_mail_and_died_before_its_answer_gets_the_same_name_again(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    mail_server.moods = [takes_it_and_dies]
    number = queued(database, now)
    work(database, by_smtp, now)
    work(database, by_smtp, now + timedelta(minutes=1))
    assert len(mail_server.mails) == 2, "at least once: nobody can know more"
    assert mail_server.mails[1]["Message-ID"].startswith(f"<{number}."), "made from the message, not from the try"


@pytest.mark.parametrize("answer", ["451 local error", "452 disk full", "421 shutting down", "554 we don't like it"])
def test_what_is_refused_after_the_text_is_tried_again(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
    answer: str,
) -> None:
    mail_server.moods = [says(answer)]
    queued(database, now)
    work(database, by_smtp, now)
    assert (message(database).state, message(database).claimed_until) == (MessageState.QUEUED, None)
    work(database, by_smtp, now + timedelta(minutes=1))
    assert (message(database).state, len(mail_server.mails)) == (MessageState.SENT, 1)


def test_while_one_worker_sends_it_another_one_waits(database: Database, mail_server: Moody, by_smtp: Settings, now: datetime) -> None:
    number = queued(database, now)

    def second(_server: Moody) -> str:
        with pytest.raises(Taken):
            send(database, by_smtp, number, now + LEASE - timedelta(seconds=1))
        return "250 OK"

    mail_server.moods = [second]
    send(database, by_smtp, number, now)
    assert (len(mail_server.mails), message(database).state) == (1, MessageState.SENT)


def test_without_the_claim_both_would_send_it(database: Database, mail_server: Moody, by_smtp: Settings, now: datetime) -> None:
    number = queued(database, now)

    def second(_server: Moody) -> str:
        with database.transaction() as session:
            session.execute(update(Message).values(claimed_until=None))
        send(database, by_smtp, number, now)
        return "250 OK"

    mail_server.moods = [second]
    send(database, by_smtp, number, now)
    assert len(mail_server.mails) == 2


def test_who_was_silent_too_long_does_not_call_failed_what_another_one_delivered(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    number = queued(database, now)

    def second(_server: Moody) -> str:
        send(database, by_smtp, number, now + LEASE)
        return "451 Try later"

    mail_server.moods = [second]
    with pytest.raises(Exception, match="451"):
        send(database, by_smtp, number, now)
    assert (message(database).state, message(database).sent_at) == (MessageState.SENT, now + LEASE)


def test_that_it_is_out_is_true_also_if_another_one_failed_meanwhile(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    number = queued(database, now)

    def second(server: Moody) -> str:
        server.answer = "550 No such user"
        send(database, by_smtp, number, now + LEASE)
        assert message(database).state is MessageState.FAILED
        return "250 OK"

    mail_server.moods = [second]
    send(database, by_smtp, number, now)
    assert (message(database).state, message(database).last_error) == (MessageState.SENT, "")


@pytest.mark.parametrize("jobs", [1, 3])
def test_two_workers_send_each_message_once(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
    jobs: int,
) -> None:
    for number in range(12):
        queued(database, now, event=f"refund_settled:R{number}", recipient=f"c{number}@example.com")
    with database.transaction() as session:
        for row in session.scalars(select(Job)).all():
            session.add_all(Job(kind=row.kind, payload=row.payload, run_at=now, created_at=now) for _ in range(jobs - 1))
    both = threading.Barrier(2)

    def worker() -> None:
        both.wait()
        work(database, by_smtp, now)

    threads = [threading.Thread(target=worker) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    work(database, by_smtp, now + timedelta(minutes=1))  # who found one taken looks again
    assert sorted(mail["To"] for mail in mail_server.mails) == sorted(f"c{number}@example.com" for number in range(12))
    assert len(set(ids(mail_server))) == 12
    with database.reading() as session:
        assert set(session.scalars(select(Message.state))) == {MessageState.SENT}
        assert set(session.scalars(select(Job.state))) == {JobState.DONE}


def test_a_message_that_kills_its_workers_is_shown_to_staff(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    number = queued(database, now)
    for death in range(TRIES):
        with database.transaction() as session:
            assert sending._claim(session, number, now + death * LEASE)
    send(database, by_smtp, number, now + TRIES * LEASE)
    assert (message(database).state, message(database).last_error, mail_server.mails) == (MessageState.FAILED, "the worker died", [])


def test_what_was_erased_while_it_went_out_does_not_come_back(
    database: Database,
    mail_server: Moody,
    by_smtp: Settings,
    now: datetime,
) -> None:
    number = queued(database, now)

    def erased(_server: Moody) -> str:
        with database.transaction() as session:
            session.execute(update(Message).values(fields={}, recipient="erased:1", state=MessageState.DROPPED))
        return "250 OK"

    mail_server.moods = [erased]
    send(database, by_smtp, number, now)
    found = message(database)
    assert (found.fields, found.recipient, found.state) == ({}, "erased:1", MessageState.SENT)
