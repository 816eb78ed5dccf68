"""A person's data in this room: given out, and gone. What remains is a row without name or address that ballots and orders hang on."""

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from c2b.errors import N_, Invalid, NotFound
from c2b.people import lost, retired
from c2b.people.codes import known_as
from c2b.people.models import Address, Login, LostAddress, OneTimeCode, Person, RetiredAddress
from c2b.people.rules import KNOWN_BY, AddressKind, address_digest

Exported = dict[str, Any]
"""What JSON can hold; times as ISO 8601 texts."""


def find(session: Session, *, address: str, secret_key: str) -> Person:
    """Return the person known by an e-mail address, telephone number or openid, locked; raises NotFound."""
    found = (_known(session, kind, address, secret_key) for kind in KNOWN_BY)
    known = next((each for each in found if each), None)
    if known is None:
        raise NotFound(N_("Nobody is known by this address"))
    return session.scalars(select(Person).where(Person.id == known.person_id).with_for_update()).one()


def _known(session: Session, kind: AddressKind, address: str, secret_key: str) -> Address | None:
    try:
        return known_as(session, kind=kind, address=address, secret_key=secret_key)
    except Invalid:
        return None


def exported(session: Session, person: Person) -> Exported:
    """Return who the person is, by which addresses, which kinds they gave up (kept as hashes alone), and when they signed in."""
    addresses = session.execute(select(Address.kind, Address.value, Address.verified_at).where(Address.person_id == person.id))
    logins = session.execute(select(Login.created_at, Login.expires_at, Login.revoked_at).where(Login.person_id == person.id))
    given_up = session.execute(select(RetiredAddress.kind, RetiredAddress.retired_at).where(RetiredAddress.person_id == person.id))
    digests = _digests(session, person)
    asked = session.scalars(select(LostAddress).where(LostAddress.old_digest.in_(digests) | LostAddress.new_digest.in_(digests)))
    return {
        "ref": person.ref,
        "name": person.name,
        "size": person.size,
        "language": person.locale,
        "since": person.created_at.isoformat(),
        "addresses": [{"kind": row.kind.value, "address": row.value, "verified_at": moment(row.verified_at)} for row in addresses],
        "addresses_given_up": [{"kind": row.kind.value, "at": moment(row.retired_at)} for row in given_up],
        "logins": [{"begun": moment(row.created_at), "ends": moment(row.revoked_at or row.expires_at)} for row in logins],
        "moves_asked_for": [
            {"old": each.old_value, "new": each.new_value, "words": each.words, "at": moment(each.asked_at), "state": each.state.value}
            for each in asked
        ],
    }


def moment(at: datetime | None) -> str | None:
    """Return a time as JSON carries it."""
    return at.isoformat() if at else None


def is_theirs(session: Session, person: Person, *, secret_key: str) -> "Theirs":
    """Return what tells whether a message went to the person, however the address was written then."""
    kinds = session.scalars(select(Address.kind).where(Address.person_id == person.id).distinct())
    return Theirs(frozenset(_digests(session, person)), frozenset(kind.value for kind in kinds), secret_key)


class Theirs:
    """Tells by channel and recipient whether a message was one person's."""

    def __init__(self, digests: frozenset[bytes], channels: frozenset[str], secret_key: str) -> None:
        self._digests, self.channels, self._secret_key = digests, channels, secret_key

    def __call__(self, channel: str, recipient: str) -> bool:
        """Compare as sign-in does; what is no address was nobody's."""
        try:
            return address_digest(self._secret_key, AddressKind(channel), recipient) in self._digests
        except (Invalid, ValueError):
            return False


def erase(session: Session, person: Person) -> None:
    """Take name, size, language, addresses, codes, logins and requests away; the row stays, for its ballots and closed orders."""
    digests = _digests(session, person)
    lost.forget(session, digests=digests)
    session.execute(delete(OneTimeCode).where(OneTimeCode.digest.in_(digests)))
    retired.release(session, digests=digests)
    session.execute(delete(Login).where(Login.person_id == person.id))
    session.execute(delete(Address).where(Address.person_id == person.id))
    session.execute(update(Person).where(Person.id == person.id).values(name="", size="", locale=""))
    session.expire(person)


def _digests(session: Session, person: Person) -> list[bytes]:
    """Return what the person is known by, and was before: messages went there too."""
    now, before = select(Address.digest), select(RetiredAddress.digest)
    both = now.where(Address.person_id == person.id).union_all(before.where(RetiredAddress.person_id == person.id))
    return list(session.scalars(both))
