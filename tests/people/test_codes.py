from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.errors import Invalid, Refused
from c2b.messages.models import Message
from c2b.people import actions
from c2b.people.models import Address, OneTimeCode, Person
from c2b.people.rules import AddressKind

KEY = "k" * 32
EMAIL = AddressKind.EMAIL


def send(session: Session, now: datetime, address: str = "anna@example.com") -> str:
    return actions.send_code(session, kind=EMAIL, address=address, locale="en", secret_key=KEY, now=now)


def check(
    session: Session, now: datetime, code: str, address: str = "anna@example.com", *, guest_id: int | None = None, viewer: int = 7
) -> Person | None:
    return actions.check_code(
        session, kind=EMAIL, address=address, code=code, guest_id=guest_id, viewer=viewer, locale="en", secret_key=KEY, now=now
    )


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 1_000_000:06d}"


def test_a_code_signs_its_address_in_however_it_is_written(session: Session, now: datetime) -> None:
    code = send(session, now, "Anna@Example.com")
    person = check(session, now, f" {code} ", "anna@example.com")
    assert person is not None
    assert person.viewer == 7
    address = session.scalars(select(Address)).one()
    assert (address.person_id, address.value, address.verified_at) == (person.id, "anna@example.com", now)


def test_the_same_address_is_the_same_person_next_time(session: Session, now: datetime) -> None:
    first = check(session, now, send(session, now, "a.nna@gmail.com"), "a.nna@gmail.com")
    second = check(session, now, send(session, now, "anna+x@gmail.com"), "anna+x@gmail.com", viewer=99)
    assert first is not None
    assert second is first
    assert second.viewer == 7, "the first browser's order stays"


def test_six_digits_go_to_the_address_as_it_was_typed(session: Session, now: datetime) -> None:
    code = send(session, now, "Anna+shop@gmail.com")
    message = session.scalars(select(Message)).one()
    assert (message.recipient, message.channel, message.fields["code"]) == ("Anna+shop@gmail.com", "email", code)
    assert len(code) == 6
    assert code.isdigit()


def test_the_database_holds_neither_code_nor_a_hash_that_can_be_guessed(session: Session, now: datetime) -> None:
    code = send(session, now)
    row = session.scalars(select(OneTimeCode)).one()
    assert code.encode() not in row.code_hash
    assert code.encode() not in row.digest


def test_a_code_works_once(session: Session, now: datetime) -> None:
    code = send(session, now)
    assert check(session, now, code)
    assert check(session, now, code) is None


def test_a_code_of_another_address_is_worth_nothing(session: Session, now: datetime) -> None:
    code = send(session, now, "anna@example.com")
    send(session, now, "bert@example.com")
    assert check(session, now, code, "bert@example.com") is None


@pytest.mark.parametrize(("seconds", "valid"), [(0, True), (599, True), (600, False), (86400, False)])
def test_a_code_lives_ten_minutes(session: Session, now: datetime, seconds: int, *, valid: bool) -> None:
    code = send(session, now)
    assert bool(check(session, now + timedelta(seconds=seconds), code)) is valid


def test_only_the_newest_code_is_valid(session: Session, now: datetime) -> None:
    old, new = send(session, now), send(session, now)
    assert check(session, now, old if old != new else wrong(new)) is None
    assert check(session, now, new)


@pytest.mark.parametrize(("tries", "valid"), [(0, True), (4, True), (5, False)])
def test_after_five_wrong_tries_the_right_code_is_dead(session: Session, now: datetime, tries: int, *, valid: bool) -> None:
    code = send(session, now)
    for _ in range(tries):
        assert check(session, now, wrong(code)) is None
    assert bool(check(session, now, code)) is valid
    assert session.scalars(select(OneTimeCode.tries)).one() <= 5


def test_an_address_gets_five_codes_a_day_and_no_sixth(session: Session, now: datetime) -> None:
    for _ in range(5):
        send(session, now, "anna@gmail.com")
    with pytest.raises(Refused, match="tomorrow"):
        send(session, now, "a.n.n.a@gmail.com")
    send(session, now, "bert@example.com")
    send(session, now + timedelta(days=1), "anna@gmail.com")
    assert session.scalar(select(func.count()).select_from(Message)) == 7


def test_known_and_unknown_addresses_are_answered_alike(session: Session, now: datetime) -> None:
    check(session, now, send(session, now))
    known, unknown = send(session, now), send(session, now, "nobody@example.com")
    assert len(known) == len(unknown) == 6
    assert check(session, now, wrong(known)) is check(session, now, wrong(unknown), "nobody@example.com") is None


def test_without_a_code_nobody_signs_in(session: Session, now: datetime) -> None:
    assert check(session, now, "000000") is None
    assert session.scalars(select(Person)).all() == []


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "１２３４５６", "000000\n000000", "'; --"])
def test_what_is_no_code_is_simply_wrong(session: Session, now: datetime, code: str) -> None:
    send(session, now)
    assert check(session, now, code) is None


def test_what_is_no_address_gets_no_code(session: Session, now: datetime) -> None:
    with pytest.raises(Invalid):
        send(session, now, "not an address")
    assert session.scalars(select(OneTimeCode)).all() == []


def test_a_new_address_makes_the_guest_a_customer(session: Session, now: datetime) -> None:
    guest = actions.new_guest(session, viewer=3, locale="en", now=now)
    assert check(session, now, send(session, now), guest_id=guest.id) is guest


def test_a_known_address_does_not_take_the_guest_over(session: Session, now: datetime) -> None:
    account = check(session, now, send(session, now))
    guest = actions.new_guest(session, viewer=3, locale="en", now=now)
    assert check(session, now, send(session, now), guest_id=guest.id) is account


def test_somebody_signed_in_does_not_collect_a_second_address(session: Session, now: datetime) -> None:
    anna = check(session, now, send(session, now))
    assert anna is not None
    bert = check(session, now, send(session, now, "bert@example.com"), "bert@example.com", guest_id=anna.id)
    assert bert is not None
    assert bert.id != anna.id
