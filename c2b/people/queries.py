"""Who is there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, bindparam, func, select
from sqlalchemy.orm import Session

from c2b.people.models import Address, Login, Person, Staff
from c2b.people.rules import AddressKind, Permission, Role, mask, may, token_hash


@dataclass(frozen=True)
class Customer:
    """A browser's person: a guest until an address is verified."""

    person_id: int
    ref: str
    viewer: int
    locale: str
    name: str
    address: str
    """Masked; empty for a guest."""
    verified: bool


@dataclass(frozen=True)
class StaffMember:
    """A signed-in member of staff."""

    id: int
    email: str
    name: str
    role: Role

    @property
    def actor(self) -> str:
        """What the audit log calls them."""
        return f"staff:{self.email}"

    def may(self, permission: Permission) -> bool:
        """Tell whether their role has `permission`."""
        return may(self.role, permission)


@dataclass(frozen=True)
class Account:
    """A staff account, as the owner sees it."""

    email: str
    name: str
    role: Role
    set_up: bool
    disabled_at: datetime | None


def person_of_login() -> ScalarSelect[int]:
    """Return the key of the person whose login is `:token_hash` at `:now`, as part of a larger statement; NULL if it is nobody's."""
    return select(Login.person_id).where(login_of(bindparam("token_hash"), bindparam("now"))).scalar_subquery()


def who(session: Session, *, token: str, now: datetime) -> Customer | StaffMember | None:
    """Return whose login the token is, in one statement; None if it has expired, was revoked, or the account is shut."""
    verified = (Address.person_id == Person.id) & Address.verified_at.is_not(None)
    found = (
        select(Login.staff_id, Staff.email, Staff.name, Staff.role, Staff.disabled_at)
        .add_columns(*CUSTOMER)
        .outerjoin(Staff, Staff.id == Login.staff_id)
        .outerjoin(Person, Person.id == Login.person_id)
        .outerjoin(Address, verified)
        .where(Login.token_hash == token_hash(token), Login.revoked_at.is_(None), Login.expires_at > now)
        .order_by(Address.id)
        .limit(1)
    )
    row = session.execute(found).one_or_none()
    if row is None or row.disabled_at:
        return None
    if row.staff_id:
        return StaffMember(row.staff_id, row.email, row.name, row.role)
    return customer(row[-len(CUSTOMER) :])


CUSTOMER = (Person.id, Person.ref, Person.viewer, Person.locale, Person.name.label("person_name"), Address.kind, Address.value)
"""What a statement selects to know a customer by, with one of their verified addresses, or none."""


def customer(columns: Sequence[Any]) -> Customer:
    """Return the customer whom the columns `CUSTOMER` tell of."""
    person_id, ref, viewer, locale, name, kind, value = columns
    address = mask(AddressKind(kind), value) if value else ""
    return Customer(person_id, ref, viewer, locale, name, address, verified=bool(value))


def login_of(token_hash: ColumnElement[Any], now: ColumnElement[Any]) -> ColumnElement[bool]:
    """Return the condition on a login that is good at `now`."""
    return (Login.token_hash == token_hash) & Login.revoked_at.is_(None) & (Login.expires_at > now)


def first_address() -> ScalarSelect[Any]:
    """Return the key of a person's first verified address, as part of a statement that selects persons."""
    verified = (Address.person_id == Person.id) & Address.verified_at.is_not(None)
    return select(func.min(Address.id)).where(verified).correlate(Person).scalar_subquery()


def staff(session: Session) -> list[Account]:
    """Return all accounts, by address."""
    rows = session.execute(select(Staff.email, Staff.name, Staff.role, Staff.password_hash, Staff.disabled_at).order_by(Staff.email))
    return [Account(row.email, row.name, row.role, bool(row.password_hash), row.disabled_at) for row in rows]
