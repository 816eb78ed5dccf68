"""Writing down who did what, and who agreed."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from c2b.audit.models import Approval, AuditEntry
from c2b.audit.rules import is_staff
from c2b.db import insert_into
from c2b.errors import N_, Refused


def record(
    session: Session,
    *,
    actor: str,
    action: str,
    now: datetime,
    campaign: str = "",
    object: str = "",
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str = "",
) -> None:
    """Record one action in the transaction that does it: `before` and `after` hold what changed, JSON values only."""
    entry = AuditEntry(at=now, actor=actor, action=action, campaign=campaign, object=object, reason=reason)
    entry.before, entry.after = before or {}, after or {}
    session.add(entry)
    session.flush()


def approve(session: Session, *, campaign: str, action: str, digest: str, actor: str, now: datetime, reason: str = "") -> None:
    """Agree, as a second person, to `action` with exactly the figures that `digest` stands for; agreeing twice is once.

    Raises Refused for anybody but a signed-in member of staff.
    """
    if not is_staff(actor):
        raise Refused(N_("Only a signed-in member of staff can approve; sign in to the admin pages"))
    values = {"campaign": campaign, "action": action, "digest": digest, "actor": actor, "at": now}
    made = session.execute(insert_into(session, Approval).values(values).on_conflict_do_nothing().returning(Approval.id))
    if made.first():
        record(session, actor=actor, action=f"{action}.approve", campaign=campaign, after={"digest": digest}, reason=reason, now=now)
