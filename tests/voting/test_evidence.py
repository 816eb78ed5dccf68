"""What is loaded of a campaign's ballots, and what staff get to read of it."""

import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Database
from c2b.people.models import Address
from c2b.people.rules import AddressKind
from c2b.voting import evidence
from c2b.voting.detection.facts import BallotFacts, Cluster
from c2b.voting.models import Ballot, VoteEvent
from c2b.voting.rules import BallotSource, SuspicionRule
from tests import make
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=5)
    for position in range(1, 21):
        make.candidate(session, made, f"K{position}", position=position, sizes="")
    return made


def candidates(session: Session, campaign: Campaign) -> list[Candidate]:
    return list(session.query(Candidate).filter_by(campaign_id=campaign.id).order_by(Candidate.position))


def voter(session: Session, campaign: Campaign, *picks: Candidate, address: str = "", **changes: Any) -> Ballot:
    made = make.ballot(session, campaign, *picks, **changes)
    if address:
        kind = AddressKind.EMAIL if "@" in address else AddressKind.PHONE
        session.add(Address(person_id=made.person_id, kind=kind, value=address, digest=secrets.token_bytes(32)))
        session.flush()
    return made


def tap(session: Session, ballot: Ballot, at: datetime, *, device: str = "d" * 64, agent: str = "a", referrer: str = "") -> None:
    values = {"campaign_id": ballot.campaign_id, "person_id": ballot.person_id, "candidate_id": 1, "undo": False}
    session.execute(insert(VoteEvent), [values | {"at": at, "device": device, "agent": agent, "referrer": referrer}])


def facts(session: Session, campaign: Campaign, *sources: BallotSource) -> list[BallotFacts]:
    return list(evidence._facts(session, campaign, sources or (BallotSource.VERIFIED, BallotSource.STORE)))


def crowd(
    session: Session, campaign: Campaign, now: datetime, *, honest: int, ring: int = 0, source: BallotSource = BallotSource.VERIFIED
) -> set[int]:
    """Give the campaign honest ballots of four picks, and a ring with one-time mail that all picks K20; return the ring's persons."""
    *others, target = candidates(session, campaign)
    fakes = set()
    for number in range(honest + ring):
        fake = number >= honest
        picks = [others[place] for place in sorted({number * step % 19 for step in (1, 3, 7, 11)})]
        address = f"{secrets.token_hex(4)}@{'mailinator.com' if fake else 'example.com'}"
        ballot = voter(session, campaign, *picks, *([target] if fake else []), address=address, source=source)
        if source is BallotSource.VERIFIED:
            tap(session, ballot, now + timedelta(minutes=7 * number), device=f"{number:064d}", agent=f"a{number % 7}")
        if fake:
            fakes.add(ballot.person_id)
    return fakes


def test_a_ballots_facts_are_its_picks_its_taps_and_its_address(session: Session, campaign: Campaign, now: datetime) -> None:
    one, two, *_ = candidates(session, campaign)
    ballot = voter(session, campaign, one, two, address="Anna17@Example.com")
    for seconds in (0, 4, 10):
        tap(session, ballot, now + timedelta(seconds=seconds), device="f" * 64, agent="safari", referrer="chat.example")
    assert facts(session, campaign) == [
        BallotFacts(
            ballot.person_id,
            (one.id, two.id),
            now.timestamp(),
            10.0,
            3,
            "f" * 64,
            "safari",
            "chat.example",
            "example.com",
            "anna#@example.com",
            17,
        )
    ]


def test_of_several_devices_the_one_most_used_is_known(session: Session, campaign: Campaign, now: datetime) -> None:
    ballot = voter(session, campaign, *candidates(session, campaign)[:3])
    tap(session, ballot, now, device="a" * 64, agent="first")
    for minutes in (5, 6):
        tap(session, ballot, now + timedelta(minutes=minutes), device="b" * 64, agent="second")
    (known,) = facts(session, campaign)
    assert (known.device, known.agent, known.taps, known.lasted) == ("b" * 64, "second", 3, 360.0)


def test_what_a_merge_wrote_in_one_instant_is_no_quick_voter(session: Session, campaign: Campaign, now: datetime) -> None:
    ballot = voter(session, campaign, *candidates(session, campaign)[:5])
    for _ in range(5):
        tap(session, ballot, now, device="", agent="")
    (known,) = facts(session, campaign)
    assert (known.began, known.taps, known.device) == (now.timestamp(), 0, "")


def test_staff_who_copy_a_ballot_from_paper_are_no_quick_voters_and_their_tablet_no_voters_device(
    session: Session, campaign: Campaign, now: datetime
) -> None:
    ballot = voter(session, campaign, *candidates(session, campaign)[:2], source=BallotSource.STORE)
    tap(session, ballot, now)
    (known,) = facts(session, campaign)
    assert (known.began, known.taps, known.device) == (now.timestamp(), 0, "")


def test_where_people_vote_by_telephone_its_number_is_looked_at(session: Session, campaign: Campaign) -> None:
    campaign.identity = AddressKind.PHONE
    one, *_ = candidates(session, campaign)
    ballot = voter(session, campaign, one, address="+8613800138007")
    session.add(Address(person_id=ballot.person_id, kind=AddressKind.EMAIL, value="anna5@example.com", digest=b"2" * 32))
    session.flush()
    (known,) = facts(session, campaign)
    assert (known.domain, known.stem, known.number) == ("", "861380013#", 8007)


@pytest.mark.parametrize("source", [BallotSource.DRAFT, BallotSource.IMPORTED])
def test_only_ballots_of_the_sources_asked_for_are_loaded(session: Session, campaign: Campaign, source: BallotSource) -> None:
    one, *_ = candidates(session, campaign)
    voter(session, campaign, one, source=source)
    assert facts(session, campaign) == []
    assert len(facts(session, campaign, source)) == 1


def test_ballots_without_a_pick_and_of_other_campaigns_are_left_out(session: Session, campaign: Campaign, now: datetime) -> None:
    one, *_ = candidates(session, campaign)
    other = make.campaign(session, slug="aw27")
    elsewhere = make.candidate(session, other, "Z1", sizes="")
    empty = voter(session, campaign)
    mine = voter(session, campaign, one)
    voter(session, other, elsewhere)
    tap(session, empty, now)
    assert [each.person_id for each in facts(session, campaign)] == [mine.person_id]


def test_each_ballot_gets_its_own_rows_whatever_lies_between(session: Session, campaign: Campaign, now: datetime) -> None:
    one, two, *_ = candidates(session, campaign)
    first, second, third = (
        voter(session, campaign, pick, address=address) for pick, address in ((one, ""), (two, "b2@x.example"), (one, "c3@x.example"))
    )
    tap(session, third, now, referrer="third")
    tap(session, first, now, referrer="first")
    known = facts(session, campaign)
    assert [each.person_id for each in known] == [first.person_id, second.person_id, third.person_id]
    assert [each.picks for each in known] == [(one.id,), (two.id,), (one.id,)]
    assert [each.referrer for each in known] == ["first", "", "third"]
    assert [each.number for each in known] == [-1, 2, 3]


def test_a_ring_is_found_and_its_evidence_names_candidates_by_code(session: Session, campaign: Campaign, now: datetime) -> None:
    ring = crowd(session, campaign, now, honest=150, ring=20)
    (found,) = [each for each in evidence.look(session, campaign) if each.rule is SuspicionRule.ONE_TIME_MAIL]
    assert set(found.ballots) == ring
    assert found.evidence["candidates"][0] == {"code": "K20", "votes": 20, "of": 20}


def test_evidence_is_json_and_holds_no_address(session: Session, campaign: Campaign, now: datetime) -> None:
    crowd(session, campaign, now, honest=150, ring=20)
    for found in evidence.look(session, campaign):
        text = json.dumps(found.evidence)
        assert json.loads(text) == found.evidence
        assert "@" not in text.replace("***@", "")
        assert len(found.evidence["bars"]["cluster"]) <= 24


def test_imported_ballots_are_compared_with_each_other_only(session: Session, campaign: Campaign, now: datetime) -> None:
    crowd(session, campaign, now, honest=30, source=BallotSource.IMPORTED)
    asked: list[list[BallotFacts]] = []

    def noted(ballots: Iterable[BallotFacts], **_: object) -> list[Cluster]:
        asked.append(list(ballots))
        return []

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "find", noted)
        crowd(session, campaign, now, honest=10)
        evidence.look(session, campaign)
        campaign.count = ["verified"]
        session.flush()
        evidence.look(session, campaign)
    assert [len(each) for each in asked] == [10, 30, 10]


def test_a_look_is_as_many_statements_whatever_the_number_of_ballots(database: Database, now: datetime) -> None:
    took = []
    for honest in (5, 60):
        with database.transaction() as session:
            crowd_of = make.campaign(session, slug=f"c{honest}", votes_each=5)
            for position in range(1, 21):
                make.candidate(session, crowd_of, f"K{position}", position=position, sizes="")
            crowd(session, crowd_of, now + timedelta(seconds=honest), honest=honest, source=BallotSource.STORE)
        with counted(database) as seen, database.reading() as session:
            evidence.look(session, session.get_one(Campaign, crowd_of.id))
        took.append(len(seen))
    assert took[0] == took[1] <= 12


def test_a_look_reads_only(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        campaign = make.campaign(session, votes_each=5)
        for position in range(1, 21):
            make.candidate(session, campaign, f"K{position}", position=position, sizes="")
        ring = crowd(session, campaign, now, honest=150, ring=20)
    with database.reading() as session:
        found = evidence.look(session, session.get_one(Campaign, campaign.id))
    assert ring in [set(each.ballots) for each in found]
