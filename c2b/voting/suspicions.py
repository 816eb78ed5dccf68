"""Groups of suspicious ballots: looking for them, and keeping what was found without piling it up."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import campaign as find_campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import insert_into, insert_rows
from c2b.jobs.actions import enqueue
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot, SuspicionLook
from c2b.voting.rules import SuspicionRule, SuspicionState

EVERY = timedelta(minutes=10)
"""How often the ballots are looked through while people vote."""
_SHARED = 2
"""A group is a known one grown or shrunk if they share at least one in two of the smaller one's ballots."""


class Found(Protocol):
    """What a rule found: ballots by their persons' keys, and what was measured of them beside everybody's values."""

    @property
    def rule(self) -> SuspicionRule:
        """Which rule."""

    @property
    def ballots(self) -> Sequence[int]:
        """Whose."""

    @property
    def evidence(self) -> Mapping[str, Any]:
        """Why, as JSON can hold it."""


@dataclass(frozen=True)
class Stored:
    """What became of the groups that were found."""

    new: int = 0
    changed: int = 0
    known: int = 0


@dataclass
class _Known:
    """A stored group while new findings are compared with it."""

    row: Suspicion
    members: set[int]
    taken: bool = False


def digest(rule: SuspicionRule, ballots: Iterable[int]) -> str:
    """Return what a group is known by: rule and ballots."""
    return hashlib.sha256(f"{rule.value}:{','.join(map(str, sorted(ballots)))}".encode()).hexdigest()


def store(session: Session, *, campaign_id: int, found: Iterable[Found], now: datetime) -> Stored:
    """Keep the groups that were found; the same ones again change nothing.

    One that has changed updates the open group of its rule with which it shares most ballots. What staff decided stays as it was
    decided: ballots that join a decided group are kept there, still counted, until somebody decides about them.
    """
    known = _known(session, campaign_id)
    done = dict.fromkeys(("new", "changed", "known"), 0)
    for each in sorted(found, key=lambda one: (-len(one.ballots), one.rule, sorted(one.ballots))):
        done[_keep(session, campaign_id, known, each, now)] += 1
    return Stored(**done)


def _known(session: Session, campaign_id: int) -> list[_Known]:
    """Return the campaign's groups, locked, so that nobody decides about one while it changes."""
    groups = session.scalars(select(Suspicion).where(Suspicion.campaign_id == campaign_id).order_by(Suspicion.id).with_for_update()).all()
    members: dict[int, set[int]] = {group.id: set() for group in groups}
    rows = select(SuspicionBallot.suspicion_id, SuspicionBallot.person_id).where(SuspicionBallot.campaign_id == campaign_id)
    for group, person in session.execute(rows):
        members[group].add(person)
    return [_Known(group, members[group.id]) for group in groups]


def _keep(session: Session, campaign_id: int, known: list[_Known], found: Found, now: datetime) -> str:
    ballots = set(found.ballots)
    best = _match(known, found.rule, ballots)
    if best is None:
        known.append(_add(session, campaign_id, found, ballots, now))
        return "new"
    best.taken = True
    is_open = best.row.state is SuspicionState.OPEN
    wanted = ballots if is_open else best.members | ballots
    if wanted == best.members or digest(found.rule, wanted) in {each.row.digest for each in known}:
        return "known"
    _change(session, best, wanted)
    if is_open:
        best.row.evidence = dict(found.evidence)
    session.flush()
    return "changed"


def _match(known: Iterable[_Known], rule: SuspicionRule, ballots: set[int]) -> _Known | None:
    """Return the group of this rule that shares most ballots, enough to be the same one, and isn't another finding's already."""
    alike = [each for each in known if each.row.rule is rule and not each.taken]
    best = max(alike, key=lambda each: (len(each.members & ballots), -each.row.id), default=None)
    if best is None:
        return None
    smaller = min(len(best.members), len(ballots))
    return best if smaller and len(best.members & ballots) * _SHARED >= smaller else None


def _add(session: Session, campaign_id: int, found: Found, ballots: set[int], now: datetime) -> _Known:
    group = Suspicion(campaign_id=campaign_id, rule=found.rule, evidence=dict(found.evidence), found_at=now, state=SuspicionState.OPEN)
    group.digest, group.reason, group.decided_by = digest(found.rule, ballots), "", ""
    session.add(group)
    session.flush()
    _join(session, group, ballots)
    return _Known(group, ballots, taken=True)


def _change(session: Session, known: _Known, wanted: set[int]) -> None:
    group, gone = known.row, known.members - wanted
    if gone:
        session.execute(delete(SuspicionBallot).where(SuspicionBallot.suspicion_id == group.id, SuspicionBallot.person_id.in_(gone)))
    _join(session, group, wanted - known.members)
    group.digest, known.members = digest(group.rule, wanted), wanted


def _join(session: Session, group: Suspicion, ballots: set[int]) -> None:
    of = {"suspicion_id": group.id, "campaign_id": group.campaign_id}
    empty = {"decided": False, "freed_at": None, "freed_by": ""}
    if ballots:
        insert_rows(session, SuspicionBallot, [{**of, "person_id": person, **empty} for person in sorted(ballots)])


# When it is looked


def ask(session: Session, *, slug: str, now: datetime) -> bool:
    """Ask for a look at the campaign's ballots, done by the worker; False where one is asked for already. Raises NotFound."""
    campaign = find_campaign(session, slug)
    values = {"campaign_id": campaign.id, "asked_at": now, "groups": 0}
    new = insert_into(session, SuspicionLook).values(values)
    ended = SuspicionLook.ended_at >= SuspicionLook.asked_at
    asked = new.on_conflict_do_update(index_elements=["campaign_id"], set_={"asked_at": now}, where=ended | _is_old(now))
    if session.execute(asked.returning(SuspicionLook.campaign_id)).first() is None:
        return False
    enqueue(session, kind="voting.look", payload={"campaign": slug}, key=f"voting.look:{campaign.id}:{now.isoformat()}", now=now)
    return True


def _is_old(now: datetime) -> ColumnElement[bool]:
    """Return the condition that the last look was asked for so long ago that another may be, whatever became of it."""
    return SuspicionLook.asked_at <= now - EVERY


def due(session: Session, *, now: datetime) -> list[str]:
    """Return the campaigns whose ballots have to be looked through now: every ten minutes of voting, and once when it has closed.

    Nobody looks where there is no ballot yet.
    """
    last = SuspicionLook.asked_at
    while_voting = (Campaign.state == CampaignState.VOTING) & or_(last.is_(None), _is_old(now))
    closed = (Campaign.state == CampaignState.TALLY) & or_(last.is_(None), last < Campaign.voting_closes)
    query = select(Campaign.slug).outerjoin(SuspicionLook, SuspicionLook.campaign_id == Campaign.id).where(or_(while_voting, closed))
    something = select(Ballot.serial).where(Ballot.campaign_id == Campaign.id).exists()
    return list(session.scalars(query.where(something).order_by(Campaign.id)))


def begin(session: Session, *, campaign_id: int, now: datetime) -> None:
    """Note that a look has begun."""
    session.execute(update(SuspicionLook).where(SuspicionLook.campaign_id == campaign_id).values(began_at=now))


def end(session: Session, *, campaign_id: int, found: Sequence[Found], now: datetime) -> Stored:
    """Keep what a look found, and note that it has ended."""
    stored = store(session, campaign_id=campaign_id, found=found, now=now)
    values = {"ended_at": now, "groups": len(found)}
    session.execute(update(SuspicionLook).where(SuspicionLook.campaign_id == campaign_id).values(values))
    return stored


def waiting(session: Session, campaign_id: int) -> int:
    """Return how many groups wait for a decision: new ones, and decided ones that ballots have joined since."""
    query = select(func.count(SuspicionBallot.suspicion_id.distinct()))
    return session.execute(query.where(SuspicionBallot.campaign_id == campaign_id, SuspicionBallot.decided.is_(False))).scalar_one()
