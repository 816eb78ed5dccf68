"""Reading the audit log."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import Approval, AuditEntry


@dataclass(frozen=True)
class Entry:
    """One action, as it was recorded."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    campaign: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str


def entries(
    session: Session, *, campaign: str = "", actor: str = "", action: str = "", older_than: int | None = None, limit: int = 50
) -> list[Entry]:
    """Return the newest entries first; empty filters let all pass, `action` is a beginning: a room or a whole verb.

    The next page begins `older_than` the last entry's id.
    """
    rows = AuditEntry.__table__.c
    filters = (
        (campaign, rows.campaign == campaign),
        (actor, rows.actor == actor),
        (action, rows.action.startswith(action, autoescape=True)),
    )
    query = select(*(rows[name] for name in Entry.__dataclass_fields__)).order_by(rows.id.desc())
    query = query.where(*(clause for given, clause in filters if given))
    if older_than is not None:
        query = query.where(rows.id < older_than)
    return [Entry(**row) for row in session.execute(query.limit(limit)).mappings()]


def approvers(session: Session, *, campaign: str, action: str, digest: str) -> list[str]:
    """Return who agreed to `action` with exactly these figures, first to agree first."""
    query = select(Approval.actor).where(Approval.campaign == campaign, Approval.action == action, Approval.digest == digest)
    return list(session.scalars(query.order_by(Approval.id)))


def actors(session: Session, *, campaign: str) -> list[str]:
    """Return everybody who has an entry in the campaign's log, by name."""
    return list(session.scalars(select(AuditEntry.actor).where(AuditEntry.campaign == campaign).distinct().order_by(AuditEntry.actor)))
