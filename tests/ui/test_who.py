"""Who is behind a browser, and which pages they may open."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask import session as cookie

from c2b.db import Database
from c2b.people import actions as people
from c2b.people.models import Address
from c2b.people.rules import AddressKind, Permission, Role, address_digest
from c2b.ui import shell
from c2b.ui.access import public
from tests import make
from tests.ui.test_house import NOON, make_app


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_database, tmp_path)

    def mine() -> str:
        return shell.customer().address

    def counts() -> str:
        return shell.staff().email

    def open_page() -> str:
        known = shell.visitor()
        return f"{shell.viewer()} {known.ref if known else 'nobody'}"

    made.add_url_rule("/mine", "mine", shell.customer_required(mine), methods=["GET", "POST"])
    made.add_url_rule("/counts", "counts", shell.staff_required(Permission.COUNTS)(counts))
    made.add_url_rule("/desk", "desk", shell.staff_required()(counts))
    made.add_url_rule("/open", "open", public(open_page))
    made.add_url_rule("/forgotten", "forgotten", public(mine))
    made.add_url_rule("/forgotten-staff", "forgotten_staff", public(counts))
    yield made
    with made.app_context():
        shell.parts().database.close()


def customer_token(app: Flask, address: str = "") -> str:
    with app.app_context(), shell.transaction() as session:
        person = make.person(session, viewer=77)
        if address:
            digest = address_digest("k" * 40, AddressKind.EMAIL, address)
            session.add(Address(person_id=person.id, kind=AddressKind.EMAIL, value=address, digest=digest, verified_at=NOON))
        return people.start_login(session, person_id=person.id, now=NOON)


def staff_token(app: Flask, role: Role) -> str:
    email, password = f"{role}@example.com", "a long sentence of words"
    with app.app_context(), shell.transaction() as session:
        people.add_staff(session, email=email, role=role, actor="cli:test", now=NOON, password=password)
        return people.sign_in_staff(session, email=email, password=password, now=NOON)


def test_a_customers_page_asks_to_sign_in_and_comes_back(app: Flask) -> None:
    answer = app.test_client().get("/mine?a=1")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=%2Fmine%3Fa%3D1"


def test_a_guest_is_known_but_is_no_customer_yet(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["customer"] = customer_token(app)
    assert client.get("/mine").status_code == 303
    assert client.get("/open").text.startswith("77 ")


def test_a_signed_in_customer_opens_their_page(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["customer"] = customer_token(app, "anna@example.com")
    assert client.get("/mine").text == "a***@example.com"


def test_an_ended_login_opens_nothing_even_with_the_old_cookie(app: Flask) -> None:
    token = customer_token(app, "anna@example.com")
    with app.test_request_context("/"):
        shell.begin_login("customer", token)
        shell.end_login("customer")
        assert "customer" not in cookie
        assert shell.visitor() is None
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["customer"] = token
    assert client.get("/mine").status_code == 303


def test_signing_in_leaves_nothing_of_the_earlier_session_but_language_and_order(app: Flask) -> None:
    with app.test_request_context("/"):
        cookie.update(lang="en", viewer=5, csrf_token="known to somebody")
        shell.begin_login("customer", "token")
        assert dict(cookie) == {"lang": "en", "viewer": 5, "customer": "token", "_permanent": True}


@pytest.mark.parametrize(("role", "counts"), [(Role.OWNER, 200), (Role.MANAGER, 200), (Role.AUDITOR, 200), (Role.SUPPORT, 403)])
def test_staff_open_what_their_role_permits(app: Flask, role: Role, counts: int) -> None:
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["staff"] = staff_token(app, role)
    assert client.get("/desk").text == f"{role}@example.com"
    assert client.get("/counts").status_code == counts


def test_staff_pages_ask_staff_to_sign_in_and_a_customers_login_is_none(app: Flask) -> None:
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["staff"] = customer_token(app, "anna@example.com")
    answer = client.get("/desk")
    assert answer.status_code == 303
    assert answer.location == "/admin/sign-in?next=%2Fdesk"


@pytest.mark.parametrize("path", ["/forgotten", "/forgotten-staff"])
def test_a_view_that_forgot_its_guard_gets_nobody(app: Flask, path: str) -> None:
    assert app.test_client().get(path).status_code == 403


def test_a_viewer_keeps_their_number_and_no_two_get_the_same(app: Flask) -> None:
    first, second = app.test_client(), app.test_client()
    number = first.get("/open").text
    assert first.get("/open").text == number
    assert second.get("/open").text != number


@pytest.mark.parametrize("path", ["//evil.example.com", "https://evil.example.com/", "/\\evil.example.com", "evil", "", "/a\\b"])
def test_the_way_back_leads_only_to_this_shop(path: str) -> None:
    assert shell.local(path, "/me") == "/me"
    assert shell.local("/c/ss27/?page=2#K1") == "/c/ss27/?page=2#K1"
