"""Made-up voters: people with addresses, and ballots whose popularity has a long tail."""

import random
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate, chain
from operator import itemgetter
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.people import actions as people
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind, address_digest
from c2b.voting import counting
from c2b.voting.ballots import new_ballot, renew
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.rules import BallotSource

EVENING = (1, 1, 1, 1, 1, 1, 2, 4, 5, 5, 5, 6, 8, 7, 5, 5, 5, 6, 8, 11, 13, 12, 8, 3)
"""How many people are about in each hour of their day."""
EXCITEMENT = (14, 9, 6, 5, 4, 4, 5, 6)
"""How many come on each day after the opening; the last holds on."""


@dataclass(frozen=True)
class Drawn:
    """One made-up ballot: the candidates as they were tapped, those taken back, and when it began."""

    at: datetime
    taps: tuple[int, ...]
    undone: tuple[int, ...]
    pace: float = 23.0
    """Seconds between two taps."""
    device: str = ""

    @property
    def kept(self) -> tuple[int, ...]:
        """The picks that stand."""
        return tuple(tap for tap in self.taps if tap not in self.undone)


def guests(session: Session, *, count: int, secret_key: str, now: datetime) -> list[int]:
    """Return the keys of `count` verified people, guest0001@example.com and so on, making those that aren't there yet."""
    known = list(session.scalars(select(Person.id).where(Person.ref.like("guest-%")).order_by(Person.id)))
    if len(known) >= count:
        return known[:count]
    wanted = range(len(known) + 1, count + 1)
    viewers = people.reserve_viewers(session, count=len(wanted))
    rows = [
        {"ref": f"guest-{number:04}-{secrets.token_urlsafe(6)}", "viewer": viewer, "created_at": now, "locale": "zh_Hans_CN"}
        for number, viewer in zip(wanted, viewers, strict=True)
    ]
    session.execute(insert(Person), rows)
    ids = list(session.scalars(select(Person.id).where(Person.ref.like("guest-%")).order_by(Person.id)))
    session.execute(insert(Address), [_address(ids[number - 1], number, secret_key, now) for number in wanted])
    return ids


def _address(person: int, number: int, secret_key: str, now: datetime) -> dict[str, Any]:
    value = f"guest{number:04}@example.com"
    digest = address_digest(secret_key, AddressKind.EMAIL, value)
    return {"person_id": person, "kind": AddressKind.EMAIL, "value": value, "digest": digest, "verified_at": now}


def vote(session: Session, campaign: Campaign, *, voters: Sequence[int], until: datetime, seed: str) -> int:
    """Fill in the ballots of `voters` between the opening and `until`; returns the number of votes."""
    if session.scalar(select(func.count()).select_from(Ballot).where(Ballot.campaign_id == campaign.id)):
        return 0
    dice = random.Random(seed)  # noqa: S311  made-up votes, no secret
    candidates = list(session.scalars(select(Candidate.id).where(Candidate.campaign_id == campaign.id).order_by(Candidate.position)))
    assert campaign.voting_opens is not None
    moments = arrivals(len(voters), campaign.voting_opens, until, dice)
    drawn = dict(zip(voters, ballots(candidates, moments, votes_each=campaign.votes_each, dice=dice), strict=True))
    return cast(session, campaign, drawn, until=until)


def cast(session: Session, campaign: Campaign, drawn: Mapping[int, Drawn], *, until: datetime) -> int:
    """Write the ballots of people who have none yet, with their taps; returns the number of votes."""
    session.execute(insert(Ballot), [_ballot(campaign, person, each) for person, each in drawn.items()])
    picks = list(chain.from_iterable(_picks(campaign, person, each) for person, each in drawn.items()))
    session.execute(insert(Pick), picks)
    first, last = min(drawn), max(drawn)
    counting.note(session, (Ballot.campaign_id == campaign.id) & Ballot.person_id.between(first, last), sign=+1)
    renew(session, campaign.id, list(drawn))
    events = chain.from_iterable(_events(campaign, person, each, until) for person, each in drawn.items())
    session.execute(insert(VoteEvent), sorted(events, key=itemgetter("at")))
    return len(picks)


def arrivals(count: int, opens: datetime, until: datetime, dice: random.Random) -> list[datetime]:
    """Return when `count` people come: most on the first days, more in the evening (UTC+8), none after `until`."""
    hours = [opens + timedelta(hours=number) for number in range(max(1, int((until - opens) / timedelta(hours=1))))]
    weights = [EVENING[(hour.hour + 8) % 24] * EXCITEMENT[min(number // 24, len(EXCITEMENT) - 1)] for number, hour in enumerate(hours)]
    chosen = dice.choices(hours, weights=weights, k=count)
    return sorted(min(hour + timedelta(seconds=dice.randrange(3000)), until) for hour in chosen)


def ballots(candidates: Sequence[int], moments: Sequence[datetime], *, votes_each: int, dice: random.Random) -> Iterator[Drawn]:
    """Draw a ballot for each moment; a few candidates are loved by many, most by some (a shifted Zipf curve)."""
    favourites = list(candidates)
    dice.shuffle(favourites)
    weights = long_tail(len(favourites), shift=9, steepness=0.85)
    for at in moments:
        wanted = votes_each if dice.randrange(3) else dice.randint(1, votes_each)
        taps = list(dict.fromkeys(dice.choices(favourites, cum_weights=weights, k=wanted * 2)))[:wanted]
        undone = taps[:1] if len(taps) > 1 and not dice.randrange(12) else []
        yield Drawn(at, tuple(taps), tuple(undone), pace=dice.lognormvariate(2.7, 0.6), device=f"demo-{dice.randrange(1700)}")


def long_tail(count: int, *, shift: int, steepness: float) -> list[float]:
    """Return how much `count` things are liked, best first, each with all before it: a shifted Zipf curve."""
    return list(accumulate(1 / (rank + shift) ** steepness for rank in range(count)))


def _ballot(campaign: Campaign, person: int, drawn: Drawn) -> dict[str, Any]:
    version = len(drawn.taps) + len(drawn.undone) - 1  # the last one comes with the commitment to the picks
    source = {"source": BallotSource.VERIFIED, "version": version}
    return new_ballot(campaign.id, person, campaign.votes_each, drawn.at) | source


def _picks(campaign: Campaign, person: int, drawn: Drawn) -> Iterator[dict[str, Any]]:
    for slot, candidate in enumerate(drawn.kept, start=1):
        yield {"campaign_id": campaign.id, "person_id": person, "slot": slot, "votes_each": campaign.votes_each, "candidate_id": candidate}


def _events(campaign: Campaign, person: int, drawn: Drawn, until: datetime) -> Iterator[dict[str, Any]]:
    taps = [(candidate, False) for candidate in drawn.taps] + [(candidate, True) for candidate in drawn.undone]
    tap = {"campaign_id": campaign.id, "person_id": person, "device": drawn.device}
    for number, (candidate, undo) in enumerate(taps):
        yield tap | {"candidate_id": candidate, "undo": undo, "at": min(drawn.at + timedelta(seconds=drawn.pace * number), until)}
