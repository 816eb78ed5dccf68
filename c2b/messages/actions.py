"""Telling people: messages are queued in the transaction of the change that they tell of."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.errors import N_, NotFound
from c2b.jobs.actions import enqueue_all
from c2b.jobs.rules import AT_ONCE
from c2b.messages.models import Message
from c2b.messages.refusing import refusing
from c2b.messages.rules import CODES, OPTIONAL, MessageState
from c2b.messages.texts import render


@dataclass(frozen=True)
class Draft:
    """One message to one person of one event by one channel; `fields` are as the person reads them, amounts and times formatted.

    `reader`: the person's public name, which an optional template needs, for they may refuse it.
    """

    event: str
    channel: str
    recipient: str
    template: str
    fields: Mapping[str, str]
    locale: str
    reader: str = ""


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
    reader: str = "",
) -> int | None:
    """Queue one message; return its id, or None where this person was told of this event already, or wants no such news.

    Raises as `queue_all` does; see `Draft` for what is asked.
    """
    made = queue_all(session, [Draft(event, channel, recipient, template, fields, locale, reader)], now=now)
    return made[0] if made else None


def queue_all(session: Session, drafts: Sequence[Draft], *, now: datetime) -> list[int]:
    """Queue messages and the jobs that send them, in three statements; return the ids of those that will be sent.

    Who was told of an event already isn't told again. What a person refuses is kept as dropped, so that staff can say why nothing
    came. Each text is put together once here, so that a missing field is an error of the caller (KeyError), not of the worker; so is
    an optional message without its reader (ValueError).
    """
    refused = refusing(session, {_reader(draft) for draft in drafts if draft.template in OPTIONAL})
    rows = [_row(draft, dropped=draft.reader in refused and draft.template in OPTIONAL, now=now) for draft in drafts]
    if not rows:
        return []
    new = insert_into(session, Message).values(rows)
    once = new.on_conflict_do_nothing(index_elements=["event", "recipient", "channel"])
    made = session.execute(once.returning(Message.id, Message.state, Message.template))
    ids = {row.id: row.template in CODES for row in made if row.state is MessageState.QUEUED}
    _send_soon(session, sorted(number for number, is_code in ids.items() if not is_code), now)
    _send_soon(session, sorted(number for number, is_code in ids.items() if is_code), now, run_at=AT_ONCE)
    return sorted(ids)


def _reader(draft: Draft) -> str:
    if not draft.reader:
        raise ValueError(f"{draft.template} may be refused: say whose it is")
    return draft.reader


def _row(draft: Draft, *, dropped: bool, now: datetime) -> dict[str, Any]:
    render(draft.template, draft.locale, draft.fields, channel=draft.channel)
    return {
        "event": draft.event,
        "channel": draft.channel,
        "recipient": draft.recipient,
        "template": draft.template,
        "fields": dict(draft.fields),
        "locale": draft.locale,
        "reader": draft.reader,
        "about": draft.fields.get("order", ""),
        "state": MessageState.DROPPED if dropped else MessageState.QUEUED,
        "created_at": now,
    }


def send_again(session: Session, *, message_id: int, now: datetime) -> None:
    """Put a failed message back to be sent; raises NotFound for any other, and for a code, which is worth nothing by now."""
    if not _put_back(session, Message.id == message_id, now=now):
        raise NotFound(N_("There is no failed message with this number"))


def send_all_again(session: Session, *, now: datetime) -> int:
    """Put every failed message back to be sent, codes aside; return how many there are."""
    return len(_put_back(session, now=now))


def _put_back(session: Session, *which: ColumnElement[bool], now: datetime) -> Collection[int]:
    failed = (Message.state == MessageState.FAILED, Message.template.not_in(CODES), *which)
    fresh = {"state": MessageState.QUEUED, "attempts": 0, "claimed_until": None}
    ids = session.scalars(update(Message).where(*failed).values(fresh).returning(Message.id)).all()
    _send_soon(session, ids, now)
    return ids


def _send_soon(session: Session, ids: Collection[int], now: datetime, *, run_at: datetime | None = None) -> None:
    enqueue_all(session, kind="messages.send", payloads=[{"message": number} for number in ids], now=now, run_at=run_at)
