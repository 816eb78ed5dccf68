"""Who is there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ScalarSelect, bindparam, select
from sqlalchemy.orm import Session

from c2b.people.models import Address, Login, Person, Staff
from c2b.people.rules import Permission, Role, mask, may, token_hash


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
    valid = (Login.token_hash == bindparam("token_hash"), Login.revoked_at.is_(None), Login.expires_at > bindparam("now"))
    return select(Login.person_id).where(*valid).scalar_subquery()


def who(session: Session, *, token: str, now: datetime) -> Customer | StaffMember | None:
    """Return whose login the token is, in one statement; None if it has expired, was revoked, or the account is shut."""
    verified = (Address.person_id == Person.id) & Address.verified_at.is_not(None)
    found = (
        select(Login.staff_id, Staff.email, Staff.name, Staff.role, Staff.disabled_at)
        .add_columns(Person.id, Person.ref, Person.viewer, Person.locale, Person.name.label("person_name"), Address.kind, Address.value)
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
    address = mask(row.kind, row.value) if row.value else ""
    return Customer(row.id, row.ref, row.viewer, row.locale, row.person_name, address, verified=bool(row.value))


def staff(session: Session) -> list[Account]:
    """Return all accounts, by address."""
    rows = session.execute(select(Staff.email, Staff.name, Staff.role, Staff.password_hash, Staff.disabled_at).order_by(Staff.email))
    return [Account(row.email, row.name, row.role, bool(row.password_hash), row.disabled_at) for row in rows]
