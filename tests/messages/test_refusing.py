"""News can be refused, what is required can't; the link of a mail names its reader and nobody else can make it."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.messages import actions, refusing
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.messages.sending import send
from c2b.settings import Settings
from tests.messages.conftest import MailServer
from tests.messages.test_sending import queued, words, work
from tests.messages.test_texts import FIELDS

ANNA = "anna-ref"
KEY = "k" * 40


def news(database: Database, now: datetime, **changes: Any) -> int | None:
    """Queue the result for Anna, as its event R1."""
    values: dict[str, Any] = {"event": "result:R1", "channel": "email", "recipient": "anna@example.com", "template": "result_published"}
    values |= {"fields": FIELDS["result_published"], "locale": "en", "reader": ANNA}
    with database.transaction() as session:
        return actions.queue(session, now=now, **(values | changes))


def refuses(database: Database, now: datetime, reader: str = ANNA) -> None:
    with database.transaction() as session:
        refusing.refuse(session, reader=reader, now=now)


def states(database: Database) -> list[MessageState]:
    with database.reading() as session:
        return list(session.scalars(select(Message.state).order_by(Message.id)))


def test_a_token_names_its_reader() -> None:
    assert refusing.reader_of(KEY, refusing.token(KEY, ANNA)) == ANNA


@pytest.mark.parametrize("signed", ["", ".", ANNA, f"{ANNA}.", f"{ANNA}.aaaa", "ä.ä", "bob" + refusing.token(KEY, ANNA)[len(ANNA) :]])
def test_a_token_that_is_not_ours_names_nobody(signed: str) -> None:
    assert refusing.reader_of(KEY, signed) is None


def test_a_token_of_another_shop_names_nobody() -> None:
    assert refusing.reader_of(KEY, refusing.token("l" * 40, ANNA)) is None


def test_who_refuses_is_remembered_with_the_first_time_until_they_want_news_again(session: Session, now: datetime) -> None:
    assert refusing.refused_at(session, reader=ANNA) is None
    for days in (0, 1):
        refusing.refuse(session, reader=ANNA, now=now + timedelta(days=days))
    assert refusing.refused_at(session, reader=ANNA) == now
    assert refusing.refusing(session, [ANNA, "ben"]) == {ANNA}
    refusing.allow(session, reader=ANNA)
    assert refusing.refused_at(session, reader=ANNA) is None


def test_who_refuses_gets_no_news_and_staff_can_see_why(database: Database, now: datetime) -> None:
    refuses(database, now)
    assert news(database, now) is None
    assert news(database, now, recipient="ben@example.com", reader="ben-ref") is not None
    assert states(database) == [MessageState.DROPPED, MessageState.QUEUED]


def test_who_refuses_still_gets_what_concerns_their_money(database: Database, now: datetime) -> None:
    refuses(database, now)
    assert queued(database, now, reader=ANNA)
    assert states(database) == [MessageState.QUEUED]


def test_news_that_wait_are_not_sent_to_who_refuses_meanwhile(
    database: Database,
    mail_server: MailServer,
    by_smtp: Settings,
    now: datetime,
) -> None:
    news(database, now)
    refuses(database, now)
    work(database, by_smtp, now)
    assert (mail_server.mails, states(database)) == ([], [MessageState.DROPPED])
    with database.transaction() as session:
        refusing.allow(session, reader=ANNA)
    assert news(database, now) is None, "what was dropped stays so: nobody is told of an event late"


def test_news_without_a_reader_are_the_callers_error(database: Database, now: datetime) -> None:
    with pytest.raises(ValueError, match="result_published may be refused"):
        news(database, now, reader="")
    assert states(database) == []


def test_the_mail_carries_the_link_for_its_reader_and_for_mail_programs(
    database: Database,
    mail_server: MailServer,
    by_smtp: Settings,
    now: datetime,
) -> None:
    news(database, now)
    work(database, by_smtp, now)
    (mail,) = mail_server.mails
    address = str(mail["List-Unsubscribe"])
    assert address.startswith("<https://shop.example.com/opt-out/")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"  # RFC 8058, 3.1, to the letter
    key = by_smtp.with_local_secret().secret_key.get_secret_value()
    assert refusing.reader_of(key, address.rpartition("/")[2].rstrip(">")) == ANNA
    assert address.strip("<>") in words(mail)
    assert address.strip("<>") in words(mail, "html")
    assert "anna" not in address.replace(ANNA, ""), "an address in an address would stand in every log on the way"


def test_without_encryption_no_single_click_is_offered(
    database: Database,
    mail_server: MailServer,
    by_smtp: Settings,
    now: datetime,
) -> None:
    news(database, now)
    work(database, by_smtp.model_copy(update={"base_url": "http://192.168.1.7:8000"}), now)
    assert "List-Unsubscribe" in mail_server.mails[0]
    assert "List-Unsubscribe-Post" not in mail_server.mails[0]


def test_what_is_required_offers_no_refusal(
    database: Database,
    mail_server: MailServer,
    by_smtp: Settings,
    now: datetime,
) -> None:
    send(database, by_smtp, queued(database, now, reader=ANNA), now)
    (mail,) = mail_server.mails
    assert not [name for name in mail if name.startswith("List-")]
    assert "opt-out" not in words(mail) + words(mail, "html")


def test_news_from_before_readers_were_known_are_still_sent(
    database: Database,
    mail_server: MailServer,
    by_smtp: Settings,
    now: datetime,
) -> None:
    number = news(database, now)
    with database.transaction() as session:
        session.get_one(Message, number).reader = ""
    work(database, by_smtp, now)
    assert "List-Unsubscribe" not in mail_server.mails[0]


def test_to_a_telephone_news_go_without_a_link_to_refuse(database: Database, tmp_path: Any, now: datetime) -> None:
    news(database, now, channel="phone", recipient="+8613800138000")
    work(database, Settings(data=tmp_path), now)
    (file,) = (tmp_path / "outbox").iterdir()
    assert b"opt-out" not in file.read_bytes()
    assert b"List-" not in file.read_bytes()
