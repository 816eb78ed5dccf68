"""A whole ballot at once does what the same taps one after the other do."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Refused
from c2b.people import actions as people
from c2b.people.models import Person
from c2b.voting import actions, counting, queries
from c2b.voting.casting import cast, cast_as
from c2b.voting.checks import checks
from c2b.voting.counting import Count
from c2b.voting.models import Pick, VoteEvent
from c2b.voting.queries import BallotView
from c2b.voting.rules import BallotSource, Touch
from tests import make
from tests.statements import counted

FROM = Touch("phone", "browser", "blog.example.com")


@pytest.fixture
def campaign(session: Session) -> Campaign:
    made = make.campaign(session, votes_each=3)
    for position, code in enumerate(("K1", "K2", "K3", "K4"), start=1):
        make.candidate(session, made, code, position=position)
    return made


@pytest.fixture
def voter(session: Session) -> Person:
    person = make.person(session)
    make.address(session, person, "anna@example.com")
    return person


def put(session: Session, person: Person, now: datetime, *codes: str) -> BallotView:
    return cast(session, slug="ss27", codes=codes, person_id=person.id, touch=FROM, now=now)


def picked(session: Session, campaign: Campaign, person: Person) -> set[str]:
    ballot = queries.ballot(session, campaign_id=campaign.id, person_id=person.id)
    return set(session.scalars(select(Candidate.code).where(Candidate.id.in_(ballot.picked))))


def taps(session: Session) -> list[tuple[str, bool]]:
    query = select(Candidate.code, VoteEvent.undo).join(Candidate, Candidate.id == VoteEvent.candidate_id)
    return sorted((code, undo) for code, undo in session.execute(query))


def test_what_is_wanted_is_on_the_ballot_and_counted(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    ballot = put(session, voter, now, "K3", "K1")
    assert picked(session, campaign, voter) == {"K1", "K3"}
    assert (ballot.left, ballot.source, ballot.version) == (1, BallotSource.VERIFIED, 1)
    assert ballot == queries.ballot(session, campaign_id=campaign.id, person_id=voter.id)
    assert sorted(queries.counts(session, campaign.id).values(), key=repr) == [Count(1, 0), Count(1, 0)]
    assert checks(session) == []


def test_a_second_one_replaces_the_first_and_leaves_the_taps_that_it_would_have_been(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    put(session, voter, now, "K1", "K2")
    put(session, voter, now, "K2", "K3", "K4")
    assert picked(session, campaign, voter) == {"K2", "K3", "K4"}
    assert taps(session) == [("K1", False), ("K1", True), ("K2", False), ("K3", False), ("K4", False)]
    assert session.scalars(select(Pick.slot).order_by(Pick.slot)).all() == [1, 2, 3]
    assert checks(session) == []


def test_each_tap_of_it_knows_where_it_came_from(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    put(session, voter, now, "K1", "K2")
    told = session.execute(select(VoteEvent.device, VoteEvent.agent, VoteEvent.referrer, VoteEvent.at, VoteEvent.person_id)).all()
    assert {tuple(row) for row in told} == {("phone", "browser", "blog.example.com", now, voter.id)}
    assert campaign.id


def test_the_same_again_changes_nothing(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    first = put(session, voter, now, "K1", "K2")
    assert put(session, voter, now, "K2", "K1") == first
    assert len(taps(session)) == 2
    assert campaign.id


def test_nothing_wanted_empties_the_ballot(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    put(session, voter, now, "K1", "K2")
    assert put(session, voter, now).left == 3
    assert picked(session, campaign, voter) == set()
    assert queries.counts(session, campaign.id) == {}
    assert checks(session) == []


def test_it_goes_on_where_taps_left_off_and_taps_go_on_where_it_did(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    act: dict[str, Any] = {"slug": "ss27", "person_id": voter.id, "touch": FROM, "now": now}
    actions.vote(session, code="K4", **act)
    put(session, voter, now, "K1", "K4")
    actions.undo(session, code="K1", **act)
    assert picked(session, campaign, voter) == {"K4"}
    assert queries.ballot(session, campaign_id=campaign.id, person_id=voter.id).version == 3
    assert checks(session) == []


def test_a_guests_is_a_draft_and_not_counted(session: Session, campaign: Campaign, now: datetime) -> None:
    assert put(session, make.person(session), now, "K1").source is BallotSource.DRAFT
    assert queries.counts(session, campaign.id) == {}
    assert checks(session) == []


def test_an_imported_ballot_becomes_its_owners(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    make.ballot(session, campaign, first, by=voter, source=BallotSource.IMPORTED)
    assert put(session, voter, now, "K1", "K2").source is BallotSource.VERIFIED
    assert {source.value for _, source, _ in counting.recount(session, campaign.id)} == {"verified"}
    assert checks(session) == []


def test_a_held_ballot_stays_held(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    make.ballot(session, campaign, by=voter, held_at=now, held_reason="twins")
    assert put(session, voter, now, "K1").held
    assert list(queries.counts(session, campaign.id).values()) == [Count(0, 1)]


@pytest.mark.parametrize(
    ("codes", "error", "says"),
    [
        (("K1", "K2", "K3", "K4"), Invalid, "has 3 votes; these are 4"),
        (("K1", "K1"), Invalid, "twice"),
        (("K1", "K9"), NotFound, "K9"),
        (("K1", "K2"), Refused, "K2 was withdrawn"),
    ],
)
@pytest.mark.usefixtures("campaign")
def test_what_cannot_be_is_refused_and_the_ballot_stays(
    session: Session, voter: Person, now: datetime, *, codes: tuple[str, ...], error: type[Exception], says: str
) -> None:
    put(session, voter, now, "K3")
    session.scalars(select(Candidate).where(Candidate.code == "K2")).one().withdrawn_at = now
    session.flush()
    with pytest.raises(error, match=says):
        put(session, voter, now, *codes)
    assert taps(session) == [("K3", False)]


def test_another_campaigns_candidates_are_not_found(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    make.candidate(session, make.campaign(session, slug="aw27"), "X1")
    with pytest.raises(NotFound):
        put(session, voter, now, "X1")
    with pytest.raises(NotFound, match="ss99"):
        cast(session, slug="ss99", codes=[], person_id=voter.id, touch=FROM, now=now)
    assert campaign.id


def test_when_voting_is_over_nothing_is_taken(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    with pytest.raises(Refused, match="not open"):
        put(session, voter, make.CLOSES, "K1")
    campaign.state = CampaignState.TALLY
    session.flush()
    with pytest.raises(Refused, match="not open"):
        put(session, voter, now, "K1")
    assert session.scalar(select(func.count()).select_from(Pick)) == 0


@pytest.mark.parametrize("size", [1, 12])
def test_fifteen_votes_cost_as_many_statements_as_one(database: Database, now: datetime, size: int) -> None:
    with database.transaction() as session:
        made = make.campaign(session)
        codes = [make.candidate(session, made, f"K{number}", sizes="").code for number in range(size + 1)]
        voter = make.person(session)
        make.address(session, voter, "anna@example.com")
        token = people.start_login(session, person_id=voter.id, now=now)
    with database.transaction() as session, counted(database) as first:
        put(session, voter, now, *codes[1:])
    with database.transaction() as session, counted(database) as second:
        put(session, voter, now, *codes[:-1])
    with database.transaction() as session, counted(database) as third:
        put_as(session, token, now, *codes[:1])
    with database.transaction() as session, counted(database) as same:
        put_as(session, token, now, *codes[:1])
    written = 4 if database.is_sqlite else 1
    others = written if size > 1 else 0
    assert (len(first), len(second), len(third), len(same)) == (8 + written, 4 + 2 * written, 3 + others, 3)


def put_as(session: Session, token: str, now: datetime, *codes: str) -> BallotView | None:
    return cast_as(session, slug="ss27", codes=codes, token=token, touch=FROM, now=now)


def login(session: Session, person: Person, now: datetime) -> str:
    return people.start_login(session, person_id=person.id, now=now)


def test_by_its_login_a_ballot_becomes_the_same_as_by_its_person(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    token = login(session, voter, now)
    assert put_as(session, token, now, "K1") is None, "there is no ballot yet"
    put(session, voter, now, "K1", "K2")
    ballot = put_as(session, token, now, "K3", "K2")
    assert picked(session, campaign, voter) == {"K2", "K3"}
    assert ballot == queries.ballot(session, campaign_id=campaign.id, person_id=voter.id)
    assert put_as(session, token, now, "K2", "K3") == ballot, "nothing was changed"
    assert taps(session) == [("K1", False), ("K1", True), ("K2", False), ("K3", False)]
    assert checks(session) == []


def test_a_login_without_a_proved_address_casts_nothing(session: Session, campaign: Campaign, now: datetime) -> None:
    visitor = make.person(session)
    put(session, visitor, now, "K1")
    assert put_as(session, login(session, visitor, now), now, "K2") is None
    make.address(session, visitor, "anna@example.com", verified_at=None)
    assert put_as(session, login(session, visitor, now), now, "K2") is None
    assert picked(session, campaign, visitor) == {"K1"}


def test_a_login_that_ended_or_never_was_casts_nothing(session: Session, campaign: Campaign, voter: Person, now: datetime) -> None:
    put(session, voter, now, "K1")
    token = login(session, voter, now)
    people.end_login(session, token=token, now=now)
    for of in (token, "nobody's", ""):
        assert put_as(session, of, now, "K2") is None
    assert put_as(session, login(session, voter, now - timedelta(days=400)), now, "K2") is None, "it has expired"
    assert picked(session, campaign, voter) == {"K1"}


@pytest.mark.parametrize(
    ("codes", "error"),
    [(("K1", "K2", "K3", "K4"), Invalid), (("K1", "K1"), Invalid), (("K1", "K9"), NotFound), (("K2",), Refused)],
)
def test_by_login_too_what_cannot_be_is_refused(
    session: Session, campaign: Campaign, voter: Person, now: datetime, *, codes: tuple[str, ...], error: type[Exception]
) -> None:
    put(session, voter, now, "K3")
    session.scalars(select(Candidate).where(Candidate.code == "K2")).one().withdrawn_at = now
    session.flush()
    token = login(session, voter, now)
    with pytest.raises(error):
        put_as(session, token, now, *codes)
    with pytest.raises(Refused, match="not open"):
        put_as(session, token, make.CLOSES, "K1")
    assert picked(session, campaign, voter) == {"K3"}


def test_what_stays_keeps_its_slot_and_a_full_ballot_can_be_replaced(
    session: Session, campaign: Campaign, voter: Person, now: datetime
) -> None:
    def slots() -> dict[str, int]:
        query = select(Candidate.code, Pick.slot).join(Candidate, Candidate.id == Pick.candidate_id)
        return dict(session.execute(query).all())

    put(session, voter, now, "K1", "K2", "K3")
    put(session, voter, now, "K4", "K2", "K3")
    assert slots() == {"K4": 1, "K2": 2, "K3": 3}
    put(session, voter, now, "K3")
    put(session, voter, now, "K1", "K2", "K4")
    assert slots() == {"K1": 1, "K2": 2, "K4": 3}
    assert queries.ballot(session, campaign_id=campaign.id, person_id=voter.id).version == 4
    assert checks(session) == []


@pytest.mark.parametrize("before", [BallotSource.IMPORTED, BallotSource.STORE])
def test_a_ballot_that_was_entered_for_its_owner_is_theirs_once_they_change_it(
    session: Session, campaign: Campaign, voter: Person, now: datetime, before: BallotSource
) -> None:
    first = session.scalars(select(Candidate).where(Candidate.code == "K1")).one()
    make.ballot(session, campaign, first, by=voter, source=before)
    token = login(session, voter, now)
    unchanged, changed = put_as(session, token, now, "K1"), put_as(session, token, now, "K2")
    assert unchanged is not None
    assert changed is not None
    assert (unchanged.source, changed.source) == (before, BallotSource.VERIFIED)
    assert {source for _, source, _ in counting.recount(session, campaign.id)} == {BallotSource.VERIFIED}
    assert {key: votes for key, votes in counting.tallies(session, campaign.id).items() if votes} == counting.recount(session, campaign.id)
