"""Open cases about money: opened and closed by what is found, and closed by people, who know better."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.db import insert_into
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.payments.models import MoneyCase
from c2b.payments.rules import CaseKind

WORKER = "worker"
LONGEST_SUBJECT = 120
_CHUNK = 500
"""Rows of one statement."""


@dataclass(frozen=True)
class Difference:
    """One thing that a person has to look at; `details` are named values for the page, amounts in minor units."""

    kind: CaseKind
    gateway: str
    subject: str
    payer: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> tuple[CaseKind, str, str]:
        """What makes it the same thing tomorrow."""
        return self.kind, self.gateway, self.subject


@dataclass(frozen=True)
class Kept:
    """How many cases opened and closed by themselves."""

    opened: int
    closed: int


def keep(session: Session, found: Iterable[Difference], *, kinds: Collection[CaseKind], now: datetime) -> Kept:
    """Make the open cases of these kinds say what was found: new ones open, those whose difference is gone close.

    What a person closed stays closed while the difference stays the same; with other figures it is a new case.
    """
    wanted = {each.name: each for each in found}
    live = session.scalars(select(MoneyCase).where(MoneyCase.kind.in_(kinds), MoneyCase.gone_at.is_(None))).all()
    gone: list[int] = []
    closed = 0
    for case in live:
        each = wanted.get((case.kind, case.gateway, case.subject))
        if each is not None and (case.closed_at is None or case.details == each.details):
            del wanted[each.name]
            _update(case, each)
        else:
            gone.append(case.id)
            closed += case.closed_at is None
    _end(session, gone, now)
    return Kept(_open(session, list(wanted.values()), now), closed)


def _update(case: MoneyCase, found: Difference) -> None:
    if case.details != found.details:
        case.details = found.details


def _end(session: Session, gone: list[int], now: datetime) -> None:
    """Close what is still open, and note of all of them that the difference is gone."""
    for start in range(0, len(gone), _CHUNK):
        these = MoneyCase.id.in_(gone[start : start + _CHUNK])
        by_itself = {"closed_at": now, "closed_by": WORKER, "gone_at": now}
        session.execute(update(MoneyCase).where(these, MoneyCase.closed_at.is_(None)).values(by_itself))
        session.execute(update(MoneyCase).where(these, MoneyCase.gone_at.is_(None)).values(gone_at=now))


def _open(session: Session, new: list[Difference], now: datetime) -> int:
    for start in range(0, len(new), _CHUNK):
        rows = [vars(each) | {"opened_at": now, "closed_by": "", "note": ""} for each in new[start : start + _CHUNK]]
        # Another worker may have found the same a moment ago.
        session.execute(insert_into(session, MoneyCase).on_conflict_do_nothing(), rows)
    return len(new)


def close(session: Session, *, case_id: int, note: str, campaign: str, actor: str, now: datetime) -> MoneyCase:
    """Close a case with a note that says what was done; `campaign` is the slug whose log shows it, or empty.

    Raises NotFound, Invalid without a note, and Refused for one that is closed.
    """
    case = session.scalars(select(MoneyCase).where(MoneyCase.id == case_id).with_for_update()).one_or_none()
    if case is None:
        raise NotFound(N_("There is no such case"))
    if not note.strip():
        raise Invalid(N_("Say what was found and done; whoever audits the books reads it"), field=f"note-{case_id}")
    if case.closed_at is not None:
        raise Refused(N_("This case is closed already"))
    case.closed_at, case.closed_by, case.note = now, actor, note.strip()
    before = {"kind": case.kind.value, **case.details}
    record(
        session, actor=actor, action="payments.close_case", object=case.subject, campaign=campaign, before=before, reason=case.note, now=now
    )
    return case


def open_count(session: Session) -> int:
    """Count the cases that wait for a person."""
    return session.execute(select(func.count()).select_from(MoneyCase).where(MoneyCase.closed_at.is_(None))).scalar_one()
