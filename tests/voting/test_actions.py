from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import NotFound, Refused
from c2b.people.models import Person
from c2b.people.rules import AddressKind
from c2b.voting import actions, queries
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource, Touch
from tests import make
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=2)
    for position, code in enumerate(("K1", "K2", "K3"), start=1):
        make.candidate(session, made, code, position=position)
    return made


@pytest.fixture
def voter(session: Session) -> Person:
    person = make.person(session)
    make.address(session, person, "anna@example.com")
    return person


def keys(session: Session) -> dict[str, int]:
    return dict(session.execute(select(Candidate.code, Candidate.id)).all())


def vote(session: Session, person: Person, code: str, now: datetime) -> BallotView:
    return actions.vote(session, slug="ss27", code=code, person_id=person.id, touch=Touch("phone", "browser", "blog.example.com"), now=now)


def undo(session: Session, person: Person, code: str, now: datetime) -> BallotView:
    return actions.undo(session, slug="ss27", code=code, person_id=person.id, touch=Touch("phone", "browser", "blog.example.com"), now=now)


@pytest.mark.usefixtures("campaign")
def test_a_tap_is_saved_at_once(session: Session, voter: Person, now: datetime) -> None:
    ballot = vote(session, voter, "K2", now)
    assert (ballot.picked, ballot.left, ballot.source, ballot.version) == (frozenset({keys(session)["K2"]}), 1, BallotSource.VERIFIED, 1)


@pytest.mark.usefixtures("campaign")
def test_what_is_shown_after_a_tap_is_what_is_stored(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    for tapped in (vote(session, voter, "K1", now), vote(session, voter, "K2", now), undo(session, voter, "K1", now)):
        last = tapped
    assert queries.ballot(session, campaign_id=campaign.id, person_id=voter.id) == last


def test_a_visitor_without_address_fills_a_draft(session: Session, campaign: Campaign, now: datetime) -> None:
    guest = make.person(session)
    assert vote(session, guest, "K1", now).source is BallotSource.DRAFT
    assert queries.counts(session, campaign.id) == {}


def test_an_address_of_another_kind_is_no_anchor(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    campaign.identity = AddressKind.PHONE
    session.flush()
    assert vote(session, voter, "K1", now).source is BallotSource.DRAFT


@pytest.mark.usefixtures("campaign")
def test_a_second_vote_for_the_same_changes_nothing(session: Session, voter: Person, now: datetime) -> None:
    first = vote(session, voter, "K1", now)
    assert vote(session, voter, "K1", now) == first
    assert len(session.scalars(select(VoteEvent)).all()) == 1


@pytest.mark.usefixtures("campaign")
def test_when_all_votes_are_given_one_more_is_refused_and_the_ballot_stays(session: Session, voter: Person, now: datetime) -> None:
    vote(session, voter, "K1", now)
    vote(session, voter, "K2", now)
    with pytest.raises(Refused, match="take one back"):
        vote(session, voter, "K3", now)
    assert vote(session, voter, "K2", now).left == 0, "what was given already is no error even then"
    assert len(session.scalars(select(Pick)).all()) == 2


@pytest.mark.usefixtures("campaign")
def test_a_vote_taken_back_can_go_to_another(session: Session, voter: Person, now: datetime) -> None:
    vote(session, voter, "K1", now)
    vote(session, voter, "K2", now)
    assert undo(session, voter, "K1", now).left == 1
    ids = keys(session)
    assert vote(session, voter, "K3", now).picked == {ids["K2"], ids["K3"]}


@pytest.mark.usefixtures("campaign")
def test_taking_back_what_was_not_given_changes_nothing(session: Session, voter: Person, now: datetime) -> None:
    assert undo(session, voter, "K1", now).left == 2
    before = vote(session, voter, "K2", now)
    assert undo(session, voter, "K1", now) == before


@pytest.mark.usefixtures("campaign")
def test_each_tap_leaves_its_time_its_device_and_what_led_to_it(session: Session, voter: Person, now: datetime) -> None:
    vote(session, voter, "K1", now)
    undo(session, voter, "K1", now + timedelta(seconds=1))
    events = session.scalars(select(VoteEvent).order_by(VoteEvent.id)).all()
    assert [(event.undo, event.at, event.device, event.agent, event.referrer) for event in events] == [
        (False, now, "phone", "browser", "blog.example.com"),
        (True, now + timedelta(seconds=1), "phone", "browser", "blog.example.com"),
    ]


@pytest.mark.parametrize(
    ("state", "paused"),
    [(state, False) for state in CampaignState if state is not CampaignState.VOTING] + [(CampaignState.VOTING, True)],
)
def test_votes_are_taken_only_while_voting(
    session: Session, campaign: Campaign, voter: Person, now: datetime, state: CampaignState, *, paused: bool
) -> None:
    vote(session, voter, "K1", now)
    campaign.state, campaign.paused = state, paused
    session.flush()
    for tap in (vote, undo):
        with pytest.raises(Refused, match="not open"):
            tap(session, voter, "K1", now)


@pytest.mark.parametrize(
    ("at", "taken"),
    [
        (make.OPENS - timedelta(microseconds=1), False),
        (make.OPENS, True),
        (make.CLOSES - timedelta(microseconds=1), True),
        (make.CLOSES, False),
        (make.CLOSES + timedelta(seconds=1), False),
    ],
)
@pytest.mark.usefixtures("campaign")
def test_the_clock_decides_even_if_the_worker_is_late(session: Session, voter: Person, at: datetime, *, taken: bool) -> None:
    if taken:
        assert vote(session, voter, "K1", at).left == 1
    else:
        with pytest.raises(Refused):
            vote(session, voter, "K1", at)


def test_a_withdrawn_candidate_takes_no_vote_but_gives_one_back(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    vote(session, voter, "K1", now)
    for code in ("K1", "K2"):
        session.scalars(select(Candidate).where(Candidate.code == code)).one().withdrawn_at = now
    session.flush()
    with pytest.raises(Refused, match="withdrawn"):
        vote(session, voter, "K2", now)
    assert undo(session, voter, "K1", now).left == campaign.votes_each


@pytest.mark.usefixtures("campaign")
def test_what_is_not_there_is_not_found(session: Session, voter: Person, now: datetime) -> None:
    with pytest.raises(NotFound, match="K9"):
        vote(session, voter, "K9", now)
    with pytest.raises(NotFound, match="ss99"):
        actions.vote(session, slug="ss99", code="K1", person_id=voter.id, touch=Touch(), now=now)


@pytest.mark.usefixtures("campaign")
def test_another_campaigns_candidate_is_not_found(session: Session, voter: Person, now: datetime) -> None:
    make.candidate(session, make.campaign(session, slug="aw27"), "X1")
    with pytest.raises(NotFound):
        vote(session, voter, "X1", now)


def test_an_imported_ballot_becomes_its_owners_with_the_first_tap(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    make.ballot(session, campaign, first, by=voter, source=BallotSource.IMPORTED)
    assert vote(session, voter, "K1", now).source is BallotSource.IMPORTED, "nothing was changed"
    assert vote(session, voter, "K2", now).source is BallotSource.VERIFIED


def test_a_vote_costs_four_statements_and_on_sqlite_where_nothing_travels_seven(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        of = make.campaign(session)
        for code in ("K1", "K2"):
            make.candidate(session, of, code)
        voter = make.person(session)
        make.address(session, voter, "anna@example.com")
    with database.transaction() as session, counted(database) as first:
        vote(session, voter, "K1", now)
    with database.transaction() as session, counted(database) as second:
        vote(session, voter, "K2", now)
    with database.transaction() as session, counted(database) as again:
        vote(session, voter, "K2", now)
    with database.transaction() as session, counted(database) as back:
        undo(session, voter, "K2", now)
    written = 4 if database.is_sqlite else 1
    assert (len(first), len(second), len(again), len(back)) == (7 + written, 3 + written, 3, 3 + written)


def test_a_ballot_is_read_by_one_statement(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        of = make.campaign(session)
        made = make.ballot(session, of, make.candidate(session, of, "K1"), make.candidate(session, of, "K2"))
    with database.reading() as session, counted(database) as statements:
        ballot = queries.ballot(session, campaign_id=of.id, person_id=made.person_id)
        nobodys = queries.ballot(session, campaign_id=of.id, person_id=None)
    assert len(ballot.picked) == 2
    assert nobodys == BallotView(votes_each=15)
    assert len(statements) == 2
    assert now


def test_counted_and_held_are_what_there_is(session: Session, campaign: Campaign, now: datetime) -> None:
    one, two = session.scalars(select(Candidate).order_by(Candidate.code).limit(2)).all()
    make.ballot(session, campaign, one, two)
    make.ballot(session, campaign, one, source=BallotSource.IMPORTED)
    make.ballot(session, campaign, two, held_at=now, held_reason="why")
    make.ballot(session, campaign, one, two, source=BallotSource.DRAFT)
    make.ballot(session, campaign)
    found = queries.turnout(session, campaign.id)
    assert found == queries.Turnout(ballots=2, votes=3, held_ballots=1, held_votes=1)
    assert found.raw_votes == 4
    counts = queries.counts(session, campaign.id)
    assert sum(count.votes + count.held for count in counts.values()) == found.raw_votes


def test_a_campaign_says_which_sources_count(session: Session, campaign: Campaign) -> None:
    one = session.scalars(select(Candidate).limit(1)).one()
    for source in BallotSource:
        make.ballot(session, campaign, one, source=source)
    assert queries.counts(session, campaign.id)[one.id].votes == 3
    campaign.count = ["verified", "draft"]
    session.flush()
    assert queries.counts(session, campaign.id)[one.id].votes == 1, "a draft never counts, whatever the file says"


def test_votes_for_a_withdrawn_candidate_go_back_to_their_voters(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    first = vote(session, voter, "K1", now)
    vote(session, voter, "K2", now)
    other = make.ballot(session, campaign, session.scalars(select(Candidate).where(Candidate.code == "K1")).one())
    ids = keys(session)
    assert actions.give_back(session, campaign_id=campaign.id, candidate_id=ids["K1"], now=now) == 2
    mine = queries.ballot(session, campaign_id=campaign.id, person_id=voter.id)
    assert (mine.picked, mine.left, mine.version) == (frozenset({ids["K2"]}), 1, first.version + 2)
    assert session.scalars(select(Ballot.version).where(Ballot.serial == other.serial)).one() == 2
    undone = select(VoteEvent.person_id).where(VoteEvent.undo).order_by(VoteEvent.person_id)
    assert session.scalars(undone).all() == sorted([voter.id, other.person_id])
