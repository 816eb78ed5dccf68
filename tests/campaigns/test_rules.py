from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest

from c2b.campaigns import rules
from c2b.campaigns.rules import CampaignState, Missing, NotReady, Timetable
from c2b.errors import Refused

TICK = timedelta(microseconds=1)
OPENS, CLOSES = datetime(2027, 3, 1, 2, tzinfo=UTC), datetime(2027, 3, 14, 14, tzinfo=UTC)
ORDERING_OPENS, ORDERING_CLOSES = datetime(2027, 3, 17, 2, tzinfo=UTC), datetime(2027, 3, 30, 14, tzinfo=UTC)
LATER = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Facts:
    state: CampaignState
    paused: bool = False
    voting_opens: datetime | None = OPENS
    voting_closes: datetime | None = CLOSES
    ordering_opens: datetime = ORDERING_OPENS
    ordering_closes: datetime = ORDERING_CLOSES


def without_voting(state: CampaignState) -> Facts:
    return Facts(state, voting_opens=None, voting_closes=None)


VOTING = (rules.voting_is_open, CampaignState.VOTING, OPENS, CLOSES)
ORDERING = (rules.ordering_is_open, CampaignState.ORDERING, ORDERING_OPENS, ORDERING_CLOSES)
Phase = tuple[Callable[[Timetable, datetime], bool], CampaignState, datetime, datetime]


@pytest.mark.parametrize("phase", [VOTING, ORDERING], ids=["voting", "ordering"])
class TestAPhaseIsOpen:
    def test_from_its_first_instant_to_the_last_microsecond_before_its_end(self, phase: Phase) -> None:
        is_open, state, opens, closes = phase
        edges = [opens - TICK, opens, opens + TICK, closes - TICK, closes, closes + TICK]
        assert [is_open(Facts(state), at) for at in edges] == [False, True, True, True, False, False]

    def test_only_in_its_own_state_however_late_the_worker_is(self, phase: Phase) -> None:
        is_open, own, opens, _ = phase
        assert [state for state in CampaignState if is_open(Facts(state), opens)] == [own]

    def test_not_while_it_is_paused(self, phase: Phase) -> None:
        is_open, state, opens, _ = phase
        assert not is_open(Facts(state, paused=True), opens)


def test_a_campaign_without_voting_never_takes_a_vote() -> None:
    assert not any(rules.voting_is_open(without_voting(state), OPENS) for state in CampaignState)


@pytest.mark.parametrize("hours", [-11, -5, 0, 1, 5.75, 13])
def test_the_zone_of_the_asking_clock_changes_nothing(hours: float) -> None:
    from_afar = CLOSES.astimezone(tz=timezone(timedelta(hours=hours)))
    assert not rules.voting_is_open(Facts(CampaignState.VOTING), from_afar)
    assert rules.voting_is_open(Facts(CampaignState.VOTING), from_afar - TICK)


def test_the_states_follow_each_other_and_a_phase_that_is_left_out_is_skipped() -> None:
    names = [state.value for state in rules.states(Facts(CampaignState.DRAFT))]
    assert names == ["draft", "scheduled", "voting", "tally", "selected", "ordering", "settling", "decided", "completed"]
    short = [state.value for state in rules.states(without_voting(CampaignState.DRAFT))]
    assert short == [name for name in names if name not in ("voting", "tally")]


def test_moving_on_enters_every_state_between() -> None:
    way = rules.steps(Facts(CampaignState.DRAFT), slug="ss27", to=CampaignState.TALLY)
    assert way == (CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY)


def test_moving_to_where_it_is_or_was_enters_nothing() -> None:
    ordering = Facts(CampaignState.ORDERING)
    assert rules.steps(ordering, slug="ss27", to=CampaignState.ORDERING) == ()
    assert rules.steps(ordering, slug="ss27", to=CampaignState.VOTING) == ()


@pytest.mark.parametrize(
    ("start", "to", "why"),
    [
        (CampaignState.VOTING, CampaignState.SELECTED, "c2b select ss27"),
        (CampaignState.DRAFT, CampaignState.ORDERING, "c2b select ss27"),
        (CampaignState.TALLY, CampaignState.SELECTED, "c2b select ss27"),
        (CampaignState.SETTLING, CampaignState.DECIDED, "c2b decide ss27"),
        (CampaignState.SELECTED, CampaignState.DECIDED, "c2b decide ss27"),
        (CampaignState.DECIDED, CampaignState.COMPLETED, "by itself"),
    ],
)
def test_nothing_stands_in_for_the_selection_or_the_decision(start: CampaignState, to: CampaignState, why: str) -> None:
    with pytest.raises(Refused, match=why):
        rules.steps(Facts(start), slug="ss27", to=to)


def test_a_cancelled_campaign_goes_nowhere() -> None:
    with pytest.raises(Refused, match="stays so"):
        rules.steps(Facts(CampaignState.CANCELLED), slug="ss27", to=CampaignState.VOTING)


def test_a_campaign_without_voting_can_not_be_moved_to_voting() -> None:
    with pytest.raises(Refused, match="never is “voting”"):
        rules.steps(without_voting(CampaignState.DRAFT), slug="ss27", to=CampaignState.VOTING)
    way = rules.steps(without_voting(CampaignState.DRAFT), slug="ss27", to=CampaignState.SETTLING)
    assert [state.value for state in way] == ["scheduled", "selected", "ordering", "settling"]


@pytest.mark.parametrize(
    ("state", "instant", "then"),
    [
        (CampaignState.SCHEDULED, OPENS, CampaignState.VOTING),
        (CampaignState.VOTING, CLOSES, CampaignState.TALLY),
        (CampaignState.SELECTED, ORDERING_OPENS, CampaignState.ORDERING),
        (CampaignState.ORDERING, ORDERING_CLOSES, CampaignState.SETTLING),
    ],
)
def test_the_timetable_brings_the_next_state_at_its_instant(state: CampaignState, instant: datetime, then: CampaignState) -> None:
    assert [rules.due(Facts(state), at) for at in (instant - TICK, instant, LATER)] == [None, then, then]


@pytest.mark.parametrize("state", ["draft", "tally", "settling", "decided", "completed", "cancelled"])
def test_the_other_states_wait_for_a_person_or_a_run(state: str) -> None:
    assert rules.due(Facts(CampaignState(state)), LATER) is None


def test_without_voting_the_offers_open_with_ordering() -> None:
    scheduled = without_voting(CampaignState.SCHEDULED)
    assert rules.due(scheduled, ORDERING_OPENS - TICK) is None
    assert rules.due(scheduled, ORDERING_OPENS) is CampaignState.SELECTED


def test_entering_a_state_early_moves_the_instants_that_it_implies_and_no_other() -> None:
    early = OPENS - timedelta(days=90)
    assert rules.instants_moved(Facts(CampaignState.SCHEDULED), to=CampaignState.VOTING, now=early) == {"voting_opens": early}
    both = rules.instants_moved(Facts(CampaignState.SCHEDULED), to=CampaignState.TALLY, now=early)
    assert both == {"voting_opens": early, "voting_closes": early}, "a phase of length zero"
    assert rules.instants_moved(Facts(CampaignState.DRAFT), to=CampaignState.SCHEDULED, now=early) == {}


def test_an_instant_that_has_come_stays_what_it_was() -> None:
    assert rules.instants_moved(Facts(CampaignState.VOTING), to=CampaignState.TALLY, now=CLOSES + TICK) == {}
    assert rules.instants_moved(Facts(CampaignState.VOTING), to=CampaignState.TALLY, now=CLOSES - TICK) == {"voting_closes": CLOSES - TICK}


def test_the_timetable_stays_in_order_wherever_it_is_cut_short() -> None:
    for to in rules.states(Facts(CampaignState.DRAFT)):
        for day in range(-5, 40):
            now = OPENS + timedelta(days=day)
            planned = (OPENS, CLOSES, ORDERING_OPENS, ORDERING_CLOSES)
            moved = rules.instants_moved(Facts(CampaignState.DRAFT), to=to, now=now)
            names = ("voting_opens", "voting_closes", "ordering_opens", "ordering_closes")
            instants = [moved.get(name, instant) for name, instant in zip(names, planned, strict=True)]
            assert all(before <= after for before, after in pairwise(instants)), (to, day)


def test_a_phase_that_would_be_over_when_it_begins_does_not_begin() -> None:
    scheduled, selected = Facts(CampaignState.SCHEDULED), Facts(CampaignState.SELECTED)
    assert rules.too_late(scheduled, to=CampaignState.VOTING, now=CLOSES - TICK) == []
    assert "voting closed" in str(rules.too_late(scheduled, to=CampaignState.VOTING, now=CLOSES)[0])
    assert rules.too_late(selected, to=CampaignState.ORDERING, now=ORDERING_CLOSES - TICK) == []
    assert "ordering closed" in str(rules.too_late(selected, to=CampaignState.ORDERING, now=ORDERING_CLOSES)[0])
    assert rules.too_late(selected, to=CampaignState.SETTLING, now=LATER) == []


def test_what_is_not_ready_names_everything_that_is_missing() -> None:
    missing = [Missing("no %(what)s", {"what": "prices"}), Missing("no rules")]
    refusal = NotReady(slug="ss27", state=CampaignState.VOTING, missing=missing)
    assert str(refusal) == "Campaign ss27 isn't ready for “voting”: no prices; no rules"
    assert refusal.missing == missing


@pytest.mark.parametrize(
    ("locale", "english", "shown"), [("en", "Coat", "Coat"), ("en", "", "大衣"), ("zh_Hans_CN", "Coat", "大衣"), ("en_GB", "Coat", "Coat")]
)
def test_a_text_is_shown_in_english_where_there_is_one(locale: str, english: str, shown: str) -> None:
    assert rules.text("大衣", english, locale) == shown


def test_the_commitment_is_the_sha_256_of_the_secret() -> None:
    assert rules.commitment(b"") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
