"""What each kind of answer carries: policies, caching, tokens, languages; and what a request may bring."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from queue import Empty

import pytest
from flask import Flask, flash, redirect, render_template_string, request
from sqlalchemy.exc import IntegrityError, OperationalError
from werkzeug.wrappers import Response

from c2b.db import Database
from c2b.ui import access, shell
from c2b.ui.language import NAMES, locale, other_language
from c2b.ui.retries import may_be_repeated
from c2b.ui.viewers import BLOCK, ViewerNumbers
from tests.ui.test_house import make_app
from tests.web.pages import lint, parse, text_of


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_database, tmp_path)
    yield made
    with made.app_context():
        shell.parts().database.close()


def token(page: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found
    return found[1]


KINDS = [
    ("/", 200, "text/html"),
    ("/sign-in", 200, "text/html"),
    ("/admin/sign-in", 200, "text/html"),
    ("/admin/", 303, "text/html"),
    ("/me", 303, "text/html"),
    ("/nowhere", 404, "text/html"),
    ("/c/none/", 404, "text/html"),
    ("/healthz", 200, "application/json"),
    ("/static/tokens.css", 200, "text/css"),
    ("/media/none.svg", 404, "text/html"),
]


@pytest.mark.parametrize(("path", "status", "kind"), KINDS)
def test_every_answer_is_locked_down_whatever_it_is(app: Flask, path: str, status: int, kind: str) -> None:
    with app.test_client().get(path) as answer:
        headers = answer.headers
        assert (answer.status_code, answer.mimetype) == (status, kind)
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "unsafe-eval" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=()"
    assert "Server" not in headers or "c2b" not in headers["Server"]


@pytest.mark.parametrize(
    "directive",
    ["style-src 'self'", "img-src 'self' data:", "connect-src 'self'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"],
)
def test_a_page_may_load_and_send_only_to_this_shop(app: Flask, directive: str) -> None:
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert directive in [part.strip() for part in policy.split(";")]


def test_the_nonce_is_another_one_each_time_and_the_same_within_a_page(app: Flask) -> None:
    nonces = set()
    for _ in range(3):
        with app.test_request_context("/"):
            page = render_template_string("{{ nonce() }} {{ nonce() }}")
            policy = app.process_response(app.make_response(page)).headers["Content-Security-Policy"]
        (named,) = set(page.split())
        assert f"script-src 'self' 'nonce-{named}';" in policy
        nonces.add(named)
    assert len(nonces) == 3
    assert all(len(each) >= 20 for each in nonces)


def test_a_page_without_scripts_of_its_own_allows_none(app: Flask) -> None:
    assert "script-src 'self';" in app.test_client().get("/").headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("path", "kept"), [("/", "private, no-cache"), ("/nowhere", "private, no-cache"), ("/healthz", "private, no-cache")]
)
def test_a_page_is_asked_for_again_and_kept_by_no_proxy(app: Flask, path: str, kept: str) -> None:
    assert app.test_client().get(path).headers["Cache-Control"] == kept


SITES = [
    ({"Sec-Fetch-Site": "same-origin"}, 200),
    ({"Sec-Fetch-Site": "none"}, 200),
    ({"Sec-Fetch-Site": "same-site"}, 403),
    ({"Sec-Fetch-Site": "cross-site"}, 403),
    ({"Sec-Fetch-Site": ""}, 403),
    ({"Sec-Fetch-Site": "none", "Origin": "https://evil.example.com"}, 200),
    ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ({}, 200),
    ({"Origin": "http://localhost"}, 200),
    ({"Origin": "http://localhost:8080"}, 403),
    ({"Origin": "http://localhost.evil.example.com"}, 403),
    ({"Origin": "null"}, 403),
    ({"Origin": ""}, 403),
]


@pytest.mark.parametrize(("headers", "status"), SITES)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_only_this_shops_pages_start_a_write(app: Flask, method: str, headers: dict[str, str], status: int) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # so that only this guard can refuse
    app.add_url_rule("/write", "write", access.public(lambda: "written"), methods=[method])
    assert app.test_client().open("/write", method=method, headers=headers).status_code == status


@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
def test_whoever_only_looks_may_come_from_anywhere(app: Flask, method: str) -> None:
    assert app.test_client().open("/", method=method, headers={"Sec-Fetch-Site": "cross-site"}).status_code == 200


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("sent", ["", "nonsense", "."])
def test_a_form_without_this_browsers_token_is_refused_by_a_page(app: Flask, sent: str, language: str) -> None:
    client = app.test_client()
    client.get(f"/sign-in?lang={language}")
    answer = client.post("/sign-in", data={"csrf_token": sent, "address": "anna@example.com"})
    assert answer.status_code == 400
    assert lint(answer.text) == []
    assert ("Nothing was changed" if language == "en" else "没有任何改动") in answer.text or "csrf" not in answer.text.lower()


def test_one_browsers_token_is_worth_nothing_in_another(app: Flask) -> None:
    first, second = app.test_client(), app.test_client()
    stolen = token(first.get("/sign-in").text)
    second.get("/sign-in")
    assert second.post("/sign-in", data={"csrf_token": stolen, "address": "anna@example.com"}).status_code == 400
    assert first.post("/sign-in", data={"csrf_token": stolen, "address": "anna@example.com"}).status_code == 303


@pytest.mark.parametrize("size", [1024 * 1024 + 1, 3 * 1024 * 1024])
def test_a_form_that_is_too_large_is_refused_in_words(app: Flask, size: int) -> None:
    client = app.test_client()
    sent = {"csrf_token": token(client.get("/sign-in?lang=en").text), "address": "a" * size}
    answer = client.post("/sign-in", data=sent)
    assert answer.status_code == 413
    assert "That is too large" in answer.text
    assert lint(answer.text) == []


def test_an_upload_over_the_limit_is_refused_before_anybody_looks_at_it(app: Flask) -> None:
    app.config["MAX_CONTENT_LENGTH"] = 1000
    app.config["WTF_CSRF_ENABLED"] = False
    looked: list[str] = []

    def view() -> str:
        looked.extend(request.files)
        return "taken"

    app.add_url_rule("/upload", "upload", access.public(view), methods=["POST"])
    client = app.test_client()
    with client.session_transaction() as stored:
        stored["staff"] = "token"
    for size, status in ((400, 200), (1001, 413)):
        answer = client.post("/upload", data={"file": (io.BytesIO(b"x" * size), "a.csv")})
        assert answer.status_code == status
    assert looked == ["file"]


@pytest.mark.parametrize(("staff", "status"), [(False, 413), (True, 200)])
def test_only_staff_send_large_files(app: Flask, monkeypatch: pytest.MonkeyPatch, *, staff: bool, status: int) -> None:
    monkeypatch.setattr("c2b.ui.security.LARGEST_FORM", 1000)
    app.config["WTF_CSRF_ENABLED"] = False
    app.add_url_rule("/upload", "upload", access.public(lambda: str(len(request.files))), methods=["POST"])
    client = app.test_client()
    if staff:
        with client.session_transaction() as stored:
            stored["staff"] = "token"
    answer = client.post("/upload", data={"file": (io.BytesIO(b"x" * 2000), "a.csv")})
    assert answer.status_code == status


@pytest.mark.parametrize(("method", "allowed"), [("PUT", "GET"), ("DELETE", "GET"), ("PATCH", "GET")])
def test_a_method_that_a_page_has_not_is_said_with_those_it_has(app: Flask, method: str, allowed: str) -> None:
    app.config["WTF_CSRF_ENABLED"] = False
    answer = app.test_client().open("/healthz", method=method)
    assert answer.status_code == 405
    assert allowed in answer.headers["Allow"]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("zh", "zh-CN"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("zh-Hant-TW", "zh-CN"),
        ("en", "en"),
        ("EN-us", "en"),
        ("en;q=0.4, zh;q=0.6", "zh-CN"),
        ("en;q=0.6, zh;q=0.4", "en"),
        ("de, fr;q=0.9", "zh-CN"),
        ("*", "zh-CN"),
        ("", "zh-CN"),
        (";;;,,,", "zh-CN"),
    ],
)
def test_the_browsers_languages_are_taken_in_its_own_order(app: Flask, header: str, expected: str) -> None:
    assert f'<html lang="{expected}"' in app.test_client().get("/", headers={"Accept-Language": header}).text


@pytest.mark.parametrize("shop", ["zh_Hans_CN", "en"])
def test_who_says_nothing_reads_the_shops_language(sqlite_database: Database, tmp_path: Path, shop: str) -> None:
    app = make_app(sqlite_database, tmp_path, locale=shop)
    assert f'<html lang="{NAMES[shop][1]}"' in app.test_client().get("/").text


@pytest.mark.parametrize(
    ("path", "href"),
    [
        ("/?lang=en", "/?lang=zh"),
        ("/c/ss27/?lang=en&cat=a&cat=b", "/c/ss27/?cat=a&cat=b&lang=zh"),
        ("/c/ss27/?lang=zh&q=50%25", "/c/ss27/?q=50%25&lang=en"),
    ],
)
def test_the_link_to_the_other_language_keeps_the_place(app: Flask, path: str, href: str) -> None:
    with app.test_request_context(path):
        assert other_language()["href"] == href


def test_after_a_refused_form_the_other_language_leads_to_the_start(app: Flask) -> None:
    with app.test_request_context("/c/ss27/orders?lang=en", method="POST"):
        assert other_language()["href"] == "/?lang=zh"
        assert locale() == "en"


def test_a_message_is_shown_once_on_the_next_page(app: Flask) -> None:
    def do() -> Response:
        flash("It is <done>", "ok")
        return redirect("/", 303)

    app.add_url_rule("/do", "do", access.public(do))
    client = app.test_client()
    page = client.get("/do", follow_redirects=True).text
    assert "It is &lt;done&gt;" in page
    assert any("It is <done>" in text_of(each) for each in parse(page).iter() if each.get("role") in {"status", "alert"})
    assert "It is" not in client.get("/").text


def test_when_a_block_of_numbers_runs_out_the_next_is_there_already() -> None:
    asked: list[int] = []

    def reserve(count: int) -> range:
        asked.append(count)
        start = sum(asked[:-1])
        return range(start, start + count)

    numbers = ViewerNumbers(reserve)
    taken = [numbers.take() for _ in range(3 * BLOCK)]
    assert sorted(taken) == list(range(3 * BLOCK))
    assert set(asked) == {BLOCK}


def test_a_reservation_that_fails_leaves_what_is_left_and_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2b.ui.viewers._PATIENCE", 0.2)
    monkeypatch.setattr("threading.excepthook", lambda _args: None)
    answers: list[range | Exception] = [range(3), OSError("the database is away"), range(3, 6)]

    def reserve(_count: int) -> range:
        answer = answers.pop(0) if answers else range(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    numbers = ViewerNumbers(reserve)
    taken = []
    for _ in range(12):
        try:
            taken.append(numbers.take())
        except Empty:
            continue
    assert taken == list(range(6))


class _Said(Exception):
    def __init__(self, sqlstate: str) -> None:
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("sqlstate", "again"),
    [("40001", True), ("40P01", True), ("23505", False), ("57014", False), ("08006", False), ("", False)],
)
def test_only_what_another_transaction_undid_is_tried_again(sqlstate: str, *, again: bool) -> None:
    assert may_be_repeated(OperationalError("UPDATE", {}, _Said(sqlstate))) is again
    assert not may_be_repeated(IntegrityError("INSERT", {}, ValueError()))


@pytest.mark.parametrize(("failures", "status", "runs"), [(0, 200, 1), (1, 200, 2), (3, 200, 4), (4, 500, 4)])
def test_a_write_that_met_a_deadlock_is_repeated_as_a_whole_and_written_once(
    app: Flask, monkeypatch: pytest.MonkeyPatch, failures: int, status: int, runs: int
) -> None:
    monkeypatch.setattr("c2b.ui.retries.time.sleep", lambda _seconds: None)
    app.config["WTF_CSRF_ENABLED"] = False
    read, written = list[str](), list[str]()

    def view() -> str:
        read.append(request.form["name"])
        if len(read) <= failures:
            raise OperationalError("UPDATE", {}, _Said("40P01"))
        written.append(request.form["name"])
        return "written"

    app.add_url_rule("/write", "write", access.public(view), methods=["POST"])
    answer = app.test_client().post("/write", data={"name": "Anna"})
    assert answer.status_code == status
    assert read == ["Anna"] * runs
    assert written == ["Anna"] * (status == 200)
