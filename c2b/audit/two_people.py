"""Two people for what can't be taken back: one asks for it with a public reason, another does it with exactly that reason."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from c2b.audit import queries
from c2b.audit.actions import approve
from c2b.errors import N_, Invalid, Refused


@dataclass(frozen=True)
class Step:
    """What is asked for: an action in a campaign, and `about` what, so that a wish for something else is no wish for this."""

    campaign: str
    action: str
    """Its name in the audit log and in approvals."""
    about: str

    def digest(self, reason: str) -> str:
        """Return what an agreement is to: this step with this reason."""
        return hashlib.sha256(f"{self.campaign}\n{self.about}\n{reason}".encode()).hexdigest()


@dataclass(frozen=True)
class Asked:
    """Somebody's wish, with the reason that everybody will read."""

    actor: str
    reason: str
    at: datetime


def ask(session: Session, step: Step, *, reason: str, actor: str, now: datetime) -> None:
    """Ask for a step as one of two people; raises Invalid without a reason, Refused for anybody but a member of staff."""
    public = public_reason(reason)
    approve(session, campaign=step.campaign, action=step.action, digest=step.digest(public), actor=actor, now=now, reason=public)


def asked(session: Session, step: Step) -> list[Asked]:
    """Return who asked for exactly this step, the latest first."""
    found = queries.entries(session, campaign=step.campaign, action=f"{step.action}.approve")
    return [Asked(one.actor, one.reason, one.at) for one in found if one.after.get("digest") == step.digest(one.reason)]


def require_second(session: Session, step: Step, *, reason: str, actor: str) -> None:
    """Raise Refused where nobody else asked for this step with this reason."""
    agreed = queries.approvers(session, campaign=step.campaign, action=step.action, digest=step.digest(reason))
    if not set(agreed) - {actor}:
        alone = N_("This needs a second person: somebody else of the staff has to ask for it on the admin pages with exactly this reason")
        raise Refused(alone)


def public_reason(reason: str) -> str:
    """Return a reason as customers read it; raises Invalid where there is none."""
    if not reason.strip():
        raise Invalid(N_("Give the reason; customers read it"), field="reason")
    return reason.strip()
