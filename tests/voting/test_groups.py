"""What the desk and the results page read of suspicious groups, and what holding does to the list."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.voting import effects, groups, holding, objections, queries, suspicions
from c2b.voting.models import Ballot
from c2b.voting.rules import BallotSource, SuspicionRule, SuspicionState
from tests import make
from tests.voting.test_holding import Ring, decide, found

STAFF = "staff:a@example.com"


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """Two places; honest voters gave A three votes, B two, C one, and D none."""
    made = make.campaign(session)
    a, b, c, _ = (make.candidate(session, made, code, position=at) for at, code in enumerate("ABCD", start=1))
    make.ballot(session, made, a, b, c)
    make.ballot(session, made, a, b)
    make.ballot(session, made, a)
    return made


def key(session: Session, code: str) -> int:
    return session.scalars(select(Candidate.id).where(Candidate.code == code)).one()


def voted(session: Session, campaign: Campaign, size: int, *codes: str, **changes: Any) -> list[Ballot]:
    """Make so many ballots for these candidates."""
    picks = session.scalars(select(Candidate).where(Candidate.code.in_(codes))).all()
    return [make.ballot(session, campaign, *picks, **changes) for _ in range(size)]


def lines(session: Session, moves: list[effects.Move]) -> list[tuple[str, int, int, str]]:
    """Return code, votes before and after, and which way a candidate crosses the line."""
    codes = dict(session.execute(select(Candidate.id, Candidate.code)).all())
    way = {(True, False): "out", (False, True): "in", (False, False): ""}
    return [(codes[move.candidate_id], move.counted.tally.votes, move.held.tally.votes, way[move.leaves, move.enters]) for move in moves]


def test_holding_an_open_group_would_take_its_favourite_out_and_let_the_next_in(session: Session, campaign: Campaign) -> None:
    ring = voted(session, campaign, 4, "D")
    group = found(session, campaign, ring)
    given = effects.of_groups(session, campaign.id, [group.id])[group.id]
    assert (given.counted, given.held, given.votes) == ({key(session, "D"): 4}, {}, 4)
    moves = effects.standing(session, campaign).effect(counted=given.counted, held=given.held)
    assert lines(session, moves) == [("D", 4, 0, "out"), ("B", 2, 2, "in")]
    assert [(move.counted.rank, move.held.rank) for move in moves] == [(1, 4), (3, 2)]


def test_the_effect_of_a_held_group_is_told_against_its_being_counted(session: Session, campaign: Campaign, now: datetime) -> None:
    group = found(session, campaign, voted(session, campaign, 4, "D"))
    before = effects.of_groups(session, campaign.id, [group.id])[group.id]
    told = lines(session, effects.standing(session, campaign).effect(counted=before.counted, held=before.held))
    decide(session, group, SuspicionState.HELD, now)
    after = effects.of_groups(session, campaign.id, [group.id])[group.id]
    assert (after.counted, after.held) == ({}, before.counted)
    assert lines(session, effects.standing(session, campaign).effect(counted=after.counted, held=after.held)) == told


def test_a_group_that_moves_nobody_across_still_says_whom_it_helps(session: Session, campaign: Campaign) -> None:
    group = found(session, campaign, voted(session, campaign, 1, "A", "D"))
    given = effects.of_groups(session, campaign.id, [group.id])[group.id]
    moves = effects.standing(session, campaign).effect(counted=given.counted, held=given.held)
    assert lines(session, moves) == [("A", 4, 3, ""), ("D", 1, 0, "")]


def test_all_that_waits_is_added_up_with_each_ballot_once(session: Session, campaign: Campaign, now: datetime) -> None:
    ring = voted(session, campaign, 4, "D")
    found(session, campaign, ring)
    twice = found(session, campaign, ring[:3], SuspicionRule.DEVICE)
    decided = found(session, campaign, voted(session, campaign, 2, "C"))
    decide(session, decided, SuspicionState.HELD, now)
    assert effects.of_all_waiting(session, campaign.id).counted == {key(session, "D"): 4}
    decide(session, twice, SuspicionState.HELD, now)
    waiting = effects.of_all_waiting(session, campaign.id)
    assert (waiting.counted, waiting.held) == ({key(session, "D"): 1}, {key(session, "D"): 3})


def test_drafts_give_nothing_that_could_count(session: Session, campaign: Campaign) -> None:
    group = found(session, campaign, voted(session, campaign, 3, "D", source=BallotSource.DRAFT))
    assert effects.of_groups(session, campaign.id, [group.id])[group.id].votes == 0


def test_an_effect_names_a_bounded_number_of_candidates(session: Session) -> None:
    campaign = make.campaign(session, slug="wide")
    many = [make.candidate(session, campaign, f"K{number}", sizes="", position=number) for number in range(15)]
    ballot = make.ballot(session, campaign, *many)
    group = found(session, campaign, [ballot])
    given = effects.of_groups(session, campaign.id, [group.id])[group.id]
    assert len(effects.standing(session, campaign).effect(counted=given.counted, held=given.held)) == effects.LEAST


def test_all_that_cross_the_line_are_named_before_those_that_stay(session: Session) -> None:
    campaign = make.campaign(session, slug="wide", places=5)
    many = [make.candidate(session, campaign, f"K{number}", sizes="", position=number) for number in range(15)]
    for _ in range(2):
        make.ballot(session, campaign, *many[:5])
    group = found(session, campaign, [make.ballot(session, campaign, *many[5:10]) for _ in range(3)])
    given = effects.of_groups(session, campaign.id, [group.id])[group.id]
    moves = effects.standing(session, campaign).effect(counted=given.counted, held=given.held)
    assert [(move.leaves, move.enters) for move in moves] == [(True, False)] * 5 + [(False, True)] * 3


def test_what_waits_comes_first_and_then_the_newest(session: Session, campaign: Campaign, now: datetime) -> None:
    made = [found(session, campaign, voted(session, campaign, 2, "A")) for _ in range(4)]
    for number, group in enumerate(made):
        group.found_at = make.OPENS + timedelta(hours=number)
    decide(session, made[3], SuspicionState.KEPT, now)
    first = groups.page(session, campaign.id, number=1, size=3)
    second = groups.page(session, campaign.id, number=2, size=3)
    assert [group.id for group in (*first.groups, *second.groups)] == [made[2].id, made[1].id, made[0].id, made[3].id]
    assert (first.all, second.all) == (4, 4)


def test_a_group_shows_serials_and_states_and_no_person(session: Session, campaign: Campaign, now: datetime) -> None:
    ring = voted(session, campaign, 3, "A", "D")
    group = found(session, campaign, ring)
    decide(session, group, SuspicionState.HELD, now)
    holding.release(session, slug="ss27", serial=ring[0].serial, reason="a shop", actor=STAFF, now=now)
    late = voted(session, campaign, 1, "D")
    suspicions.store(session, campaign_id=campaign.id, found=[Ring([each.person_id for each in [*ring, *late]])], now=now)
    shown = groups.page(session, campaign.id, number=1, size=5).groups[0]
    assert {member.serial for member in shown.members} == {ballot.serial for ballot in [*ring, *late]}
    assert (shown.held, shown.waiting, shown.freed) == (2, 1, 1)
    assert not [name for name in groups.Member.__dataclass_fields__ if "person" in name or "name" in name]


def test_only_the_first_ballots_of_a_large_group_are_listed(session: Session, campaign: Campaign) -> None:
    found(session, campaign, voted(session, campaign, groups.LISTED + 5, "A"))
    shown = groups.page(session, campaign.id, number=1, size=5).groups[0]
    assert (len(shown.members), len(shown.listed)) == (groups.LISTED + 5, groups.LISTED)


# What is published


def test_the_holds_add_up_to_the_held_ballots_and_votes(session: Session, campaign: Campaign, now: datetime) -> None:
    ring = voted(session, campaign, 4, "A", "D")
    first, second = found(session, campaign, ring[:3]), found(session, campaign, ring[1:], SuspicionRule.DEVICE)
    decide(session, first, SuspicionState.HELD, now, reason="within four minutes")
    decide(session, second, SuspicionState.ASKED, now + timedelta(minutes=1), reason="one browser")
    told = groups.holds(session, campaign.id)
    assert [(hold.rule, hold.reason, hold.asked, hold.ballots, hold.votes) for hold in told] == [
        (SuspicionRule.BURST, "within four minutes", False, 3, 6),
        (SuspicionRule.DEVICE, "one browser", True, 1, 2),
    ]
    turnout = queries.turnout(session, campaign.id)
    assert (turnout.held_ballots, turnout.held_votes) == (4, 8)


def test_what_is_kept_released_or_empty_is_no_hold(session: Session, campaign: Campaign, now: datetime) -> None:
    kept = found(session, campaign, voted(session, campaign, 2, "A"))
    decide(session, kept, SuspicionState.KEPT, now)
    ballots = [*voted(session, campaign, 1, "A"), *voted(session, campaign, 1), *voted(session, campaign, 1, "A", source="draft")]
    decide(session, found(session, campaign, ballots, SuspicionRule.CLIQUE), SuspicionState.HELD, now)
    holding.release(session, slug="ss27", serial=ballots[0].serial, reason="a shop", actor=STAFF, now=now)
    assert groups.holds(session, campaign.id) == []


def test_nobody_has_looked_until_somebody_did(session: Session, campaign: Campaign, now: datetime) -> None:
    assert groups.last_look(session, campaign.id) is None
    suspicions.ask(session, slug="ss27", now=now)
    asked = groups.last_look(session, campaign.id)
    assert asked
    assert (asked.going_on, asked.ended_at) == (True, None)
    suspicions.end(session, campaign_id=campaign.id, found=[], now=now)
    ended = groups.last_look(session, campaign.id)
    assert ended
    assert (ended.going_on, ended.ended_at, ended.groups) == (False, now, 0)


# What its owner is told


def test_the_owner_of_a_counted_ballot_is_told_nothing(session: Session, campaign: Campaign) -> None:
    ballot = voted(session, campaign, 1, "A")[0]
    found(session, campaign, [ballot])
    assert objections.notice(session, campaign_id=campaign.id, person_id=ballot.person_id) is None
    assert objections.notice(session, campaign_id=campaign.id, person_id=0) is None


def test_the_owner_of_a_held_ballot_is_told_by_which_rules_and_whether_signing_in_is_enough(
    session: Session, campaign: Campaign, now: datetime
) -> None:
    ballot = voted(session, campaign, 1, "A")[0]
    asked, fixed = found(session, campaign, [ballot]), found(session, campaign, [ballot], SuspicionRule.DEVICE)
    decide(session, asked, SuspicionState.ASKED, now)
    told = objections.notice(session, campaign_id=campaign.id, person_id=ballot.person_id)
    assert told == objections.Notice(now, True, (SuspicionRule.BURST,), "", None)
    decide(session, fixed, SuspicionState.HELD, now)
    told = objections.notice(session, campaign_id=campaign.id, person_id=ballot.person_id)
    assert told
    assert (told.asked, told.rules) == (False, (SuspicionRule.BURST, SuspicionRule.DEVICE))
