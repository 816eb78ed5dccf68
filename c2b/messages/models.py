"""What is told to people, what became of it, and who wants no news."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import Base, Key, choice
from c2b.messages.rules import MessageState


class Message(Base):
    """One message to one person by one channel: the outbox and the delivery log in one."""

    __tablename__ = "message"
    __table_args__ = (
        UniqueConstraint("event", "recipient", "channel"),  # each event at most once per person and channel
        Index("ix_message_state", "state", "id"),
    )

    id: Mapped[Key]
    event: Mapped[str] = mapped_column(String(120))
    """What it tells of: `sign_in:<id>`, `refund_settled:<ref>`."""
    channel: Mapped[str] = mapped_column(String(16))
    recipient: Mapped[str] = mapped_column(String(254))
    template: Mapped[str] = mapped_column(String(60))
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    locale: Mapped[str] = mapped_column(String(16))
    state: Mapped[MessageState] = mapped_column(choice(MessageState), default=MessageState.QUEUED)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    about: Mapped[str] = mapped_column(String(24), default="", server_default=text("''"), index=True)
    """The order that its fields name; empty if they name none."""
    reader: Mapped[str] = mapped_column(String(24), default="", server_default=text("''"))
    """Of an optional message: the person's public name, by which they may refuse the next ones."""
    claimed_until: Mapped[datetime | None]
    """While a worker is sending it, no other one does."""


class OptOut(Base):
    """A person who refuses optional messages, by their public name: whatever address they have, now or later."""

    __tablename__ = "opt_out"

    reader: Mapped[str] = mapped_column(String(24), primary_key=True)
    at: Mapped[datetime]
