"""A person's further addresses: proved by a code, they lead to the same person; they never join two."""

import enum
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.people import retired
from c2b.people.codes import give, known_as, prove
from c2b.people.models import Address, Person
from c2b.people.rules import ADDRESSES_EACH, KNOWN_BY, AddressKind, address_digest, mask


class Linked(enum.StrEnum):
    """What became of an address that somebody wanted to add."""

    ADDED = "added"
    WRONG_CODE = "wrong_code"
    NOT_HERE = "not_here"
    """It is another person's, or was until lately, or this one has enough: which of them isn't said."""


@dataclass(frozen=True)
class OwnAddress:
    """One of a person's addresses, masked."""

    kind: AddressKind
    masked: str
    verified: bool


def link(
    session: Session,
    *,
    person_id: int,
    kind: AddressKind,
    address: str,
    code: str,
    secret_key: str,
    now: datetime,
    barred: retired.Barred = retired.ALWAYS,
) -> Linked:
    """Add an address to a person by the code that was sent to it; their own is simply verified again.

    Another person's stays theirs: two people are never made one, for two ballots would become one. So does one that another account
    was moved away from, as long as it is `barred`. Nothing is raised, so that the transaction writes the try down.
    """
    if not prove(session, kind=kind, address=address, code=code, secret_key=secret_key, now=now):
        return Linked.WRONG_CODE
    return add(session, person_id=person_id, kind=kind, address=address, secret_key=secret_key, now=now, barred=barred)


def add(
    session: Session,
    *,
    person_id: int,
    kind: AddressKind,
    address: str,
    secret_key: str,
    now: datetime,
    barred: retired.Barred = retired.ALWAYS,
) -> Linked:
    """Add an address that was proved elsewhere, as WeChat proves an openid; otherwise as `link`."""
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())
    known = known_as(session, kind=kind, address=address, secret_key=secret_key)
    digest = address_digest(secret_key, kind, address)
    free = known is None and _has_room(session, person_id)
    if free and retired.take(session, kind=kind, digest=digest, by=person_id, barred=barred, now=now):
        give(session, person_id=person_id, kind=kind, address=address, secret_key=secret_key, now=now)
        return Linked.ADDED
    if known is None or known.person_id != person_id:
        return Linked.NOT_HERE
    known.verified_at = known.verified_at or now
    session.flush()
    return Linked.ADDED


def _has_room(session: Session, person_id: int) -> bool:
    have = session.scalar(select(func.count()).select_from(Address).where(Address.person_id == person_id))
    return (have or 0) < ADDRESSES_EACH


def own(session: Session, *, person_id: int) -> list[OwnAddress]:
    """Return the addresses that a person can sign in by or be reached at, the first one first."""
    mine = (Address.person_id == person_id) & Address.kind.in_(KNOWN_BY)
    rows = session.execute(select(Address.kind, Address.value, Address.verified_at).where(mine).order_by(Address.id))
    return [OwnAddress(row.kind, mask(row.kind, row.value), row.verified_at is not None) for row in rows]
