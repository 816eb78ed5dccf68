"""Telling people: messages are queued in the transaction of the change that they tell of."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.errors import N_, NotFound
from c2b.jobs.actions import enqueue
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.messages.texts import render


def queue(
    session: Session,
    *,
    event: str,
    channel: str,
    recipient: str,
    template: str,
    fields: Mapping[str, str],
    locale: str,
    now: datetime,
) -> int | None:
    """Queue one message and the job that sends it; return its id, or None where this person was told of this event already.

    `fields` are as the person reads them: amounts and times are formatted by the caller. The text is put together once here,
    so that a missing field is an error of the caller (KeyError), not of the worker.
    """
    render(template, locale, fields, channel=channel)
    new = insert_into(session, Message).values(
        event=event, channel=channel, recipient=recipient, template=template, fields=dict(fields), locale=locale, created_at=now
    )
    once = new.on_conflict_do_nothing(index_elements=["event", "recipient", "channel"])
    made = session.execute(once.returning(Message.id)).scalar()
    if made is not None:
        enqueue(session, kind="messages.send", payload={"message": made}, now=now)
    return made


def send_again(session: Session, *, message_id: int, now: datetime) -> None:
    """Put a failed message back to be sent; raises NotFound for any other."""
    failed = (Message.id == message_id) & (Message.state == MessageState.FAILED)
    again = update(Message).where(failed).values(state=MessageState.QUEUED, attempts=0).returning(Message.id)
    if session.execute(again).first() is None:
        raise NotFound(N_("There is no failed message with this number"))
    enqueue(session, kind="messages.send", payload={"message": message_id}, now=now)
