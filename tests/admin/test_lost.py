"""The desk for lost addresses: always two people."""

from datetime import datetime

import pytest

from c2b.db import Database
from c2b.people import actions, lost
from c2b.people.rules import AddressKind, LostState, Role, address_digest
from tests import make
from tests.admin.conftest import NOON, SignIn

KEY = "k" * 40


@pytest.fixture
def request_of_anna(database: Database) -> str:
    with database.transaction() as session:
        make.address(session, make.person(session), "anna@example.com", digest=address_digest(KEY, AddressKind.EMAIL, "anna@example.com"))
    return asked(database, NOON)


def asked(database: Database, now: datetime, old: str = "anna@example.com") -> str:
    new = f"new.{old}"
    with database.transaction() as session:
        code = actions.send_code(session, kind=AddressKind.EMAIL, address=new, locale="en", secret_key=KEY, now=now)
        facts = {"old": old, "new": new, "code": code, "words": "My phone fell in a lake", "locale": "en", "secret_key": KEY}
        assert lost.ask(session, kind=AddressKind.EMAIL, now=now, **facts)
        return lost.requests(session)[0].ref


def state(database: Database) -> LostState:
    with database.reading() as session:
        return lost.requests(session)[0].state


@pytest.mark.usefixtures("request_of_anna")
def test_one_proposes_and_another_agrees(database: Database, sign_in: SignIn) -> None:
    first = sign_in(Role.SUPPORT)
    first.get("/admin/lost")
    assert "a***@example.com" in first.words
    assert "My phone fell in a lake" in first.words
    assert "anna@example.com" not in first.html
    first.press("Propose the move", reason="Order number fits")
    assert "Somebody else has to agree." in first.words
    assert "Agree" not in [button.text for button in first.tree.iter("button")], "not the one who proposed it"
    second = sign_in(Role.OWNER)
    second.get("/admin/lost")
    assert "Order number fits" in second.words
    second.press("Agree")
    assert state(database) is LostState.WAITING
    assert "The old address may object" in second.words


@pytest.mark.usefixtures("request_of_anna")
def test_agreeing_with_oneself_by_a_hand_made_form_is_refused(database: Database, sign_in: SignIn) -> None:
    first = sign_in(Role.SUPPORT)
    first.get("/admin/lost")
    form = first.html
    first.press("Propose the move", reason="fits")
    first.html = form.replace("/admin/lost/propose", "/admin/lost/approve")
    first.press("Propose the move", expect=409)
    assert "somebody else has to agree" in first.words
    assert state(database) is LostState.PROPOSED


@pytest.mark.usefixtures("request_of_anna")
def test_a_decision_needs_its_reason(database: Database, sign_in: SignIn) -> None:
    staff = sign_in(Role.SUPPORT)
    staff.get("/admin/lost")
    staff.press("Refuse", expect=400)
    assert "Say why" in staff.words
    staff.press("Refuse", reason="No order of that number")
    assert state(database) is LostState.REFUSED
    assert "Refused. Nothing moves." in staff.words
    assert "Propose the move" not in staff.words


def test_where_there_is_no_account_nothing_can_be_proposed(database: Database, sign_in: SignIn) -> None:
    asked(database, NOON, "nobody@example.com")
    staff = sign_in(Role.SUPPORT)
    staff.get("/admin/lost")
    assert "The old address leads to no account." in staff.words
    assert "Propose the move" not in staff.words


def test_without_requests_the_page_says_where_they_come_from(sign_in: SignIn) -> None:
    staff = sign_in(Role.SUPPORT)
    staff.get("/admin/lost")
    assert "No requests" in staff.words
