"""Many at once at the doors where people become somebody: one browser, one guest; one code, one ballot; one agreement, one move."""

import contextlib
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from c2b.db import Database
from c2b.errors import NotFound, Refused
from c2b.messages.models import Message
from c2b.people import actions as people
from c2b.people import addresses, codes, lost
from c2b.people.addresses import Linked
from c2b.people.models import Address, Login, LostAddress, Person
from c2b.people.rules import CUSTOMER_LOGIN, OBJECTION, AddressKind, LostState, address_digest
from c2b.voting import actions, checks, entering
from c2b.voting.entering import Entered
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import Touch
from tests import make
from tests.safety.test_vote_races import at_once, guards_off

CLIENTS = 24
NOW = make.OPENS + timedelta(days=1)
KEY = "k" * 32
EMAIL = AddressKind.EMAIL
ANNA = "anna@example.com"


@pytest.fixture(autouse=True)
def few_connections(database: Database) -> None:
    """Let several races run beside each other on one server: clients wait for a connection, transactions still overlap."""
    pool = database.engine.pool
    assert isinstance(pool, QueuePool)
    pool._max_overflow = 14


def count(database: Database, table: type[Person | Login | Ballot | Pick | Address]) -> int:
    with database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def first_tap(database: Database, now: datetime = NOW) -> tuple[int, str]:
    with database.transaction() as session:
        return people.first_login(session, viewer=7, locale="en", secret_key=KEY, now=now)


def test_first_taps_of_one_browser_at_once_are_one_guest(database: Database) -> None:
    found: list[tuple[int, str]] = []
    heard = at_once(CLIENTS, lambda _: found.append(first_tap(database)))
    assert [each for each in heard if each] == []
    assert len(set(found)) == 1
    assert (count(database, Person), count(database, Login)) == (1, 1)


def test_first_taps_after_the_login_has_expired_are_one_new_guest(database: Database) -> None:
    first_tap(database)
    found: list[tuple[int, str]] = []
    heard = at_once(CLIENTS, lambda _: found.append(first_tap(database, NOW + CUSTOMER_LOGIN)))
    assert [each for each in heard if each] == []
    assert len(set(found)) == 1
    assert (count(database, Person), count(database, Login)) == (2, 2)


def test_control_without_the_browsers_own_token_each_tap_would_be_a_guest(database: Database) -> None:
    def tap(_number: int) -> None:
        with database.transaction() as session:
            guest = people.new_guest(session, viewer=7, locale="en", now=NOW)
            people.start_login(session, person_id=guest.id, now=NOW)

    at_once(CLIENTS, tap)
    assert count(database, Person) == CLIENTS


def counter_code(database: Database) -> str:
    with database.transaction() as session:
        campaign = make.campaign(session, votes_each=3)
        for number in range(4):
            make.candidate(session, campaign, f"K{number}", sizes="", position=number)
        return entering.send_code(session, slug="ss27", address=ANNA, locale="en", secret_key=KEY, now=NOW)


def enter(database: Database, code: str, number: int) -> Entered | None:
    facts = {"slug": "ss27", "address": ANNA, "locale": "en", "secret_key": KEY}
    with database.transaction() as session:
        actor = f"staff:till{number}@example.com"
        return entering.enter(session, code=code, picks=[f"K{number % 4}"], viewer=number, actor=actor, now=NOW, **facts)


def test_one_code_at_many_counters_is_one_ballot(database: Database) -> None:
    code, entered = counter_code(database), list[Entered | None]()
    heard = at_once(5, lambda number: entered.append(enter(database, code, number)))
    assert [each for each in heard if each] == []
    assert len([each for each in entered if each]) == 1, "the others heard that the code isn't valid any more"
    assert (count(database, Ballot), count(database, Pick), count(database, Person)) == (1, 1, 1)


def meet_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make two wait for each other once both have seen that a code is unused; with the lock the second never comes that far."""
    both = threading.Barrier(2, timeout=10)
    is_dead = codes._is_dead

    def slow(*values: Any) -> bool:
        dead = is_dead(*values)
        with contextlib.suppress(threading.BrokenBarrierError):
            both.wait()
        return dead

    monkeypatch.setattr(codes, "_is_dead", slow)


def test_without_its_lock_one_code_would_be_used_at_two_counters(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    code = counter_code(database)
    guards_off(monkeypatch, database)
    meet_with_the_code(monkeypatch)
    entered: list[Entered | None] = []
    heard = [each for each in at_once(2, lambda number: entered.append(enter(database, code, number))) if each]
    assert len(heard) == 1, "it went on as if the code were valid"
    assert isinstance(heard[0], Refused | DBAPIError)
    assert (count(database, Ballot), count(database, Person)) == (1, 1)


def test_a_customer_who_taps_while_the_assistant_enters_has_one_whole_ballot(database: Database) -> None:
    code = counter_code(database)
    with database.transaction() as session:
        person = make.person(session)
        make.address(session, person, ANNA, digest=address_digest(KEY, EMAIL, ANNA))

    def act(number: int) -> None:
        if number == 0:
            enter(database, code, 0)
            return
        with database.transaction() as session:
            actions.vote(session, slug="ss27", code=f"K{number}", person_id=person.id, touch=Touch(), now=NOW)

    heard = [each for each in at_once(4, act) if each]
    assert all(isinstance(each, Refused) for each in heard)
    with database.reading() as session:
        assert checks.checks(session) == []
    assert count(database, Ballot) == 1
    assert 3 <= count(database, Pick) + len(heard) <= 4


def link(database: Database, person: int, code: str) -> Linked:
    with database.transaction() as session:
        facts = {"person_id": person, "kind": EMAIL, "address": ANNA, "code": code, "secret_key": KEY}
        return addresses.link(session, now=NOW, **facts)  # type: ignore[arg-type]  # the names fit


def wanting(database: Database, many: int) -> tuple[list[int], str]:
    """Make people who all want one address, and the code that was sent there."""
    with database.transaction() as session:
        found = [make.person(session).id for _ in range(many)]
        return found, people.send_code(session, kind=EMAIL, address=ANNA, locale="en", secret_key=KEY, now=NOW)


def test_one_address_wanted_by_many_goes_to_one_of_them(database: Database) -> None:
    (who, code), answers = wanting(database, 5), list[Linked]()
    heard = at_once(5, lambda number: answers.append(link(database, who[number], code)))
    assert [each for each in heard if each] == []
    assert sorted(answers) == [Linked.ADDED] + [Linked.WRONG_CODE] * 4
    assert count(database, Address) == 1


def test_without_its_lock_one_code_would_give_the_address_to_two(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    (who, code), answers = wanting(database, 2), list[Linked]()
    guards_off(monkeypatch, database)
    meet_with_the_code(monkeypatch)
    heard = at_once(2, lambda number: answers.append(link(database, who[number], code)))
    assert sorted(answers) == [Linked.ADDED, Linked.NOT_HERE] or any(isinstance(each, DBAPIError) for each in heard)
    assert count(database, Address) == 1


def agreed(database: Database) -> str:
    """Let a request be proposed by the first of two."""
    with database.transaction() as session:
        make.address(session, make.person(session), ANNA, digest=address_digest(KEY, EMAIL, ANNA))
        code = people.send_code(session, kind=EMAIL, address="new@example.org", locale="en", secret_key=KEY, now=NOW)
        facts = {"old": ANNA, "new": "new@example.org", "code": code, "words": "", "locale": "en", "secret_key": KEY}
        assert lost.ask(session, kind=EMAIL, now=NOW, **facts)
        ref = lost.requests(session)[0].ref
        lost.propose(session, ref=ref, reason="fits", actor="staff:first@example.com", now=NOW)
        return ref


def test_many_agree_and_one_message_goes_to_the_old_address(database: Database) -> None:
    ref = agreed(database)

    late: list[int] = []

    def approve(number: int) -> None:
        try:
            with database.transaction() as session:
                lost.approve(session, ref=ref, actor=f"staff:second{number}@example.com", now=NOW)
        except NotFound:
            late.append(number)

    assert [each for each in at_once(8, approve) if each] == []
    assert len(late) == 7
    with database.reading() as session:
        assert len(session.scalars(select(Message).where(Message.template == "address_lost")).all()) == 1


def test_an_objection_and_the_move_at_the_same_moment_end_in_one_of_the_two(database: Database) -> None:
    ref = agreed(database)
    with database.transaction() as session:
        lost.approve(session, ref=ref, actor="staff:second@example.com", now=NOW)
        path = str(session.scalars(select(Message.fields).where(Message.template == "address_lost")).one()["path"])

    def act(number: int) -> None:
        if number % 2:
            lost.move_account(database, {"ref": ref}, NOW + OBJECTION)
            return
        with database.transaction() as session:
            lost.stop(session, token=path.rpartition("/")[2], now=NOW + OBJECTION)

    at_once(8, act)
    with database.reading() as session:
        state, value = session.scalars(select(LostAddress.state)).one(), session.scalars(select(Address.value)).one()
    assert (state, value) in {(LostState.DONE, "new@example.org"), (LostState.STOPPED, ANNA)}
