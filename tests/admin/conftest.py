"""A shop with staff of every role, and a browser for each of them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import select

from c2b.app import create_app
from c2b.audit.models import AuditEntry
from c2b.db import Database
from c2b.people import actions as people
from c2b.people.rules import Role
from c2b.settings import Settings
from c2b.ui.shell import parts
from tests.web.pages import Browser

NOON = datetime(2027, 3, 8, 4, 0, tzinfo=UTC)
PASSWORD = "correct horse battery staple"
OWNER = "owner@example.com"


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path, clock: Clock) -> Iterator[Flask]:
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    values = {"database_url": url, "data": tmp_path, "secret_key": SecretStr("k" * 40), "base_url": "http://localhost"}
    made = create_app(Settings.model_validate(values), clock=clock)
    yield made
    with made.app_context():
        parts().database.close()


@pytest.fixture
def database(sqlite_database: Database) -> Database:
    """Pages don't depend on the database; SQLite is enough."""
    return sqlite_database


def account(database: Database, role: Role, email: str = "") -> str:
    """Make a staff account with a password and return its address."""
    address = email or f"{role.value}@example.com"
    with database.transaction() as session:
        people.add_staff(session, email=address, role=role, actor="cli:test", now=NOON, password=PASSWORD)
    return address


SignIn = Callable[..., Browser]


def spoken(browser: Browser) -> str:
    """Return the page's words with a space between elements, as they are read out."""
    return " ".join(" ".join(browser.tree.itertext()).split())


@pytest.fixture
def sign_in(app: Flask, database: Database) -> SignIn:
    """Return a function that makes an account of a role and signs it in; `looks`: who then asks for the counts."""

    def of(role: Role = Role.OWNER, language: str = "en", email: str = "", *, looks: bool = False) -> Browser:
        address = account(database, role, email)
        browser = Browser(app, language)
        browser.get("/admin/sign-in")
        browser.press({"en": "Sign in", "zh": "登录"}[language], email=address, password=PASSWORD)
        if looks:
            browser.get("/admin/ss27/")
            browser.press({"en": "Show counts", "zh": "查看票数"}[language])
        return browser

    return of


Logged = Callable[[str], list[AuditEntry]]


@pytest.fixture
def logged(database: Database) -> Logged:
    """Return a function that reads the audit log's entries of one action, oldest first."""

    def of(action: str) -> list[AuditEntry]:
        with database.reading() as session:
            return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action).order_by(AuditEntry.id)))

    return of
