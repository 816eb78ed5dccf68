"""The talk with a mail server: what it can refuse, and what is never said in the clear."""

import smtplib
import ssl
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest

from c2b.db import Database
from c2b.messages import sending
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.settings import Settings
from tests.messages.test_sending import message, queued, work


class Wire:
    """A mail server that writes down what a client does, and fails where it is told to."""

    def __init__(self, *, offers: str = "", fails: dict[str, Exception] | None = None) -> None:
        self.offers, self.fails = offers, fails or {}
        self.heard: list[tuple[Any, ...]] = []
        self.mails: list[EmailMessage] = []

    def _hear(self, *said: Any) -> None:
        self.heard.append(said)
        if said[0] in self.fails:
            raise self.fails[said[0]]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self._hear("quit")

    def ehlo_or_helo_if_needed(self) -> None:
        self._hear("ehlo")

    def has_extn(self, name: str) -> bool:
        return ("ehlo",) in self.heard and name == self.offers

    def starttls(self, *, context: ssl.SSLContext) -> None:
        assert context.verify_mode is ssl.CERT_REQUIRED
        self._hear("starttls")

    def login(self, user: str, password: str) -> None:
        self._hear("login", user, password)

    def send_message(self, mail: EmailMessage) -> None:
        self.mails.append(mail)
        self._hear("mail", mail["To"])

    @property
    def steps(self) -> list[str]:
        """What the client did, step by step."""
        return [str(said[0]) for said in self.heard]


class Dialled:
    """Stands in for both kinds of connection and keeps where they led."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, wire: Wire) -> None:
        self.wire, self.to = wire, ("", "", 0)
        monkeypatch.setattr(smtplib, "SMTP", self._kind("plain"))
        monkeypatch.setattr(smtplib, "SMTP_SSL", self._kind("encrypted"))

    def _kind(self, name: str) -> Any:
        def connect(host: str, port: int, *, timeout: int, context: ssl.SSLContext | None = None) -> Wire:
            assert timeout == sending.SECONDS
            assert (context is not None) is (name == "encrypted")
            self.to = (name, host, port)
            return self.wire

        return connect


class Office:
    """One queued mail to Anna, and a worker that tries to send it."""

    def __init__(self, database: Database, folder: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
        self._database, self._folder, self._now, self._monkeypatch = database, folder, now, monkeypatch
        queued(database, now, locale="en")

    def tries(self, wire: Wire, mail_url: str = "smtp://shop:secret@mail.example.com", *, minutes: int = 0) -> Message:
        """Try to send the mail over `wire`, so many minutes after it was queued."""
        Dialled(self._monkeypatch, wire)
        settings = Settings(data=self._folder, mail_url=mail_url, base_url="https://shop.example.com")
        work(self._database, settings, self._now + timedelta(minutes=minutes))
        return message(self._database)


@pytest.fixture
def office(sqlite_database: Database, tmp_path: Path, now: datetime, monkeypatch: pytest.MonkeyPatch) -> Office:
    return Office(sqlite_database, tmp_path, now, monkeypatch)


@pytest.mark.parametrize(
    ("mail_url", "to"),
    [
        ("smtp://mail.example.com", ("plain", "mail.example.com", 0)),
        ("smtp://mail.example.com:587", ("plain", "mail.example.com", 587)),
        ("smtps://mail.example.com", ("encrypted", "mail.example.com", 0)),
        ("smtps://mail.example.com:4650", ("encrypted", "mail.example.com", 4650)),
        ("smtp:", ("plain", "localhost", 0)),
    ],
)
def test_the_address_says_how_and_where_to_connect(monkeypatch: pytest.MonkeyPatch, mail_url: str, to: tuple[str, str, int]) -> None:
    dialled = Dialled(monkeypatch, Wire())
    mail = EmailMessage()
    mail["To"] = "anna@example.com"
    sending._by_smtp(urlsplit(mail_url), mail)
    assert dialled.to == to
    assert dialled.wire.steps == ["ehlo", "mail", "quit"]


def test_nobody_given_is_the_usual_port_of_its_kind() -> None:
    assert (smtplib.SMTP.default_port, smtplib.SMTP_SSL.default_port) == (25, 465)


def test_a_server_that_offers_encryption_hears_the_password_only_inside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled = Dialled(monkeypatch, Wire(offers="starttls"))
    sending._by_smtp(urlsplit("smtp://shop%40example.com:p%3Aw@mail.example.com"), EmailMessage())
    assert dialled.wire.steps == ["ehlo", "starttls", "login", "mail", "quit"]
    assert dialled.wire.heard[2] == ("login", "shop@example.com", "p:w")


def test_what_is_encrypted_already_is_not_encrypted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    dialled = Dialled(monkeypatch, Wire(offers="starttls"))
    sending._by_smtp(urlsplit("smtps://shop@mail.example.com"), EmailMessage())
    assert dialled.wire.steps == ["ehlo", "login", "mail", "quit"]
    assert dialled.wire.heard[1] == ("login", "shop", "")


def test_where_the_certificate_is_wrong_neither_password_nor_mail_go_out_and_it_is_tried_again(office: Office) -> None:
    wire = Wire(offers="starttls", fails={"starttls": ssl.SSLCertVerificationError("self-signed certificate")})
    found = office.tries(wire)
    assert wire.steps == ["ehlo", "starttls", "quit"]
    assert found.state == MessageState.QUEUED
    assert "secret" not in found.last_error


def refused(*codes: int) -> smtplib.SMTPRecipientsRefused:
    return smtplib.SMTPRecipientsRefused({f"{code}@example.com": (code, b"no") for code in codes})


@pytest.mark.parametrize(
    ("step", "error", "state"),
    [
        ("mail", refused(550), MessageState.FAILED),
        ("mail", refused(500), MessageState.FAILED),
        ("mail", refused(550, 553), MessageState.FAILED),
        ("mail", refused(550, 451), MessageState.QUEUED),
        ("mail", refused(499), MessageState.QUEUED),
        ("mail", refused(421), MessageState.QUEUED),
        ("mail", smtplib.SMTPDataError(452, b"disk full"), MessageState.QUEUED),
        ("mail", smtplib.SMTPSenderRefused(451, b"later", "noreply@shop.example.com"), MessageState.QUEUED),
        ("mail", smtplib.SMTPServerDisconnected("gone"), MessageState.QUEUED),
        ("mail", TimeoutError("timed out"), MessageState.QUEUED),
        ("mail", UnicodeEncodeError("ascii", "ä", 0, 1, "no"), MessageState.FAILED),
        ("login", smtplib.SMTPAuthenticationError(535, b"bad credentials"), MessageState.QUEUED),
        ("ehlo", smtplib.SMTPHeloError(501, b"who?"), MessageState.QUEUED),
        ("ehlo", ConnectionResetError("reset"), MessageState.QUEUED),
    ],
)
def test_only_what_no_further_try_can_help_is_failed_at_once(office: Office, step: str, error: Exception, state: MessageState) -> None:
    found = office.tries(Wire(fails={step: error}))
    assert (found.state, found.attempts, found.sent_at) == (state, 1, None)
    assert found.last_error.startswith(type(error).__name__)
    assert "example.com" not in found.last_error


def test_a_server_that_comes_back_gets_the_mail_and_the_failure_is_forgotten(office: Office) -> None:
    assert office.tries(Wire(fails={"mail": smtplib.SMTPServerDisconnected("gone")})).last_error
    wire = Wire()
    found = office.tries(wire, minutes=1)
    assert ("mail", "anna@example.com") in wire.heard
    assert (found.state, found.attempts, found.last_error) == (MessageState.SENT, 2, "")


@pytest.mark.parametrize(
    ("mail_url", "sender"),
    [
        ("smtp://mail.example.com", "noreply@shop.example.com"),
        ("smtp://mailer:secret@mail.example.com", "noreply@shop.example.com"),
        ("smtp://hello%40brand.example.com:secret@mail.example.com", "hello@brand.example.com"),
    ],
)
def test_the_sender_is_the_account_where_it_is_an_address(office: Office, mail_url: str, sender: str) -> None:
    wire = Wire()
    office.tries(wire, mail_url)
    (mail,) = wire.mails
    assert mail["From"] == sender
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"].endswith("@shop.example.com>")
    assert [part.get_content_charset() for part in mail.iter_parts()] == ["utf-8", "utf-8"]


def test_a_mail_that_is_sent_again_keeps_its_message_id_so_that_programs_show_it_once(office: Office) -> None:
    lost, wire = Wire(fails={"mail": smtplib.SMTPServerDisconnected("the answer was lost")}), Wire()
    office.tries(lost)
    office.tries(wire, minutes=1)
    assert lost.mails[0]["Message-ID"] == wire.mails[0]["Message-ID"]
