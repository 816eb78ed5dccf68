"""Holding ballots and letting them go: by serial and by group."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, NotFound, Refused
from c2b.jobs.models import Job
from c2b.people.rules import AddressKind
from c2b.voting import counting, groups, holding, queries, suspicions
from c2b.voting.checks import checks
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot
from c2b.voting.rules import SuspicionRule, SuspicionState
from tests import make

STAFF = "staff:a@example.com"
Held = SuspicionState


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=2)
    for position, code in enumerate(("K1", "K2", "K3"), start=1):
        make.candidate(session, made, code, position=position)
    return made


def test_a_held_ballot_stays_but_is_not_counted_until_released(session: Session, campaign: Campaign, now: datetime) -> None:
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    ballot = make.ballot(session, campaign, first)
    holding.hold(session, slug="ss27", serial=ballot.serial, reason="same device 400 times", actor="staff:a@example.com", now=now)
    assert queries.counts(session, campaign.id) == {first.id: counting.Count(0, 1)}
    holding.release(session, slug="ss27", serial=ballot.serial, reason="a school", actor="staff:a@example.com", now=now)
    assert queries.counts(session, campaign.id) == {first.id: counting.Count(1, 0)}
    log = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [(entry.action, entry.object, entry.reason) for entry in log] == [
        ("voting.hold", ballot.serial, "same device 400 times"),
        ("voting.release", ballot.serial, "a school"),
    ]


def test_holding_needs_a_reason_a_ballot_and_time(session: Session, campaign: Campaign, now: datetime) -> None:
    ballot = make.ballot(session, campaign)
    for change in (holding.hold, holding.release):
        with pytest.raises(Invalid):
            change(session, slug="ss27", serial=ballot.serial, reason=" ", actor="cli:root", now=now)
        with pytest.raises(NotFound):
            change(session, slug="ss27", serial="nothing", reason="why", actor="cli:root", now=now)
        with pytest.raises(NotFound):
            change(session, slug="ss99", serial=ballot.serial, reason="why", actor="cli:root", now=now)
    campaign.state = CampaignState.SELECTED
    session.flush()
    with pytest.raises(Refused, match="selection was made"):
        holding.hold(session, slug="ss27", serial=ballot.serial, reason="why", actor="cli:root", now=now)


@dataclass(frozen=True)
class Ring:
    """A finding as a rule hands it over."""

    ballots: Sequence[int]
    rule: SuspicionRule = SuspicionRule.BURST
    evidence: dict[str, Any] = field(default_factory=dict)


def ring(session: Session, campaign: Campaign, size: int = 3) -> list[Ballot]:
    """Make so many ballots for K1 and K2, by people with mail addresses."""
    picked = session.scalars(select(Candidate).where(Candidate.code.in_(("K1", "K2"))).order_by(Candidate.code)).all()
    made = []
    for number in range(size):
        voter = make.person(session)
        make.address(session, voter, f"ring{number}-{campaign.slug}@example.com")
        made.append(make.ballot(session, campaign, *picked, by=voter))
    return made


def found(session: Session, campaign: Campaign, ballots: Sequence[Ballot], rule: SuspicionRule = SuspicionRule.BURST) -> Suspicion:
    """Store a group of these ballots and return it."""
    ids = [ballot.person_id for ballot in ballots]
    suspicions.store(session, campaign_id=campaign.id, found=[Ring(ids, rule)], now=make.OPENS)
    wanted = suspicions.digest(rule, ids)
    return session.scalars(select(Suspicion).where(Suspicion.digest == wanted)).one()


def decide(session: Session, group: Suspicion, state: SuspicionState, now: datetime, **changes: str) -> None:
    values = {"reason": "why", "digest": group.digest, "slug": "ss27", **changes}
    holding.decide(session, group=group.id, state=state, actor=STAFF, now=now, **values)


def held(session: Session) -> set[str]:
    """Return the serials of the ballots that are held."""
    return set(session.scalars(select(Ballot.serial).where(Ballot.held_at.is_not(None))))


def test_holding_a_group_holds_each_of_its_ballots_as_a_whole_and_no_other(session: Session, campaign: Campaign, now: datetime) -> None:
    bought, honest = ring(session, campaign), ring(session, campaign, 2)
    group = found(session, campaign, bought)
    decide(session, group, SuspicionState.HELD, now, reason="one address block")
    assert held(session) == {ballot.serial for ballot in bought}
    assert {(count.votes, count.held) for count in queries.counts(session, campaign.id).values()} == {(len(honest), len(bought))}
    assert set(session.scalars(select(Ballot.held_reason).where(Ballot.held_at.is_not(None)))) == {"one address block"}
    turnout = queries.turnout(session, campaign.id)
    assert (turnout.votes, turnout.held_votes, turnout.raw_votes) == (4, 6, 10)


def test_keeping_a_held_group_releases_it_and_holding_it_again_holds_it(session: Session, campaign: Campaign, now: datetime) -> None:
    group = found(session, campaign, ring(session, campaign))
    for state, size in ((Held.HELD, 3), (Held.KEPT, 0), (Held.HELD, 3), (Held.ASKED, 3), (Held.KEPT, 0)):
        decide(session, group, state, now)
        assert len(held(session)) == size
    log = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    did = [(entry.action, entry.after["held"], entry.after["released"]) for entry in log]
    assert did == [
        ("voting.hold_group", 3, 0),
        ("voting.keep_group", 0, 3),
        ("voting.hold_group", 3, 0),
        ("voting.ask_group", 0, 0),
        ("voting.keep_group", 0, 3),
    ]
    assert {entry.actor for entry in log} == {STAFF}


def test_a_ballot_in_two_groups_stays_held_while_one_holds_it(session: Session, campaign: Campaign, now: datetime) -> None:
    one, both, two = ring(session, campaign)
    first = found(session, campaign, [one, both])
    second = found(session, campaign, [both, two], SuspicionRule.DEVICE)
    decide(session, first, SuspicionState.HELD, now)
    decide(session, second, SuspicionState.HELD, now)
    assert len(held(session)) == 3
    decide(session, first, SuspicionState.KEPT, now)
    assert held(session) == {both.serial, two.serial}
    decide(session, second, SuspicionState.KEPT, now)
    assert held(session) == set()


def test_a_ballot_of_a_held_group_can_be_released_alone_and_stays_released(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    group = found(session, campaign, ballots)
    decide(session, group, SuspicionState.HELD, now)
    holding.release(session, slug="ss27", serial=ballots[0].serial, reason="a shop's tablet", actor=STAFF, now=now)
    assert held(session) == {ballot.serial for ballot in ballots[1:]}
    decide(session, group, SuspicionState.HELD, now)
    assert ballots[0].serial not in held(session)
    holding.hold(session, slug="ss27", serial=ballots[0].serial, reason="it was no tablet", actor=STAFF, now=now)
    assert len(held(session)) == 3


def test_a_ballot_held_by_hand_is_a_group_of_one(session: Session, campaign: Campaign, now: datetime) -> None:
    ballot = ring(session, campaign, 1)[0]
    for _ in range(2):
        holding.hold(session, slug="ss27", serial=ballot.serial, reason="told us so", actor=STAFF, now=now)
        group = session.scalars(select(Suspicion)).one()
        assert (group.rule, group.state, group.reason) == (SuspicionRule.BY_HAND, SuspicionState.HELD, "told us so")
        holding.release(session, slug="ss27", serial=ballot.serial, reason="a mistake", actor=STAFF, now=now)
        assert held(session) == set()


def test_releasing_a_ballot_that_nobody_holds_leaves_its_open_group_as_it_is(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    group = found(session, campaign, ballots)
    holding.release(session, slug="ss27", serial=ballots[0].serial, reason="known to us", actor=STAFF, now=now)
    assert suspicions.waiting(session, campaign.id) == 1
    decide(session, group, SuspicionState.HELD, now)
    assert len(held(session)) == 3


def test_a_group_is_decided_as_it_was_looked_at_or_not_at_all(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign, 4)
    group = found(session, campaign, ballots[:3])
    seen = group.digest
    suspicions.store(session, campaign_id=campaign.id, found=[Ring([ballot.person_id for ballot in ballots])], now=now)
    with pytest.raises(Refused, match="changed since you looked"):
        decide(session, group, SuspicionState.HELD, now, digest=seen)
    assert held(session) == set()


def test_deciding_needs_a_reason_a_decision_and_a_group_of_this_campaign(session: Session, campaign: Campaign, now: datetime) -> None:
    group = found(session, campaign, ring(session, campaign))
    make.campaign(session, slug="aw27")
    with pytest.raises(Invalid):
        decide(session, group, SuspicionState.HELD, now, reason="  ")
    with pytest.raises(Invalid):
        decide(session, group, SuspicionState.OPEN, now)
    with pytest.raises(NotFound):
        decide(session, group, SuspicionState.HELD, now, slug="aw27")
    with pytest.raises(NotFound):
        decide(session, group, SuspicionState.HELD, now, slug="ss99")
    assert held(session) == set()


@pytest.mark.parametrize("state", [CampaignState.SELECTED, CampaignState.ORDERING, CampaignState.DECIDED, CampaignState.CANCELLED])
def test_after_the_selection_nothing_is_decided_any_more(session: Session, campaign: Campaign, now: datetime, state: CampaignState) -> None:
    ballots = ring(session, campaign)
    group = found(session, campaign, ballots)
    campaign.state = state
    session.flush()
    for wanted in (SuspicionState.HELD, SuspicionState.ASKED, SuspicionState.KEPT):
        with pytest.raises(Refused, match="selection was made"):
            decide(session, group, wanted, now)
    with pytest.raises(Refused, match="selection was made"):
        holding.release(session, slug="ss27", serial=ballots[0].serial, reason="why", actor=STAFF, now=now)
    assert group.state is SuspicionState.OPEN


def test_after_voting_closed_ballots_are_held_and_released_but_nobody_is_asked(session: Session, campaign: Campaign) -> None:
    group = found(session, campaign, ring(session, campaign))
    campaign.state = CampaignState.TALLY
    session.flush()
    with pytest.raises(Refused, match="Voting has closed"):
        decide(session, group, SuspicionState.ASKED, make.CLOSES)
    decide(session, group, SuspicionState.HELD, make.CLOSES)
    assert len(held(session)) == 3


def test_who_is_asked_counts_again_by_signing_in_and_the_others_dont(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    group = found(session, campaign, ballots)
    decide(session, group, SuspicionState.ASKED, now)
    assert len(held(session)) == 3
    person = ballots[1].person_id
    assert holding.answer(session, person_id=person, kind=AddressKind.PHONE, now=now) == 0
    assert holding.answer(session, person_id=person, kind=AddressKind.EMAIL, now=now) == 1
    assert holding.answer(session, person_id=person, kind=AddressKind.EMAIL, now=now) == 0
    assert held(session) == {ballots[0].serial, ballots[2].serial}
    member = session.scalars(select(SuspicionBallot).where(SuspicionBallot.person_id == person)).one()
    assert (member.freed_by, member.freed_at) == (holding.SIGNED_IN, now)
    entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "voting.release")).one()
    assert (entry.object, entry.after) == (ballots[1].serial, {"held": False, "by": "signed_in"})


@pytest.mark.parametrize("decisions", [(Held.HELD,), (Held.KEPT, Held.HELD), (Held.KEPT, Held.ASKED)])
def test_an_answer_does_not_outlive_a_later_decision(
    session: Session, campaign: Campaign, now: datetime, decisions: Sequence[SuspicionState]
) -> None:
    ballots = ring(session, campaign, 4)
    group = found(session, campaign, ballots)
    decide(session, group, SuspicionState.ASKED, now)
    for ballot in ballots[:3]:
        holding.answer(session, person_id=ballot.person_id, kind=AddressKind.EMAIL, now=now)
    holding.release(session, slug="ss27", serial=ballots[3].serial, reason="a shop's tablet", actor=STAFF, now=now)
    shown = groups.page(session, campaign.id, number=1, size=9).groups[0]
    assert (shown.freed, shown.would_hold) == (4, 3)
    for state in decisions:
        decide(session, group, state, now)
    assert held(session) == {ballot.serial for ballot in ballots[:3]}, "what staff released by its serial stays released"
    assert set(session.scalars(select(SuspicionBallot.freed_by).where(SuspicionBallot.freed_at.is_not(None)))) == {STAFF}


def test_who_has_answered_is_not_asked_again_because_others_joined_the_group(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign, 4)
    group = found(session, campaign, ballots[:3])
    decide(session, group, SuspicionState.ASKED, now)
    holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=now)
    suspicions.store(session, campaign_id=campaign.id, found=[Ring([ballot.person_id for ballot in ballots])], now=now)
    decide(session, group, SuspicionState.ASKED, now)
    assert held(session) == {ballot.serial for ballot in ballots[1:]}


def test_a_long_group_lists_first_what_is_not_like_the_rest(
    session: Session, campaign: Campaign, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(groups, "LISTED", 2)
    ballots = ring(session, campaign, 4)
    decide(session, found(session, campaign, ballots), SuspicionState.HELD, now)
    holding.release(session, slug="ss27", serial=ballots[3].serial, reason="a shop's tablet", actor=STAFF, now=now)
    listed = groups.page(session, campaign.id, number=1, size=9).groups[0].listed
    assert listed[0].serial == ballots[3].serial
    assert len(listed) == 2


def test_signing_in_releases_nothing_that_is_held_for_good(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    asked, fixed = found(session, campaign, ballots), found(session, campaign, ballots[:2], SuspicionRule.DEVICE)
    decide(session, fixed, SuspicionState.HELD, now)
    assert holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=now) == 0
    decide(session, asked, SuspicionState.ASKED, now)
    assert holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=now) == 1
    assert len(held(session)) == 3


def test_an_answer_after_voting_closed_is_too_late(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    decide(session, found(session, campaign, ballots), SuspicionState.ASKED, now)
    just_in_time = make.CLOSES - timedelta(microseconds=1)
    assert holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=make.CLOSES) == 0
    assert holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=just_in_time) == 1
    campaign.state = CampaignState.TALLY
    session.flush()
    assert holding.answer(session, person_id=ballots[1].person_id, kind=AddressKind.EMAIL, now=just_in_time) == 0


def test_each_hold_asks_the_worker_to_tell_and_keeping_does_not(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    group = found(session, campaign, ballots)
    for state in (SuspicionState.KEPT, SuspicionState.HELD, SuspicionState.ASKED):
        decide(session, group, state, now)
    jobs = session.scalars(select(Job).where(Job.kind == "voting.tell_held")).all()
    assert [job.payload for job in jobs] == [{"group": group.id, "at": now.isoformat()}] * 2


def test_the_audit_finds_a_ballot_that_counts_although_it_is_held(session: Session, campaign: Campaign, now: datetime) -> None:
    ballots = ring(session, campaign)
    decide(session, found(session, campaign, ballots), SuspicionState.HELD, now)
    assert [finding for finding in checks(session) if finding.check == "voting.held"] == []
    session.execute(update(Ballot).where(Ballot.serial == ballots[0].serial).values(held_at=None, held_reason=""))
    found_wrong = [finding.what for finding in checks(session) if finding.check == "voting.held"]
    assert found_wrong == [f"ss27: ballot {ballots[0].serial} counts although staff hold it"]


@pytest.mark.parametrize("act", ["decide", "hold", "answer"])
def test_the_kept_counts_are_those_of_the_picks_after_each_change(session: Session, campaign: Campaign, now: datetime, act: str) -> None:
    ballots = ring(session, campaign, 4)
    if act == "hold":
        holding.hold(session, slug="ss27", serial=ballots[0].serial, reason="why", actor=STAFF, now=now)
    else:
        decide(session, found(session, campaign, ballots), SuspicionState.ASKED if act == "answer" else SuspicionState.HELD, now)
    if act == "answer":
        holding.answer(session, person_id=ballots[0].person_id, kind=AddressKind.EMAIL, now=now)
    assert [finding for finding in checks(session) if finding.check in {"voting.counts", "voting.held"}] == []
    expected = {"decide": (0, 4), "hold": (3, 1), "answer": (1, 3)}[act]
    assert {(count.votes, count.held) for count in queries.counts(session, campaign.id).values()} == {expected}
