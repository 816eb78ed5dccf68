"""Hand-written SQL by somebody at the database's prompt: votes that break the rules are refused there."""

from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from c2b.db import Database
from tests import make

PICK = (
    "INSERT INTO pick (campaign_id, person_id, slot, votes_each, candidate_id) VALUES (:campaign, :person, :slot, :votes_each, :candidate)"
)


@pytest.fixture
def full(database: Database) -> dict[str, Any]:
    """Give one person fifteen votes for K1 ... K15, all they have; K16 and another campaign's X are there too."""
    with database.transaction() as session:
        campaign = make.campaign(session)
        candidates = [make.candidate(session, campaign, f"K{number}", sizes="") for number in range(1, 17)]
        ballot = make.ballot(session, campaign, *candidates[:15])
        other = make.campaign(session, slug="aw27")
        foreign = make.candidate(session, other, "X", sizes="")
        return {
            "campaign": campaign.id,
            "person": ballot.person_id,
            "votes_each": 15,
            "slot": 15,
            "candidate": candidates[15].id,
            "first": candidates[0].id,
            "foreign": foreign.id,
            "other": other.id,
        }


def refused(database: Database, statement: str, values: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(text(statement), values)
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM pick")).scalar_one() == 15


def free(database: Database, values: dict[str, Any]) -> None:
    """Take the fifteenth vote back."""
    with database.transaction() as session:
        session.execute(text("DELETE FROM pick WHERE slot = 15"))
        session.execute(text(PICK), values | {"slot": 15})
        session.execute(text("DELETE FROM pick WHERE slot = 15"))


@pytest.mark.parametrize("slot", [16, 15, 1, 0, -1])
def test_a_sixteenth_vote_has_no_slot(database: Database, full: dict[str, Any], slot: int) -> None:
    refused(database, PICK, full | {"slot": slot})


def test_a_larger_limit_cannot_be_claimed_by_the_vote_itself(database: Database, full: dict[str, Any]) -> None:
    refused(database, PICK, full | {"slot": 16, "votes_each": 16})


def test_nor_by_the_ballot(database: Database, full: dict[str, Any]) -> None:
    refused(database, "UPDATE ballot SET votes_each = 16 WHERE person_id = :person", full)


@pytest.mark.parametrize(("candidate", "what"), [("first", "twice for one candidate"), ("foreign", "for another campaign's candidate")])
def test_a_free_vote_is_not_taken(database: Database, full: dict[str, Any], candidate: str, what: str) -> None:
    free(database, full)
    with pytest.raises(IntegrityError), database.transaction() as session:
        session.execute(text(PICK), full | {"candidate": full[candidate]})
    assert what


def test_the_same_statement_is_taken_for_what_is_allowed(database: Database, full: dict[str, Any]) -> None:
    free(database, full)
    with database.transaction() as session:
        session.execute(text(PICK), full)
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM pick")).scalar_one() == 15


def test_a_vote_without_a_ballot_is_refused(database: Database, full: dict[str, Any]) -> None:
    refused(database, PICK, full | {"campaign": full["other"], "candidate": full["foreign"], "slot": 1})


def test_a_moved_vote_stays_in_its_campaign(database: Database, full: dict[str, Any]) -> None:
    refused(database, "UPDATE pick SET candidate_id = :foreign WHERE slot = 1", full)
    refused(database, "UPDATE pick SET candidate_id = :first WHERE slot = 2", full)


BALLOT = """INSERT INTO ballot (campaign_id, person_id, votes_each, source, serial, version, nonce, held_reason, created_at)
            SELECT campaign_id, :person, :votes_each, 'verified', 'another', 0, nonce, '', created_at FROM ballot"""


def test_nobody_has_two_ballots_in_a_campaign(database: Database, full: dict[str, Any]) -> None:
    refused(database, BALLOT, full)


def test_a_ballot_has_as_many_votes_as_its_campaign_gives(database: Database, full: dict[str, Any]) -> None:
    with database.transaction() as session:
        person = make.person(session).id
    refused(database, BALLOT, full | {"person": person, "votes_each": 1000})


@pytest.mark.parametrize("change", ["held_at = created_at", "held_reason = 'no time'", "source = 'bought'"])
def test_a_ballot_is_not_held_silently_nor_from_nowhere(database: Database, full: dict[str, Any], change: str) -> None:
    refused(database, f"UPDATE ballot SET {change} WHERE person_id = :person", full)


@pytest.mark.parametrize("statement", ["UPDATE vote_event SET undo = NOT undo", "DELETE FROM vote_event"])
def test_a_tap_is_never_unwritten(database: Database, full: dict[str, Any], statement: str) -> None:
    with database.transaction() as session:
        tap = "INSERT INTO vote_event (campaign_id, person_id, candidate_id, undo, at, device) SELECT :campaign, :person, :first, false, "
        session.execute(text(tap + "created_at, '' FROM ballot"), full)
    with pytest.raises(DBAPIError, match="append-only"), database.transaction() as session:
        session.execute(text(statement))


def test_one_address_is_one_person(database: Database, full: dict[str, Any]) -> None:
    with database.transaction() as session:
        make.address(session, make.person(session), "anna@example.com", digest=b"d" * 32)
    with pytest.raises(IntegrityError), database.transaction() as session:
        make.address(session, make.person(session), "other writing", digest=b"d" * 32)
    assert full


def test_an_address_gets_no_sixth_code_and_a_code_no_sixth_try(database: Database) -> None:
    code = """INSERT INTO one_time_code (kind, digest, day, number, code_hash, sent_at, tries)
              VALUES ('email', :digest, '2027-03-01', :number, :digest, '2027-03-01 00:00:00', :tries)"""
    with database.transaction() as session:
        session.execute(text(code), {"digest": b"d" * 32, "number": 5, "tries": 5})
    for number, tries in ((6, 0), (0, 0), (5, 0), (4, 6)):
        with pytest.raises(IntegrityError), database.transaction() as session:
            session.execute(text(code), {"digest": b"d" * 32, "number": number, "tries": tries})
