from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.people import actions, queries
from c2b.people.models import Address
from c2b.people.queries import Customer, StaffMember
from c2b.people.rules import AddressKind, Permission, Role
from tests import make
from tests.statements import counted


def address(session: Session, person_id: int, kind: AddressKind, value: str, *, verified_at: datetime | None) -> None:
    session.add(Address(person_id=person_id, kind=kind, value=value, digest=f"{kind}{value}".encode()[:32], verified_at=verified_at))
    session.flush()


def test_a_guest_has_no_address(session: Session, now: datetime) -> None:
    guest = actions.new_guest(session, viewer=42, locale="en", now=now)
    token = actions.start_login(session, person_id=guest.id, now=now)
    assert queries.who(session, token=token, now=now) == Customer(guest.id, guest.ref, 42, "en", "", "", verified=False)


def test_a_customer_is_shown_a_masked_address(session: Session, now: datetime) -> None:
    person = make.person(session, name="Anna", locale="zh_Hans_CN")
    address(session, person.id, AddressKind.EMAIL, "anna@example.com", verified_at=now)
    address(session, person.id, AddressKind.PHONE, "+8613800138000", verified_at=now)
    token = actions.start_login(session, person_id=person.id, now=now)
    assert queries.who(session, token=token, now=now) == Customer(
        person.id, person.ref, 1, "zh_Hans_CN", "Anna", "a***@example.com", verified=True
    )


def test_an_imported_id_verifies_nobody(session: Session, now: datetime) -> None:
    person = make.person(session)
    address(session, person.id, AddressKind.IMPORTED, "4711", verified_at=None)
    found = queries.who(session, token=actions.start_login(session, person_id=person.id, now=now), now=now)
    assert isinstance(found, Customer)
    assert not found.verified


@pytest.mark.parametrize("token", ["", "x", "0" * 43])
def test_an_unknown_token_is_nobodys(session: Session, now: datetime, token: str) -> None:
    make.person(session)
    assert queries.who(session, token=token, now=now) is None


@pytest.mark.parametrize(("days", "there"), [(0, True), (89, True), (90, False)])
def test_a_customers_login_ends_after_ninety_days(session: Session, now: datetime, days: int, *, there: bool) -> None:
    token = actions.start_login(session, person_id=make.person(session).id, now=now)
    assert (queries.who(session, token=token, now=now + timedelta(days=days)) is not None) is there


def test_a_staff_login_ends_after_a_working_day(session: Session, now: datetime) -> None:
    actions.add_staff(session, email="anna@example.com", role=Role.FINANCE, actor="cli:root", now=now, password="correct horse battery")
    token = actions.sign_in_staff(session, email="anna@example.com", password="correct horse battery", now=now)
    assert queries.who(session, token=token, now=now + timedelta(hours=11))
    assert queries.who(session, token=token, now=now + timedelta(hours=12)) is None


def test_a_member_of_staff_may_what_their_role_may() -> None:
    member = StaffMember(1, "anna@example.com", "", Role.FINANCE)
    assert member.may(Permission.MONEY)
    assert not member.may(Permission.STAFF)


def test_who_is_there_costs_one_statement(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        person = make.person(session)
        address(session, person.id, AddressKind.EMAIL, "anna@example.com", verified_at=now)
        token = actions.start_login(session, person_id=person.id, now=now)
    with database.reading() as session, counted(database) as statements:
        assert queries.who(session, token=token, now=now)
    assert len(statements) == 1


def test_accounts_are_listed_by_address(session: Session, now: datetime) -> None:
    for email in ("bert@example.com", "anna@example.com"):
        actions.add_staff(session, email=email, role=Role.OWNER, actor="cli:root", now=now)
    actions.disable_staff(session, email="bert@example.com", actor="cli:root", now=now)
    listed = queries.staff(session)
    assert [(account.email, account.disabled_at) for account in listed] == [("anna@example.com", None), ("bert@example.com", now)]
