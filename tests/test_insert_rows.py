"""Many rows at once must be the same rows as one by one, whatever the database does inside."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from c2b.db import Database, insert_rows
from c2b.people.models import Address, Person
from c2b.people.rules import AddressKind
from tests import make

AT = datetime(2027, 3, 8, 4, 0, 0, 123456, tzinfo=UTC)
TEXTS = ["plain", "", "tab\tand\nnew line", "back\\slash", "\\N", "中文 “引号” 'quoted'", "\\."]


def test_every_text_arrives_as_it_was(session: Session) -> None:
    insert_rows(
        session,
        Person,
        [{"ref": f"p{number}", "name": text, "locale": "", "viewer": number, "created_at": AT} for number, text in enumerate(TEXTS)],
    )
    assert list(session.scalars(select(Person.name).order_by(Person.viewer))) == TEXTS


def test_bytes_choices_nothing_and_instants_arrive_as_they_were(session: Session) -> None:
    person, digest = make.person(session), bytes(range(32))
    shanghai = AT.astimezone(timezone(timedelta(hours=8)))
    row = {"person_id": person.id, "kind": AddressKind.IMPORTED, "value": "v"}
    insert_rows(
        session,
        Address,
        [row | {"digest": digest, "verified_at": None}, row | {"digest": digest[::-1], "verified_at": shanghai}],
    )
    first, second = session.scalars(select(Address).order_by(Address.id))
    assert (first.kind, first.digest, first.verified_at) == (AddressKind.IMPORTED, digest, None)
    assert (second.digest, second.verified_at) == (digest[::-1], AT)


def test_a_time_without_its_zone_is_refused(database: Database) -> None:
    row = {"ref": "p", "name": "", "locale": "", "viewer": 1, "created_at": AT.replace(tzinfo=None)}
    with pytest.raises((StatementError, ValueError), match="zone"), database.transaction() as session:
        insert_rows(session, Person, [row])
    with database.reading() as session:
        assert session.scalars(select(Person)).all() == []


def test_what_a_constraint_refuses_leaves_no_row_behind(database: Database) -> None:
    rows = [{"ref": "same", "name": "", "locale": "", "viewer": number, "created_at": AT} for number in range(3)]
    with pytest.raises(Exception, match=r"(?i)unique"), database.transaction() as session:
        insert_rows(session, Person, rows)
    with database.reading() as session:
        assert session.scalars(select(Person)).all() == []
