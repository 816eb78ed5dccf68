"""One-time codes: six digits sent to an address, which prove that a person reads what is sent there."""

import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.db import insert_into
from c2b.errors import N_, Invalid, Refused
from c2b.messages import actions as messages
from c2b.people import retired, rules
from c2b.people.models import Address, OneTimeCode, Person
from c2b.people.rules import AddressKind

SIGN_IN, AT_THE_COUNTER = "sign_in_code", "counter_code"
"""What codes are for, named as the message that carries them."""
NO_FIELDS: Mapping[str, str] = MappingProxyType({})


def send_code(
    session: Session,
    *,
    kind: AddressKind,
    address: str,
    locale: str,
    secret_key: str,
    now: datetime,
    purpose: str = SIGN_IN,
    fields: Mapping[str, str] = NO_FIELDS,
) -> str:
    """Send a new code to `address`, whether or not anybody is known by it; only the newest code is valid, for its purpose alone.

    `purpose` is the message's template, `fields` what it says besides the code. Returns the code, for the demo's page alone. Raises
    Invalid for what isn't an address and Refused after the fifth of a day (UTC), counted per address so that changing networks
    doesn't help.
    """
    if kind not in rules.SIGN_IN_KINDS:
        raise Invalid(N_("No code can be sent there: it takes an e-mail address or a telephone number"), field="address")
    digest = rules.address_digest(secret_key, kind, address)
    day = now.date()
    sent = session.scalars(
        select(func.count()).select_from(OneTimeCode).where(OneTimeCode.kind == kind, OneTimeCode.digest == digest, OneTimeCode.day == day)
    ).one()
    if sent >= rules.CODES_A_DAY:
        raise Refused(
            N_("%(most)s codes were sent to this address today; use the newest one, or come back tomorrow"), most=rules.CODES_A_DAY
        )
    code = f"{secrets.randbelow(1_000_000):06d}"
    values = {"kind": kind, "digest": digest, "day": day, "number": sent + 1, "sent_at": now, "tries": 0}
    values["code_hash"] = _code_hash(secret_key, digest, code, purpose)
    new = insert_into(session, OneTimeCode).values(values).on_conflict_do_nothing()
    key = session.scalar(new.returning(OneTimeCode.id))
    if key is None:  # somebody asked for a code at this very moment
        raise Refused(N_("A code is on its way to this address already; wait a moment"))
    messages.queue(
        session,
        event=f"sign_in:{key}",
        channel=kind,
        recipient=rules.reachable(kind, address),
        template=purpose,
        fields={**fields, "code": code, "minutes": f"{rules.CODE_LIFE.total_seconds() / 60:.0f}"},
        locale=locale,
        now=now,
    )
    return code


def check_code(
    session: Session,
    *,
    kind: AddressKind,
    address: str,
    code: str,
    guest_id: int | None,
    viewer: int,
    locale: str,
    secret_key: str,
    now: datetime,
    purpose: str = SIGN_IN,
    barred: retired.Barred = retired.ALWAYS,
) -> Person | None:
    """Return the person who proved `address` by the newest code, or None if it isn't valid, for whatever cause.

    Nothing is raised for a wrong code, so that the transaction writes the try down: after the fifth, or ten minutes, the code
    is dead. An address seen for the first time is given to the guest, or to a new person with this browser's `viewer` number.
    Raises Refused after a right code alone, for an address that an account was moved away from and that is `barred`.
    """
    if not prove(session, kind=kind, address=address, code=code, secret_key=secret_key, now=now, purpose=purpose):
        return None
    browser: dict[str, Any] = {"guest_id": guest_id, "viewer": viewer, "locale": locale}
    return whose(session, kind=kind, address=address, secret_key=secret_key, now=now, barred=barred, **browser)


def whose(
    session: Session,
    *,
    kind: AddressKind,
    address: str,
    guest_id: int | None,
    viewer: int,
    locale: str,
    secret_key: str,
    now: datetime,
    barred: retired.Barred = retired.ALWAYS,
) -> Person:
    """Return the person of an address that was proved, by a code or by WeChat; one seen for the first time is given to somebody.

    Raises Refused as `check_code` does.
    """
    known = known_as(session, kind=kind, address=address, secret_key=secret_key)
    if known:
        known.verified_at = known.verified_at or now
        return known.person
    # Asked after who has it now: a move that ends in between is seen by one of the two.
    digest = rules.address_digest(secret_key, kind, address)
    if not retired.take(session, kind=kind, digest=digest, by=None, barred=barred, now=now):
        raise Refused(retired.NOT_NOW)
    person = _guest(session, guest_id) or new_guest(session, viewer=viewer, locale=locale, now=now)
    give(session, person_id=person.id, kind=kind, address=address, secret_key=secret_key, now=now)
    return person


def prove(session: Session, *, kind: AddressKind, address: str, code: str, secret_key: str, now: datetime, purpose: str = SIGN_IN) -> bool:
    """Use the newest code up; False if it isn't valid, for whatever cause: the transaction then writes the try down."""
    digest = rules.address_digest(secret_key, kind, address)
    return _use_code(session, kind, digest, _code_hash(secret_key, digest, code.strip(), purpose), now)


def known_as(session: Session, *, kind: AddressKind, address: str, secret_key: str) -> Address | None:
    """Return the address that is the same as this one, with its person."""
    digest = rules.address_digest(secret_key, kind, address)
    return session.scalars(select(Address).where(Address.kind == kind, Address.digest == digest)).one_or_none()


def give(session: Session, *, person_id: int, kind: AddressKind, address: str, secret_key: str, now: datetime) -> None:
    """Write a new address down as the person's, proved `now`."""
    digest = rules.address_digest(secret_key, kind, address)
    session.add(Address(person_id=person_id, kind=kind, value=rules.reachable(kind, address), digest=digest, verified_at=now))
    session.flush()


def new_guest(session: Session, *, viewer: int, locale: str, now: datetime) -> Person:
    """Make a person without address: a browser whose picks are a draft until it signs in."""
    person = Person(ref=secrets.token_urlsafe(12), viewer=viewer, locale=locale, created_at=now)
    session.add(person)
    session.flush()
    return person


def _code_hash(secret_key: str, digest: bytes, code: str, purpose: str) -> bytes:
    """Bind a code to its purpose: what a customer tells an assistant signs nobody in."""
    return rules.keyed_hash(secret_key, "code", purpose, digest.hex(), code)


def _use_code(session: Session, kind: AddressKind, digest: bytes, hashed: bytes, now: datetime) -> bool:
    newest = select(OneTimeCode).where(OneTimeCode.kind == kind, OneTimeCode.digest == digest).order_by(OneTimeCode.id.desc()).limit(1)
    row = session.scalars(newest.with_for_update()).one_or_none()
    if row is None or _is_dead(row, now):
        return False
    row.tries += 1
    if hmac.compare_digest(row.code_hash, hashed):
        row.used_at = now
    session.flush()
    return row.used_at is not None


def _is_dead(code: OneTimeCode, now: datetime) -> bool:
    return code.used_at is not None or code.tries >= rules.CODE_TRIES or now >= code.sent_at + rules.CODE_LIFE


def _guest(session: Session, guest_id: int | None) -> Person | None:
    """Return the guest if it is one: a person without any address."""
    if guest_id is None:
        return None
    without = select(Person).where(Person.id == guest_id, ~select(Address.id).where(Address.person_id == Person.id).exists())
    return session.scalars(without.with_for_update()).one_or_none()
