"""Sending one message: read, deliver outside any transaction, note what became of it."""

import logging
import smtplib
import ssl
from collections.abc import Callable
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote, urlsplit

from sqlalchemy import select, update

from c2b.db import Database
from c2b.jobs.rules import describe
from c2b.messages.models import Message
from c2b.messages.rules import SECRET, TRIES, MessageState, NoWay, Text
from c2b.messages.sms import Sms
from c2b.messages.texts import render
from c2b.settings import CONSOLE, Settings

_log = logging.getLogger(__name__)
SECONDS = 10
"""Time-out of every step of the talk with the mail server."""


_PERMANENT = 500
"""RFC 5321, 4.2.1: a 5yz answer is final."""
_HOPELESS = (NoWay, MessageError, ValueError, KeyError)
"""Nobody delivers it, or its address or a field can't be written as mail."""


def send(database: Database, settings: Settings, message_id: int, now: datetime) -> None:
    """Send one queued message; one that is out already is left alone.

    What fails raises, so that the job is tried again; after the last try, or where no try can help, the message is failed for staff
    to see. A crash between the delivery and its note sends the mail twice, with the same Message-ID.
    """
    with database.reading() as session:
        message = session.scalars(select(Message).where(Message.id == message_id, Message.state == MessageState.QUEUED)).first()
    if message is None:
        return
    try:
        text = render(message.template, message.locale, message.fields, base_url=settings.base_url, channel=message.channel)
        _provider(settings, message.channel)(message, text, now)
    except (*_HOPELESS, smtplib.SMTPException, HTTPException, OSError) as error:
        if _is_hopeless(error) or message.attempts + 1 >= TRIES:
            _note(database, message, state=MessageState.FAILED, last_error=describe(error))
        else:
            _note(database, message, state=MessageState.QUEUED, last_error=describe(error))
            raise
    else:
        _note(database, message, state=MessageState.SENT, sent_at=now, last_error="", fields=_kept_fields(message))


def _is_hopeless(error: Exception) -> bool:
    """Tell whether no further try can help: besides `_HOPELESS`, each mailbox was refused for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _answer in error.recipients.values())
    return isinstance(error, _HOPELESS) and not isinstance(error, OSError)  # a wrong certificate is both ValueError and OSError


def _kept_fields(message: Message) -> dict[str, Any]:
    """Return what is kept of a message that is out: of a secret nothing."""
    return {} if message.template in SECRET else message.fields


def _note(database: Database, message: Message, **values: object) -> None:
    with database.transaction() as session:
        session.execute(update(Message).where(Message.id == message.id).values(attempts=Message.attempts + 1, **values))


def _provider(settings: Settings, channel: str) -> Callable[[Message, Text, datetime], None]:
    url = _url(settings, channel)
    if url == CONSOLE:
        return lambda message, text, now: _to_file(settings.data / "outbox", _mail(settings, message, text, now), message.id)
    if channel == "phone" and url:
        return lambda message, text, _now: Sms(urlsplit(url)).send(to=message.recipient, text=text.body, key=_name(message))
    if channel == "email":
        return lambda message, text, now: _by_smtp(urlsplit(url), _mail(settings, message, text, now))
    raise NoWay(f"no provider for {channel}")


def _url(settings: Settings, channel: str) -> str:
    """Return who carries messages of this channel: without a mail server all that has none of its own is written to files.

    A file, not a line of the log: a code in a log would outlive its ten minutes.
    """
    own = {"email": settings.mail_url, "phone": settings.sms_url}.get(channel, "")
    return own or ("" if settings.mail_url else CONSOLE)


def _name(message: Message) -> str:
    """Return the message's name for the outside: the same at every try, so that a server can tell a second delivery."""
    return f"{message.id}.{message.created_at:%Y%m%d%H%M%S%f}"


def _mail(settings: Settings, message: Message, text: Text, now: datetime) -> EmailMessage:
    host = urlsplit(settings.base_url).hostname or "localhost"
    user = unquote(urlsplit(settings.mail_url).username or "")
    mail = EmailMessage()
    mail["Subject"] = text.subject or "SMS"
    mail["From"] = Address(addr_spec=user if "@" in user else f"noreply@{host}")
    mail["To"] = Address(addr_spec=message.recipient) if message.channel == "email" else message.recipient
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_name(message)}@{host}>"
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers
    mail.set_content(text.body)
    return mail


def _to_file(folder: Path, mail: EmailMessage, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    half = folder / f".{number:08}.eml"
    half.write_bytes(mail.as_bytes())
    half.rename(whole := folder / f"{number:08}.eml")
    _log.warning("A message was written to %s; nobody else sends it", whole)


def _by_smtp(server: SplitResult, mail: EmailMessage) -> None:
    with _client(server) as client:
        client.ehlo_or_helo_if_needed()  # only now it is known what the server can do
        if server.scheme == "smtp" and client.has_extn("starttls"):
            client.starttls(context=ssl.create_default_context())
        if server.username:
            client.login(unquote(server.username), unquote(server.password or ""))
        client.send_message(mail)


def _client(server: SplitResult) -> smtplib.SMTP:
    """Connect to the mail server, at the usual port of its kind (0) unless another is given."""
    host, port = server.hostname or "localhost", server.port or 0
    if server.scheme == "smtps":
        return smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=ssl.create_default_context())
    return smtplib.SMTP(host, port, timeout=SECONDS)
