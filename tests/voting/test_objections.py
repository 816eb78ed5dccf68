"""What owners of held ballots may say, and how often."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.errors import Invalid, NotFound, Refused
from c2b.people.models import Person
from c2b.voting import groups, holding, objections, privacy
from c2b.voting.models import Ballot, Objection
from c2b.voting.rules import SuspicionState
from tests import make
from tests.voting.test_holding import decide, found


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session)


@pytest.fixture
def ballot(session: Session, campaign: Campaign, now: datetime) -> Ballot:
    """Return a held ballot."""
    made = make.ballot(session, campaign, make.candidate(session, campaign, "K1"))
    decide(session, found(session, campaign, [made]), SuspicionState.HELD, now)
    return made


def say(session: Session, ballot: Ballot, words: str, now: datetime) -> None:
    objections.object_to(session, slug="ss27", person_id=ballot.person_id, words=words, now=now)


def test_an_objection_stands_at_its_group_and_before_its_owner(session: Session, campaign: Campaign, ballot: Ballot, now: datetime) -> None:
    say(session, ballot, "  We are a school;\n one tablet for all ", now)
    shown = groups.page(session, campaign.id, number=1, size=5).groups[0].objections
    assert [(one.serial, one.objection, one.objected_at) for one in shown] == [(ballot.serial, "We are a school; one tablet for all", now)]
    told = objections.notice(session, campaign_id=campaign.id, person_id=ballot.person_id)
    assert told
    assert (told.objection, told.objected_at) == ("We are a school; one tablet for all", now)


def test_a_person_has_one_objection_and_the_last_stands(session: Session, ballot: Ballot, now: datetime) -> None:
    say(session, ballot, "first", now)
    say(session, ballot, "second", now + timedelta(hours=1))
    assert session.execute(select(Objection.words, Objection.at)).all() == [("second", now + timedelta(hours=1))]


@pytest.mark.parametrize(("words", "matches"), [("", "few words"), (" \n ", "few words"), ("x" * 501, "At most 500 characters")])
def test_nothing_and_too_much_are_refused(session: Session, ballot: Ballot, now: datetime, words: str, matches: str) -> None:
    with pytest.raises(Invalid) as refused:
        say(session, ballot, words, now)
    assert matches in str(refused.value)
    assert session.scalar(select(func.count()).select_from(Objection)) == 0


def test_as_long_as_allowed_is_kept_whole(session: Session, ballot: Ballot, now: datetime) -> None:
    say(session, ballot, "款" * 500, now)
    assert session.scalars(select(Objection.words)).one() == "款" * 500


def test_there_is_nothing_to_object_to_in_a_ballot_that_counts(session: Session, ballot: Ballot, now: datetime) -> None:
    holding.release(session, slug="ss27", serial=ballot.serial, reason="why", actor="staff:a@example.com", now=now)
    with pytest.raises(Refused, match="not held"):
        say(session, ballot, "why?", now)
    with pytest.raises(NotFound):
        objections.object_to(session, slug="ss99", person_id=ballot.person_id, words="why?", now=now)


def test_after_the_selection_it_is_too_late(session: Session, campaign: Campaign, ballot: Ballot, now: datetime) -> None:
    campaign.state = CampaignState.SELECTED
    session.flush()
    with pytest.raises(Refused, match="selection was made"):
        say(session, ballot, "why?", now)


def test_what_was_said_is_given_out_and_erased_with_its_person(session: Session, ballot: Ballot, now: datetime) -> None:
    person = session.get_one(Person, ballot.person_id)
    assert privacy.exported(session, person)[0]["objection"] is None
    say(session, ballot, "We are a school", now)
    assert privacy.exported(session, person)[0]["objection"] == "We are a school"
    privacy.erase(session, person)
    assert session.scalar(select(func.count()).select_from(Objection)) == 0
    session.refresh(ballot)
    assert ballot.held_at == now
