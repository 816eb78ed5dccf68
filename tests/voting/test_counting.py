"""Counts that are kept as votes come in: always those that a recount of the picks gives."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Database
from c2b.people.models import Person
from c2b.voting import actions, ballots, casting, counting, holding, queries
from c2b.voting.checks import checks
from c2b.voting.counting import Count
from c2b.voting.models import Ballot, CandidateTally, HourTally, Pick, TallyDelta
from c2b.voting.queries import Turnout
from c2b.voting.rules import BallotSource, Touch
from tests import databases, make


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=2)
    for position, code in enumerate(("K1", "K2", "K3"), start=1):
        make.candidate(session, made, code, position=position)
    return made


@pytest.fixture
def voter(session: Session) -> Person:
    person = make.person(session)
    make.address(session, person, "anna@example.com")
    return person


def candidate(session: Session, code: str) -> Candidate:
    return session.scalars(select(Candidate).where(Candidate.code == code)).one()


def tap(session: Session, person: Person, code: str, now: datetime, *, undo: bool = False) -> None:
    act = actions.undo if undo else actions.vote
    act(session, slug="ss27", code=code, person_id=person.id, touch=Touch(), now=now)


def waiting(session: Session) -> list[tuple[str, str, bool, int]]:
    query = select(Candidate.code, TallyDelta.source, TallyDelta.held, TallyDelta.votes).join(Candidate)
    return [(code, source.value, held, votes) for code, source, held, votes in session.execute(query.order_by(TallyDelta.id))]


def counts(session: Session, campaign: Campaign) -> dict[str, Count]:
    """Return the counts by code, after making sure that they are right."""
    assert [finding for finding in checks(session) if finding.check == "voting.counts"] == []
    kept = queries.counts(session, campaign.id)
    assert kept == queries.recount(session, campaign.id)
    turnout = queries.turnout(session, campaign.id)
    assert (turnout.votes, turnout.held_votes) == (sum(each.votes for each in kept.values()), sum(each.held for each in kept.values()))
    filled = select(Pick.person_id).where(Pick.campaign_id == campaign.id).distinct()
    counting_ones = Ballot.source.in_(queries.counted_sources(session, campaign.id))
    voters = select(func.count()).where(Ballot.person_id.in_(filled), counting_ones, Ballot.held_at.is_(None))
    assert turnout.ballots == session.scalar(voters.where(Ballot.campaign_id == campaign.id))
    names = dict(session.execute(select(Candidate.id, Candidate.code)).all())
    return {names[key]: count for key, count in kept.items()}


def test_a_tap_adds_one_row_and_changes_none(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    tap(session, voter, "K1", now)
    tap(session, voter, "K2", now)
    tap(session, voter, "K1", now, undo=True)
    assert waiting(session) == [("K1", "verified", False, 1), ("K2", "verified", False, 1), ("K1", "verified", False, -1)]
    assert session.scalars(select(CandidateTally)).all() == []
    assert counts(session, campaign) == {"K2": Count(1, 0)}


def test_a_tap_that_changes_nothing_is_not_counted(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    tap(session, voter, "K1", now, undo=True)
    tap(session, voter, "K1", now)
    tap(session, voter, "K1", now)
    assert len(waiting(session)) == 1
    assert campaign.id


def test_drafts_are_not_counted_at_all(session: Session, campaign: Campaign, now: datetime) -> None:
    guest = make.person(session)
    tap(session, guest, "K1", now)
    tap(session, guest, "K1", now, undo=True)
    assert waiting(session) == []
    assert counts(session, campaign) == {}


def test_folding_moves_what_waits_into_the_tallies_and_changes_no_count(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    tap(session, voter, "K1", now)
    tap(session, voter, "K2", now)
    make.ballot(session, campaign, candidate(session, "K1"), held_at=now, held_reason="twins")
    before = counts(session, campaign)
    counting.fold(session)
    assert waiting(session) == []
    assert counts(session, campaign) == before == {"K1": Count(1, 1), "K2": Count(1, 0)}
    tap(session, voter, "K1", now, undo=True)
    assert counts(session, campaign) == {"K1": Count(0, 1), "K2": Count(1, 0)}
    counting.fold(session)
    assert counts(session, campaign) == {"K1": Count(0, 1), "K2": Count(1, 0)}
    counting.fold(session)
    assert counts(session, campaign) == {"K1": Count(0, 1), "K2": Count(1, 0)}, "folding nothing changes nothing"


def ballots_of(session: Session) -> list[int]:
    """Return the changes of the number of ballots, in the order of the taps."""
    return list(session.scalars(select(TallyDelta.ballots).order_by(TallyDelta.id)))


def test_a_ballot_comes_with_its_first_pick_and_goes_with_its_last(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    for code, undo in (("K1", False), ("K2", False), ("K1", True), ("K2", True), ("K3", False)):
        tap(session, voter, code, now, undo=undo)
        counts(session, campaign)
    assert ballots_of(session) == [1, 0, 0, -1, 1]
    assert queries.turnout(session, campaign.id) == Turnout(1, 1, 0, 0)


def test_a_whole_ballot_comes_once_however_many_picks_it_has(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    for codes, number in ((["K1", "K2"], 1), (["K2", "K3"], 1), ([], 0), (["K1"], 1), (["K2", "K3"], 1)):
        casting.cast(session, slug="ss27", codes=codes, person_id=voter.id, touch=Touch(), now=now)
        assert sum(ballots_of(session)) == number
        assert {code for code, count in counts(session, campaign).items() if count.votes} == set(codes)


def test_ballots_stand_in_the_hour_in_which_they_were_begun(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    begun = now.replace(minute=59, second=59, microsecond=999_999)
    for at, code in ((begun, "K1"), (begun + timedelta(hours=3), "K2")):
        tap(session, voter, code, at)
    make.ballot(session, campaign, candidate(session, "K1"), created_at=begun + timedelta(microseconds=1))
    hour = counting.hour_of(begun)
    expected = {(hour, BallotSource.VERIFIED, False): (2, 1), (hour + 3600, BallotSource.VERIFIED, False): (1, 1)}
    for _ in range(2):
        assert counting.hours(session, campaign.id) == counting.recount_hours(session, campaign.id) == expected
        counting.fold(session)


def test_the_audit_finds_an_hour_that_the_picks_do_not_give(session: Session, campaign: Campaign) -> None:
    make.ballot(session, campaign, candidate(session, "K1"))
    counting.fold(session)
    session.execute(update(HourTally).values(ballots=2))
    found = [finding.what for finding in checks(session) if finding.check == "voting.counts"]
    assert found == ["ss27: the ballots and votes of 1 hours are not what the picks give"]


def test_folding_adds_up_to_one_row_for_each_candidate_source_and_state(session: Session, campaign: Campaign, now: datetime) -> None:
    for source in BallotSource:
        for _ in range(3):
            make.ballot(session, campaign, candidate(session, "K1"), source=source)
    make.ballot(session, campaign, candidate(session, "K1"), held_at=now, held_reason="twins")
    counting.fold(session)
    rows = session.execute(select(CandidateTally.source, CandidateTally.held, CandidateTally.votes)).all()
    found = {(source.value, held): votes for source, held, votes in rows}
    assert found == {("verified", False): 3, ("store", False): 3, ("imported", False): 3, ("verified", True): 1}


def test_campaigns_are_counted_apart(session: Session, campaign: Campaign) -> None:
    other = make.campaign(session, slug="aw27")
    make.ballot(session, other, make.candidate(session, other, "X"))
    make.ballot(session, campaign, candidate(session, "K1"))
    for _ in range(2):
        assert set(counts(session, campaign)) == {"K1"}
        assert set(counts(session, other)) == {"X"}
        counting.fold(session)


def test_a_held_ballots_votes_stand_apart_and_come_back(session: Session, campaign: Campaign, now: datetime) -> None:
    made = make.ballot(session, campaign, candidate(session, "K1"), candidate(session, "K2"))
    make.ballot(session, campaign, candidate(session, "K1"))
    why: dict[str, Any] = {"slug": "ss27", "serial": made.serial, "reason": "twins", "actor": "staff:a@example.com", "now": now}
    holding.hold(session, **why)
    assert counts(session, campaign) == {"K1": Count(1, 1), "K2": Count(0, 1)}
    counting.fold(session)
    holding.hold(session, **why)
    assert counts(session, campaign) == {"K1": Count(1, 1), "K2": Count(0, 1)}, "holding twice is holding once"
    holding.release(session, **why)
    assert counts(session, campaign) == {"K1": Count(2, 0), "K2": Count(1, 0)}


def test_an_imported_ballots_other_votes_become_its_owners_with_it(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    make.ballot(session, campaign, candidate(session, "K1"), by=voter, source=BallotSource.IMPORTED)
    campaign.count = ["verified"]
    session.flush()
    assert counts(session, campaign) == {}
    tap(session, voter, "K2", now)
    assert counts(session, campaign) == {"K1": Count(1, 0), "K2": Count(1, 0)}


def test_a_withdrawn_candidate_loses_its_votes_whatever_their_ballots_are(session: Session, campaign: Campaign, now: datetime) -> None:
    first, second = candidate(session, "K1"), candidate(session, "K2")
    for source in BallotSource:
        make.ballot(session, campaign, first, second, source=source)
    make.ballot(session, campaign, first, held_at=now, held_reason="twins")
    actions.give_back(session, campaign_id=campaign.id, candidate_id=first.id, now=now)
    assert counts(session, campaign) == {"K2": Count(3, 0)}
    assert [finding for finding in checks(session) if finding.check == "voting.commitment"] == []
    actions.give_back(session, campaign_id=campaign.id, candidate_id=second.id, now=now)
    assert queries.turnout(session, campaign.id) == Turnout(0, 0, 0, 0), "ballots without a pick are none"
    assert counts(session, campaign) == {}


def test_whatever_happens_to_ballots_is_counted_by_what_they_were_and_became(session: Session, campaign: Campaign, now: datetime) -> None:
    made = make.ballot(session, campaign, candidate(session, "K1"), candidate(session, "K2"))
    which = Ballot.campaign_id == campaign.id
    with counting.changing(session, which):
        session.execute(delete(Pick).where(Pick.slot == 1))
        session.execute(insert(Pick).values(_pick(made, candidate(session, "K3"))))
        session.execute(update(Ballot).where(which).values(held_at=now, held_reason="why"))
    assert counts(session, campaign) == {"K2": Count(0, 1), "K3": Count(0, 1)}


def _pick(of: Ballot, wanted: Candidate) -> dict[str, int]:
    return {
        "campaign_id": of.campaign_id,
        "person_id": of.person_id,
        "slot": 1,
        "votes_each": of.votes_each,
        "candidate_id": wanted.id,
    }


@pytest.mark.parametrize("folded", [False, True])
def test_the_audit_finds_a_count_that_the_picks_do_not_give(session: Session, campaign: Campaign, *, folded: bool) -> None:
    make.ballot(session, campaign, candidate(session, "K1"), candidate(session, "K2"))
    if folded:
        counting.fold(session)
    table = CandidateTally if folded else TallyDelta
    session.execute(update(table).where(table.candidate_id == candidate(session, "K2").id).values(votes=7))
    found = [finding.what for finding in checks(session) if finding.check == "voting.counts"]
    assert found == ["ss27: 1 counts are not what the picks give"]


def test_the_audit_finds_a_count_of_what_nobody_picked(session: Session, campaign: Campaign) -> None:
    keys = {"campaign_id": campaign.id, "candidate_id": candidate(session, "K3").id}
    session.add(CandidateTally(**keys, source=BallotSource.STORE, held=False, votes=1))
    session.flush()
    assert {finding.check for finding in checks(session)} == {"voting.counts"}


def commitments(session: Session) -> dict[int, tuple[int, str]]:
    query = select(Ballot.person_id, Ballot.version, Ballot.commitment)
    return {person: (version, bound) for person, version, bound in session.execute(query)}


def test_every_tap_binds_the_ballot_to_its_picks_anew(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    seen = []
    for code, undo in (("K1", False), ("K2", False), ("K1", True), ("K1", False)):
        tap(session, voter, code, now, undo=undo)
        seen.append(commitments(session)[voter.id])
        assert list(ballots.mismatched(session, campaign.id)) == []
    assert [version for version, _ in seen] == [1, 2, 3, 4]
    assert len({bound for _, bound in seen}) == 4, "the same picks again are another version"


def test_a_ballot_is_bound_before_its_first_vote_too(session: Session, campaign: Campaign, now: datetime) -> None:
    person = make.person(session)
    session.execute(insert(Ballot).values(ballots.new_ballot(campaign.id, person.id, 2, now) | {"source": BallotSource.VERIFIED}))
    assert list(ballots.mismatched(session, campaign.id)) == []


def test_renewing_binds_many_ballots_in_few_statements(session: Session, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ballots, "_CHUNK", 3)
    made = [make.ballot(session, campaign, candidate(session, "K1")).person_id for _ in range(7)]
    before = commitments(session)
    ballots.renew(session, campaign.id, made[:5])
    after = commitments(session)
    assert [after[person] != before[person] for person in made] == [True] * 5 + [False] * 2
    assert {after[person][0] for person in made[:5]} == {2}
    assert list(ballots.mismatched(session, campaign.id)) == []


@pytest.mark.parametrize("change", ["version", "serial", "nonce", "picks"])
def test_the_audit_names_the_ballot_that_is_not_what_it_is_bound_to(session: Session, campaign: Campaign, change: str) -> None:
    made = make.ballot(session, campaign, candidate(session, "K1"))
    make.ballot(session, campaign, candidate(session, "K2"))
    changes: dict[str, dict[str, Any]] = {"version": {"version": 9}, "serial": {"serial": "x"}, "nonce": {"nonce": b"x" * 16}}
    if change == "picks":
        session.execute(delete(Pick).where(Pick.person_id == made.person_id))
    else:
        session.execute(update(Ballot).where(Ballot.person_id == made.person_id).values(changes[change]))
    session.refresh(made)
    found = [finding.what for finding in checks(session) if finding.check == "voting.commitment"]
    assert found == [f"ss27: ballot {made.serial} has other picks than those that it is bound to"]


def test_a_vote_that_is_saved_after_a_fold_is_counted_by_the_next(now: datetime) -> None:
    with databases.postgresql() as database:
        _late_vote(database, now)


def _late_vote(database: Database, now: datetime) -> None:
    """On SQLite nothing else is under way while the worker folds."""
    with database.transaction() as session:
        campaign = make.campaign(session)
        make.candidate(session, campaign, "K1")
        early, late = make.person(session), make.person(session)
        for number, person in enumerate((early, late)):
            make.address(session, person, f"anna{number}@example.com")
    with database.transaction() as slow:
        tap(slow, late, "K1", now)
        with database.transaction() as session:
            tap(session, early, "K1", now)
        with database.transaction() as session:
            counting.fold(session)
            assert counts(session, campaign) == {"K1": Count(1, 0)}
    for _ in range(2):
        with database.transaction() as session:
            assert counts(session, campaign) == {"K1": Count(2, 0)}
            counting.fold(session)
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(TallyDelta)) == 0
