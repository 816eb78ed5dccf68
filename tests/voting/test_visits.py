"""One statement says of a visit what three would say: who it is, their ballot, and what they were shown."""

import hashlib
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import candidate_ids
from c2b.db import Database
from c2b.people import queries as people
from c2b.people.models import Login, Person, Staff
from c2b.people.queries import Customer
from c2b.people.rules import AddressKind, Role
from c2b.voting import left_over, queries, seen
from c2b.voting.rules import BallotSource
from c2b.voting.visits import Visit, visit
from tests import make
from tests.statements import counted


@pytest.fixture
def made(database: Database, now: datetime) -> Campaign:
    """Anna has two addresses and a held ballot; a guest has a draft; Cleo signed out; Dan's login is too old; Eve has no ballot."""
    with database.transaction() as session:
        campaign, other = make.campaign(session), make.campaign(session, slug="aw27")
        shown = [make.candidate(session, campaign, f"K{number}", position=number, sizes="") for number in range(3)]
        elsewhere = make.candidate(session, other, "K0", sizes="")
        for number, name in enumerate(("anna", "guest", "cleo", "dan", "eve"), start=50):
            person = make.person(session, viewer=number, name=name, ref=name)
            if name != "guest":
                make.address(session, person, f"{name}@example.com")
            ends = {"expires_at": now - timedelta(seconds=name == "dan"), "revoked_at": now if name == "cleo" else None}
            _login(session, name, now, person_id=person.id, **(ends if name in {"cleo", "dan"} else {}))
            seen.write(session, campaign.id, {number: {shown[number % 3].id}})
            _ballot(session, campaign, person, shown, now)
            if name == "anna":
                make.address(session, person, "13800138000", kind=AddressKind.PHONE)
                make.ballot(session, other, elsewhere, by=person)
                left_over.keep(session, campaign_id=campaign.id, person_id=person.id, candidates=[each.id for each in shown[1:]])
        session.add(Staff(email="staff@example.com", name="", role=Role.OWNER, created_at=now))
        session.flush()
        _login(session, "staff", now, staff_id=1)
        return campaign


def _login(session: Session, token: str, now: datetime, **values: Any) -> None:
    times = {"created_at": now - timedelta(days=1), "expires_at": now + timedelta(days=1)}
    session.add(Login(token_hash=hashlib.sha256(token.encode()).digest(), **(times | values)))


def _ballot(session: Session, of: Campaign, person: Person, shown: list[Candidate], now: datetime) -> None:
    how: dict[str, dict[str, Any]] = {"anna": {"held_at": now, "held_reason": "burst"}, "guest": {"source": BallotSource.DRAFT}}
    if person.name in how:
        make.ballot(session, of, *shown[:2], by=person, **how[person.name])


def come(database: Database, token: str, now: datetime, *, slug: str = "ss27", viewer: int = 52) -> Visit:
    found = visit(database, slug, token=token, viewer=viewer, now=now)
    assert found
    return found


@pytest.mark.usefixtures("made")
@pytest.mark.parametrize("slug", ["ss27", "aw27"])
@pytest.mark.parametrize("token", ["anna", "guest", "cleo", "dan", "eve", "staff", "nobody", ""])
def test_it_is_what_the_three_statements_say(database: Database, now: datetime, token: str, slug: str) -> None:
    found = come(database, token, now, slug=slug)
    with database.reading() as session:
        campaign = make.campaign_of(session, slug)
        who = people.who(session, token=token, now=now)
        known = who if isinstance(who, Customer) else None
        ids = candidate_ids(session, campaign.id)
        assert found.customer == known
        assert found.ballot == queries.ballot(session, campaign_id=campaign.id, person_id=known.person_id if known else None)
        assert seen.chosen(found.seen, ids) == seen.stored(session, campaign.id, known.viewer if known else 52, ids)
        assert (found.campaign_id, found.edition) == (campaign.id, campaign.edition)


@pytest.mark.usefixtures("made")
def test_a_voter_is_known_by_the_address_proved_first_and_a_guest_by_none(database: Database, now: datetime) -> None:
    anna, guest = come(database, "anna", now).customer, come(database, "guest", now).customer
    assert anna
    assert guest
    assert come(database, "anna", now).ballot.left_over == 1, "one of the two is a vote by now"
    assert (anna.address, anna.verified) == ("a***@example.com", True)
    assert (guest.address, guest.verified) == ("", False)


@pytest.mark.usefixtures("made")
def test_it_costs_one_statement_and_an_unknown_campaign_is_none(database: Database, now: datetime) -> None:
    with counted(database) as statements:
        come(database, "anna", now)
        assert visit(database, "nothing", token="anna", viewer=1, now=now) is None
    assert len(statements) == 2


def test_a_visit_sees_what_was_written_just_before(database: Database, made: Campaign, now: datetime) -> None:
    assert len(come(database, "anna", now).ballot.picked) == 2
    with database.transaction() as session:
        make.ballot(session, made, by=session.get(Person, come(database, "eve", now).customer.person_id))  # type: ignore[union-attr]
    assert come(database, "eve", now).ballot.serial
