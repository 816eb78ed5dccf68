"""What pages read of suspicious groups: serials and numbers, nobody's name, and not who picked what."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, case, func, select
from sqlalchemy.orm import Session

from c2b.voting.holding import SIGNED_IN
from c2b.voting.holding import holds as holding
from c2b.voting.models import Ballot, Objection, Pick, Suspicion, SuspicionBallot, SuspicionLook
from c2b.voting.queries import counted_sources
from c2b.voting.rules import SuspicionRule, SuspicionState

LISTED = 50
"""Ballots of a group that are listed by serial."""


@dataclass(frozen=True)
class Member:
    """A ballot of a group."""

    serial: str
    begun: datetime
    version: int
    held: bool
    waits: bool
    """Found after the decision about the group."""
    freed_by: str
    objection: str
    objected_at: datetime | None


@dataclass(frozen=True)
class Group:
    """A suspicious group, its evidence, and what was decided."""

    id: int
    rule: SuspicionRule
    digest: str
    evidence: dict[str, Any]
    found_at: datetime
    state: SuspicionState
    reason: str
    decided_by: str
    decided_at: datetime | None
    members: tuple[Member, ...]

    @property
    def held(self) -> int:
        """How many of its ballots aren't counted now."""
        return sum(member.held for member in self.members)

    @property
    def waiting(self) -> int:
        """How many of its ballots wait for a decision."""
        return sum(member.waits for member in self.members)

    @property
    def freed(self) -> int:
        """How many were let off alone."""
        return sum(bool(member.freed_by) for member in self.members)

    @property
    def would_hold(self) -> int:
        """How many a hold would keep from being counted: all but those that staff let off; an answer to being asked doesn't outlive it."""
        return sum(member.freed_by in {"", SIGNED_IN} for member in self.members)

    @property
    def objections(self) -> list[Member]:
        """The ballots whose owners object, oldest first."""
        spoken = [(member.objected_at, member) for member in self.members if member.objected_at is not None]
        return [member for _at, member in sorted(spoken, key=lambda each: each[0])]

    @property
    def listed(self) -> tuple[Member, ...]:
        """The first of them, for a list of serials: before the others those of which something else is said than of the group."""
        return tuple(sorted(self.members, key=lambda member: not (member.freed_by or member.waits)))[:LISTED]


@dataclass(frozen=True)
class Page:
    """Some of the groups, and how many there are."""

    groups: list[Group]
    all: int


def page(session: Session, campaign_id: int, *, number: int, size: int) -> Page:
    """Return a page of groups (from 1): those that wait for a decision first, then by what their rule is worth, the newest first."""
    here = Suspicion.campaign_id == campaign_id
    waits = select(SuspicionBallot.person_id).where(SuspicionBallot.suspicion_id == Suspicion.id, SuspicionBallot.decided.is_(False))
    worth = case({rule: place for place, rule in enumerate(SuspicionRule)}, value=Suspicion.rule)
    order = (case((waits.exists(), 0), else_=1), worth, Suspicion.found_at.desc(), Suspicion.id.desc())
    rows = session.scalars(select(Suspicion).where(here).order_by(*order).limit(size).offset((number - 1) * size)).all()
    members = _members(session, campaign_id, [row.id for row in rows])
    found = session.execute(select(func.count()).select_from(Suspicion).where(here)).scalar_one()
    return Page([_group(row, members[row.id]) for row in rows], found)


def _group(row: Suspicion, members: list[Member]) -> Group:
    plain = (row.id, row.rule, row.digest, row.evidence, row.found_at, row.state, row.reason, row.decided_by, row.decided_at)
    return Group(*plain, members=tuple(members))


def _members(session: Session, campaign_id: int, groups: list[int]) -> dict[int, list[Member]]:
    said = (Objection.campaign_id == SuspicionBallot.campaign_id) & (Objection.person_id == SuspicionBallot.person_id)
    own = (Ballot.campaign_id == SuspicionBallot.campaign_id) & (Ballot.person_id == SuspicionBallot.person_id)
    query = (
        select(SuspicionBallot.suspicion_id)
        .add_columns(Ballot.serial, Ballot.created_at, Ballot.version, Ballot.held_at, SuspicionBallot.decided, SuspicionBallot.freed_by)
        .add_columns(Objection.words, Objection.at)
        .join(Ballot, own)
        .outerjoin(Objection, said)
        .where(SuspicionBallot.campaign_id == campaign_id, SuspicionBallot.suspicion_id.in_(groups))
        .order_by(Ballot.created_at, Ballot.serial)
    )
    found = defaultdict(list)
    for row in session.execute(query):
        found[row.suspicion_id].append(_member(row))
    return found


def _member(row: Row[Any]) -> Member:
    held, waits = row.held_at is not None, not row.decided
    return Member(row.serial, row.created_at, row.version, held, waits, row.freed_by, row.words or "", row.at)


@dataclass(frozen=True)
class Hold:
    """Ballots that one decision holds; `reason` is what staff wrote, and public with the result."""

    rule: SuspicionRule
    reason: str
    at: datetime
    asked: bool
    ballots: int
    votes: int


def holds(session: Session, campaign_id: int) -> list[Hold]:
    """Return what is held and why, oldest decision first, no persons; a ballot that several hold is told of at the first.

    So `ballots` and `votes` add up to the turnout's held ones. Until voting closes only staff with `counts` may see this.
    """
    size = func.count(Pick.slot)
    columns = (Suspicion.id, Suspicion.rule, Suspicion.reason, Suspicion.decided_at, Suspicion.state, SuspicionBallot.person_id)
    query = (
        select(Suspicion.id)
        .add_columns(*columns[1:], size.label("size"))
        .join(SuspicionBallot, SuspicionBallot.suspicion_id == Suspicion.id)
        .join(Ballot, (Ballot.campaign_id == SuspicionBallot.campaign_id) & (Ballot.person_id == SuspicionBallot.person_id))
        .join(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .where(Suspicion.campaign_id == campaign_id, holding(), Ballot.source.in_(counted_sources(session, campaign_id)))
        .group_by(*columns)
        .order_by(Suspicion.decided_at, Suspicion.id, SuspicionBallot.person_id)
    )
    firsts: dict[int, tuple[Row[Any], list[int]]] = {}
    told: set[int] = set()
    for row in session.execute(query):
        if row.person_id not in told:
            told.add(row.person_id)
            firsts.setdefault(row.id, (row, []))[1].append(row.size)
    asked = SuspicionState.ASKED
    return [Hold(row.rule, row.reason, row.decided_at, row.state is asked, len(each), sum(each)) for row, each in firsts.values()]


@dataclass(frozen=True)
class Look:
    """When the ballots were last looked through; `going_on` while the worker hasn't ended what was asked for."""

    asked_at: datetime
    ended_at: datetime | None
    groups: int

    @property
    def going_on(self) -> bool:
        """Tell whether the last look asked for hasn't ended."""
        return self.ended_at is None or self.ended_at < self.asked_at


def last_look(session: Session, campaign_id: int) -> Look | None:
    """Return the last look at the campaign's ballots, None if nobody looked yet."""
    columns = (SuspicionLook.asked_at, SuspicionLook.ended_at, SuspicionLook.groups)
    row = session.execute(select(*columns).where(SuspicionLook.campaign_id == campaign_id)).one_or_none()
    return Look(*row) if row else None
