"""A receipt held against the result: four steps, four answers."""

from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import Refused
from c2b.voting import proving, receipts, selecting
from c2b.voting.models import Ballot
from c2b.voting.proving import Proof, State
from c2b.voting.receipts import Receipt
from c2b.voting.verifying import Answer
from tests import make

PASSED, FAILED, SKIPPED = State


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """Five ballots of which one is held, and a draft; selected."""
    made = make.campaign(session, state=CampaignState.TALLY)
    one, two = make.candidate(session, made, "K1"), make.candidate(session, made, "K2")
    for picks in ((one,), (two,), (one, two)):
        make.ballot(session, made, *picks)
    make.ballot(session, made, one, serial="held-one", held_at=make.OPENS, held_reason="burst")
    make.ballot(session, made, one, serial="a-draft", source="draft")
    make.ballot(session, made, one, two, serial="mine")
    selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
    return made


def own(session: Session, campaign: Campaign, serial: str = "mine") -> Receipt:
    person_id = session.scalars(select(Ballot.person_id).where(Ballot.serial == serial)).one()
    found = receipts.receipt(session, campaign=campaign, person_id=person_id)
    assert found
    return found


def proof(session: Session, campaign: Campaign, of: Receipt) -> tuple[Answer, list[State]]:
    found = proving.prove(session, campaign, of.text())
    return found.answer, list(found.steps.values())


def why(found: Proof) -> str:
    assert found.why
    return found.why.message % found.why.values


@pytest.mark.parametrize("full", [True, False])
def test_a_ballot_in_the_count_passes_all_four(session: Session, campaign: Campaign, *, full: bool) -> None:
    mine = own(session, campaign)
    found = proving.prove(session, campaign, (mine if full else mine.short).text())
    assert (found.answer, list(found.steps.values()), found.why) == (Answer.COUNTED, [PASSED] * 4, None)
    assert (found.ballots, found.version) == (5, 2)
    assert found.root == found.published != ""


def test_a_held_ballot_is_there_and_not_counted(session: Session, campaign: Campaign) -> None:
    assert proof(session, campaign, own(session, campaign, "held-one")) == (Answer.HELD, [PASSED, PASSED, PASSED, FAILED])


def test_an_older_version_is_superseded(session: Session, campaign: Campaign) -> None:
    older = replace(own(session, campaign).short, version=1, commitment="0" * 64)
    assert proof(session, campaign, older) == (Answer.SUPERSEDED, [PASSED, PASSED, PASSED, FAILED])


@pytest.mark.parametrize(
    ("serial", "changes"),
    [("mine", {"version": 9}), ("mine", {"version": 1}), ("mine", {"held_at": make.OPENS}), ("held-one", {"held_at": None})],
)
def test_a_false_version_and_a_false_mark_of_a_held_ballot_are_not_believed(
    session: Session, campaign: Campaign, serial: str, changes: dict[str, Any]
) -> None:
    mine = own(session, campaign, serial)
    changes |= {"held_reason": "so it is" if changes["held_at"] else ""} if "held_at" in changes else {}
    session.execute(update(Ballot).where(Ballot.serial == serial).values(**changes))
    found = proving.prove(session, campaign, mine.text())
    assert (found.answer, list(found.steps.values())) == (Answer.NO_MATCH, [PASSED, PASSED, PASSED, FAILED])
    assert found.why


def test_another_ballots_false_version_is_noticed_too(session: Session, campaign: Campaign) -> None:
    mine = own(session, campaign)
    session.execute(update(Ballot).where(Ballot.serial == "held-one").values(version=7))
    found = proving.prove(session, campaign, mine.text())
    assert (found.answer, why(found)) == (Answer.NO_MATCH, "Versions, held ballots or votes are not those of the selection")


def test_an_older_version_is_not_called_superseded_by_ballots_that_are_others(session: Session, campaign: Campaign) -> None:
    older = replace(own(session, campaign).short, version=1, commitment="0" * 64)
    session.execute(update(Ballot).where(Ballot.serial == "mine").values(commitment="1" * 64))
    assert proof(session, campaign, older) == (Answer.NO_MATCH, [PASSED, PASSED, FAILED, SKIPPED])


def test_a_newer_version_than_was_taken_is_no_match(session: Session, campaign: Campaign) -> None:
    newer = replace(own(session, campaign).short, version=3)
    found = proving.prove(session, campaign, newer.text())
    assert (found.answer, list(found.steps.values())) == (Answer.NO_MATCH, [PASSED, PASSED, PASSED, FAILED])
    assert why(found) == "Of ballot mine only an older version was taken, not 3"


@pytest.mark.parametrize("serial", ["unknown", "a-draft"])
def test_a_ballot_that_is_not_in_the_tree_is_not_found(session: Session, campaign: Campaign, serial: str) -> None:
    found = proving.prove(session, campaign, replace(own(session, campaign).short, serial=serial).text())
    assert (found.answer, list(found.steps.values())) == (Answer.NO_MATCH, [PASSED, FAILED, SKIPPED, SKIPPED])
    assert "not among the ballots" in why(found)


def test_another_fingerprint_does_not_lead_to_the_root(session: Session, campaign: Campaign) -> None:
    found = proving.prove(session, campaign, replace(own(session, campaign).short, commitment="0" * 64).text())
    assert (found.answer, list(found.steps.values())) == (Answer.NO_MATCH, [PASSED, PASSED, FAILED, SKIPPED])
    assert found.root != found.published
    assert "has other picks than the receipt says" in why(found)


def test_ballots_changed_since_do_not_lead_to_the_root_either(session: Session, campaign: Campaign) -> None:
    mine = own(session, campaign)
    session.execute(update(Ballot).where(Ballot.serial == "held-one").values(commitment="0" * 64))
    assert proof(session, campaign, mine) == (Answer.NO_MATCH, [PASSED, PASSED, FAILED, SKIPPED])


@pytest.mark.parametrize("changed", [{"codes": ("K1",)}, {"nonce": "0" * 32}, {"campaign": "aw27"}])
def test_a_receipt_that_contradicts_itself_or_is_of_another_campaign_is_not_looked_up(
    session: Session, campaign: Campaign, changed: dict[str, Any]
) -> None:
    assert proof(session, campaign, replace(own(session, campaign), **changed)) == (Answer.NO_MATCH, [FAILED, SKIPPED, SKIPPED, SKIPPED])


def test_what_is_no_receipt_fails_the_first_step_with_the_line_that_is_wrong(session: Session, campaign: Campaign) -> None:
    found = proving.prove(session, campaign, "hello")
    assert (found.answer, list(found.steps.values())) == (Answer.NO_MATCH, [FAILED, SKIPPED, SKIPPED, SKIPPED])
    assert "begins with" in why(found)


def test_before_the_selection_there_is_nothing_to_hold_it_against(session: Session) -> None:
    other = make.campaign(session, slug="aw27")
    with pytest.raises(Refused, match="no selection yet"):
        proving.prove(session, other, "hello")
