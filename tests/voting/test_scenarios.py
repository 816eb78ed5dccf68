"""What other rules would select, from the counters and from the stored selection."""

from dataclasses import replace

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting import scenarios, selecting
from c2b.voting.rules import Ranked, SelectionResult, SelectionRules
from c2b.voting.scenarios import Scenario
from tests import make
from tests.statements import counted

TWO = SelectionRules(places=2, min_votes=0, max_per_category=0)


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 has three votes, K2 two, K3 one and three held; K4 is withdrawn; K3 is a coat, the others are shirts."""
    made = make.campaign(session, state=CampaignState.TALLY)
    one, two, three, four = (make.candidate(session, made, f"K{at}", position=at) for at in (1, 2, 3, 4))
    three.category, four.withdrawn_at, four.withdrawn_reason = "大衣", make.OPENS, "the mill burned down"
    make.ballot(session, made, one, two)
    make.ballot(session, made, one, two)
    make.ballot(session, made, one, three)
    for _ in range(3):
        make.ballot(session, made, three, held_at=make.OPENS, held_reason="twins")
    return made


def won(ranked: list[Ranked]) -> list[str]:
    return [each.tally.code for each in ranked if each.result is SelectionResult.SELECTED]


def test_the_frozen_rules_are_the_campaigns_own(session: Session) -> None:
    made = make.campaign(session, places=7, min_votes=3, max_per_category=2)
    assert scenarios.frozen(made) == Scenario(SelectionRules(7, 3, 2), count_held=False)


def test_by_the_frozen_rules_the_scenario_is_the_preview(session: Session, campaign: Campaign) -> None:
    votes, preview = scenarios.votes(session, campaign), selecting.preview(session, slug=campaign.slug)
    ranked = votes.ranked(scenarios.frozen(campaign))
    assert [(each.rank, each.tally.code, each.tally.votes, each.tally.held, each.result, each.tie_key) for each in ranked] == [
        (line.rank, line.code, line.votes, line.held, line.result, line.tie_key) for line in preview.lines
    ]
    assert votes.keys == {line.code: line.candidate_id for line in preview.lines}


@pytest.mark.parametrize(
    ("changes", "held", "selected"),
    [
        ({}, "not", ["K1", "K2"]),
        ({"places": 1}, "not", ["K1"]),
        ({"places": 9}, "not", ["K1", "K2", "K3"]),
        ({"places": 9, "min_votes": 2}, "not", ["K1", "K2"]),
        ({"places": 9, "max_per_category": 1}, "not", ["K1", "K3"]),
        ({}, "too", ["K3", "K1"]),
        ({"min_votes": 4}, "too", ["K3"]),
    ],
)
def test_places_minimum_categories_and_held_ballots_can_be_tried(
    session: Session, campaign: Campaign, changes: dict[str, int], held: str, selected: list[str]
) -> None:
    tried = Scenario(replace(TWO, **changes), count_held=held == "too")
    assert won(scenarios.votes(session, campaign).ranked(tried)) == selected


def test_counting_held_ballots_adds_their_votes_and_still_says_how_many_they_are(session: Session, campaign: Campaign) -> None:
    first = scenarios.votes(session, campaign).ranked(Scenario(TWO, count_held=True))[0]
    assert (first.tally.code, first.tally.votes, first.tally.held) == ("K3", 4, 3)


def test_after_the_selection_its_own_votes_and_seed_are_taken(session: Session, campaign: Campaign) -> None:
    view = selecting.select_winners(session, slug=campaign.slug, actor="staff:anna@example.com", now=make.CLOSES)
    make.candidate_of(session, campaign, "K1").withdrawn_at = make.CLOSES
    session.flush()
    ranked = scenarios.votes(session, campaign).ranked(scenarios.frozen(campaign))
    assert [(each.tally.code, each.result, each.tie_key) for each in ranked] == [(row.code, row.result, row.tie_key) for row in view.lines]
    assert won(ranked) == ["K1", "K2"]


def test_nothing_is_written_and_nothing_grows_with_the_ballots(session: Session, database: Database, campaign: Campaign) -> None:
    with counted(database) as few:
        scenarios.votes(session, campaign)
    for _ in range(20):
        make.ballot(session, campaign, *session.query(Candidate).filter_by(campaign_id=campaign.id).limit(2))
    with counted(database) as many:
        scenarios.votes(session, campaign)
    assert len(many) == len(few) <= 6
    assert not [statement for statement in many if not statement.lstrip().upper().startswith(("SELECT", "WITH"))]


def test_what_was_stored_is_read_as_it_was_ranked(session: Session, campaign: Campaign) -> None:
    assert scenarios.stored(session, campaign) == {}
    view = selecting.select_winners(session, slug=campaign.slug, actor="staff:anna@example.com", now=make.CLOSES)
    stored = scenarios.stored(session, campaign)
    assert list(stored) == [row.candidate_id for row in view.lines]
    assert list(stored.values()) == scenarios.votes(session, campaign).ranked(scenarios.frozen(campaign))
