"""Further addresses of a person: they lead to the same person, and never join two."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.errors import Refused
from c2b.people import actions, addresses, rules
from c2b.people.addresses import Linked, OwnAddress
from c2b.people.models import Address, OneTimeCode, Person
from c2b.people.queries import Customer, who
from c2b.people.rules import ADDRESSES_A_DAY, ADDRESSES_EACH, CUSTOMER_LOGIN, AddressKind, Asked, ask
from tests import make

KEY = "k" * 32
EMAIL, PHONE = AddressKind.EMAIL, AddressKind.PHONE


def sent(session: Session, now: datetime, address: str, kind: AddressKind = PHONE) -> str:
    return actions.send_code(session, kind=kind, address=address, locale="en", secret_key=KEY, now=now)


def signed_in(session: Session, now: datetime, address: str, kind: AddressKind = EMAIL) -> Person:
    code = sent(session, now, address, kind)
    person = actions.check_code(
        session, kind=kind, address=address, code=code, guest_id=None, viewer=1, locale="en", secret_key=KEY, now=now
    )
    assert person is not None
    return person


def link(session: Session, now: datetime, person: Person, address: str, kind: AddressKind = PHONE, *, code: str = "") -> Linked:
    proof = code or sent(session, now, address, kind)
    return addresses.link(session, person_id=person.id, kind=kind, address=address, code=proof, secret_key=KEY, now=now)


@pytest.fixture
def anna(session: Session, now: datetime) -> Person:
    return signed_in(session, now, "anna@example.com")


def test_an_added_address_signs_the_same_person_in(session: Session, now: datetime, anna: Person) -> None:
    assert link(session, now, anna, "138 0013 8000") is Linked.ADDED
    assert signed_in(session, now, "+86 13800138000", PHONE) is anna
    assert signed_in(session, now, "anna@example.com") is anna


def test_a_person_sees_their_addresses_masked(session: Session, now: datetime, anna: Person) -> None:
    link(session, now, anna, "13800138000")
    make.address(session, anna, "v7", kind=AddressKind.IMPORTED)
    make.address(session, anna, "old@example.com", verified_at=None)
    assert addresses.own(session, person_id=anna.id) == [
        OwnAddress(EMAIL, "a***@example.com", verified=True),
        OwnAddress(PHONE, "***8000", verified=True),
        OwnAddress(EMAIL, "o***@example.com", verified=False),
    ]


def test_nobody_adds_an_address_that_they_cannot_read(session: Session, now: datetime, anna: Person) -> None:
    code = sent(session, now, "13800138000")
    assert link(session, now, anna, "13800138000", code=f"{(int(code) + 1) % 1_000_000:06d}") is Linked.WRONG_CODE
    assert session.scalars(select(OneTimeCode.tries).order_by(OneTimeCode.id.desc())).first() == 1, "the try is written down"
    assert len(addresses.own(session, person_id=anna.id)) == 1


def test_somebody_elses_address_stays_theirs_and_both_stay_two_people(session: Session, now: datetime, anna: Person) -> None:
    bert = signed_in(session, now, "13800138000", PHONE)
    assert link(session, now, anna, "+86 138 0013 8000") is Linked.NOT_HERE
    assert signed_in(session, now, "13800138000", PHONE) is bert
    assert session.scalars(select(Address.person_id).order_by(Address.id)).all() == [anna.id, bert.id]


def test_an_imported_address_is_verified_by_its_own_persons_code(session: Session, now: datetime) -> None:
    person = make.person(session)
    digest = rules.address_digest(KEY, EMAIL, "anna@example.com")
    make.address(session, person, "anna@example.com", digest=digest, verified_at=None)
    assert link(session, now, person, "anna@example.com", EMAIL) is Linked.ADDED
    assert session.scalars(select(Address.verified_at)).one() == now


def test_adding_ones_own_address_again_changes_nothing(session: Session, now: datetime, anna: Person) -> None:
    assert link(session, now + timedelta(hours=1), anna, "Anna@Example.com", EMAIL) is Linked.ADDED
    assert session.scalars(select(Address.verified_at)).one() == now


def test_a_person_collects_no_more_addresses_than_anybody_has(session: Session, now: datetime, anna: Person) -> None:
    answers = [link(session, now, anna, f"anna{number}@example.com", EMAIL) for number in range(1, ADDRESSES_EACH + 1)]
    assert answers == [Linked.ADDED] * (ADDRESSES_EACH - 1) + [Linked.NOT_HERE], "the same answer as for somebody else's"


DAY = "2027-03-08"


def test_a_browser_asks_for_codes_to_a_few_addresses_a_day_each_as_often_as_the_address_allows() -> None:
    asked = Asked()
    for number in [*range(ADDRESSES_A_DAY), 0, 3, ADDRESSES_A_DAY - 1]:
        asked = ask(asked, mark=f"m{number}", day=DAY)
    assert asked.marks == tuple(f"m{number}" for number in range(ADDRESSES_A_DAY))
    with pytest.raises(Refused, match="10 different addresses"):
        ask(asked, mark="one more", day=DAY)


def test_the_next_day_begins_anew() -> None:
    full = Asked(DAY, tuple(f"m{number}" for number in range(ADDRESSES_A_DAY)))
    assert ask(full, mark="m99", day="2027-03-09") == Asked("2027-03-09", ("m99",))


def first(session: Session, now: datetime, viewer: int) -> tuple[int, str]:
    return actions.first_login(session, viewer=viewer, locale="en", secret_key=KEY, now=now)


def test_two_first_taps_of_one_browser_are_one_guest(session: Session, now: datetime) -> None:
    assert first(session, now, 7) == first(session, now, 7)
    assert len(session.scalars(select(Person)).all()) == 1


def test_two_browsers_are_two_guests_with_tokens_that_nobody_guesses(session: Session, now: datetime) -> None:
    one, other = first(session, now, 7), first(session, now, 8)
    assert one[0] != other[0]
    assert one[1] != other[1]
    foreign = actions.first_login(session, viewer=7, locale="en", secret_key="x" * 32, now=now)
    assert foreign[1] != one[1], "without the key the number leads nowhere"


def test_a_login_that_has_ended_is_not_opened_again_by_the_browsers_number(session: Session, now: datetime) -> None:
    person, token = first(session, now, 7)
    actions.end_logins(session, person_id=person, now=now)
    again, new = first(session, now, 7)
    assert again != person
    assert new != token


def test_who_comes_back_after_their_login_has_expired_is_a_new_guest_whose_votes_they_see(session: Session, now: datetime) -> None:
    person, token = first(session, now, 7)
    later = now
    for _ in range(2):
        later += CUSTOMER_LOGIN
        assert who(session, token=token, now=later) is None
        again, new = first(session, later, 7)
        assert first(session, later, 7) == (again, new), "two taps at once are one guest then, too"
        known = who(session, token=new, now=later)
        assert isinstance(known, Customer)
        assert (known.person_id, again != person, new != token) == (again, True, True)
        person, token = again, new
    assert len(session.scalars(select(Person)).all()) == 3


def test_signing_a_person_out_everywhere_leaves_others_alone(session: Session, now: datetime, anna: Person) -> None:
    bert = signed_in(session, now, "bert@example.com")
    tokens = [actions.start_login(session, person_id=person.id, now=now) for person in (anna, anna, bert)]
    actions.end_logins(session, person_id=anna.id, now=now)
    from_queries = [who(session, token=token, now=now) for token in tokens]
    assert [known is not None for known in from_queries] == [False, False, True]
