"""The instants at which codes, links and logins begin and end."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.errors import Refused
from c2b.people import actions, queries
from c2b.people.models import Person
from c2b.people.rules import CODE_LIFE, CODES_A_DAY, CUSTOMER_LOGIN, SETUP_LIFE, STAFF_LOGIN, AddressKind, Role
from tests import make

KEY, PASSWORD = "k" * 32, "correct horse battery"
NOON = datetime(2027, 3, 8, 12, 0, tzinfo=UTC)
MIDNIGHT = datetime(2027, 3, 9, 0, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)


def send(session: Session, at: datetime, address: str = "anna@example.com") -> str:
    return actions.send_code(session, kind=AddressKind.EMAIL, address=address, locale="en", secret_key=KEY, now=at)


def check(session: Session, at: datetime, code: str, address: str = "anna@example.com") -> Person | None:
    kind = AddressKind.EMAIL
    return actions.check_code(session, kind=kind, address=address, code=code, guest_id=None, viewer=1, locale="en", secret_key=KEY, now=at)


def invite(session: Session, at: datetime) -> str:
    return actions.add_staff(session, email="anna@example.com", role=Role.MANAGER, actor="cli:root", now=at)


@pytest.mark.parametrize(
    ("after", "good"),
    [(timedelta(0), True), (CODE_LIFE - TICK, True), (CODE_LIFE, False), (CODE_LIFE + TICK, False), (timedelta(days=1), False)],
)
def test_a_code_dies_at_the_very_end_of_its_tenth_minute(session: Session, after: timedelta, *, good: bool) -> None:
    code = send(session, NOON)
    assert (check(session, NOON + after, code) is not None) is good


def test_a_code_sent_before_midnight_is_good_after_it(session: Session) -> None:
    code = send(session, MIDNIGHT - timedelta(minutes=5))
    assert check(session, MIDNIGHT + timedelta(minutes=4), code)


def test_the_five_of_a_day_begin_anew_at_midnight_utc(session: Session) -> None:
    for _ in range(CODES_A_DAY):
        send(session, MIDNIGHT - timedelta(minutes=1))
    with pytest.raises(Refused, match="tomorrow"):
        send(session, MIDNIGHT - TICK)
    assert check(session, MIDNIGHT, send(session, MIDNIGHT))


def test_five_codes_of_one_address_take_none_from_another(session: Session) -> None:
    for _ in range(CODES_A_DAY):
        send(session, NOON)
    assert check(session, NOON, send(session, NOON, "bert@example.com"), "bert@example.com")


def test_other_writings_of_an_address_share_its_five(session: Session) -> None:
    for number in range(CODES_A_DAY):
        send(session, NOON, f"anna+{number}@gmail.com")
    with pytest.raises(Refused):
        send(session, NOON, "a.n.n.a@gmail.com")


def test_a_newer_code_kills_the_older_one_at_the_same_instant(session: Session) -> None:
    older, newer = send(session, NOON), send(session, NOON)
    if older != newer:  # once in a million they are equal
        assert check(session, NOON, older) is None
    assert check(session, NOON, newer)


def test_a_code_that_was_used_does_not_revive_the_one_before(session: Session) -> None:
    older, newer = send(session, NOON), send(session, NOON)
    assert check(session, NOON, newer)
    assert check(session, NOON, older) is None
    assert check(session, NOON, newer) is None


def test_an_expired_try_is_no_wrong_one(session: Session) -> None:
    code = send(session, NOON)
    assert check(session, NOON + CODE_LIFE, code) is None
    assert check(session, NOON + CODE_LIFE - TICK, code), "the clock of another process may be behind"


@pytest.mark.parametrize(("after", "good"), [(timedelta(0), True), (SETUP_LIFE - TICK, True), (SETUP_LIFE, False), (SETUP_LIFE * 2, False)])
def test_a_set_up_link_ends_at_an_instant(session: Session, after: timedelta, *, good: bool) -> None:
    link = invite(session, NOON)
    if good:
        assert actions.set_up_staff(session, token=link, password=PASSWORD, now=NOON + after) == "anna@example.com"
    else:
        with pytest.raises(Refused, match="expired"):
            actions.set_up_staff(session, token=link, password=PASSWORD, now=NOON + after)


def test_a_new_link_replaces_the_old_one_and_lives_its_own_three_days(session: Session) -> None:
    old = invite(session, NOON)
    new = invite(session, NOON + timedelta(days=2))
    with pytest.raises(Refused):
        actions.set_up_staff(session, token=old, password=PASSWORD, now=NOON + timedelta(days=2))
    assert actions.set_up_staff(session, token=new, password=PASSWORD, now=NOON + timedelta(days=4)) == "anna@example.com"


def test_a_shut_account_has_no_link(session: Session) -> None:
    link = invite(session, NOON)
    actions.disable_staff(session, email="anna@example.com", actor="cli:root", now=NOON)
    with pytest.raises(Refused):
        actions.set_up_staff(session, token=link, password=PASSWORD, now=NOON)


def test_a_reset_account_is_open_again_by_its_new_link_only(session: Session) -> None:
    actions.set_up_staff(session, token=invite(session, NOON), password=PASSWORD, now=NOON)
    actions.disable_staff(session, email="anna@example.com", actor="cli:root", now=NOON)
    link = actions.reset_staff(session, email="anna@example.com", actor="cli:root", now=NOON)
    with pytest.raises(Refused):
        actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=NOON)
    actions.set_up_staff(session, token=link, password="another long sentence", now=NOON)
    assert actions.sign_in_staff(session, email="anna@example.com", password="another long sentence", now=NOON)


@pytest.mark.parametrize(("life", "is_staff"), [(CUSTOMER_LOGIN, False), (STAFF_LOGIN, True)])
def test_a_login_ends_at_an_instant(session: Session, life: timedelta, *, is_staff: bool) -> None:
    if is_staff:
        actions.set_up_staff(session, token=invite(session, NOON), password=PASSWORD, now=NOON)
        token = actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=NOON)
    else:
        token = actions.start_login(session, person_id=make.person(session).id, now=NOON)
    assert queries.who(session, token=token, now=NOON + life - TICK) is not None
    assert queries.who(session, token=token, now=NOON + life) is None


def test_a_login_that_was_ended_twice_ended_the_first_time(session: Session) -> None:
    token = actions.start_login(session, person_id=make.person(session).id, now=NOON)
    actions.end_login(session, token=token, now=NOON)
    actions.end_login(session, token=token, now=NOON + timedelta(days=1))
    assert queries.who(session, token=token, now=NOON) is None
