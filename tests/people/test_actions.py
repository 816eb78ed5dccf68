from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Refused
from c2b.people import actions, queries
from c2b.people.models import Login, Staff
from c2b.people.queries import StaffMember
from c2b.people.rules import Role
from tests import make
from tests.statements import counted

PASSWORD = "correct horse battery"


def add(session: Session, now: datetime, *, password: str = "", email: str = "Anna@Example.com", role: Role = Role.MANAGER) -> str:
    return actions.add_staff(session, email=email, role=role, actor="cli:root", now=now, password=password)


def test_a_login_is_known_by_its_token_and_the_token_is_stored_nowhere(session: Session, now: datetime) -> None:
    person = make.person(session)
    token = actions.start_login(session, person_id=person.id, now=now)
    assert len(token) >= 43, "32 random bytes"
    assert token.encode() not in session.scalars(select(Login.token_hash)).one()
    assert queries.who(session, token=token, now=now)


def test_each_login_has_a_token_of_its_own(session: Session, now: datetime) -> None:
    person = make.person(session)
    one, other = (actions.start_login(session, person_id=person.id, now=now) for _ in range(2))
    actions.end_login(session, token=one, now=now)
    assert queries.who(session, token=one, now=now) is None
    assert queries.who(session, token=other, now=now)


def test_a_set_up_link_makes_a_password_once(session: Session, now: datetime) -> None:
    link = add(session, now)
    assert actions.set_up_staff(session, token=link, password=PASSWORD, now=now) == "anna@example.com"
    with pytest.raises(Refused, match="link"):
        actions.set_up_staff(session, token=link, password="another long password", now=now)
    token = actions.sign_in_staff(session, email="ANNA@example.com ", password=PASSWORD, now=now)
    found = queries.who(session, token=token, now=now)
    assert isinstance(found, StaffMember)
    assert (found.email, found.role, found.actor) == ("anna@example.com", Role.MANAGER, "staff:anna@example.com")


def test_a_set_up_link_ends_after_three_days(session: Session, now: datetime) -> None:
    link = add(session, now)
    with pytest.raises(Refused):
        actions.set_up_staff(session, token=link, password=PASSWORD, now=now + timedelta(days=3))


def test_a_made_up_link_opens_nothing(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    for token in ("", "x", "None"):
        with pytest.raises(Refused):
            actions.set_up_staff(session, token=token, password=PASSWORD, now=now)


def test_a_short_password_is_refused_and_the_link_stays_good(session: Session, now: datetime) -> None:
    link = add(session, now)
    with pytest.raises(Invalid) as refused:
        actions.set_up_staff(session, token=link, password="short", now=now)
    assert refused.value.field == "password"
    assert actions.set_up_staff(session, token=link, password=PASSWORD, now=now)


def test_passwords_are_stored_as_argon2id(session: Session, now: datetime) -> None:
    assert add(session, now, password=PASSWORD) == "", "no link where there is a password"
    assert session.scalars(select(Staff.password_hash)).one().startswith("$argon2id$")


def test_every_cause_of_a_failed_sign_in_reads_the_same(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    add(session, now, email="fresh@example.com")
    add(session, now, email="gone@example.com", password=PASSWORD)
    actions.disable_staff(session, email="gone@example.com", actor="cli:root", now=now)
    tries = [("anna@example.com", "wrong"), ("nobody@example.com", PASSWORD), ("fresh@example.com", ""), ("gone@example.com", PASSWORD)]
    said = set()
    for email, password in tries:
        with pytest.raises(Refused) as refused:
            actions.sign_in_staff(session, email=email, password=password, now=now)
        said.add(str(refused.value))
    assert len(said) == 1
    assert session.scalars(select(Login)).all() == []


def test_an_unknown_address_costs_as_many_password_checks_as_a_known_one(
    session: Session, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(session, now, password=PASSWORD)
    checked: list[str] = []

    def refuses(hashed: str, _password: str) -> bool:
        checked.append(hashed)
        return False

    monkeypatch.setattr(actions, "_matches", refuses)
    for email in ("anna@example.com", "nobody@example.com"):
        with pytest.raises(Refused):
            actions.sign_in_staff(session, email=email, password="x", now=now)
    assert len(checked) == 2
    assert all(hashed.startswith("$argon2id$") for hashed in checked)


def test_after_five_wrong_passwords_one_a_minute_is_looked_at_the_right_one_too(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)

    def signs_in(password: str, at: datetime) -> bool:
        try:
            actions.sign_in_staff(session, email="anna@example.com", password=password, now=at)
        except Refused:
            actions.note_wrong_password(session, email="Anna@example.com ", now=at)
            return False
        return True

    assert not any(signs_in("wrong", now) for _ in range(5))
    second, minute = timedelta(seconds=1), timedelta(minutes=1)
    assert not signs_in(PASSWORD, now + minute - second)
    assert not signs_in("wrong", now + minute)
    assert not signs_in(PASSWORD, now + minute + second)
    assert not signs_in(PASSWORD, now + 2 * minute - second), "tries that came too soon don't put the end off"
    assert signs_in(PASSWORD, now + 2 * minute)
    assert not any(signs_in("wrong", now + 2 * minute) for _ in range(4))
    assert signs_in(PASSWORD, now + 2 * minute), "the right password begins a new count"


def test_wrong_passwords_of_nobody_are_counted_nowhere(session: Session, now: datetime) -> None:
    actions.note_wrong_password(session, email="nobody@example.com", now=now)
    assert session.scalars(select(Staff)).all() == []


def test_a_new_set_up_link_begins_a_new_count_of_wrong_passwords(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    for _ in range(6):
        actions.note_wrong_password(session, email="anna@example.com", now=now)
    link = actions.reset_staff(session, email="anna@example.com", actor="cli:root", now=now)
    actions.set_up_staff(session, token=link, password=PASSWORD, now=now)
    assert actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=now)


def test_shutting_an_account_ends_its_logins_at_once(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    token = actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=now)
    actions.disable_staff(session, email="anna@example.com", actor="cli:root", now=now)
    assert queries.who(session, token=token, now=now) is None


def test_a_reset_takes_password_and_logins_away(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    token = actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=now)
    link = actions.reset_staff(session, email="anna@example.com", actor="cli:root", now=now)
    assert queries.who(session, token=token, now=now) is None
    with pytest.raises(Refused):
        actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=now)
    actions.set_up_staff(session, token=link, password=PASSWORD + "!", now=now)
    assert actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD + "!", now=now)


def test_resetting_nobody_says_so(session: Session, now: datetime) -> None:
    with pytest.raises(NotFound, match=r"nobody@example\.com"):
        actions.reset_staff(session, email="nobody@example.com", actor="cli:root", now=now)


def test_adding_twice_changes_the_role_and_keeps_one_account(session: Session, now: datetime) -> None:
    add(session, now)
    assert add(session, now, role=Role.AUDITOR), "a fresh link, as there is no password yet"
    accounts = queries.staff(session)
    assert [(account.email, account.role, account.set_up) for account in accounts] == [("anna@example.com", Role.AUDITOR, False)]


def test_adding_does_not_overwrite_a_password(session: Session, now: datetime) -> None:
    add(session, now, password=PASSWORD)
    with pytest.raises(Refused, match="reset"):
        add(session, now, password="somebody else's password")
    assert actions.sign_in_staff(session, email="anna@example.com", password=PASSWORD, now=now)


def test_what_is_done_to_accounts_is_in_the_log_without_passwords(session: Session, now: datetime) -> None:
    link = add(session, now)
    actions.set_up_staff(session, token=link, password=PASSWORD, now=now)
    actions.reset_staff(session, email="anna@example.com", actor="staff:bert@example.com", now=now)
    actions.disable_staff(session, email="anna@example.com", actor="staff:bert@example.com", now=now)
    entries = session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()
    assert [entry.action for entry in entries] == ["people.add_staff", "people.set_up_staff", "people.reset_staff", "people.disable_staff"]
    assert all(entry.object == "anna@example.com" for entry in entries)
    assert PASSWORD not in str([(entry.before, entry.after, entry.reason) for entry in entries])


def test_viewer_numbers_come_in_blocks_that_never_overlap(database: Database) -> None:
    blocks = []
    for _ in range(3):
        with database.transaction() as session:
            blocks.append(actions.reserve_viewers(session, count=100))
    assert blocks == [range(100), range(100, 200), range(200, 300)]


def test_a_block_of_viewer_numbers_is_one_statement(database: Database) -> None:
    with database.transaction() as session, counted(database) as statements:
        actions.reserve_viewers(session, count=1000)
    assert len(statements) == 1
