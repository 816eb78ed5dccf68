"""A cookie that was found right once is still forged, damaged or too old when it is."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface

from c2b.app import create_app
from c2b.db import Database
from c2b.settings import Settings
from c2b.ui.sessions import Sessions
from c2b.ui.shell import parts

DAYS = 24 * 3600


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> Iterator[Flask]:
    url = sqlite_database.engine.url.render_as_string(hide_password=False)
    settings = {"database_url": url, "data": tmp_path, "secret_key": "k" * 40, "base_url": "http://localhost"}
    made = create_app(Settings.model_validate(settings))
    yield made
    with made.app_context():
        parts().database.close()


def signed(app: Flask, said: dict[str, object]) -> str:
    signer = SecureCookieSessionInterface().get_signing_serializer(app)
    assert signer is not None
    return "c2b=" + str(signer.dumps(said))


def read(app: Flask, cookie: str) -> dict[str, object]:
    with app.test_request_context(headers={"Cookie": cookie}) as context:
        return dict(context.session)


def test_a_cookie_says_the_same_each_time(app: Flask) -> None:
    cookie = signed(app, {"viewer": 7, "customer": "t7", "_permanent": True})
    assert isinstance(app.session_interface, Sessions)
    assert read(app, cookie) == read(app, cookie) == {"viewer": 7, "customer": "t7", "_permanent": True}


def test_among_other_cookies_it_is_found_and_without_it_there_is_nothing(app: Flask) -> None:
    cookie = signed(app, {"viewer": 7})
    assert read(app, f"other=1; {cookie}; last=2") == {"viewer": 7}
    assert read(app, "other=1") == read(app, "") == {}


def test_what_a_request_changes_is_not_what_the_next_one_reads(app: Flask) -> None:
    cookie = signed(app, {"viewer": 7, "_flashes": [["ok", "Saved"]]})
    for _ in range(2):
        with app.test_request_context(headers={"Cookie": cookie}) as context:
            context.session["_flashes"].append(["ok", "Twice"])
            context.session["viewer"] = 8
    assert read(app, cookie) == {"viewer": 7, "_flashes": [["ok", "Saved"]]}


def test_a_forged_or_damaged_cookie_says_nothing_however_often_it_comes(app: Flask) -> None:
    cookie = signed(app, {"viewer": 7})
    read(app, cookie)
    for wrong in (cookie[:-1], cookie + "x", cookie.replace("c2b=", "c2b=x"), "c2b=", "c2b=nonsense"):
        assert read(app, wrong) == read(app, wrong) == {}


def test_another_shops_cookie_says_nothing(app: Flask) -> None:
    other = Flask("other")
    other.secret_key = "o" * 40
    assert read(app, signed(other, {"viewer": 7})) == {}


def test_a_cookie_ends_after_ninety_days_though_it_was_right_before(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie, now = signed(app, {"viewer": 7}), time.time()
    for days, known in ((0, True), (89, True), (91, False), (1, True)):
        monkeypatch.setattr("c2b.ui.sessions.time", lambda days=days: now + days * DAYS)
        assert bool(read(app, cookie)) is known


def test_a_page_that_changes_nothing_signs_nothing_and_says_what_it_depends_on(app: Flask) -> None:
    answer = app.test_client().get("/", headers={"Cookie": signed(app, {"viewer": 7})})
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Vary"] == "Cookie"
    changed = app.test_client().get("/?lang=en", headers={"Cookie": signed(app, {"viewer": 7})})
    assert "Set-Cookie" in changed.headers
    assert "Cookie" in changed.headers["Vary"]
