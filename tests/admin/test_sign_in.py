"""How staff come in and go out."""

from datetime import timedelta

import pytest
from flask import Flask

from c2b.db import Database
from c2b.people import actions as people
from c2b.people.rules import Role
from tests.admin.conftest import NOON, PASSWORD, Clock, SignIn, account
from tests.web.pages import Browser


def test_staff_sign_in_and_see_the_campaigns(sign_in: SignIn) -> None:
    browser = sign_in()
    assert browser.url == "/admin/"
    assert "No campaign yet" in browser.words
    assert "owner@example.com" in browser.words


def test_a_wrong_password_says_so_keeps_the_address_and_names_no_cause(app: Flask, database: Database) -> None:
    account(database, Role.OWNER)
    browser = Browser(app)
    browser.get("/admin/sign-in")
    browser.press("Sign in", email="owner@example.com", password="wrong", expect=409)
    known = browser.words
    assert "The e-mail address or the password is wrong" in known
    assert 'value="owner@example.com"' in browser.html
    assert "wrong" not in browser.html.split("</main>")[0].split('name="password"')[1][:60]
    browser.press("Sign in", email="nobody@example.com", password="wrong", expect=409)
    assert browser.words == known
    assert browser.html.count("<title>Error: ") == 1


def test_guessing_a_password_ends_after_five_tries_until_a_minute_has_passed(app: Flask, database: Database, clock: Clock) -> None:
    account(database, Role.OWNER)
    browser = Browser(app)
    browser.get("/admin/sign-in")
    for _ in range(5):
        browser.press("Sign in", email="owner@example.com", password="wrong", expect=409)
    browser.press("Sign in", email="owner@example.com", password=PASSWORD, expect=409)
    clock.now += timedelta(minutes=1)
    browser.press("Sign in", email="owner@example.com", password=PASSWORD)
    assert browser.url == "/admin/"


def test_who_wanted_a_page_gets_it_after_signing_in(app: Flask, database: Database) -> None:
    account(database, Role.OWNER)
    browser = Browser(app)
    browser.get("/admin/staff")
    assert browser.url == "/admin/sign-in?next=/admin/staff" or browser.url.startswith("/admin/sign-in?next=")
    browser.press("Sign in", email="owner@example.com", password=PASSWORD)
    assert browser.url == "/admin/staff"


@pytest.mark.parametrize("elsewhere", ["https://evil.example.com/", "//evil.example.com/", "/\\evil.example.com"])
def test_a_link_to_the_sign_in_page_cannot_lead_elsewhere(app: Flask, database: Database, elsewhere: str) -> None:
    account(database, Role.OWNER)
    page = Browser(app)
    page.get("/admin/sign-in", query_string={"next": elsewhere})
    page.press("Sign in", email="owner@example.com", password=PASSWORD)
    assert page.url == "/admin/"


def test_signing_out_ends_the_login_on_the_server_too(sign_in: SignIn) -> None:
    browser = sign_in()
    cookie = browser.client.get_cookie("c2b")
    assert cookie is not None
    browser.press("Sign out")
    assert "You are signed out" in browser.words
    browser.client.set_cookie("c2b", cookie.value)  # whoever kept a copy of it has nothing
    browser.get("/admin/")
    assert browser.url.startswith("/admin/sign-in")


def test_a_login_ends_after_twelve_hours(sign_in: SignIn, clock: Clock) -> None:
    browser = sign_in()
    clock.now = NOON.replace(hour=16)
    browser.get("/admin/")
    assert browser.url.startswith("/admin/sign-in")


def test_a_set_up_link_sets_a_password_once(app: Flask, database: Database) -> None:
    with database.transaction() as session:
        token = people.add_staff(session, email="new@example.com", role=Role.FINANCE, actor="cli:test", now=NOON)
    browser = Browser(app)
    browser.get(f"/admin/set-up/{token}")
    browser.press("Save and sign in", password="short", expect=400)
    assert "at least 12 characters" in browser.words
    browser.press("Save and sign in", password=PASSWORD)
    assert browser.url == "/admin/"
    late = Browser(app)
    late.get(f"/admin/set-up/{token}")
    late.press("Save and sign in", password=PASSWORD, expect=409)
    assert "used or has expired" in late.words


def test_a_set_up_link_expires(app: Flask, database: Database, clock: Clock) -> None:
    with database.transaction() as session:
        token = people.add_staff(session, email="new@example.com", role=Role.FINANCE, actor="cli:test", now=NOON)
    clock.now = NOON.replace(day=12)
    browser = Browser(app)
    browser.get(f"/admin/set-up/{token}")
    browser.press("Save and sign in", password=PASSWORD, expect=409)
    assert "used or has expired" in browser.words
