"""Makes the demo's shop, step by step; each step finds out by itself whether it was done before."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns import actions as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.readiness import Gates
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.demo import buyers, ring, stock, voters
from c2b.demo.buyers import Paid
from c2b.demo.catalogue import Product
from c2b.demo.seasons import Season
from c2b.deposits.bookkeeping import match
from c2b.deposits.sending import send_refunds
from c2b.errors import N_, Refused
from c2b.payments import statements
from c2b.payments.gateways.sandbox import statement
from c2b.payments.gateways.sandbox.books import Sandbox
from c2b.payments.models import Refund
from c2b.payments.protocol import Entry, Gateways, StatementLine
from c2b.people import actions as people
from c2b.people.models import Staff
from c2b.people.rules import Role
from c2b.production.actions import decide
from c2b.voting import suspicions
from c2b.voting.looking import look
from c2b.voting.rules import SelectionResult
from c2b.voting.selecting import select_winners

MARKER = "c2b-demo"
"""A file that says that this folder is the demo's and may be thrown away."""
PASSWORD = "choose-then-make"  # noqa: S105  printed for everybody to see
STAFF = {f"{role.value}@example.com": role for role in Role}
ACTOR = "cli:demo"
WAITING, MOST_REFUNDS = 6, 500
LONG_AGO = timedelta(days=365)


@dataclass(frozen=True)
class Shop:
    """Where the demo is made, and the instant it takes for now."""

    database: Database
    data: Path
    secret_key: str
    gates: Gates
    gateways: Gateways
    now: datetime


def claim(data: Path, *, reset: bool) -> None:
    """Make the folder the demo's own; `reset` empties it first.

    Raises Refused for a folder with anything in it that isn't a demo.
    """
    data.mkdir(parents=True, exist_ok=True)
    if any(data.iterdir()) and not (data / MARKER).is_file():
        raise Refused(N_("%(folder)s has other things in it; name an empty folder with --data"), folder=data)
    if reset:
        shutil.rmtree(data)
        data.mkdir()
    (data / MARKER).touch()


def open_doors(shop: Shop, season: Season) -> None:
    """Make what the first page shows: the voting campaign with its candidates and pictures."""
    with shop.database.reading() as session:
        if _found(session, season) is not None:
            return
    made = season.products()
    stock.draw(shop.data / "media", season.slug, made)  # before the transaction: others may want to write meanwhile
    with shop.database.transaction() as session:
        _begin(session, shop, season, made)


def fill(shop: Shop, season: Season, *further: Season) -> None:
    """Make the rest: staff, voters, and the campaigns that are further on."""
    with shop.database.transaction() as session:
        _hire(session, shop)
    with shop.database.transaction() as session:
        _vote(session, shop, season)
        due = season.slug in suspicions.due(session, now=shop.now) and suspicions.ask(session, slug=season.slug, now=shop.now)
    if due:
        look(shop.database, {"campaign": season.slug}, shop.now)
    for other in further:
        with shop.database.transaction() as session:
            _sell(session, shop, other)
    send_refunds(shop.database, shop.gateways, shop.now, limit=MOST_REFUNDS)
    _reconcile(shop)


def _reconcile(shop: Shop) -> None:
    """Bring in what the sandbox says up to last midnight, with one transfer of a stranger, so that finance has something to look into."""
    sandbox, midnight = shop.gateways["sandbox"], datetime.combine(shop.now.astimezone(UTC).date(), time(tzinfo=UTC))
    assert isinstance(sandbox, Sandbox)
    lines = list(statement.read(sandbox.write_statement(since=shop.now - LONG_AGO, until=midnight)))
    if not lines:
        return
    stranger = StatementLine(len(lines) + 2, Entry.PAYMENT, "", "SBX-20880043", 12900, 77, lines[-1].currency, lines[-1].at)
    read = statements.read(shop.gateways, gateway="sandbox", content=statement.write([*lines, stranger]))
    with shop.database.transaction() as session:
        statements.import_statement(session, read, name=f"sandbox-{midnight:%Y-%m-%d}.csv", actor=ACTOR, now=shop.now)
    match(shop.database, shop.now)


def _begin(session: Session, shop: Shop, season: Season, made: Sequence[Product]) -> Campaign:
    """Make a campaign whose voting is open."""
    opens, before = season.opens(shop.now), season.opens(shop.now) - timedelta(days=3)
    campaign = campaigns.create(session, document=season.document(shop.now), actor=ACTOR, now=before)
    stock.hire_suppliers(session)
    stock.open_stores(session)
    stock.enter(session, campaign, made, offered=season.orders > 0)
    for state, at in ((CampaignState.SCHEDULED, before), (CampaignState.VOTING, opens)):
        campaigns.advance(session, slug=season.slug, to=state, gates=shop.gates, actor=ACTOR, now=at)
    return campaign


def _hire(session: Session, shop: Shop) -> None:
    known = set(session.scalars(select(Staff.email)))
    for email, role in STAFF.items():
        if email not in known:
            people.add_staff(session, email=email, role=role, password=PASSWORD, actor=ACTOR, now=shop.now)


def _vote(session: Session, shop: Shop, season: Season) -> list[int]:
    """Fill in the season's ballots; returns who voted."""
    campaign = _found(session, season)
    assert campaign is not None
    assert campaign.voting_closes is not None
    crowd = voters.guests(session, count=season.voters, secret_key=shop.secret_key, now=season.opens(shop.now))
    until = min(campaign.voting_closes, shop.now)
    voted = voters.vote(session, campaign, voters=crowd, until=until, seed=season.slug)
    if voted and season.ring:
        ring.stuff(session, campaign, size=season.ring, secret_key=shop.secret_key, until=until, seed=season.slug)
    return crowd


def _sell(session: Session, shop: Shop, season: Season) -> None:
    """Take a season through vote, selection and pre-orders, and through the decision where its ordering has closed."""
    if _found(session, season) is not None:
        return
    made = season.products()
    stock.draw(shop.data / "media", season.slug, made)
    campaign = _begin(session, shop, season, made)
    crowd = _vote(session, shop, season)
    assert campaign.voting_closes is not None
    move = {"slug": season.slug, "actor": ACTOR}
    campaigns.advance(session, to=CampaignState.TALLY, gates=shop.gates, now=campaign.voting_closes, **move)
    selection = select_winners(session, now=campaign.voting_closes + timedelta(hours=12), **move)
    campaigns.advance(session, to=CampaignState.ORDERING, gates=shop.gates, now=campaign.ordering_opens, **move)
    offered = [line.candidate_id for line in selection.lines if line.result is SelectionResult.SELECTED]
    until = min(campaign.ordering_closes - buyers.PAID_AFTER, shop.now - buyers.PAID_AFTER)
    paid = buyers.order(session, campaign, offered=offered, buyers=crowd[: season.orders], until=until, seed=season.slug)
    buyers.name_seconds(session, campaign)
    buyers.collect(session, campaign, stores=stock.open_stores(session))
    _tell_gateway(shop, paid)
    if campaign.ordering_closes < shop.now:
        campaigns.advance(session, to=CampaignState.SETTLING, gates=shop.gates, now=campaign.ordering_closes, **move)
        decide(session, now=campaign.ordering_closes + timedelta(hours=12), **move)
        _let_some_wait(session, shop)


def _tell_gateway(shop: Shop, paid: list[Paid]) -> None:
    """Write the payments into the sandbox's own books, so that it can send them back."""
    sandbox = shop.gateways["sandbox"]
    assert isinstance(sandbox, Sandbox)
    sandbox.remember((each.key, each.amount, each.currency, each.at) for each in paid)


def _let_some_wait(session: Session, shop: Shop) -> None:
    """Leave a few refunds in the queue, so that staff see some on their way."""
    last = list(session.scalars(select(Refund.id).order_by(Refund.id.desc()).limit(WAITING)))
    session.execute(update(Refund).where(Refund.id.in_(last)).values(next_attempt_at=shop.now + timedelta(hours=6)))


def _found(session: Session, season: Season) -> Campaign | None:
    return session.scalars(select(Campaign).where(Campaign.slug == season.slug)).one_or_none()
