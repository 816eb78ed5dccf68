"""Logins, staff accounts and viewer numbers."""

import secrets
from base64 import b64encode
from datetime import datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import Row, select, update
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.db import insert_into
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.people import rules
from c2b.people.codes import check_code, new_guest, send_code, whose
from c2b.people.models import Login, Staff, ViewerCounter
from c2b.people.rules import AddressKind, Role

__all__ = [
    "add_staff",
    "check_code",
    "disable_staff",
    "end_login",
    "end_logins",
    "first_login",
    "new_guest",
    "note_wrong_password",
    "reserve_viewers",
    "reset_staff",
    "send_code",
    "set_up_staff",
    "sign_in_staff",
    "start_login",
    "whose",
]

_PASSWORDS = PasswordHasher()


def _unmatchable(by: PasswordHasher) -> str:
    """Return what looks like a hash and is random: as much work to check as any, and right for no password."""
    salt, hashed = (b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in (by.salt_len, by.hash_len))
    return f"$argon2id$v=19$m={by.memory_cost},t={by.time_cost},p={by.parallelism}${salt}${hashed}"


_NOBODYS = _unmatchable(_PASSWORDS)
"""Checked for an unknown address too, so that the time of an answer tells nothing."""


def start_login(session: Session, *, now: datetime, person_id: int | None = None, staff_id: int | None = None) -> str:
    """Sign a browser in as a customer (a guest too) or as staff; returns the token for its cookie, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    life = rules.CUSTOMER_LOGIN if staff_id is None else rules.STAFF_LOGIN
    session.add(Login(token_hash=rules.token_hash(token), person_id=person_id, staff_id=staff_id, created_at=now, expires_at=now + life))
    session.flush()
    return token


def end_login(session: Session, *, token: str, now: datetime) -> None:
    """Sign the browser with this token out, on the server; an unknown token changes nothing."""
    session.execute(update(Login).where(Login.token_hash == rules.token_hash(token), Login.revoked_at.is_(None)).values(revoked_at=now))


def first_login(session: Session, *, viewer: int, locale: str, secret_key: str, now: datetime) -> tuple[int, str]:
    """Make a guest of the browser with this viewer number and sign it in; returns the person's key and the token for its cookie.

    Two first taps at the same moment find the same login, for its token comes from the number, which only this browser's cookie
    holds, and the secret key. A login that has ended isn't opened again, and what its guest picked isn't shown: the browser gets a new
    guest; where it has expired they find that one together too, for the next token comes from the login before.
    """
    token = rules.keyed_hash(secret_key, "guest", str(viewer)).hex()
    guest = new_guest(session, viewer=viewer, locale=locale, now=now)
    while (earlier := _opened(session, token, guest.id, now)) and not earlier.revoked_at and earlier.expires_at <= now:
        token = rules.keyed_hash(secret_key, "guest", f"{viewer}:{earlier.id}").hex()
    if earlier is None:
        return guest.id, token
    if earlier.revoked_at or earlier.person_id is None:
        return guest.id, start_login(session, person_id=guest.id, now=now)
    session.delete(guest)
    session.flush()
    return int(earlier.person_id), token


def _opened(session: Session, token: str, person_id: int, now: datetime) -> Row[Any] | None:
    """Open a login with this token for the person; return the one that has it already, None if there is none."""
    values = {"token_hash": rules.token_hash(token), "person_id": person_id, "created_at": now, "expires_at": now + rules.CUSTOMER_LOGIN}
    if session.execute(insert_into(session, Login).values(values).on_conflict_do_nothing().returning(Login.id)).first():
        return None
    columns = (Login.person_id, Login.revoked_at, Login.expires_at)
    return session.execute(select(Login.id).add_columns(*columns).where(Login.token_hash == values["token_hash"])).one()


def end_logins(session: Session, *, person_id: int, now: datetime) -> None:
    """Sign a person out everywhere."""
    session.execute(update(Login).where(Login.person_id == person_id, Login.revoked_at.is_(None)).values(revoked_at=now))


def sign_in_staff(session: Session, *, email: str, password: str, now: datetime) -> str:
    """Return a new login's token; raises Refused with one sentence for every cause, after the same time.

    The caller writes a refused try down by `note_wrong_password`, in a transaction that isn't undone.
    """
    known = _may_sign_in(session, email, now)
    right = _matches(known.password_hash if known else _NOBODYS, password)
    if known is None or not right:
        raise Refused(N_("The e-mail address or the password is wrong; after several tries wait a minute"))
    known.wrong_passwords = 0
    if _PASSWORDS.check_needs_rehash(known.password_hash):
        known.password_hash = _PASSWORDS.hash(password)
    return start_login(session, staff_id=known.id, now=now)


def _may_sign_in(session: Session, email: str, now: datetime) -> Staff | None:
    """Return the account with this address, locked, if a password for it is looked at `now`."""
    usable = select(Staff).where(Staff.email == email.strip().lower(), Staff.password_hash != "", Staff.disabled_at.is_(None))
    staff = session.scalars(usable.with_for_update()).one_or_none()
    return staff if staff and _is_looked_at(staff, now) else None


def note_wrong_password(session: Session, *, email: str, now: datetime) -> None:
    """Count a refused sign-in for the account, if there is one; a try that came too soon to be looked at doesn't count."""
    staff = session.scalars(select(Staff).where(Staff.email == email.strip().lower()).with_for_update()).one_or_none()
    if staff and _is_looked_at(staff, now):
        staff.wrong_passwords, staff.wrong_password_at = staff.wrong_passwords + 1, now


def _is_looked_at(staff: Staff, now: datetime) -> bool:
    return rules.may_try_password(staff.wrong_passwords, staff.wrong_password_at, now)


def _matches(hashed: str, password: str) -> bool:
    try:
        return _PASSWORDS.verify(hashed, password)
    except VerificationError:
        return False


def add_staff(session: Session, *, email: str, role: Role, actor: str, now: datetime, password: str = "", name: str = "") -> str:
    """Make an account, or set the role of one; returns the token of a one-time set-up link, or "" if it has a password.

    Raises Invalid for what isn't an e-mail address or too short a password, Refused for a password to an account that has one.
    """
    rules.normalise(AddressKind.EMAIL, email)
    address = email.strip().lower()
    staff = session.scalars(select(Staff).where(Staff.email == address).with_for_update()).one_or_none()
    before = {"role": staff.role.value} if staff else {}
    if staff is None:
        staff = Staff(email=address, role=role, name=name, password_hash="", created_at=now)
        session.add(staff)
    staff.role, staff.name = role, name or staff.name
    audit.record(session, actor=actor, action="people.add_staff", object=address, before=before, after={"role": role.value}, now=now)
    return _let_in(staff, password, now)


def _let_in(staff: Staff, password: str, now: datetime) -> str:
    """Give an account its first password, if there is one; returns the token of a set-up link for an account that has none yet."""
    if password and staff.password_hash:
        raise Refused(N_("%(email)s has an account with a password; to give it a new one: c2b staff reset %(email)s"), email=staff.email)
    if password:
        staff.password_hash = _new_password(password)
    return "" if staff.password_hash else _new_setup(staff, now)


def reset_staff(session: Session, *, email: str, actor: str, now: datetime) -> str:
    """Take an account's password and logins away and return the token of a new set-up link; raises NotFound."""
    staff = _staff(session, email)
    staff.password_hash, staff.disabled_at = "", None
    _end_logins(session, staff, now)
    audit.record(session, actor=actor, action="people.reset_staff", object=staff.email, now=now)
    return _new_setup(staff, now)


def disable_staff(session: Session, *, email: str, actor: str, now: datetime) -> None:
    """Shut an account and end its logins; what it did stays in the log. Raises NotFound."""
    staff = _staff(session, email)
    staff.disabled_at = staff.disabled_at or now
    staff.setup_hash = None
    _end_logins(session, staff, now)
    audit.record(session, actor=actor, action="people.disable_staff", object=staff.email, now=now)


def set_up_staff(session: Session, *, token: str, password: str, now: datetime) -> str:
    """Set the password of the account that the link was made for and return its e-mail address; the link works once.

    Raises Refused for an old or used link, Invalid (field `password`) for too short a password.
    """
    found = select(Staff).where(Staff.setup_hash == rules.token_hash(token), Staff.setup_expires_at > now, Staff.disabled_at.is_(None))
    staff = session.scalars(found.with_for_update()).one_or_none()
    if staff is None:
        raise Refused(N_("This link was used or has expired; ask an owner for a new one (c2b staff reset)"))
    staff.password_hash, staff.setup_hash, staff.setup_expires_at = _new_password(password), None, None
    staff.wrong_passwords = 0
    audit.record(session, actor=f"staff:{staff.email}", action="people.set_up_staff", object=staff.email, now=now)
    return staff.email


def _staff(session: Session, email: str) -> Staff:
    staff = session.scalars(select(Staff).where(Staff.email == email.strip().lower()).with_for_update()).one_or_none()
    if staff is None:
        raise NotFound(N_("There is no account %(email)s; `c2b staff list` shows all"), email=email)
    return staff


def _new_password(password: str) -> str:
    if len(password) < rules.PASSWORD_LENGTH:
        raise Invalid(N_("A password has at least %(least)s characters; take a sentence"), field="password", least=rules.PASSWORD_LENGTH)
    return _PASSWORDS.hash(password)


def _new_setup(staff: Staff, now: datetime) -> str:
    token = secrets.token_urlsafe(32)
    staff.setup_hash, staff.setup_expires_at = rules.token_hash(token), now + rules.SETUP_LIFE
    return token


def _end_logins(session: Session, staff: Staff, now: datetime) -> None:
    session.flush()
    session.execute(update(Login).where(Login.staff_id == staff.id, Login.revoked_at.is_(None)).values(revoked_at=now))


def reserve_viewers(session: Session, *, count: int) -> range:
    """Take the next `count` viewer numbers, in one statement; numbers of a process that dies are never given out."""
    first = insert_into(session, ViewerCounter).values(id=1, reserved=count)
    upsert = first.on_conflict_do_update(index_elements=[ViewerCounter.id], set_={"reserved": ViewerCounter.reserved + count})
    end = session.scalars(upsert.returning(ViewerCounter.reserved)).one()
    return range(end - count, end)
