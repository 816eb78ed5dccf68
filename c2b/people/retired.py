"""Addresses that an account was moved away from: nobody's for a while, so that who reads them has no second ballot.

Only the keyed hash is kept. How long is for the room to say that knows of ballots; where it doesn't, an address stays barred.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, select, true
from sqlalchemy.orm import Session

from c2b.audit import actions as audit
from c2b.errors import N_
from c2b.people.models import Address, Person, RetiredAddress
from c2b.people.rules import AddressKind

Barred = ColumnElement[bool]
"""Whether the address of a row of `RetiredAddress` can't have a new owner yet, as part of a larger statement."""
ALWAYS: Barred = true()
NOT_NOW = N_("This address can't be used in this shop at the moment; use another one, or write to us")
"""Said plainly, but to nobody who hasn't proved that they read the address."""


@dataclass(frozen=True)
class Former:
    """Whose an address was, and whether it can't have a new owner yet."""

    person_id: int
    barred: bool


def retire(session: Session, *, address: Address, now: datetime) -> None:
    """Keep the hash of the address that an account is about to be moved away from."""
    session.add(RetiredAddress(person_id=address.person_id, kind=address.kind, digest=address.digest, retired_at=now))
    session.flush()


def former(session: Session, *, kind: AddressKind, digest: bytes, barred: Barred = ALWAYS) -> Former | None:
    """Return whose the address was, if an account was moved away from it and nobody has it since."""
    own = (RetiredAddress.kind == kind) & (RetiredAddress.digest == digest)
    row = session.execute(select(RetiredAddress.person_id, barred).where(own)).one_or_none()
    return Former(row[0], bool(row[1])) if row else None


def take(session: Session, *, kind: AddressKind, digest: bytes, by: int | None, barred: Barred, now: datetime) -> bool:
    """Free an address for who has proved that they read it, the person `by` or somebody new; False while it is barred for them.

    Its former owner may always have it back: it leads to the ballots that it led to before.
    """
    before = former(session, kind=kind, digest=digest, barred=barred)
    if before is None:
        return True
    if before.person_id != by:
        if before.barred:
            return False
        ref = session.scalars(select(Person.ref).where(Person.id == before.person_id)).one()
        audit.record(session, actor="customer", action="people.reuse_address", object=ref, now=now)
    release(session, digests=[digest])
    return True


def release(session: Session, *, digests: Collection[bytes]) -> None:
    """Let addresses have an owner again."""
    session.execute(delete(RetiredAddress).where(RetiredAddress.digest.in_(digests)))
