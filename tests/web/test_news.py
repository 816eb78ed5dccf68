"""Refusing news: by the link of a mail without signing in, by a mail program's one click, and on one's own page."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.db import Database
from c2b.messages import refusing
from c2b.messages.models import OptOut
from c2b.people.models import Person
from tests.web.pages import Browser

Open = Callable[..., Browser]
KEY = "k" * 40
pytestmark = pytest.mark.usefixtures("campaign")


def link(reader: str = "anna-ref") -> str:
    return f"/opt-out/{refusing.token(KEY, reader)}"


def refused(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(OptOut.reader)))


def signs_in(visitor: Browser, address: str = "anna@example.com") -> Browser:
    visitor.get("/sign-in")
    visitor.press("Send the code", address=address)
    visitor.press("Sign in", code=visitor.words.partition("The code is ")[2][:6])
    return visitor


def test_the_link_of_a_mail_asks_and_one_button_refuses(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get(link())
    assert refused(sqlite_database) == [], "looking changes nothing: mail programs look at links by themselves"
    assert "Codes, payments, refunds and deadlines still come" in visitor.words
    visitor.press("No more news")
    assert refused(sqlite_database) == ["anna-ref"]
    assert "You get no more news." in visitor.words
    assert [button for button in visitor.tree.iter("button") if "news" in (button.text or "")] == []


def test_it_can_be_read_in_chinese(visit: Open) -> None:
    visitor = visit("zh")
    visitor.get(link())
    visitor.press("不再接收通知")
    assert "不再给你发通知" in visitor.words


@pytest.mark.parametrize("encoding", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_a_mail_program_refuses_by_one_click(app: Flask, sqlite_database: Database, encoding: str) -> None:
    """RFC 8058, 3.1 and 3.2: a POST without cookies, answered without a redirect."""
    answer = app.test_client().post(link(), data={"List-Unsubscribe": "One-Click"}, content_type=encoding)
    assert (answer.status_code, answer.headers.get("Location"), answer.headers.get("Set-Cookie")) == (200, None, None)
    assert refused(sqlite_database) == ["anna-ref"]


def test_a_second_click_changes_nothing(app: Flask, sqlite_database: Database) -> None:
    for _ in range(2):
        assert app.test_client().post(link(), data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert refused(sqlite_database) == ["anna-ref"]


@pytest.mark.parametrize("token", ["nothing", "anna-ref", "anna-ref.aaaaaaaaaaaaaaaaaaaaaaaaaaa", "a.b.c"])
def test_a_link_that_is_not_ours_refuses_for_nobody(app: Flask, sqlite_database: Database, token: str) -> None:
    client = app.test_client()
    assert client.get(f"/opt-out/{token}").status_code == 404
    assert client.post(f"/opt-out/{token}", data={"List-Unsubscribe": "One-Click"}).status_code == 404
    assert refused(sqlite_database) == []


def test_another_sites_page_cannot_send_the_form(app: Flask, sqlite_database: Database) -> None:
    answer = app.test_client().post(link(), headers={"Sec-Fetch-Site": "cross-site"})
    assert (answer.status_code, refused(sqlite_database)) == (403, [])


def test_ones_own_page_has_a_setting_that_can_be_taken_back(visit: Open, sqlite_database: Database) -> None:
    visitor = signs_in(visit())
    visitor.get("/me")
    visitor.press("No more news")
    with sqlite_database.reading() as session:
        own = session.scalars(select(Person.ref)).all()
    assert refused(sqlite_database) == own
    assert "You get no news." in visitor.words
    visitor.press("Get news again")
    assert refused(sqlite_database) == []
    assert "We tell you when a vote that you took part in has a result" in visitor.words


def test_the_link_and_the_setting_are_one(visit: Open, sqlite_database: Database) -> None:
    visitor = signs_in(visit())
    with sqlite_database.reading() as session:
        own = session.scalars(select(Person.ref)).one()
    visit().client.post(link(own), data={"List-Unsubscribe": "One-Click"})
    visitor.get("/me")
    assert "You get no news." in visitor.words


def test_who_is_not_signed_in_is_asked_to(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get(link())
    token = visitor.html.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]
    answer = visitor.client.post("/me/news", data={"csrf_token": token, "news": "no"})
    assert (answer.status_code, answer.headers["Location"], refused(sqlite_database)) == (303, "/sign-in", [])


def test_the_setting_needs_the_token_of_its_page(visit: Open, sqlite_database: Database) -> None:
    visitor = signs_in(visit())
    assert visitor.client.post("/me/news", data={"news": "no"}).status_code == 400
    assert refused(sqlite_database) == []
