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

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.jobs.rules import LEASE, describe
from c2b.messages.letter import Text
from c2b.messages.models import Message
from c2b.messages.refusing import refusing, token
from c2b.messages.rules import OPTIONAL, SECRET, TRIES, MessageState, NoWay
from c2b.messages.sms import Sms
from c2b.messages.texts import render
from c2b.settings import CONSOLE, Settings

_log = logging.getLogger(__name__)
SECONDS = 10
"""Time-out of every step of the talk with the mail server."""


_PERMANENT = 500
"""RFC 5321, 4.2.1: a 5yz answer is final."""
_CARRIED = frozenset({"email", "phone"})
_HOPELESS = (NoWay, MessageError, ValueError, KeyError)
"""Nobody delivers it, or its address or a field can't be written as mail."""


class Taken(Exception):
    """Another worker is sending this message just now; its job looks again later, for that worker may die."""


def send(database: Database, settings: Settings, message_id: int, now: datetime) -> None:
    """Send one queued message; one that is out already is left alone, and so is one that its reader has refused meanwhile.

    What fails raises, so that the job is tried again; after the last try, or where no try can help, the message is failed for staff
    to see. However many jobs there are for a message, one at a time sends it. A crash between the delivery and its note sends the
    mail twice, with the same Message-ID.
    """
    with database.transaction() as session:
        message = _claim(session, message_id, now)
    if message is None:
        return
    try:
        _provider(settings, message.channel)(message, _text(settings, message), now)
    except (*_HOPELESS, smtplib.SMTPException, HTTPException, OSError) as error:
        if _is_hopeless(error) or message.attempts >= TRIES:
            _note(database, message, state=MessageState.FAILED, last_error=_why(error))
        else:
            _note(database, message, state=MessageState.QUEUED, last_error=describe(error))
            raise
    else:
        forgotten: dict[str, Any] = {"fields": {}} if message.template in SECRET else {}
        _note(database, message, state=MessageState.SENT, sent_at=now, last_error="", **forgotten)


def _claim(session: Session, message_id: int, now: datetime) -> Message | None:
    """Count the try and keep others from it until it ends or its worker must be dead; None where there is nothing to send."""
    free = or_(Message.claimed_until.is_(None), Message.claimed_until <= now)
    waits = (Message.id == message_id) & (Message.state == MessageState.QUEUED)
    claim = update(Message).where(waits, free).values(attempts=Message.attempts + 1, claimed_until=now + LEASE)
    message = session.scalars(claim.returning(Message)).one_or_none()
    if message is None:
        if session.scalars(select(Message.id).where(waits)).first():
            raise Taken
        return None
    if message.template in OPTIONAL and refusing(session, {message.reader}):
        message.state = MessageState.DROPPED
    elif message.attempts > TRIES:
        message.state, message.last_error = MessageState.FAILED, "the worker died"
    return message if message.state is MessageState.QUEUED else None


def _note(database: Database, message: Message, **values: object) -> None:
    """Note how a try ended. That a message is out is true whoever says it; anything else only the worker says that has the claim."""
    what = [Message.id == message.id]
    if values["state"] is not MessageState.SENT:
        what += [Message.state == MessageState.QUEUED, Message.attempts == message.attempts]
    with database.transaction() as session:
        session.execute(update(Message).where(*what).values(claimed_until=None, **values))


def _text(settings: Settings, message: Message) -> Text:
    about = {"base_url": settings.base_url, "channel": message.channel, "refuse": _refuse(settings, message)}
    return render(message.template, message.locale, message.fields, **about)


def _refuse(settings: Settings, message: Message) -> str:
    """Return the address at which the reader can refuse such mails; empty where they can't, and in what is no mail."""
    if message.template not in OPTIONAL or message.channel != "email" or not message.reader:
        return ""
    key = settings.with_local_secret().secret_key.get_secret_value()
    return f"{settings.base_url}/opt-out/{token(key, message.reader)}"


def _is_hopeless(error: Exception) -> bool:
    """Tell whether no further try can help: besides `_HOPELESS`, each mailbox was refused for good."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= _PERMANENT for code, _answer in error.recipients.values())
    return isinstance(error, _HOPELESS) and not isinstance(error, OSError)  # a wrong certificate is both ValueError and OSError


def _why(error: Exception) -> str:
    """Return what staff read: with our own words where no way leads to the person, for they name nobody."""
    return f"{describe(error)}: {error}" if isinstance(error, NoWay) else describe(error)


def _provider(settings: Settings, channel: str) -> Callable[[Message, Text, datetime], None]:
    if channel not in _CARRIED:
        raise NoWay(f"nobody carries messages by {channel} yet; the person has no e-mail address or telephone number here")
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
    if text.html:
        mail.add_alternative(text.html, subtype="html")
    if refuse := _refuse(settings, message):
        mail["List-Unsubscribe"] = f"<{refuse}>"
        if settings.https:  # RFC 8058, 3.1: one click asks for an address that nobody can listen to
            mail["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
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
