"""A made-up ring: somebody with fifty addresses who wants a few candidates in, so that the desk has something to show."""

import random
import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import repeat

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.demo.voters import Drawn, cast
from c2b.people import actions as people
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind, address_digest
from c2b.voting import counting, queries

TARGETS = 3
BEFORE = timedelta(hours=20)
"""How long ago the ring voted."""
SPREAD = 25 * 60
"""Seconds in which it did."""


def stuff(session: Session, campaign: Campaign, *, size: int, secret_key: str, until: datetime, seed: str) -> list[int]:
    """Vote with `size` new addresses for candidates that the honest crowd left just below the line; returns whose keys these are."""
    dice = random.Random(f"{seed}-ring")  # noqa: S311  made-up votes, no secret
    begins = max(until - BEFORE, campaign.voting_opens or until - BEFORE)
    ring = _people(session, size, secret_key, begins)
    wanted, others = _targets(session, campaign)
    drawn = _ballots(wanted[: campaign.votes_each], others, campaign.votes_each, begins, dice)
    cast(session, campaign, dict(zip(ring, drawn, strict=False)), until=until)
    return ring


def _people(session: Session, size: int, secret_key: str, now: datetime) -> list[int]:
    viewers = people.reserve_viewers(session, count=size)
    about = {"created_at": now, "locale": "zh_Hans_CN"}
    rows = [about | {"ref": f"ring-{number:02}-{secrets.token_urlsafe(6)}", "viewer": viewer} for number, viewer in enumerate(viewers)]
    session.execute(insert(Person), rows)
    ids = list(session.scalars(select(Person.id).where(Person.ref.like("ring-%")).order_by(Person.id)))[-size:]
    kept = {"kind": AddressKind.EMAIL, "verified_at": now}
    values = {person: f"fan{person:03}@example.net" for person in ids}
    hashed = {person: address_digest(secret_key, AddressKind.EMAIL, value) for person, value in values.items()}
    session.execute(insert(Address), [kept | {"person_id": key, "value": values[key], "digest": hashed[key]} for key in ids])
    return ids


def _targets(session: Session, campaign: Campaign) -> tuple[list[int], list[int]]:
    """Return the best of those that wouldn't be selected, and all the others."""
    counts = queries.counts(session, campaign.id)
    ids = session.scalars(select(Candidate.id).where(Candidate.campaign_id == campaign.id).order_by(Candidate.position)).all()
    ranked = sorted(ids, key=lambda key: -counts.get(key, counting.NOTHING).votes)
    below = min(campaign.places + 2, max(len(ranked) - TARGETS, 0))
    return ranked[below : below + TARGETS], ranked[:below] + ranked[below + TARGETS :]


def _ballots(wanted: Sequence[int], others: Sequence[int], votes_each: int, begins: datetime, dice: random.Random) -> Iterator[Drawn]:
    """Draw ballots without end: the targets first, tapped as fast as a list is worked through, and a few others for a cover."""
    for _ in repeat(None):
        cover = dice.sample(others, k=min(len(others), votes_each - len(wanted), dice.randint(1, 5)))
        at = begins + timedelta(seconds=dice.randrange(SPREAD))
        yield Drawn(at, (*wanted, *cover), (), pace=dice.uniform(0.5, 1.4), device=f"ring-{dice.randrange(3)}")
