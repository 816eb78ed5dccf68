"""Makes the demo's shop, step by step; each step finds out by itself whether it was done before."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns import actions as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.readiness import Gates
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.demo import seasons, stock, voters
from c2b.demo.seasons import Season
from c2b.errors import N_, Refused
from c2b.people import actions as people
from c2b.people.models import Staff
from c2b.people.rules import Role

MARKER = "c2b-demo"
"""A file that says that this folder is the demo's and may be thrown away."""
PASSWORD = "choose-then-make"  # noqa: S105  printed for everybody to see
STAFF = {f"{role.value}@example.com": role for role in Role}
ACTOR = "cli:demo"


@dataclass(frozen=True)
class Shop:
    """Where the demo is made, and the instant it takes for now."""

    database: Database
    data: Path
    secret_key: str
    gates: Gates
    now: datetime

    def step(self, work: Callable[[Session], None]) -> None:
        """Do one step as one transaction."""
        with self.database.transaction() as session:
            work(session)


def claim(data: Path, *, reset: bool) -> None:
    """Make the folder the demo's own; `reset` empties it first.

    Raises Refused for a folder with anything in it that isn't a demo.
    """
    if data.exists() and any(data.iterdir()) and not (data / MARKER).is_file():
        raise Refused(N_("%(folder)s has other things in it; name an empty folder with --data"), folder=data)
    if reset and data.exists():
        shutil.rmtree(data)
    data.mkdir(parents=True, exist_ok=True)
    (data / MARKER).touch()


def open_doors(shop: Shop, season: Season) -> None:
    """Make what the first page shows: the voting campaign with its candidates and pictures."""
    shop.step(lambda session: _begin(session, shop, season))


def fill(shop: Shop, season: Season) -> None:
    """Make the rest: staff, voters, and the two campaigns that are further on."""
    shop.step(lambda session: _hire(session, shop))
    shop.step(lambda session: _vote(session, shop, season))


def _begin(session: Session, shop: Shop, season: Season) -> None:
    """Make a campaign whose voting is open, unless it is there."""
    if _found(session, season) is not None:
        return
    opens, before = season.opens(shop.now), season.opens(shop.now) - timedelta(days=3)
    made = season.products()
    campaign = campaigns.create(session, document=season.document(shop.now), actor=ACTOR, now=before)
    stock.hire_suppliers(session)
    stock.enter(session, campaign, made, offered=season.orders > 0)
    stock.draw(shop.data / "media", season.slug, made)
    for state, at in ((CampaignState.SCHEDULED, before), (CampaignState.VOTING, opens)):
        campaigns.advance(session, slug=season.slug, to=state, gates=shop.gates, actor=ACTOR, now=at)


def _hire(session: Session, shop: Shop) -> None:
    known = set(session.scalars(select(Staff.email)))
    for email, role in STAFF.items():
        if email not in known:
            people.add_staff(session, email=email, role=role, password=PASSWORD, actor=ACTOR, now=shop.now)


def _vote(session: Session, shop: Shop, season: Season) -> None:
    campaign = _found(session, season)
    assert campaign is not None
    assert campaign.voting_closes is not None
    crowd = voters.guests(session, count=season.voters, secret_key=shop.secret_key, now=season.opens(shop.now))
    voters.vote(session, campaign, voters=crowd, until=min(campaign.voting_closes, shop.now), seed=season.slug)


def _found(session: Session, season: Season) -> Campaign | None:
    return session.scalars(select(Campaign).where(Campaign.slug == season.slug)).one_or_none()


__all__ = ["MARKER", "PASSWORD", "STAFF", "Shop", "claim", "fill", "open_doors", "seasons"]
