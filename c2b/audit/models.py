"""Who did what, and who agreed: append-only."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import Base, Key, append_only


class AuditEntry(Base):
    """One action of a member of staff, of the command line or of the worker."""

    __tablename__ = "audit_entry"
    __table_args__ = (Index("ix_audit_entry_campaign", "campaign", "id"),)

    id: Mapped[Key]
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    """`staff:<email>`, `cli:<system user>` or `worker`."""
    action: Mapped[str] = mapped_column(String(60))
    """Room and verb: `campaign.advance`, `voting.look_at_counts`."""
    object: Mapped[str] = mapped_column(String(200), default="")
    """What it was done to, by its public name: a candidate's code, an order's reference."""
    campaign: Mapped[str] = mapped_column(String(80), default="")
    """The campaign's slug, or empty."""
    before: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    after: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    reason: Mapped[str] = mapped_column(Text, default="")


class Approval(Base):
    """A second person's agreement to one exact thing; other figures have another digest and need it anew."""

    __tablename__ = "approval"
    __table_args__ = (UniqueConstraint("campaign", "action", "digest", "actor"),)

    id: Mapped[Key]
    campaign: Mapped[str] = mapped_column(String(80))
    action: Mapped[str] = mapped_column(String(60))
    digest: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime]


append_only("audit_entry")
append_only("approval")
