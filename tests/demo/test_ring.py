"""The demo's ring: believable, found by the rules, and nobody honest with it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.demo import ring, voters
from c2b.people.models import Address, Person
from c2b.voting import counting, effects, evidence, queries
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, VoteEvent
from tests import make
from tests.statements import counted

NOW = datetime(2027, 3, 9, 12, 0, tzinfo=UTC)
SECRET = "k" * 40
HONEST, RING = 400, 50


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """Return a vote on forty candidates, twelve places, in which 400 honest people and a ring took part."""
    made = make.campaign(session, votes_each=6, places=12)
    for number in range(40):
        make.candidate(session, made, f"K{number:02}", sizes="", position=number)
    crowd = voters.guests(session, count=HONEST, secret_key=SECRET, now=make.OPENS)
    voters.vote(session, made, voters=crowd, until=NOW, seed="x")
    return made


def stuffed(session: Session, campaign: Campaign) -> list[int]:
    return ring.stuff(session, campaign, size=RING, secret_key=SECRET, until=NOW, seed="x")


def test_it_brings_candidates_in_that_the_honest_crowd_left_out(session: Session, campaign: Campaign) -> None:
    before = {code for code, each in _results(session, campaign).items() if each == "selected"}
    stuffed(session, campaign)
    after = {code for code, each in _results(session, campaign).items() if each == "selected"}
    assert len(after - before) == len(before - after) == ring.TARGETS


def _results(session: Session, campaign: Campaign) -> dict[str, str]:
    return {each.tally.code: each.result.value for each in effects.standing(session, campaign).now.values()}


def test_the_rules_find_it_and_nobody_else(session: Session, campaign: Campaign) -> None:
    assert evidence.look(session, campaign) == []
    of_ring = set(stuffed(session, campaign))
    found = {person for cluster in evidence.look(session, campaign) for person in cluster.ballots}
    assert len(found & of_ring) >= 0.95 * RING
    assert found <= of_ring


def test_its_ballots_are_whole_counted_and_in_time(session: Session, campaign: Campaign) -> None:
    stuffed(session, campaign)
    assert queries.turnout(session, campaign.id).ballots == HONEST + RING
    assert [finding for finding in checks(session) if finding.check.startswith("voting.")] == []
    first, last = session.execute(select(func.min(VoteEvent.at), func.max(VoteEvent.at)).where(VoteEvent.device.startswith("ring-"))).one()
    assert NOW - ring.BEFORE <= first < last <= NOW
    assert last - first <= timedelta(seconds=ring.SPREAD + 20)


def test_each_has_an_address_and_a_viewer_of_their_own(session: Session, campaign: Campaign) -> None:
    people = stuffed(session, campaign)
    addresses = session.scalars(select(Address.value).where(Address.person_id.in_(people))).all()
    assert len(set(addresses)) == RING
    assert len(set(session.scalars(select(Person.viewer)))) == HONEST + RING


def test_a_small_campaign_has_a_ring_too(session: Session) -> None:
    made = make.campaign(session, votes_each=2, places=1)
    for number in range(2):
        make.candidate(session, made, f"K{number}", sizes="", position=number)
    people = stuffed(session, made)
    ballots = session.execute(select(func.count()).where(Ballot.person_id.in_(people))).scalar_one()
    assert ballots == RING
    assert queries.turnout(session, made.id).votes <= 2 * RING


def test_many_fans_cost_as_many_statements_as_few(database: Database) -> None:
    costs = []
    for size in (5, RING):
        with database.transaction() as session:
            made = make.campaign(session, slug=f"of-{size}", votes_each=6)
            for number in range(10):
                make.candidate(session, made, f"K{number}", sizes="", position=number)
        with database.transaction() as session, counted(database) as statements:
            ring.stuff(session, make.campaign_of(session, f"of-{size}"), size=size, secret_key=SECRET, until=NOW, seed="x")
            counting.fold(session)
        costs.append(len(statements))
    assert costs[1] <= costs[0] + 3
