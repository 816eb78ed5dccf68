"""What votes were worth: each stage counts what got that far, and costs the same for any number of people."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.db import Database
from c2b.deposits.funnel import Source, Stage, by_category, funnel, sources
from c2b.deposits.rules import Fulfilment, Outcome
from c2b.people.models import Person
from c2b.voting.models import Views, VoteEvent
from tests import make
from tests.statements import counted

OPEN = make.OPENS + timedelta(hours=1)


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 was seen by ten and has four votes; K2 one vote; nobody looked at K3."""
    of = make.campaign(session)
    k1, k2, _ = (make.candidate(session, of, code, position=place, category="针织") for place, code in enumerate(("K1", "K2", "K3")))
    session.execute(insert(Views).values(campaign_id=of.id, candidate_id=k1.id, viewers=10))
    make.ballot(session, of, k1, k2)
    for _ in range(3):
        make.ballot(session, of, k1)
    return of


def buys(session: Session, of: Campaign, units: int, by: Person | None = None, **line: Any) -> None:
    k1 = make.candidate_of(session, of, "K1")
    make.order(session, of, (make.variants(session, k1)[0], units), line=line, **({"by": by} if by else {}))


def stages(session: Session, of: Campaign) -> dict[str, Stage]:
    return {row.code: row for row in funnel(session, of, locale="en")}


def test_every_stage_counts_what_got_that_far(session: Session, campaign: Campaign) -> None:
    buys(session, campaign, 1, reserved_at=None)
    buys(session, campaign, 2, outcome=Outcome.MISSED)
    buys(session, campaign, 4, outcome=Outcome.ALLOCATED)
    buys(session, campaign, 8, outcome=Outcome.ALLOCATED, fulfilment=Fulfilment.SHIPPED, handed_over_at=OPEN)
    buys(session, campaign, 16, outcome=Outcome.ALLOCATED, fulfilment=Fulfilment.RETURNED, handed_over_at=OPEN)
    row = stages(session, campaign)["K1"]
    assert (row.viewers, row.votes, row.ordered, row.confirmed, row.delivered, row.returned) == (10, 4, 30, 28, 24, 16)
    assert row.worth == 750


def test_who_got_no_vote_has_no_worth_and_stands_there_all_the_same(session: Session, campaign: Campaign) -> None:
    assert stages(session, campaign)["K3"] == Stage("K3", "Design K3", "针织")
    assert stages(session, campaign)["K3"].worth is None


def test_categories_are_the_sums_of_their_candidates(session: Session, campaign: Campaign) -> None:
    buys(session, campaign, 5)
    (knits,) = by_category(funnel(session, campaign, locale="en"))
    assert (knits.name, knits.viewers, knits.votes, knits.ordered) == ("针织", 10, 5, 5)


def test_sources_are_counted_by_person(session: Session, campaign: Campaign) -> None:
    for source, taps, orders in (("poster", 3, True), ("poster", 1, False), ("", 2, False)):
        person = make.person(session)
        for _ in range(taps):
            session.add(VoteEvent(campaign_id=campaign.id, person_id=person.id, candidate_id=1, undo=False, at=OPEN, referrer=source))
        if orders:
            buys(session, campaign, 2, person)
    session.flush()
    assert sources(session, campaign) == [Source("poster", 2, 1), Source("", 1, 0)]


def test_it_costs_the_same_statements_whoever_ordered(database: Database, session: Session, campaign: Campaign) -> None:
    costs = []
    for orders in (1, 5):
        for _ in range(orders):
            buys(session, campaign, 1)
        with counted(database) as statements:
            funnel(session, campaign, locale="en")
            sources(session, campaign)
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 8
