"""How the votes came in, day by day, on both databases."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy.orm import Session

from c2b.voting.history import DayVotes, votes_by_day
from c2b.voting.queries import turnout
from c2b.voting.rules import BallotSource
from tests import make


@pytest.mark.parametrize(
    ("zone", "day"), [("Asia/Shanghai", date(2027, 3, 2)), ("UTC", date(2027, 3, 1)), ("America/New_York", date(2027, 3, 1))]
)
def test_a_vote_belongs_to_the_day_of_the_campaigns_calendar(session: Session, zone: str, day: date) -> None:
    of = make.campaign(session)
    make.ballot(session, of, make.candidate(session, of, "K1"), created_at=datetime(2027, 3, 1, 16, 30, tzinfo=UTC))
    assert votes_by_day(session, of.id, time_zone=zone) == [DayVotes(day, 1, 0)]


def test_the_last_moment_of_a_day_is_still_that_day(session: Session) -> None:
    of = make.campaign(session)
    picked = make.candidate(session, of, "K1")
    make.ballot(session, of, picked, created_at=datetime(2027, 3, 1, 23, 59, 59, 999000, tzinfo=UTC))
    make.ballot(session, of, picked, created_at=datetime(2027, 3, 2, 0, 0, 0, tzinfo=UTC))
    assert [each.day.day for each in votes_by_day(session, of.id, time_zone="UTC")] == [1, 2]


def test_half_hour_zones_are_cut_by_the_hour_of_utc(session: Session) -> None:
    of = make.campaign(session)
    make.ballot(session, of, make.candidate(session, of, "K1"), created_at=datetime(2027, 3, 1, 18, 10, tzinfo=UTC))
    assert votes_by_day(session, of.id, time_zone="Asia/Kolkata") == [DayVotes(date(2027, 3, 1), 1, 0)]


def test_held_votes_stand_apart_and_the_days_add_up_to_the_turnout(session: Session) -> None:
    of = make.campaign(session)
    first, second = make.candidate(session, of, "K1"), make.candidate(session, of, "K2")
    make.ballot(session, of, first, second, created_at=make.OPENS)
    make.ballot(session, of, first, created_at=make.CLOSES)
    make.ballot(session, of, second, created_at=make.CLOSES, held_at=make.CLOSES, held_reason="bought")
    days = votes_by_day(session, of.id, time_zone="UTC")
    assert days == [DayVotes(date(2027, 3, 1), 2, 0), DayVotes(date(2027, 3, 14), 1, 1)]
    whole = turnout(session, of.id)
    assert sum(each.counted for each in days) == whole.votes
    assert sum(each.held for each in days) == whole.held_votes


def test_drafts_and_other_campaigns_are_not_in_it(session: Session) -> None:
    of, other = make.campaign(session), make.campaign(session, slug="other")
    make.ballot(session, of, make.candidate(session, of, "K1"), source=BallotSource.DRAFT)
    make.ballot(session, other, make.candidate(session, other, "K1"))
    assert votes_by_day(session, of.id, time_zone="UTC") == []
