"""Overrides: two people, a public reason, never a count, and only until ordering opens."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, NotFound, Refused
from c2b.people import actions as people
from c2b.people.rules import Role
from c2b.voting import overriding, queries
from c2b.voting.models import Selection, SelectionLine, SelectionOverride
from c2b.voting.readiness import before_ordering
from tests import make

ANNA, BERT, CARA = "staff:anna@example.com", "staff:bert@example.com", "staff:cara@example.com"
LATER = make.CLOSES + timedelta(hours=1)
REASON = "It sells out in the shops every year"


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 and K2 won, K3 and K4 lost; Anna and Bert may run selections, Cara may not."""
    for actor, role in ((ANNA, Role.MANAGER), (BERT, Role.OWNER), (CARA, Role.FINANCE)):
        people.add_staff(session, email=actor.removeprefix("staff:"), role=role, actor="cli:test", now=make.OPENS)
    made = make.campaign(session, state=CampaignState.SELECTED)
    lines = [(make.candidate(session, made, f"K{at}", position=at), 5 - at) for at in (1, 2, 3, 4)]
    make.selection(session, made, *lines)
    return made


def propose(session: Session, code: str, by: str = ANNA, reason: str = REASON) -> None:
    overriding.propose(session, slug="ss27", code=code, reason=reason, actor=by, now=LATER)


def digest(session: Session, campaign: Campaign, code: str) -> str:
    return next(each.digest for each in queries.overrides(session, campaign.id, waiting=True) if each.code == code)


def agree(session: Session, campaign: Campaign, code: str, by: str = BERT) -> None:
    overriding.agree(session, slug="ss27", code=code, digest=digest(session, campaign, code), actor=by, now=LATER)


def agreed(session: Session, campaign: Campaign, code: str) -> None:
    propose(session, code)
    agree(session, campaign, code)


def revoke(session: Session, code: str, by: str = ANNA, reason: str = "The mill can't") -> None:
    overriding.revoke(session, slug="ss27", code=code, reason=reason, actor=by, now=LATER)


def take_back(session: Session, code: str, by: str = ANNA) -> None:
    overriding.take_back(session, slug="ss27", code=code, actor=by, now=LATER)


def chosen(session: Session, campaign: Campaign) -> list[str]:
    codes = {make.candidate_of(session, campaign, f"K{at}").id: f"K{at}" for at in (1, 2, 3, 4)}
    return [codes[key] for key in queries.selected_ids(session, campaign)]


def actions(session: Session) -> list[str]:
    return list(session.scalars(select(AuditEntry.action).where(AuditEntry.action.startswith("voting.")).order_by(AuditEntry.id)))


def stand(session: Session) -> list[tuple[object, ...]]:
    """Return everything that the vote decided: ranks, votes and hashes."""
    lines = select(SelectionLine.rank, SelectionLine.candidate_id, SelectionLine.votes, SelectionLine.result, SelectionLine.tie_key)
    hashes = select(Selection.input_hash, Selection.output_hash, Selection.seed, Selection.votes, Selection.voters)
    return [*map(tuple, session.execute(lines.order_by(SelectionLine.rank))), *map(tuple, session.execute(hashes))]


def test_a_proposal_alone_changes_nothing(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    assert chosen(session, campaign) == ["K1", "K2"]
    assert queries.overrides(session, campaign.id) == []
    waiting = queries.overrides(session, campaign.id, waiting=True)
    assert [(each.code, each.rank, each.made, each.reason, each.proposed_by, each.approved_by) for each in waiting] == [
        ("K3", 3, True, REASON, ANNA, "")
    ]


def test_what_lost_and_is_made_comes_after_those_that_won_by_rank(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K4")
    agreed(session, campaign, "K3")
    assert chosen(session, campaign) == ["K1", "K2", "K3", "K4"]
    assert [(each.code, each.approved_by, each.approved_at) for each in queries.overrides(session, campaign.id)] == [
        ("K3", BERT, LATER),
        ("K4", BERT, LATER),
    ]


def test_what_won_and_is_dropped_is_not_offered(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K1")
    assert chosen(session, campaign) == ["K2"]
    assert [(each.code, each.made) for each in queries.overrides(session, campaign.id)] == [("K1", False)]


def test_no_override_changes_a_count_a_rank_or_a_hash(session: Session, campaign: Campaign) -> None:
    before = stand(session)
    agreed(session, campaign, "K1")
    agreed(session, campaign, "K4")
    revoke(session, "K4")
    agree(session, campaign, "K4")
    assert stand(session) == before


def test_nobody_agrees_to_their_own_proposal(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    with pytest.raises(Refused, match="second person"):
        agree(session, campaign, "K3", by=ANNA)
    assert chosen(session, campaign) == ["K1", "K2"]


@pytest.mark.parametrize("actor", ["cli:root", "worker", "anna@example.com", "staff:nobody@example.com", CARA])
def test_only_staff_who_may_run_the_selection_have_a_hand_in_it(session: Session, campaign: Campaign, actor: str) -> None:
    propose(session, "K3")
    steps: list[Callable[[], None]] = [
        lambda: propose(session, "K4", by=actor),
        lambda: agree(session, campaign, "K3", by=actor),
        lambda: take_back(session, "K3", by=actor),
        lambda: revoke(session, "K3", by=actor),
    ]
    for step in steps:
        with pytest.raises(Refused, match="signed-in staff"):
            step()
    assert actions(session) == ["voting.override"]


def test_somebody_whose_account_is_shut_is_no_second_person(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    people.disable_staff(session, email="bert@example.com", actor=ANNA, now=LATER)
    with pytest.raises(Refused, match="signed-in staff"):
        agree(session, campaign, "K3")
    assert chosen(session, campaign) == ["K1", "K2"]


def test_what_was_agreed_stays_when_an_account_is_shut_later(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    people.disable_staff(session, email="bert@example.com", actor=ANNA, now=LATER)
    assert chosen(session, campaign) == ["K1", "K2", "K3"]


def test_one_agrees_to_what_one_looked_at_and_to_nothing_else(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    seen = digest(session, campaign, "K3")
    take_back(session, "K3")
    propose(session, "K3", reason="My cousin drew it")
    with pytest.raises(Refused, match="has changed since you looked"):
        overriding.agree(session, slug="ss27", code="K3", digest=seen, actor=BERT, now=LATER)
    assert queries.overrides(session, campaign.id) == []


def test_agreeing_twice_is_refused(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    with pytest.raises(Refused, match="agreed already"):
        agree(session, campaign, "K3")
    assert actions(session) == ["voting.override", "voting.override.approve"]


@pytest.mark.parametrize("reason", ["", " \n\t ", "x" * (overriding.LONGEST + 1)])
def test_a_reason_is_needed_and_can_be_read(session: Session, campaign: Campaign, reason: str) -> None:
    with pytest.raises(Invalid) as problem:
        propose(session, "K3", reason=reason)
    assert problem.value.field == "reason"
    agreed(session, campaign, "K4")
    with pytest.raises(Invalid) as problem:
        revoke(session, "K4", reason=reason)
    assert problem.value.field == "ending_reason"
    assert [each.code for each in queries.overrides(session, campaign.id, waiting=True)] == ["K4"]


def test_a_reason_is_one_paragraph(session: Session, campaign: Campaign) -> None:
    propose(session, "K3", reason="  It sells out\n\n every year ")
    assert queries.overrides(session, campaign.id, waiting=True)[0].reason == "It sells out every year"


def test_who_proposed_it_takes_it_back_while_it_waits(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    with pytest.raises(Refused, match="Only the one who asked"):
        take_back(session, "K3", by=BERT)
    take_back(session, "K3")
    assert queries.overrides(session, campaign.id, waiting=True) == []
    propose(session, "K3", by=BERT)
    agree(session, campaign, "K3", by=ANNA)
    assert chosen(session, campaign) == ["K1", "K2", "K3"]


def test_what_is_in_effect_is_undone_by_two_people_only(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    with pytest.raises(Refused, match="in effect"):
        take_back(session, "K3")
    revoke(session, "K3", by=BERT)
    assert chosen(session, campaign) == ["K1", "K2", "K3"]
    with pytest.raises(Refused, match="second person"):
        agree(session, campaign, "K3", by=BERT)
    agree(session, campaign, "K3", by=ANNA)
    assert chosen(session, campaign) == ["K1", "K2"]
    assert queries.overrides(session, campaign.id, waiting=True) == []


def test_who_asked_to_undo_it_may_think_better_of_it(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    revoke(session, "K3")
    with pytest.raises(Refused, match="Only the one who asked"):
        take_back(session, "K3", by=BERT)
    take_back(session, "K3")
    assert [(each.ending_by, each.ending_reason) for each in queries.overrides(session, campaign.id)] == [("", "")]
    assert chosen(session, campaign) == ["K1", "K2", "K3"]


def test_undoing_is_asked_for_once_and_only_of_what_is_in_effect(session: Session, campaign: Campaign) -> None:
    propose(session, "K3")
    with pytest.raises(Refused, match="isn't in effect"):
        revoke(session, "K3")
    agree(session, campaign, "K3")
    revoke(session, "K3")
    with pytest.raises(Refused, match="waits for a second person already"):
        revoke(session, "K3", by=BERT)


@pytest.mark.usefixtures("campaign")
def test_a_candidate_has_one_override(session: Session) -> None:
    propose(session, "K3")
    with pytest.raises(Refused, match="has an override already"):
        propose(session, "K3", by=BERT)


def test_what_is_withdrawn_is_neither_made_nor_dropped(session: Session, campaign: Campaign) -> None:
    propose(session, "K4")
    for code in ("K3", "K4"):
        gone = make.candidate_of(session, campaign, code)
        gone.withdrawn_at, gone.withdrawn_reason = LATER, "the mill burned down"
    session.flush()
    with pytest.raises(Refused, match="withdrawn"):
        propose(session, "K3")
    with pytest.raises(Refused, match="withdrawn"):
        agree(session, campaign, "K4")
    assert chosen(session, campaign) == ["K1", "K2"]


def test_what_is_made_and_withdrawn_later_is_not_offered(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    make.candidate_of(session, campaign, "K3").withdrawn_at = LATER
    session.flush()
    assert chosen(session, campaign) == ["K1", "K2"]


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.SELECTED])
def test_once_ordering_has_opened_nothing_can_be_overridden(session: Session, campaign: Campaign, state: CampaignState) -> None:
    agreed(session, campaign, "K3")
    propose(session, "K4")
    before = chosen(session, campaign)
    campaign.state = state
    session.flush()
    steps: list[Callable[[], None]] = [
        lambda: propose(session, "K1"),
        lambda: agree(session, campaign, "K4"),
        lambda: revoke(session, "K3"),
        lambda: take_back(session, "K4"),
    ]
    for step in steps:
        with pytest.raises(Refused, match="between the selection and the opening"):
            step()
    assert chosen(session, campaign) == before == ["K1", "K2", "K3"]


@pytest.mark.usefixtures("campaign")
def test_without_a_vote_there_is_nothing_to_override(session: Session) -> None:
    other = make.campaign(session, slug="aw27", state=CampaignState.SELECTED, voting_opens=None, voting_closes=None)
    make.candidate(session, other, "K1")
    with pytest.raises(Refused, match="between the selection"):
        overriding.propose(session, slug="aw27", code="K1", reason=REASON, actor=ANNA, now=LATER)


@pytest.mark.usefixtures("campaign")
def test_what_there_isnt_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound, match="K9"):
        propose(session, "K9")
    with pytest.raises(NotFound, match="no override"):
        revoke(session, "K3")
    with pytest.raises(NotFound, match="no override"):
        take_back(session, "K3")
    with pytest.raises(NotFound, match="no override"):
        overriding.agree(session, slug="ss27", code="K3", digest="", actor=BERT, now=LATER)
    with pytest.raises(NotFound):
        overriding.propose(session, slug="none", code="K3", reason=REASON, actor=ANNA, now=LATER)


def test_every_step_is_in_the_audit_log_with_its_reason(session: Session, campaign: Campaign) -> None:
    agreed(session, campaign, "K3")
    revoke(session, "K3")
    take_back(session, "K3")
    revoke(session, "K3", by=BERT)
    agree(session, campaign, "K3", by=ANNA)
    propose(session, "K3")
    take_back(session, "K3")
    steps = [(entry.action.removeprefix("voting.override"), entry.actor, entry.object, entry.reason) for entry in entries(session)]
    assert steps == [
        ("", ANNA, "K3", REASON),
        (".approve", BERT, "K3", REASON),
        (".revoke", ANNA, "K3", "The mill can't"),
        (".revoke.take_back", ANNA, "K3", ""),
        (".revoke", BERT, "K3", "The mill can't"),
        (".revoke.approve", ANNA, "K3", "The mill can't"),
        ("", ANNA, "K3", REASON),
        (".take_back", ANNA, "K3", ""),
    ]


def entries(session: Session) -> list[AuditEntry]:
    return list(session.scalars(select(AuditEntry).where(AuditEntry.action.startswith("voting.")).order_by(AuditEntry.id)))


def test_what_is_made_needs_an_offer_before_ordering_opens(session: Session, campaign: Campaign) -> None:
    mill = make.supplier(session)
    for code in ("K1", "K2"):
        make.offer(session, make.candidate_of(session, campaign, code), mill)
    assert before_ordering(session, campaign) == []
    agreed(session, campaign, "K3")
    missing = before_ordering(session, campaign)
    assert [(str(thing), thing.warning) for thing in missing] == [("candidate K3 has no supplier", False)]


def test_what_is_dropped_needs_no_offer(session: Session, campaign: Campaign) -> None:
    make.offer(session, make.candidate_of(session, campaign, "K1"), make.supplier(session))
    agreed(session, campaign, "K2")
    assert before_ordering(session, campaign) == []


def test_what_waits_for_its_second_person_is_warned_of_and_stops_nothing(session: Session, campaign: Campaign) -> None:
    mill = make.supplier(session)
    for code in ("K1", "K2"):
        make.offer(session, make.candidate_of(session, campaign, code), mill)
    propose(session, "K3")
    (missing,) = before_ordering(session, campaign)
    assert (missing.warning, missing.values) == (True, {"code": "K3"})
    assert "waits for a second person" in missing.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"reason": ""},
        {"approved_by": "staff:manager@example.com"},
        {"approved_by": ""},
        {"approved_at": None},
        {"ending_by": ANNA},
        {"ending_reason": "because"},
        {"approved_by": "", "approved_at": None, "ending_by": ANNA, "ending_reason": "because"},
    ],
)
def test_the_database_refuses_what_no_two_people_decided(session: Session, campaign: Campaign, wrong: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), session.begin_nested():
        make.override(session, make.candidate_of(session, campaign, "K3"), **wrong)
    assert session.scalars(select(SelectionOverride)).all() == []


def test_only_what_stood_for_selection_can_have_an_override(session: Session, campaign: Campaign) -> None:
    late = make.candidate(session, campaign, "K9")
    with pytest.raises(IntegrityError), session.begin_nested():
        make.override(session, late)
    assert queries.overrides(session, campaign.id, waiting=True) == []
