"""The way back for who can't reach their address any more: two agree, the old address may object, then the account moves."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Problem, Refused
from c2b.jobs.models import Job
from c2b.jobs.worker import run_due
from c2b.messages.models import Message
from c2b.people import actions, lost
from c2b.people.models import Address, LostAddress, Person
from c2b.people.queries import who
from c2b.people.rules import OBJECTION, AddressKind, LostState, address_digest
from tests import make

KEY = "k" * 32
EMAIL = AddressKind.EMAIL
OLD, NEW = "anna@example.com", "anna.new@example.org"
FIRST, SECOND = "staff:first@example.com", "staff:second@example.com"


def code_for(session: Session, now: datetime, address: str = NEW) -> str:
    return actions.send_code(session, kind=EMAIL, address=address, locale="en", secret_key=KEY, now=now)


def ask(session: Session, now: datetime, *, old: str = OLD, new: str = NEW, code: str = "", words: str = "My phone fell in a lake") -> bool:
    proof = code or code_for(session, now, new)
    return lost.ask(session, kind=EMAIL, old=old, new=new, code=proof, words=words, locale="en", secret_key=KEY, now=now)


def asked(session: Session, now: datetime, **changes: Any) -> str:
    assert ask(session, now, **changes)
    return session.scalars(select(LostAddress.ref).order_by(LostAddress.id.desc())).first() or ""


def approved(session: Session, now: datetime) -> str:
    ref = asked(session, now)
    lost.propose(session, ref=ref, reason="Order number fits", actor=FIRST, now=now)
    lost.approve(session, ref=ref, actor=SECOND, now=now)
    return ref


def known(session: Session, address: str = OLD, **changes: Any) -> Person:
    person = make.person(session)
    make.address(session, person, address, digest=address_digest(KEY, EMAIL, address), **changes)
    return person


def state(session: Session) -> LostState:
    session.expire_all()
    return session.scalars(select(LostAddress.state)).one()


def told(session: Session) -> list[tuple[str, str]]:
    query = select(Message.template, Message.recipient).where(Message.template.startswith("address_")).order_by(Message.id)
    return [(template, to) for template, to in session.execute(query)]


def token(session: Session) -> str:
    fields = session.scalars(select(Message.fields).where(Message.template == "address_lost")).one()
    return str(fields["path"]).rpartition("/")[2]


def work(database: Database, now: datetime) -> int:
    return run_due(database, {"people.move_account": lost.move_account}, now=lambda: now)


def test_known_and_unknown_addresses_leave_the_same_trace(session: Session, now: datetime) -> None:
    known(session)
    assert ask(session, now) is ask(session, now, old="nobody@example.com", new="bert@example.org") is True
    assert ask(session, now, code="000000") is ask(session, now, old="nobody@example.com", code="000000") is False
    assert told(session) == [], "nobody is written to before staff have looked"


def test_the_new_address_has_to_be_proved(session: Session, now: datetime) -> None:
    code = code_for(session, now)
    assert not ask(session, now, code=f"{(int(code) + 1) % 1_000_000:06d}")
    assert session.scalars(select(LostAddress)).all() == []
    assert ask(session, now, code=code)


def test_what_is_no_address_is_said_at_the_old_ones_field(session: Session, now: datetime) -> None:
    with pytest.raises(Invalid) as refused:
        ask(session, now, old="anna")
    assert refused.value.field == "old"


def test_staff_see_masks_and_whether_there_is_an_account_and_nothing_else(session: Session, now: datetime) -> None:
    known(session)
    asked(session, now)
    asked(session, now, old="nobody@example.com", new="bert@example.org")
    without, with_account = lost.requests(session)
    assert (with_account.old, with_account.new, with_account.words) == ("a***@example.com", "a***@example.org", "My phone fell in a lake")
    assert (with_account.known_since, with_account.possible) == (make.OPENS, True)
    assert (without.known_since, without.possible) == (None, False)
    assert OLD not in repr(with_account)


def test_decided_requests_stand_below_those_that_wait(session: Session, now: datetime) -> None:
    first, second = asked(session, now), asked(session, now, new="b@example.org")
    lost.refuse(session, ref=second, reason="no", actor=FIRST, now=now)
    assert [each.ref for each in lost.requests(session)] == [first, second]


def test_two_people_agree_and_the_old_address_is_told_at_once_how_to_object(session: Session, now: datetime) -> None:
    known(session)
    ref = approved(session, now)
    assert state(session) is LostState.WAITING
    assert told(session) == [("address_lost", OLD)]
    assert lost.requests(session)[0].moves_at == now + OBJECTION
    entries = session.execute(select(AuditEntry.actor, AuditEntry.action, AuditEntry.object).order_by(AuditEntry.id)).all()
    assert [tuple(entry) for entry in entries] == [(FIRST, "people.propose_move", ref), (SECOND, "people.approve_move", ref)]
    stored = session.scalars(select(LostAddress.stop_hash)).one()
    assert stored
    assert token(session).encode() not in stored


def test_nobody_agrees_with_themselves(session: Session, now: datetime) -> None:
    known(session)
    ref = asked(session, now)
    lost.propose(session, ref=ref, reason="fits", actor=FIRST, now=now)
    with pytest.raises(Refused, match="somebody else"):
        lost.approve(session, ref=ref, actor=FIRST, now=now)
    assert told(session) == []


def test_the_database_knows_it_too(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        asked(session, now)
    with pytest.raises(IntegrityError), database.transaction() as session:
        row = session.scalars(select(LostAddress)).one()
        row.proposed_by, row.approved_by, row.approved_at = FIRST, FIRST, now


@pytest.mark.parametrize("actor", ["cli:root", "worker", "customer"])
def test_only_members_of_staff_decide(session: Session, now: datetime, actor: str) -> None:
    known(session)
    ref = asked(session, now)
    with pytest.raises(Refused, match="signed-in"):
        lost.propose(session, ref=ref, reason="fits", actor=actor, now=now)
    session.rollback()


@pytest.mark.parametrize(("act", "error"), [("approve", NotFound), ("propose again", NotFound), ("no reason", Invalid)])
def test_the_steps_have_an_order_and_a_reason(session: Session, now: datetime, act: str, error: type[Problem]) -> None:
    known(session)
    ref = asked(session, now)
    with pytest.raises(error):
        match act:
            case "approve":
                lost.approve(session, ref=ref, actor=SECOND, now=now)
            case "propose again":
                lost.propose(session, ref=ref, reason="fits", actor=FIRST, now=now)
                lost.propose(session, ref=ref, reason="fits", actor=SECOND, now=now)
            case _:
                lost.propose(session, ref=ref, reason="  ", actor=FIRST, now=now)


def test_there_is_nothing_to_move_from_an_address_that_nobody_has(session: Session, now: datetime) -> None:
    with pytest.raises(Refused, match="no account"):
        lost.propose(session, ref=asked(session, now), reason="fits", actor=FIRST, now=now)


def test_two_accounts_are_never_joined(session: Session, now: datetime) -> None:
    known(session)
    known(session, NEW)
    ref = asked(session, now)
    assert lost.requests(session)[0].taken
    with pytest.raises(Refused, match="never joined"):
        lost.propose(session, ref=ref, reason="fits", actor=FIRST, now=now)


@pytest.mark.parametrize(("later", "moved"), [(timedelta(hours=71, minutes=59), False), (OBJECTION, True)])
def test_after_72_hours_without_objection_the_account_belongs_to_the_new_address(
    database: Database, now: datetime, later: timedelta, *, moved: bool
) -> None:
    with database.transaction() as session:
        person = known(session)
        login = actions.start_login(session, person_id=person.id, now=now)
        approved(session, now)
    assert work(database, now + later) == int(moved)
    with database.transaction() as session:
        address = session.scalars(select(Address)).one()
        assert (address.person_id, address.value) == (person.id, NEW if moved else OLD)
        assert (who(session, token=login, now=now + later) is None) is moved, "everybody is signed out"
        assert state(session) is (LostState.DONE if moved else LostState.WAITING)
        assert (("address_moved", NEW) in told(session)) is moved


def test_the_person_signs_in_by_the_new_address_and_nobody_by_the_old_one(database: Database, now: datetime) -> None:
    after = now + OBJECTION
    with database.transaction() as session:
        person = known(session)
        approved(session, now)
    work(database, after)
    facts: dict[str, Any] = {"kind": EMAIL, "guest_id": None, "viewer": 2, "locale": "en", "secret_key": KEY, "now": after}
    with database.transaction() as session:
        owner = actions.check_code(session, address=NEW, code=code_for(session, after), **facts)
        assert owner is not None
        assert owner.id == person.id
        with pytest.raises(Refused, match="at the moment"):
            actions.check_code(session, address=OLD, code=code_for(session, after, OLD), **facts)


def test_who_reads_the_old_address_stops_it(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        known(session)
        approved(session, now)
        lost.stop(session, token=token(session), now=now + timedelta(hours=1))
        assert state(session) is LostState.STOPPED
        assert told(session)[-1] == ("address_kept", NEW)
    work(database, now + OBJECTION)
    with database.transaction() as session:
        assert session.scalars(select(Address.value)).one() == OLD
        with pytest.raises(Refused, match="used"):
            lost.stop(session, token=token(session), now=now + OBJECTION)


def test_once_moved_the_old_link_does_nothing(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        known(session)
        approved(session, now)
    work(database, now + OBJECTION)
    with database.transaction() as session, pytest.raises(Refused, match="too old"):
        lost.stop(session, token=token(session), now=now + OBJECTION)


@pytest.mark.parametrize("guess", ["", "x", "0" * 16])
def test_nobody_guesses_the_link(session: Session, now: datetime, guess: str) -> None:
    known(session)
    approved(session, now)
    with pytest.raises(Refused):
        lost.stop(session, token=guess, now=now)
    assert state(session) is LostState.WAITING


@pytest.mark.parametrize("when", ["asked", "proposed", "waiting"])
def test_a_request_can_be_refused_until_it_is_done(database: Database, now: datetime, when: str) -> None:
    with database.transaction() as session:
        known(session)
        ref = approved(session, now) if when == "waiting" else asked(session, now)
        if when == "proposed":
            lost.propose(session, ref=ref, reason="fits", actor=FIRST, now=now)
        lost.refuse(session, ref=ref, reason="The order number is wrong", actor=SECOND, now=now)
        assert told(session)[-1] == ("address_kept", NEW)
        with pytest.raises(NotFound):
            lost.refuse(session, ref=ref, reason="again", actor=SECOND, now=now)
    work(database, now + OBJECTION)
    with database.transaction() as session:
        assert session.scalars(select(Address.value)).one() == OLD


def test_an_address_taken_meanwhile_stops_the_move_by_itself(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        known(session)
        approved(session, now)
        known(session, NEW)
    work(database, now + OBJECTION)
    with database.transaction() as session:
        assert sorted(session.scalars(select(Address.value))) == sorted([OLD, NEW])
        assert state(session) is LostState.REFUSED
        assert "never joined" in session.scalars(select(LostAddress.reason)).one()
        assert [job.state.value for job in session.scalars(select(Job).where(Job.kind == "people.move_account"))] == ["done"]


def test_doing_it_twice_is_doing_it_once(database: Database, now: datetime) -> None:
    with database.transaction() as session:
        known(session)
        ref = approved(session, now)
    for _ in range(2):
        lost.move_account(database, {"ref": ref}, now + OBJECTION)
    with database.transaction() as session:
        assert [template for template, _ in told(session)] == ["address_lost", "address_moved"]


def test_what_requests_say_can_be_forgotten_and_what_is_open_ends(session: Session, now: datetime) -> None:
    known(session)
    ref = approved(session, now)
    lost.forget(session, digests=[address_digest(KEY, EMAIL, OLD)])
    session.expire_all()
    row = session.scalars(select(LostAddress)).one()
    assert (row.ref, row.old_value, row.new_value, row.words, row.state) == (ref, "", "", "", LostState.REFUSED)
    assert (row.old_digest, row.new_digest, row.approved_by) == (bytes(32), bytes(32), SECOND)


@pytest.mark.parametrize("moved", [True, False])
def test_what_was_decided_before_stays_decided(database: Database, now: datetime, *, moved: bool) -> None:
    with database.transaction() as session:
        known(session)
        ref = approved(session, now)
        if not moved:
            lost.stop(session, token=token(session), now=now)
    work(database, now + OBJECTION)
    with database.transaction() as session:
        lost.forget(session, digests=[address_digest(KEY, EMAIL, NEW)])
        assert state(session) is (LostState.DONE if moved else LostState.STOPPED)
        assert lost.requests(session)[0].ref == ref
