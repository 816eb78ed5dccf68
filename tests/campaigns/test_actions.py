import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns import actions, queries, readiness
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, Missing, NotReady
from c2b.errors import Invalid, NotFound, Refused
from tests import make

WHO = "staff:mei@example.com"
TICK = timedelta(microseconds=1)
GATES = {CampaignState.VOTING: readiness.before_voting}


def document(**changes: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "slug": "ss27",
        "title": "2027 春夏",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "legal_profile": "CN_DINGJIN",
        "voting": {"opens": datetime(2027, 3, 1, 10), "closes": datetime(2027, 3, 14, 22), "votes_each": 15, "places": 2},  # noqa: DTZ001  as TOML gives them
        "ordering": {"opens": datetime(2027, 3, 17, 10), "closes": datetime(2027, 3, 30, 22), "deposit_percent": 20, "minimum": 50},  # noqa: DTZ001
    }
    return whole | changes


def entries(session: Session) -> list[tuple[str, str]]:
    return [(entry.action, entry.actor) for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def advance(session: Session, to: str, now: datetime, gates: readiness.Gates | None = None) -> Campaign:
    return actions.advance(session, slug="ss27", to=CampaignState(to), gates=gates or {}, actor=WHO, now=now)


class TestCreating:
    def test_makes_a_draft_with_a_secret_of_its_own(self, session: Session, now: datetime) -> None:
        made = actions.create(session, document=document(), actor=WHO, now=now)
        other = actions.create(session, document=document(slug="aw27"), actor=WHO, now=now)
        assert made.state is CampaignState.DRAFT
        assert (len(made.secret), made.secret == other.secret) == (32, False)
        assert made.voting_opens == make.OPENS

    def test_again_changes_nothing_and_writes_nothing_down(self, session: Session, now: datetime) -> None:
        first = actions.create(session, document=document(), actor=WHO, now=now)
        again = actions.create(session, document=document(), actor=WHO, now=now)
        assert first is again
        assert entries(session) == [("campaign.create", WHO)]

    def test_on_a_draft_updates_it_and_keeps_its_secret(self, session: Session, now: datetime) -> None:
        secret = actions.create(session, document=document(), actor=WHO, now=now).secret
        updated = actions.create(session, document=document(title="春夏"), actor=WHO, now=now)
        assert (updated.title, updated.secret) == ("春夏", secret)
        changed = session.scalars(select(AuditEntry).where(AuditEntry.action == "campaign.update")).one()
        assert (changed.before, changed.after) == ({"title": "2027 春夏"}, {"title": "春夏"})

    def test_with_mistakes_makes_nothing(self, session: Session, now: datetime) -> None:
        with pytest.raises(Invalid):
            actions.create(session, document=document(currency="XXL"), actor=WHO, now=now)
        assert queries.campaigns(session) == []


def timetable(**changes: Any) -> dict[str, Any]:
    """Return the document with some instants or rules set anew: `ordering__closes=...`."""
    whole = document()
    for path, value in changes.items():
        section, name = path.split("__")
        whole[section] = whole.get(section, {}) | {name: value}
    return whole


LATER = datetime(2027, 4, 2, 22)  # noqa: DTZ001  as TOML gives it
MOVES = {"ordering__closes": LATER, "delivery__expected": LATER.date(), "balance__opens": LATER + TICK, "balance__due": LATER + 2 * TICK}


def at(session: Session, state: str, now: datetime) -> Campaign:
    """Make the campaign and put it into a state, whatever it takes to get there."""
    made = actions.create(session, document=document(), actor=WHO, now=make.OPENS)
    made.state = CampaignState(state)
    session.flush()
    return actions.create(session, document=document(), actor=WHO, now=now)


class TestChanging:
    @pytest.mark.parametrize("state", ["draft", "scheduled"])
    def test_everything_is_possible_until_voting_opens(self, session: Session, now: datetime, state: str) -> None:
        at(session, state, now)
        changed = actions.create(session, document=timetable(voting__votes_each=9, **MOVES) | {"title": "春夏"}, actor=WHO, now=now)
        assert (changed.state, changed.votes_each, changed.title) == (CampaignState(state), 9, "春夏")
        assert changed.ordering_closes == datetime(2027, 4, 2, 14, tzinfo=UTC)

    def test_a_passed_instant_that_blocks_a_scheduled_campaign_is_corrected(self, session: Session) -> None:
        at(session, "scheduled", make.OPENS)
        late = datetime(2027, 3, 20, tzinfo=UTC)
        with pytest.raises(NotReady, match="voting closed on"):
            advance(session, "voting", late)
        moved = timetable(voting__closes=LATER, ordering__opens=LATER + TICK, ordering__closes=LATER + 2 * TICK)
        actions.create(session, document=moved, actor=WHO, now=late)
        assert advance(session, "voting", late).state is CampaignState.VOTING

    @pytest.mark.parametrize("state", ["tally", "selected"])
    def test_between_voting_and_ordering_the_instants_to_come_move_and_the_log_keeps_both(
        self, session: Session, now: datetime, state: str
    ) -> None:
        at(session, state, now)
        changed = actions.create(session, document=timetable(**MOVES), actor=WHO, now=now)
        assert changed.ordering_closes == datetime(2027, 4, 2, 14, tzinfo=UTC)
        assert changed.delivery_expected == LATER.date()
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "campaign.update")).one()
        assert set(entry.before or {}) == {"ordering_closes", "delivery_expected", "balance_opens", "balance_due"}
        assert (entry.before or {})["ordering_closes"] == "2027-03-30 14:00:00+00:00"
        assert (entry.after or {})["ordering_closes"] == "2027-04-02 14:00:00+00:00"

    @pytest.mark.parametrize("state", ["voting", "tally", "selected", "ordering", "settling", "decided", "completed", "cancelled"])
    @pytest.mark.parametrize(
        "rule", [{"voting__places": 1}, {"voting__votes_each": 9}, {"ordering__minimum": 1}, {"ordering__two_person": True}]
    )
    def test_a_rule_stays_once_voting_has_opened(self, session: Session, now: datetime, state: str, rule: dict[str, Any]) -> None:
        at(session, state, now)
        (path,) = rule
        with pytest.raises(Refused, match=f"too late to change {path.split('__')[1]}$"):
            actions.create(session, document=timetable(**rule), actor=WHO, now=now)
        assert entries(session) == [("campaign.create", WHO)]

    @pytest.mark.parametrize("state", ["voting", "ordering", "settling", "decided", "completed", "cancelled"])
    def test_the_balance_stays_while_customers_vote_and_once_they_order(self, session: Session, now: datetime, state: str) -> None:
        at(session, state, now)
        with pytest.raises(Refused, match=r"too late to change balance_due, balance_opens$"):
            actions.create(session, document=timetable(balance__opens=LATER, balance__due=LATER + TICK), actor=WHO, now=now)

    def test_nobody_lengthens_the_vote_under_way(self, session: Session, now: datetime) -> None:
        at(session, "voting", now)
        with pytest.raises(Refused, match=r"too late to change voting_closes$"):
            actions.create(session, document=timetable(voting__closes=datetime(2027, 3, 16, 22)), actor=WHO, now=now)  # noqa: DTZ001

    def test_the_same_file_does_no_harm_after_a_phase_was_begun_early(self, session: Session, now: datetime) -> None:
        actions.create(session, document=document(), actor=WHO, now=now)
        early = make.OPENS - timedelta(days=3)
        advance(session, "tally", early)
        again = actions.create(session, document=document(), actor=WHO, now=now)
        assert (again.voting_opens, again.voting_closes) == (early, early)
        assert "campaign.update" not in dict(entries(session))

    def test_the_votes_of_imported_ballots_are_not_cut(self, session: Session, now: datetime) -> None:
        made = actions.create(session, document=document(), actor=WHO, now=now)
        make.ballot(session, made, *(make.candidate(session, made, code) for code in ("K1", "K2", "K3")))
        with pytest.raises(Refused, match="ballots with more votes than 2"):
            actions.create(session, document=timetable(voting__votes_each=2), actor=WHO, now=now)
        assert actions.create(session, document=timetable(voting__votes_each=3), actor=WHO, now=now).votes_each == 3

    def test_prices_do_not_change_their_currency(self, session: Session, now: datetime) -> None:
        made = actions.create(session, document=document(), actor=WHO, now=now)
        assert actions.create(session, document=document(currency="HKD"), actor=WHO, now=now).currency == "HKD"
        make.candidate(session, made, "K1")
        with pytest.raises(Refused, match="prices in HKD"):
            actions.create(session, document=document(), actor=WHO, now=now)


class TestAdvancing:
    def test_enters_the_state_moves_the_instant_and_is_written_down(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        moved = advance(session, "tally", now)
        assert (moved.state, moved.voting_closes) == (CampaignState.TALLY, now)
        entry = session.scalars(select(AuditEntry)).one()
        assert (entry.action, entry.actor, entry.campaign) == ("campaign.advance", WHO, "ss27")
        assert (entry.before["state"], entry.after["state"]) == ("voting", "tally")
        assert entry.before["voting_closes"].startswith("2027-03-14")

    def test_twice_changes_nothing_the_second_time(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        first = advance(session, "tally", now).voting_closes
        assert advance(session, "tally", now + timedelta(days=1)).voting_closes == first
        assert entries(session) == [("campaign.advance", WHO)]

    def test_through_a_gate_that_misses_something_is_refused_with_all_of_it(self, session: Session, now: datetime) -> None:
        make.campaign(session, state=CampaignState.DRAFT)
        gates = {CampaignState.VOTING: lambda _session, _campaign: [Missing("a"), Missing("b"), Missing("c", warning=True)]}
        with pytest.raises(NotReady, match=r"a; b$") as refusal:
            advance(session, "voting", now, gates)
        assert [str(thing) for thing in refusal.value.missing] == ["a", "b"]

    def test_past_a_phase_of_length_zero_asks_its_gate_too(self, session: Session, now: datetime) -> None:
        make.campaign(session, state=CampaignState.DRAFT)
        with pytest.raises(NotReady, match="no candidates"):
            advance(session, "tally", now, GATES)

    def test_a_warning_stops_nothing(self, session: Session, now: datetime) -> None:
        make.campaign(session, state=CampaignState.DRAFT)
        gates = {CampaignState.VOTING: lambda _session, _campaign: [Missing("no picture", warning=True)]}
        assert advance(session, "voting", now, gates).state is CampaignState.VOTING

    def test_into_a_phase_that_is_over_is_refused_and_past_it_is_not(self, session: Session) -> None:
        make.campaign(session, state=CampaignState.SCHEDULED)
        with pytest.raises(NotReady, match="voting closed"):
            advance(session, "voting", make.CLOSES)
        assert advance(session, "tally", make.CLOSES).voting_closes == make.CLOSES

    def test_without_voting_every_gate_still_stands(self, session: Session, now: datetime) -> None:
        of = make.campaign(session, state=CampaignState.DRAFT, voting_opens=None, voting_closes=None)
        with pytest.raises(NotReady, match="no candidates"):
            advance(session, "ordering", now, GATES)
        session.refresh(of)
        make.candidate(session, of, "K1")
        of.state = CampaignState.DRAFT
        moved = advance(session, "ordering", now, GATES)
        assert (moved.state, moved.ordering_opens) == (CampaignState.ORDERING, now)

    def test_an_unknown_campaign_is_not_found(self, session: Session, now: datetime) -> None:
        with pytest.raises(NotFound, match="campaign list"):
            advance(session, "voting", now)

    def test_cancelling_is_not_done_here(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        with pytest.raises(Refused, match="refunds"):
            advance(session, "cancelled", now)


class TestTheTimetable:
    def test_moves_at_the_instant_and_not_a_microsecond_before(self, session: Session) -> None:
        make.campaign(session)
        assert actions.tick(session, gates={}, now=make.CLOSES - TICK) == []
        assert actions.tick(session, gates={}, now=make.CLOSES) == ["ss27: voting -> tally"]
        assert actions.tick(session, gates={}, now=make.CLOSES) == []

    def test_catches_up_late_and_keeps_the_instants(self, session: Session) -> None:
        made = make.campaign(session, state=CampaignState.SELECTED)
        steps = actions.tick(session, gates={}, now=make.ORDERING_OPENS + timedelta(hours=3))
        assert steps == ["ss27: selected -> ordering"]
        assert made.ordering_opens == make.ORDERING_OPENS
        assert actions.tick(session, gates={}, now=make.ORDERING_CLOSES + timedelta(days=9)) == ["ss27: ordering -> settling"]
        assert entries(session) == [("campaign.advance", "worker")] * 2

    def test_waits_for_the_gate_and_opens_as_soon_as_it_lets_through(self, session: Session, now: datetime) -> None:
        of = make.campaign(session, state=CampaignState.SCHEDULED, votes_each=1, places=1)
        assert actions.tick(session, gates=GATES, now=now) == []
        make.candidate(session, of, "K1")
        assert actions.tick(session, gates=GATES, now=now) == ["ss27: scheduled -> voting"]

    def test_never_opens_a_phase_that_is_over(self, session: Session) -> None:
        make.campaign(session, state=CampaignState.SELECTED)
        assert actions.tick(session, gates={}, now=make.ORDERING_CLOSES) == []

    def test_closes_a_paused_campaign_too(self, session: Session) -> None:
        make.campaign(session, paused=True)
        assert actions.tick(session, gates={}, now=make.CLOSES) == ["ss27: voting -> tally"]

    def test_leaves_other_campaigns_alone(self, session: Session) -> None:
        make.campaign(session)
        make.campaign(session, slug="aw27", voting_closes=make.CLOSES + TICK)
        make.campaign(session, slug="draft", state=CampaignState.DRAFT)
        assert actions.tick(session, gates={}, now=make.CLOSES) == ["ss27: voting -> tally"]


class TestPausing:
    def test_shows_why_until_it_goes_on(self, session: Session, now: datetime) -> None:
        made = make.campaign(session)
        actions.pause(session, slug="ss27", reason=" 系统维护 ", actor=WHO, now=now)
        assert (made.paused, made.reason) == (True, "系统维护")
        actions.resume(session, slug="ss27", reason="done", actor=WHO, now=now)
        assert (made.paused, made.reason) == (False, "")
        assert [action for action, _ in entries(session)] == ["campaign.pause", "campaign.resume"]

    def test_twice_is_once(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        for _ in range(2):
            actions.pause(session, slug="ss27", reason="maintenance", actor=WHO, now=now)
        assert len(entries(session)) == 1

    def test_needs_a_reason(self, session: Session, now: datetime) -> None:
        make.campaign(session)
        with pytest.raises(Invalid) as refusal:
            actions.pause(session, slug="ss27", reason="  ", actor=WHO, now=now)
        assert refusal.value.field == "reason"

    @pytest.mark.parametrize("state", ["completed", "cancelled"])
    def test_of_what_is_over_is_refused(self, session: Session, now: datetime, state: str) -> None:
        make.campaign(session, state=CampaignState(state))
        with pytest.raises(Refused, match="is over"):
            actions.pause(session, slug="ss27", reason="late", actor=WHO, now=now)


def test_opening_the_vote_writes_down_the_sealed_secrets_hash_and_never_the_secret(session: Session) -> None:
    campaign = make.campaign(session, state=CampaignState.SCHEDULED)
    advance(session, "voting", make.OPENS)
    entry = session.scalars(select(AuditEntry)).one()
    assert entry.after["commitment"] == hashlib.sha256(campaign.secret).hexdigest()
    assert campaign.secret.hex() not in str(entry.after)
