"""What an added address does to a draft."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.people import actions as people
from c2b.people.addresses import Linked
from c2b.people.models import Address, Login, Person
from c2b.people.rules import AddressKind
from c2b.voting import actions, checks, counting, linking
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource, Touch
from tests import make

KEY = "k" * 32
NUMBER = "13800138000"
EMAIL, PHONE = AddressKind.EMAIL, AddressKind.PHONE


@pytest.fixture
def campaign(session: Session) -> Campaign:
    """A campaign that counts by telephone."""
    made = make.campaign(session, identity=PHONE, votes_each=3)
    for position, code in enumerate(("K1", "K2", "K3"), start=1):
        make.candidate(session, made, code, position=position)
    return made


@pytest.fixture
def anna(session: Session) -> Person:
    """A customer by e-mail."""
    person = make.person(session)
    make.address(session, person, "anna@example.com")
    return person


def draft(session: Session, of: Campaign, by: Person) -> Ballot:
    picked = make.candidate(session, of, f"D{by.id}", position=9)
    return make.ballot(session, of, picked, by=by, source=BallotSource.DRAFT)


def link(
    session: Session, now: datetime, person: Person, address: str = NUMBER, kind: AddressKind = PHONE, *, right: bool = True
) -> Linked:
    code = people.send_code(session, kind=kind, address=address, locale="en", secret_key=KEY, now=now)
    proof = code if right else f"{(int(code) + 1) % 1_000_000:06d}"
    return linking.link(session, person_id=person.id, kind=kind, address=address, code=proof, secret_key=KEY, now=now)


def source(session: Session, of: Campaign, by: Person) -> BallotSource:
    session.expire_all()
    return session.scalars(select(Ballot.source).where(Ballot.campaign_id == of.id, Ballot.person_id == by.id)).one()


def test_the_missing_address_makes_the_draft_count(session: Session, now: datetime, campaign: Campaign, anna: Person) -> None:
    draft(session, campaign, anna)
    assert [each.slug for each in linking.waiting(session, person_id=anna.id)] == ["ss27"]
    assert link(session, now, anna) is Linked.ADDED
    assert source(session, campaign, anna) is BallotSource.VERIFIED
    assert linking.waiting(session, person_id=anna.id) == []


def test_an_address_of_another_kind_leaves_it_a_draft(session: Session, now: datetime, campaign: Campaign, anna: Person) -> None:
    draft(session, campaign, anna)
    assert link(session, now, anna, "second@example.com", EMAIL) is Linked.ADDED
    assert source(session, campaign, anna) is BallotSource.DRAFT


@pytest.mark.parametrize("taken", [True, False])
def test_what_was_not_added_makes_nothing_count(session: Session, now: datetime, campaign: Campaign, anna: Person, *, taken: bool) -> None:
    draft(session, campaign, anna)
    if taken:
        assert link(session, now, make.person(session)) is Linked.ADDED
    assert link(session, now, anna, right=taken) is (Linked.NOT_HERE if taken else Linked.WRONG_CODE)
    assert source(session, campaign, anna) is BallotSource.DRAFT


def test_two_accounts_keep_two_ballots(session: Session, now: datetime, campaign: Campaign, anna: Person) -> None:
    bert = make.person(session)
    link(session, now, bert)
    theirs = make.ballot(session, campaign, make.candidate(session, campaign, "B1", position=8), by=bert)
    draft(session, campaign, anna)
    assert link(session, now, anna) is Linked.NOT_HERE
    assert source(session, campaign, anna) is BallotSource.DRAFT
    picks = session.scalars(select(Pick.person_id).order_by(Pick.person_id)).all()
    assert sorted(picks) == sorted([anna.id, bert.id])
    assert theirs.person_id == bert.id


def test_after_voting_has_closed_an_address_counts_nothing_any_more(
    session: Session, now: datetime, campaign: Campaign, anna: Person
) -> None:
    draft(session, campaign, anna)
    assert link(session, make.CLOSES + timedelta(seconds=1), anna) is Linked.ADDED
    assert source(session, campaign, anna) is BallotSource.DRAFT
    assert now < make.CLOSES


def test_an_empty_draft_waits_for_nothing(session: Session, campaign: Campaign, anna: Person) -> None:
    make.ballot(session, campaign, by=anna, source=BallotSource.DRAFT)
    assert linking.waiting(session, person_id=anna.id) == []


@pytest.mark.parametrize("known", [True, False])
def test_signing_in_ends_the_guests_login_so_that_who_planted_the_cookie_gains_nothing(
    session: Session, now: datetime, campaign: Campaign, *, known: bool
) -> None:
    guest, token = people.first_login(session, viewer=5, locale="en", secret_key=KEY, now=now)
    if known:
        link(session, now, make.person(session))
    code = people.send_code(session, kind=PHONE, address=NUMBER, locale="en", secret_key=KEY, now=now)
    facts = {"kind": PHONE, "address": NUMBER, "code": code, "guest_id": guest, "viewer": 5, "locale": "en", "secret_key": KEY}
    signed = actions.sign_in(session, now=now, **facts)  # type: ignore[arg-type]  # the names fit
    assert signed is not None
    ended = dict(session.execute(select(Login.person_id, Login.revoked_at).where(Login.revoked_at.is_not(None))).all())
    assert ended == {guest: now}
    assert signed.token != token
    assert session.scalars(select(Address.person_id)).all() == [signed.person_id]
    assert campaign.identity is PHONE


def by_mail(session: Session, now: datetime, address: str, guest_id: int | None) -> actions.SignedIn:
    code = people.send_code(session, kind=EMAIL, address=address, locale="en", secret_key=KEY, now=now)
    facts: dict[str, Any] = {"kind": EMAIL, "address": address, "code": code, "guest_id": guest_id, "viewer": 5, "locale": "en"}
    signed = actions.sign_in(session, secret_key=KEY, now=now, **facts)
    assert signed is not None
    return signed


def picked(session: Session, of: Campaign, by: int) -> list[str]:
    query = select(Candidate.code).join(Pick, Pick.candidate_id == Candidate.id).where(Pick.campaign_id == of.id, Pick.person_id == by)
    return sorted(session.scalars(query))


def taps(session: Session, now: datetime, *codes: str) -> int:
    """Vote as a guest."""
    guest, _ = people.first_login(session, viewer=11, locale="en", secret_key=KEY, now=now)
    for code in codes:
        actions.vote(session, slug="ss27", code=code, person_id=guest, touch=Touch(), now=now)
    return guest


def test_picks_of_a_campaign_by_telephone_come_along_when_their_voter_signs_in_by_mail(
    session: Session, now: datetime, campaign: Campaign
) -> None:
    anna = by_mail(session, now, "anna@example.com", None).person_id
    signed = by_mail(session, now, "anna@example.com", taps(session, now, "K1", "K3"))
    assert signed.person_id == anna
    assert picked(session, campaign, anna) == ["K1", "K3"]
    assert source(session, campaign, session.get_one(Person, anna)) is BallotSource.DRAFT
    assert counting.tallies(session, campaign.id) == {}, "and count once the number is there"
    assert link(session, now, session.get_one(Person, anna)) is Linked.ADDED
    assert sum(counting.tallies(session, campaign.id).values()) == 2
    assert checks.checks(session) == []


def test_who_is_known_by_the_anchor_already_may_sign_in_by_any_address(session: Session, now: datetime, campaign: Campaign) -> None:
    anna = by_mail(session, now, "anna@example.com", None).person_id
    link(session, now, session.get_one(Person, anna))
    by_mail(session, now, "anna@example.com", taps(session, now, "K2"))
    assert picked(session, campaign, anna) == ["K2"]
    assert source(session, campaign, session.get_one(Person, anna)) is BallotSource.VERIFIED
    assert checks.checks(session) == []


def test_two_drafts_of_one_person_become_one_and_what_does_not_fit_is_theirs_to_choose(
    session: Session, now: datetime, campaign: Campaign
) -> None:
    anna = by_mail(session, now, "anna@example.com", None).person_id
    for code in ("K1", "K2"):
        actions.vote(session, slug="ss27", code=code, person_id=anna, touch=Touch(), now=now)
    make.candidate(session, campaign, "K4", position=4)
    signed = by_mail(session, now, "anna@example.com", taps(session, now, "K3", "K4"))
    assert signed.left_over == {"ss27": ["K3", "K4"]}
    assert picked(session, campaign, anna) == ["K1", "K2"]
    assert source(session, campaign, session.get_one(Person, anna)) is BallotSource.DRAFT
    assert checks.checks(session) == []
