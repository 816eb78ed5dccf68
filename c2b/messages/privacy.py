"""What a person was told: given out, and gone."""

from collections.abc import Callable, Collection
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from c2b.messages import refusing
from c2b.messages.models import Message
from c2b.messages.rules import MessageState

Theirs = Callable[[str, str], bool]
"""Tells by channel and recipient whether a message was the person's."""


def exported(session: Session, *, theirs: Theirs, channels: Collection[str]) -> list[dict[str, Any]]:
    """Return the person's messages, as they were filled in."""
    found = session.scalars(select(Message).where(Message.id.in_(_ids(session, theirs, channels))).order_by(Message.id))
    return [
        {"template": each.template, "channel": each.channel, "to": each.recipient, "fields": each.fields, "at": each.created_at.isoformat()}
        for each in found
    ]


def refused(session: Session, *, reader: str) -> dict[str, Any]:
    """Return whether the person refuses news, and since when."""
    at = refusing.refused_at(session, reader=reader)
    return {"refused_since": at.isoformat() if at else None}


def erase(session: Session, *, theirs: Theirs, channels: Collection[str], reader: str) -> list[int]:
    """Take recipient, reader and fields from the person's messages and return their keys; that something was told, and when, stays.

    What isn't sent yet never will be, nor what failed. Their refusal of news goes too: there is nobody left to write to.
    """
    ids = _ids(session, theirs, channels)
    unsent = case((Message.state == MessageState.SENT, Message.state), else_=MessageState.DROPPED)
    for number in ids:
        gone = {"recipient": f"erased:{number}", "reader": "", "fields": {}, "state": unsent}
        session.execute(update(Message).where(Message.id == number).values(gone))
    refusing.allow(session, reader=reader)
    return ids


def _ids(session: Session, theirs: Theirs, channels: Collection[str]) -> list[int]:
    """Return which messages are the person's; addresses are compared one by one, for only their hash has one form."""
    rows = session.execute(select(Message.id, Message.channel, Message.recipient).where(Message.channel.in_(channels)))
    return [row.id for row in rows if theirs(row.channel, row.recipient)]
