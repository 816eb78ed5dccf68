"""Keeping suspicious groups: found once, grown in place, never decided by themselves."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import NotFound
from c2b.jobs.models import Job
from c2b.voting import suspicions
from c2b.voting.models import Suspicion, SuspicionBallot, SuspicionLook
from c2b.voting.rules import SuspicionRule, SuspicionState
from c2b.voting.suspicions import Stored
from tests import make
from tests.statements import counted
from tests.voting.test_holding import Ring
from tests.voting.test_holding import decide as decide_about


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session)


@pytest.fixture
def people(session: Session, campaign: Campaign) -> list[int]:
    """Return the keys of six people who have ballots."""
    return [make.ballot(session, campaign).person_id for _ in range(6)]


def store(session: Session, campaign: Campaign, *found: Ring, now: datetime = make.OPENS) -> Stored:
    return suspicions.store(session, campaign_id=campaign.id, found=found, now=now)


def members(session: Session, *, decided: bool | None = None) -> dict[int, set[int]]:
    """Return the ballots of each group, all of them or those that were (not) decided about."""
    query = select(SuspicionBallot.suspicion_id, SuspicionBallot.person_id)
    if decided is not None:
        query = query.where(SuspicionBallot.decided.is_(decided))
    groups: dict[int, set[int]] = {}
    for group, person in session.execute(query):
        groups.setdefault(group, set()).add(person)
    return groups


def decide(session: Session, state: SuspicionState) -> Suspicion:
    group = session.scalars(select(Suspicion)).one()
    decide_about(session, group, state, make.OPENS)
    return group


def test_what_is_found_is_kept_with_its_evidence_and_still_counted(session: Session, campaign: Campaign, people: list[int]) -> None:
    assert store(session, campaign, Ring(people[:3], evidence={"seconds": 2})) == Stored(new=1)
    group = session.scalars(select(Suspicion)).one()
    assert (group.rule, group.state, group.evidence, group.found_at) == (
        SuspicionRule.BURST,
        SuspicionState.OPEN,
        {"seconds": 2},
        make.OPENS,
    )
    assert members(session, decided=False) == {group.id: set(people[:3])}
    assert suspicions.waiting(session, campaign.id) == 1


def test_the_same_ballots_found_again_in_any_order_change_nothing(session: Session, campaign: Campaign, people: list[int]) -> None:
    store(session, campaign, Ring(people[:3], evidence={"seconds": 2}))
    again = Ring(people[2::-1], evidence={"seconds": 3})
    assert store(session, campaign, again, now=make.CLOSES) == Stored(known=1)
    group = session.scalars(select(Suspicion)).one()
    assert (group.found_at, group.evidence) == (make.OPENS, {"seconds": 2})


@pytest.mark.parametrize("later", [(0, 1, 2, 3), (0, 1), (1, 2, 4, 5)])
def test_an_open_group_follows_what_is_found(session: Session, campaign: Campaign, people: list[int], later: Sequence[int]) -> None:
    store(session, campaign, Ring(people[:3]))
    wanted = [people[index] for index in later]
    assert store(session, campaign, Ring(wanted, evidence={"seconds": 3})) == Stored(changed=1)
    group = session.scalars(select(Suspicion)).one()
    assert members(session) == {group.id: set(wanted)}
    assert (group.digest, group.evidence) == (suspicions.digest(SuspicionRule.BURST, wanted), {"seconds": 3})


def test_another_rule_or_other_ballots_are_another_group(session: Session, campaign: Campaign, people: list[int]) -> None:
    same_by_device, others = Ring(people[:3], SuspicionRule.DEVICE), Ring(people[2:])
    assert store(session, campaign, Ring(people[:3]), same_by_device) == Stored(new=2)
    assert store(session, campaign, others) == Stored(new=1)
    assert suspicions.waiting(session, campaign.id) == 3


def test_a_growing_group_updates_the_one_that_it_shares_most_with(session: Session, campaign: Campaign, people: list[int]) -> None:
    store(session, campaign, Ring(people[:2]), Ring(people[2:6]))
    small, large = (suspicions.digest(SuspicionRule.BURST, ids) for ids in (people[:2], people[2:6]))
    groups = {group.digest: group.id for group in session.scalars(select(Suspicion))}
    assert store(session, campaign, Ring(people[1:6])) == Stored(changed=1)
    assert members(session) == {groups[small]: set(people[:2]), groups[large]: set(people[1:6])}


def test_two_findings_never_share_one_group(session: Session, campaign: Campaign, people: list[int]) -> None:
    store(session, campaign, Ring(people[:4]))
    assert store(session, campaign, Ring(people[:2]), Ring(people[2:4])) == Stored(new=1, changed=1)
    assert sorted(map(sorted, members(session).values())) == [people[:2], people[2:4]]


@pytest.mark.parametrize("state", [SuspicionState.HELD, SuspicionState.ASKED, SuspicionState.KEPT])
def test_what_joins_a_decided_group_waits_there_and_still_counts(
    session: Session, campaign: Campaign, people: list[int], state: SuspicionState
) -> None:
    store(session, campaign, Ring(people[:3]))
    group = decide(session, state)
    decided = (group.reason, group.decided_by, group.decided_at)
    assert suspicions.waiting(session, campaign.id) == 0
    assert store(session, campaign, Ring(people[:5])) == Stored(changed=1)
    assert members(session, decided=True) == {group.id: set(people[:3])}
    assert members(session, decided=False) == {group.id: set(people[3:5])}
    assert (group.state, (group.reason, group.decided_by, group.decided_at)) == (state, decided)
    assert suspicions.waiting(session, campaign.id) == 1
    assert store(session, campaign, Ring(people[:5])) == Stored(known=1)
    decide(session, state)
    assert suspicions.waiting(session, campaign.id) == 0


def test_a_decided_group_loses_nobody_when_less_is_found(session: Session, campaign: Campaign, people: list[int]) -> None:
    store(session, campaign, Ring(people[:4]))
    group = decide(session, SuspicionState.HELD)
    assert store(session, campaign, Ring(people[:2])) == Stored(known=1)
    assert members(session) == {group.id: set(people[:4])}


def test_a_group_never_turns_into_another_one(session: Session, campaign: Campaign, people: list[int]) -> None:
    store(session, campaign, Ring(people[:4]), Ring(people[3:6]))
    for group in session.scalars(select(Suspicion)).all():
        decide_about(session, group, SuspicionState.KEPT, make.OPENS)
    first = sorted(session.scalars(select(Suspicion.digest)))
    assert store(session, campaign, Ring(people[:4]), Ring(people[3:6])) == Stored(known=2)
    assert sorted(session.scalars(select(Suspicion.digest))) == first


def test_storing_costs_as_many_statements_for_many_ballots_as_for_few(database: Database) -> None:
    costs = []
    for size in (2, 40):
        with database.transaction() as session:
            campaign = make.campaign(session, slug=f"of-{size}")
            ids = [make.ballot(session, campaign).person_id for _ in range(size)]
        with database.transaction() as session, counted(database) as statements:
            store(session, campaign, Ring(ids))
        costs.append(len(statements))
    assert costs[0] == costs[1] <= 4


# When it is looked


def look(session: Session, campaign: Campaign, at: datetime) -> None:
    """Look and find nothing."""
    suspicions.begin(session, campaign_id=campaign.id, now=at)
    suspicions.end(session, campaign_id=campaign.id, found=[], now=at)


@pytest.mark.usefixtures("people")
def test_ballots_are_looked_through_every_ten_minutes_of_voting(session: Session, now: datetime) -> None:
    assert suspicions.due(session, now=now) == ["ss27"]
    assert suspicions.ask(session, slug="ss27", now=now)
    assert suspicions.due(session, now=now + suspicions.EVERY - timedelta(seconds=1)) == []
    assert suspicions.due(session, now=now + suspicions.EVERY) == ["ss27"]


@pytest.mark.usefixtures("campaign")
def test_without_a_ballot_there_is_nothing_to_look_through(session: Session, now: datetime) -> None:
    assert suspicions.due(session, now=now) == []


@pytest.mark.usefixtures("people")
def test_they_are_looked_through_once_when_voting_has_closed(session: Session, campaign: Campaign) -> None:
    suspicions.ask(session, slug="ss27", now=make.CLOSES - timedelta(seconds=1))
    campaign.state = CampaignState.TALLY
    session.flush()
    assert suspicions.due(session, now=make.CLOSES) == ["ss27"]
    look(session, campaign, make.CLOSES)
    assert suspicions.ask(session, slug="ss27", now=make.CLOSES)
    assert suspicions.due(session, now=make.CLOSES + timedelta(days=3)) == []


@pytest.mark.parametrize("state", [CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.SELECTED, CampaignState.ORDERING])
@pytest.mark.usefixtures("people")
def test_where_nobody_votes_nothing_is_looked_through(session: Session, campaign: Campaign, state: CampaignState, now: datetime) -> None:
    campaign.state = state
    session.flush()
    assert suspicions.due(session, now=now) == []


def test_asking_twice_is_one_look_until_it_has_ended(session: Session, campaign: Campaign, now: datetime) -> None:
    assert suspicions.ask(session, slug="ss27", now=now)
    assert not suspicions.ask(session, slug="ss27", now=now + timedelta(seconds=1))
    look(session, campaign, now + timedelta(seconds=2))
    assert suspicions.ask(session, slug="ss27", now=now + timedelta(seconds=3))
    jobs = session.scalars(select(Job).where(Job.kind == "voting.look")).all()
    assert [job.payload for job in jobs] == [{"campaign": "ss27"}] * 2


def test_a_look_that_never_ended_can_be_asked_for_again(session: Session, campaign: Campaign, now: datetime) -> None:
    suspicions.ask(session, slug="ss27", now=now)
    suspicions.begin(session, campaign_id=campaign.id, now=now)
    assert suspicions.ask(session, slug="ss27", now=now + suspicions.EVERY)


def test_a_look_notes_when_it_began_and_ended_and_what_it_found(
    session: Session, campaign: Campaign, people: list[int], now: datetime
) -> None:
    suspicions.ask(session, slug="ss27", now=now)
    suspicions.begin(session, campaign_id=campaign.id, now=now + timedelta(seconds=1))
    stored = suspicions.end(session, campaign_id=campaign.id, found=[Ring(people)], now=now + timedelta(seconds=9))
    noted = session.scalars(select(SuspicionLook).execution_options(populate_existing=True)).one()
    assert (noted.asked_at, noted.began_at, noted.ended_at) == (now, now + timedelta(seconds=1), now + timedelta(seconds=9))
    assert (noted.groups, stored) == (1, Stored(new=1))


def test_a_look_at_no_campaign_is_refused(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound):
        suspicions.ask(session, slug="ss99", now=now)
