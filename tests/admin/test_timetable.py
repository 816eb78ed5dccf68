"""The timetable's bar: each phase where its instants say, never too narrow to read."""

import itertools
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.admin import timetable
from c2b.campaigns.rules import CampaignState
from tests import make


@pytest.fixture
def names() -> list[str]:
    return ["Prepare", "Voting", "Sampling", "Ordering", "Decision", "Making and delivery"]


def test_the_phases_follow_each_other_without_a_gap(session: Session, names: list[str]) -> None:
    of = make.campaign(session, created_at=make.OPENS - timedelta(days=9), delivery_expected=date(2027, 6, 5))
    found = timetable.phases(of, make.OPENS)
    assert [phase.name for phase in found] == names
    assert all(before.ends == after.begins for before, after in itertools.pairwise(found))


@pytest.mark.parametrize(
    ("state", "now", "kinds"),
    [
        (CampaignState.VOTING, make.OPENS + timedelta(days=1), "done now later later later"),
        (CampaignState.SELECTED, make.CLOSES + timedelta(days=1), "done done now later later"),
        (CampaignState.ORDERING, make.ORDERING_OPENS, "done done done now later"),
        (CampaignState.DECIDED, make.ORDERING_CLOSES + timedelta(days=3), "done done done done done"),
    ],
)
def test_what_is_over_what_runs_and_what_comes(session: Session, state: CampaignState, now: datetime, kinds: str) -> None:
    of = make.campaign(session, state=state, created_at=make.OPENS - timedelta(days=1))
    assert [phase.kind for phase in timetable.phases(of, now)] == kinds.split()


def test_a_phase_that_should_be_over_but_waits_is_still_now(session: Session) -> None:
    of = make.campaign(session, state=CampaignState.SETTLING, created_at=make.OPENS)
    late = timetable.settled(of) + timedelta(days=5)
    assert timetable.phases(of, late)[-1].kind == "now"


def test_without_voting_it_begins_with_ordering(session: Session) -> None:
    of = make.campaign(session, voting_opens=None, voting_closes=None, state=CampaignState.ORDERING)
    assert [phase.name for phase in timetable.phases(of, make.ORDERING_OPENS)] == ["Prepare", "Ordering", "Decision"]


def test_no_phase_is_too_narrow_or_takes_all_the_room(session: Session) -> None:
    of = make.campaign(session, created_at=make.OPENS - timedelta(days=400), delivery_expected=date(2027, 4, 2), settle_hours=1)
    weights = [phase.weight for phase in timetable.phases(of, make.OPENS)]
    assert min(weights) >= timetable.LEAST
    assert max(weights) <= timetable.MOST


def test_the_present_stands_in_its_own_phase_and_nowhere_outside(session: Session) -> None:
    of = make.campaign(session, created_at=make.OPENS - timedelta(days=1))
    found = timetable.phases(of, make.OPENS)
    whole = sum(phase.weight for phase in found)
    middle = make.OPENS + (make.CLOSES - make.OPENS) / 2
    place = timetable.place(found, middle)
    assert place == pytest.approx((found[0].weight + found[1].weight / 2) / whole)
    assert timetable.place(found, datetime(2030, 1, 1, tzinfo=UTC)) is None
    assert timetable.place(found, datetime(2020, 1, 1, tzinfo=UTC)) is None


def test_the_decision_waits_for_payments_no_longer_than_its_hours(session: Session) -> None:
    of = make.campaign(session, settle_hours=48)
    assert timetable.settled(of) == make.ORDERING_CLOSES + timedelta(hours=48)
