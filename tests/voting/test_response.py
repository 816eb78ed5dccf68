from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Database
from c2b.people import size
from c2b.voting import response, seen
from c2b.voting.response import Response
from c2b.voting.rules import BallotSource
from tests import make
from tests.statements import counted


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session)


@pytest.fixture
def designs(session: Session, campaign: Campaign) -> list[Candidate]:
    return [make.candidate(session, campaign, f"K{number}", position=number, sizes="") for number in range(4)]


def test_votes_are_compared_with_those_who_were_shown_the_candidate(session: Session, campaign: Campaign, designs: list[Candidate]) -> None:
    seen.write(session, campaign.id, {1: {designs[0].id, designs[1].id}, 2: {designs[0].id}, 3: {designs[0].id}, 4: {designs[0].id}})
    make.ballot(session, campaign, designs[0], designs[3])
    found = response.responses(session, campaign.id)
    assert found[designs[0].id] == Response(viewers=4, votes=1)
    assert found[designs[0].id].rate == 25.0
    assert found[designs[1].id].rate == 0.0
    assert found[designs[2].id] == Response(0, 0)
    assert found[designs[3].id].rate is None


def test_held_and_draft_ballots_are_no_response(session: Session, campaign: Campaign, designs: list[Candidate], now: datetime) -> None:
    make.ballot(session, campaign, designs[0], held_at=now, held_reason="ring")
    make.ballot(session, campaign, designs[0], source=BallotSource.DRAFT)
    assert response.responses(session, campaign.id)[designs[0].id].votes == 0


def test_a_withdrawn_candidate_is_compared_with_nobody(
    session: Session, campaign: Campaign, designs: list[Candidate], now: datetime
) -> None:
    designs[2].withdrawn_at = now
    session.flush()
    assert designs[2].id not in response.responses(session, campaign.id)


def test_the_least_seen_stand_first(session: Session, campaign: Campaign, designs: list[Candidate]) -> None:
    first, second, third, last = (each.id for each in designs)
    seen.write(session, campaign.id, {1: {first, second, third}, 2: {first, third}, 3: {first}})
    assert response.least_seen(response.responses(session, campaign.id), 3) == [last, second, third]


def test_a_size_curve_counts_the_voters_who_said_their_size(
    session: Session, campaign: Campaign, designs: list[Candidate], now: datetime
) -> None:
    for worn, picks in (("M", designs[:1]), ("M", designs[:2]), ("L", designs[:1]), ("", designs[:1])):
        make.ballot(session, campaign, *picks, by=make.person(session, size=worn))
    make.ballot(session, campaign, designs[0], by=make.person(session, size="XS"), held_at=now, held_reason="ring")
    make.ballot(session, campaign, designs[0], by=make.person(session, size="XL"), source=BallotSource.DRAFT)
    assert response.size_curve(session, campaign.id, designs[0].id) == {"M": 2, "L": 1}
    assert response.size_curve(session, campaign.id, designs[1].id) == {"M": 1}
    assert response.size_curve(session, campaign.id, designs[3].id) == {}


def test_another_campaigns_votes_are_no_part_of_it(session: Session, campaign: Campaign, designs: list[Candidate]) -> None:
    other = make.campaign(session, slug="aw27")
    theirs = make.candidate(session, other, "K0", sizes="")
    make.ballot(session, other, theirs, by=make.person(session, size="M"))
    assert response.size_curve(session, campaign.id, designs[0].id) == {}
    assert set(response.responses(session, other.id)) == {theirs.id}


def test_the_response_costs_few_statements_however_many_vote(database: Database) -> None:
    with database.transaction() as session:
        made = make.campaign(session)
        design = make.candidate(session, made, "K1", sizes="")
        for _ in range(20):
            make.ballot(session, made, design)
    with database.reading() as session, counted(database) as statements:
        response.responses(session, made.id)
    assert len(statements) <= 6


def test_a_size_is_said_changed_and_removed(session: Session) -> None:
    person = make.person(session)
    assert size.of(session, person_id=person.id) == ""
    for said in ("M", "L", ""):
        size.say(session, person_id=person.id, size=said)
        assert size.of(session, person_id=person.id) == said


@pytest.mark.parametrize(("of_guest", "of_account", "after"), [("M", "", "M"), ("M", "L", "L"), ("", "L", "L"), ("", "", "")])
def test_who_signs_in_brings_a_size_unless_the_account_has_one(session: Session, of_guest: str, of_account: str, after: str) -> None:
    guest, account = make.person(session, size=of_guest), make.person(session, size=of_account)
    size.bring(session, guest_id=guest.id, person_id=account.id)
    assert size.of(session, person_id=account.id) == after
    size.bring(session, guest_id=None, person_id=account.id)
    size.bring(session, guest_id=account.id, person_id=account.id)
    assert size.of(session, person_id=account.id) == after
