"""What is published of a selection: frozen with it, bound by one hash, followed by a version for each override that begins or ends."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid
from c2b.exports.kinds import Format, Kind
from c2b.people import actions as people
from c2b.people.rules import Role
from c2b.voting import bundle, checks, groups, holding, overriding, publication, queries, selecting, verifying
from c2b.voting.models import Ballot, Suspicion, SuspicionBallot
from c2b.voting.published import verify as alone
from c2b.voting.rules import SuspicionRule, SuspicionState
from tests import make
from tests.exports import files

ANNA, BERT = "staff:anna@example.com", "staff:bert@example.com"
Document = dict[str, Any]


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """K1 wins the one place, K2 loses; four ballots, one of them held."""
    for actor in (ANNA, BERT):
        people.add_staff(session, email=actor.removeprefix("staff:"), role=Role.OWNER, actor="cli:test", now=make.OPENS)
    made = make.campaign(session, state=CampaignState.TALLY, places=1)
    one, two = make.candidate(session, made, "K1"), make.candidate(session, made, "K2", position=2)
    make.ballot(session, made, one, two)
    make.ballot(session, made, one)
    make.ballot(session, made, one)
    make.ballot(session, made, two, held_at=make.OPENS, held_reason="bought")
    return made


def run(session: Session) -> None:
    selecting.select_winners(session, slug="ss27", actor=ANNA, now=make.CLOSES)


def told(session: Session, campaign: Campaign) -> Document:
    return bundle.document(session, campaign, opened=False)


def propose(session: Session, reason: str = "补一款") -> None:
    overriding.propose(session, slug="ss27", code="K2", reason=reason, actor=ANNA, now=make.CLOSES)


def agree(session: Session, campaign: Campaign) -> None:
    (waiting,) = queries.overrides(session, campaign.id, waiting=True)
    overriding.agree(session, slug="ss27", code="K2", digest=waiting.digest, actor=BERT, now=make.CLOSES)


def undo(session: Session, campaign: Campaign) -> None:
    overriding.revoke(session, slug="ss27", code="K2", reason="料子没了", actor=ANNA, now=make.CLOSES)
    agree(session, campaign)


@pytest.fixture
def holds(session: Session, tmp_path: Path) -> Callable[..., bool]:
    """Say whether both verifiers find that the bundle, as it is written now, holds."""

    def verified(*expected: str) -> bool:
        data, _ = files.made(session, Kind.BUNDLE, Format.ZIP)
        (path := tmp_path / "bundle.zip").write_bytes(data)
        ours, theirs = verifying.verify(path, expected=expected), alone.verify(str(path), "", expected)
        assert ours.valid is not bool(theirs), (ours.failures, theirs)
        return ours.valid

    return verified


def test_a_selection_is_published_with_one_version_and_its_hash(session: Session, campaign: Campaign, holds: Callable[..., bool]) -> None:
    assert publication.versions(session, campaign) == []
    run(session)
    (version,) = publication.versions(session, campaign)
    assert (version.number, version.at, version.changes) == (1, make.CLOSES, [])
    assert told(session, campaign)["published_hash"] == version.hash
    assert holds(version.hash)


def test_an_override_is_a_version_of_its_own_once_a_second_person_approved_it(
    session: Session, campaign: Campaign, holds: Callable[..., bool]
) -> None:
    run(session)
    propose(session)
    before = told(session, campaign)
    assert (before["overrides"], len(before["published"])) == ([], 1)
    agree(session, campaign)
    after = told(session, campaign)
    assert after["overrides"] == [{"code": "K2", "made": True, "reason": "补一款"}]
    assert after["published"][0] == before["published"][0]
    assert [after[name] for name in ("lines", "output_hash", "input_hash")] == [
        before[name] for name in ("lines", "output_hash", "input_hash")
    ]
    assert holds(before["published_hash"], after["published_hash"])
    assert not holds("0" * 64)


def test_an_override_that_ends_stays_in_the_history_with_its_reason(
    session: Session, campaign: Campaign, holds: Callable[..., bool]
) -> None:
    run(session)
    propose(session)
    agree(session, campaign)
    undo(session, campaign)
    found = told(session, campaign)
    assert found["overrides"] == []
    assert [[(each["code"], each["change"], each["reason"]) for each in version["changes"]] for version in found["published"]] == [
        [],
        [("K2", "made", "补一款")],
        [("K2", "undone", "料子没了")],
    ]
    assert holds(*(version["hash"] for version in found["published"]))


def test_what_is_held_stands_in_it_as_on_the_page_of_results_ballots_asked_about_too(
    session: Session, campaign: Campaign, holds: Callable[..., bool]
) -> None:
    free = session.scalars(select(Ballot).where(Ballot.held_at.is_(None))).all()
    group = Suspicion(campaign_id=campaign.id, rule=SuspicionRule.BURST, digest="d", evidence={}, found_at=make.OPENS)
    session.add(group)
    session.flush()
    session.add_all(SuspicionBallot(suspicion_id=group.id, campaign_id=campaign.id, person_id=each.person_id) for each in free[:2])
    campaign.state = CampaignState.VOTING
    session.flush()
    asking: Document = {"state": SuspicionState.ASKED, "reason": "两票同一秒", "actor": ANNA, "now": make.OPENS}
    holding.decide(session, slug="ss27", group=group.id, digest="d", **asking)
    campaign.state = CampaignState.TALLY
    run(session)
    found, shown = told(session, campaign), groups.holds(session, campaign.id)
    assert found["holds"] == [
        {"rule": each.rule.value, "reason": each.reason, "ballots": each.ballots, "votes": each.votes} for each in shown
    ]
    assert {(each["rule"], each["reason"], each["ballots"]) for each in found["holds"]} == {
        ("burst", "两票同一秒", 2),
        ("by_hand", "bought", 1),
    }
    assert sum(each["votes"] for each in found["holds"]) == found["held_votes"]
    assert holds()


def test_a_reason_to_hold_is_short_enough_to_be_published(session: Session, campaign: Campaign) -> None:
    serial = session.scalars(select(Ballot.serial).where(Ballot.held_at.is_(None))).first()
    assert serial
    with pytest.raises(Invalid, match="at most 500 characters"):
        holding.hold(session, slug="ss27", serial=serial, reason="x" * 501, actor=ANNA, now=make.OPENS)
    assert len(groups.holds(session, campaign.id)) == 1


def test_a_name_that_is_corrected_later_changes_nothing_that_was_published(session: Session, campaign: Campaign) -> None:
    run(session)
    before = told(session, campaign)
    session.execute(update(Candidate).values(name="另一个名字"))
    session.execute(update(Campaign).values(title="另一个标题"))
    assert told(session, campaign) == before


def test_a_selection_of_an_older_program_is_published_as_it_stands_and_frozen_with_its_next_override(session: Session) -> None:
    of = make.campaign(session, slug="old", state=CampaignState.SELECTED, places=1)
    one, two = make.candidate(session, of, "K1"), make.candidate(session, of, "K2", position=2)
    make.selection(session, of, (one, 2), (two, 1))
    first = publication.versions(session, of)
    assert [(each.number, each.changes) for each in first] == [(1, [])]
    assert told(session, of)["published_hash"] == first[0].hash
    make.override(session, two)
    assert [[change["code"] for change in each.changes] for each in publication.versions(session, of)] == [["K2"]]
    make.override(session, one, made=False)
    assert [[change["code"] for change in each.changes] for each in publication.versions(session, of)] == [["K2"], ["K1"]]


def found(session: Session) -> set[str]:
    return {finding.check for finding in checks.checks(session)}


def test_the_audit_compares_what_was_published_with_what_is(session: Session, campaign: Campaign) -> None:
    run(session)
    propose(session)
    agree(session, campaign)
    assert found(session) == set()
    with session.begin_nested() as attempt:
        session.execute(text("UPDATE selection_override SET reason = 'another'"))
        assert found(session) == {"voting.published"}
        attempt.rollback()
    with session.begin_nested() as attempt:
        session.execute(text("UPDATE suspicion SET reason = 'another'"))
        assert found(session) == {"voting.published"}
        attempt.rollback()
    assert found(session) == set()


@pytest.mark.parametrize("table", ["publication", "published_version"])
@pytest.mark.parametrize("change", ["UPDATE {} SET hash = ''", "DELETE FROM {}"])
@pytest.mark.usefixtures("campaign")
def test_the_database_lets_nobody_change_what_was_published(session: Session, table: str, change: str) -> None:
    run(session)
    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text(change.format(table)))
