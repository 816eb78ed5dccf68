from collections import Counter
from datetime import datetime

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting import queries
from c2b.voting.counting import Count
from c2b.voting.order import gallery_order
from c2b.voting.queries import BallotView, Turnout
from c2b.voting.rules import BallotSource, SelectionResult
from tests import make
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=3)
    for position in range(1, 7):
        make.candidate(session, made, f"K{position}", position=position, sizes="")
    return made


def ids(session: Session) -> list[int]:
    return list(session.scalars(select(Candidate.id).order_by(Candidate.position)))


def test_a_viewers_order_names_every_candidate_once(session: Session, campaign: Campaign) -> None:
    assert sorted(queries.order_for(session, campaign, 12345)) == sorted(ids(session))


def test_the_order_is_the_functions_over_the_file(session: Session, campaign: Campaign) -> None:
    keys = ids(session)
    assert queries.order_for(session, campaign, 4) == [keys[place] for place in gallery_order(campaign.secret, 4, 6)]


def test_nothing_but_secret_and_viewer_moves_a_candidate(session: Session, campaign: Campaign, now: datetime) -> None:
    before = [queries.order_for(session, campaign, viewer) for viewer in range(12)]
    one = session.get_one(Candidate, ids(session)[0])
    one.name, one.category, one.price_from, one.withdrawn_at = "Bestseller", "top", 1, now
    for _ in range(5):
        make.ballot(session, campaign, one)
    campaign.places, campaign.state = 1, CampaignState.TALLY
    session.flush()
    assert [queries.order_for(session, campaign, viewer) for viewer in range(12)] == before
    campaign.secret = b"t" * 32
    session.flush()
    assert [queries.order_for(session, campaign, viewer) for viewer in range(12)] != before


def test_over_a_block_of_viewers_everybody_stands_on_top_once(session: Session, campaign: Campaign) -> None:
    tops = Counter(queries.order_for(session, campaign, viewer)[0] for viewer in range(60, 66))
    assert tops == dict.fromkeys(ids(session), 1)


def test_a_campaign_without_candidates_has_an_empty_order(session: Session) -> None:
    assert queries.order_for(session, make.campaign(session), 1) == []


def test_the_order_costs_one_statement(database: Database) -> None:
    with database.transaction() as session:
        made = make.campaign(session)
        for position in range(3):
            make.candidate(session, made, f"K{position}", position=position)
    with database.reading() as session, counted(database) as statements:
        queries.order_for(session, made, 1)
    assert len(statements) == 1


def test_a_person_without_a_ballot_has_all_votes_left(session: Session, campaign: Campaign) -> None:
    ballot = queries.ballot(session, campaign_id=campaign.id, person_id=make.person(session).id)
    assert (ballot, ballot.left) == (BallotView(votes_each=3), 3)


def test_a_ballot_without_picks_is_shown_as_one(session: Session, campaign: Campaign) -> None:
    made = make.ballot(session, campaign)
    ballot = queries.ballot(session, campaign_id=campaign.id, person_id=made.person_id)
    assert (ballot.picked, ballot.left, ballot.serial, ballot.source) == (frozenset(), 3, made.serial, BallotSource.VERIFIED)


def test_a_persons_ballot_in_another_campaign_is_another_one(session: Session, campaign: Campaign) -> None:
    made = make.ballot(session, campaign, session.get_one(Candidate, ids(session)[0]))
    other = make.campaign(session, slug="aw27")
    assert queries.ballot(session, campaign_id=other.id, person_id=made.person_id) == BallotView(votes_each=15)


def test_a_held_ballot_says_so(session: Session, campaign: Campaign, now: datetime) -> None:
    made = make.ballot(session, campaign, held_at=now, held_reason="why")
    assert queries.ballot(session, campaign_id=campaign.id, person_id=made.person_id).held


def test_counts_of_one_campaign_leave_others_alone(session: Session, campaign: Campaign) -> None:
    first, second = (session.get_one(Candidate, key) for key in ids(session)[:2])
    make.ballot(session, campaign, first, second)
    make.ballot(session, campaign, first)
    other = make.campaign(session, slug="aw27")
    foreign = make.candidate(session, other, "X")
    make.ballot(session, other, foreign)
    assert queries.counts(session, campaign.id) == {first.id: Count(2, 0), second.id: Count(1, 0)}
    assert queries.counts(session, other.id) == {foreign.id: Count(1, 0)}


def test_before_the_first_vote_everything_is_zero(session: Session, campaign: Campaign) -> None:
    assert queries.counts(session, campaign.id) == {}
    assert queries.turnout(session, campaign.id) == Turnout(0, 0, 0, 0)


def test_counting_costs_the_same_statements_for_any_number_of_ballots(database: Database) -> None:
    numbers = []
    for slug, ballots in (("small", 1), ("large", 50)):
        with database.transaction() as session:
            made = make.campaign(session, slug=slug)
            one = make.candidate(session, made, "K1")
            for _ in range(ballots):
                make.ballot(session, made, one)
        with database.reading() as session, counted(database) as statements:
            queries.counts(session, made.id)
            queries.turnout(session, made.id)
        numbers.append(len(statements))
    assert numbers[0] == numbers[1] <= 4


def test_no_selection_is_none(session: Session, campaign: Campaign) -> None:
    assert queries.selection(session, campaign.id) is None


def test_a_stored_selection_is_read_with_names_best_first(session: Session, campaign: Campaign) -> None:
    first, second = (session.get_one(Candidate, key) for key in ids(session)[:2])
    make.selection(session, campaign, (second, 7), (first, 3), places=1)
    view = queries.selection(session, campaign.id)
    assert view is not None
    assert (view.places, view.votes, view.at, view.actor) == (1, 10, make.CLOSES, "cli:test")
    assert [(line.rank, line.code, line.name, line.name_en, line.votes, line.result) for line in view.lines] == [
        (1, "K2", "款 K2", "Design K2", 7, SelectionResult.SELECTED),
        (2, "K1", "款 K1", "Design K1", 3, SelectionResult.NOT_SELECTED),
    ]
    assert queries.selected_ids(session, campaign) == [second.id]


def test_before_the_selection_nothing_is_selected(session: Session, campaign: Campaign) -> None:
    assert queries.selected_ids(session, campaign) == []
