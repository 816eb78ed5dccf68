"""What every answer of the application has, whatever the page."""

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Empty

import pytest
from flask import Flask, abort, session, url_for
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from c2b.app import create_app
from c2b.db import Database
from c2b.errors import Invalid, NotFound, Refused
from c2b.settings import Settings
from c2b.ui import access, filters, language
from c2b.ui.shell import now, parts
from c2b.ui.viewers import BLOCK, ViewerNumbers
from tests.web.pages import lint

NOON = datetime(2027, 3, 8, 4, 0, tzinfo=UTC)
STATIC = Path(__file__).resolve().parents[2] / "c2b" / "static"


def make_app(database: Database, folder: Path, **changes: object) -> Flask:
    values = {
        "database_url": database.engine.url.render_as_string(hide_password=False),
        "data": folder,
        "secret_key": SecretStr("k" * 40),
        "base_url": "http://localhost",
    }
    settings = Settings.model_validate(values | changes)
    return create_app(settings, clock=lambda: NOON)


@pytest.fixture
def app(sqlite_database: Database, tmp_path: Path) -> Iterator[Flask]:
    made = make_app(sqlite_database, tmp_path)
    yield made
    with made.app_context():
        parts().database.close()


def add(app: Flask, error: Exception | int, path: str = "/breaks") -> None:
    """Give the application a page that ends in `error`."""

    def breaks() -> str:
        if isinstance(error, int):
            abort(error)
        raise error

    app.add_url_rule(path, path.strip("/"), access.public(breaks), methods=["GET", "POST"])


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("status", [400, 403, 404, 405, 413, 429, 500])
def test_every_error_is_a_whole_page_in_the_readers_language(app: Flask, status: int, lang: str) -> None:
    add(app, status)
    answer = app.test_client().get(f"/breaks?lang={lang}")
    assert answer.status_code == status
    assert lint(answer.text) == []
    assert f'lang="{"zh-CN" if lang == "zh" else "en"}"' in answer.text
    assert "Oops" not in answer.text
    assert ("跳到主要内容" in answer.text) is (lang == "zh")
    assert "Invalid" not in answer.text


@pytest.mark.parametrize(
    ("error", "status"), [(Refused("No %(what)s", what="tea"), 409), (NotFound("No tea"), 404), (Invalid("No tea"), 400)]
)
def test_what_a_room_refuses_is_said_in_its_own_words(app: Flask, error: Exception, status: int) -> None:
    add(app, error)
    answer = app.test_client().get("/breaks?lang=en")
    assert answer.status_code == status
    assert "No tea" in answer.text


def test_a_bug_shows_no_traceback(app: Flask) -> None:
    add(app, ZeroDivisionError("secret detail"))
    answer = app.test_client().get("/breaks?lang=en")
    assert answer.status_code == 500
    assert "secret detail" not in answer.text
    assert "Something broke on our side" in answer.text


def test_a_route_without_a_policy_stops_the_start(app: Flask) -> None:
    app.add_url_rule("/secret", "secret", lambda: "open to all?")
    with pytest.raises(RuntimeError, match="secret"):
        access.require_policies(app)


def test_every_route_of_the_application_has_a_policy(app: Flask) -> None:
    assert all(policy for endpoint, policy in access.policies(app).items() if endpoint != "static")


def test_every_answer_carries_the_security_headers(app: Flask) -> None:
    headers = app.test_client().get("/nowhere").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self' data:;")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"
    assert "Strict-Transport-Security" not in headers


def test_the_cookie_is_locked_to_https_only_where_the_shop_is(sqlite_database: Database, tmp_path: Path) -> None:
    plain = make_app(sqlite_database, tmp_path).test_client().get("/nowhere?lang=en").headers["Set-Cookie"]
    assert "HttpOnly" in plain
    assert "SameSite=Lax" in plain
    assert "Secure" not in plain
    shop = make_app(sqlite_database, tmp_path, base_url="https://shop.example.com")
    answer = shop.test_client().get("/nowhere?lang=en", base_url="https://shop.example.com")
    assert answer.headers["Set-Cookie"].startswith("__Host-c2b=")
    assert "Secure" in answer.headers["Set-Cookie"]
    assert "max-age=" in answer.headers["Strict-Transport-Security"]


def test_a_post_without_the_token_is_refused(app: Flask) -> None:
    app.add_url_rule("/write", "write", access.public(lambda: "written"), methods=["POST"])
    answer = app.test_client().post("/write?lang=en")
    assert answer.status_code == 400
    assert "Nothing was changed" in answer.text


@pytest.mark.parametrize(
    "headers",
    [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example.com"}, {"Origin": "null"}],
)
def test_a_write_that_another_site_started_is_refused(app: Flask, headers: dict[str, str]) -> None:
    app.config["WTF_CSRF_ENABLED"] = False  # so that only this guard can refuse
    app.add_url_rule("/write", "write", access.public(lambda: "written"), methods=["POST"])
    client = app.test_client()
    assert client.post("/write", headers=headers).status_code == 403
    assert client.post("/write", headers={"Sec-Fetch-Site": "same-origin"}).text == "written"
    assert client.post("/write", headers={"Origin": "http://localhost"}).text == "written"


def test_static_files_are_named_by_their_content_and_kept_for_ever(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/nowhere").text
    for address in re.findall(r'(?:href|src)="(/static/[^"#]+)', page):
        with client.get(address) as answer:
            kept = answer.headers["Cache-Control"]
        assert kept == "public, max-age=31536000, immutable"
        name, _, mark = address.partition("?v=")
        assert mark == hashlib.sha256((STATIC / name.removeprefix("/static/")).read_bytes()).hexdigest()[:12]
    with client.get("/static/tokens.css") as answer:
        assert "immutable" not in answer.headers["Cache-Control"]


def test_vendored_files_are_what_their_checksums_say() -> None:
    lines = (STATIC / "vendor" / "SHA256SUMS").read_text().splitlines()
    listed = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    scripts = {path.name for path in (STATIC / "vendor").glob("*.js")}
    assert scripts == set(listed)
    for name, digest in listed.items():
        assert hashlib.sha256((STATIC / "vendor" / name).read_bytes()).hexdigest() == digest
    assert (STATIC / "vendor" / "htmx.LICENSE.txt").exists()
    assert (STATIC / "vendor" / "tabler-icons.LICENSE.txt").exists()


def test_every_icon_that_a_template_names_is_in_the_sprite() -> None:
    there = set(re.findall(r'<symbol id="([a-z]+)"', (STATIC / "icons.svg").read_text()))
    package = STATIC.parent
    used = {name for path in package.rglob("*.html") for name in re.findall(r"\bicon\('([a-z]+)'", path.read_text())}
    assert used
    assert used <= there
    assert {"info", "ok", "warn", "bad"} <= there  # the kinds of a note


def test_the_stylesheets_need_no_inline_style() -> None:
    tokens = (STATIC / "tokens.css").read_text()
    assert all(f".p{share}{{--p:{share}%}}" in tokens for share in range(101))
    for path in STATIC.parent.rglob("*.html"):
        if "layout" in path.parts:
            continue  # a mail has no stylesheet: its programs read inline styles only
        assert "style=" not in path.read_text(), path
        assert "<style" not in path.read_text(), path


@pytest.mark.parametrize(
    ("query", "cookie", "header", "expected"),
    [
        ("?lang=en", "", "zh-CN", "en"),
        ("", "en", "zh-CN", "en"),
        ("", "", "de, en-GB;q=0.8, zh;q=0.5", "en"),
        ("", "", "zh-TW, en;q=0.5", "zh-CN"),
        ("", "", "fr", "zh-CN"),
        ("?lang=xx", "en", "", "en"),
    ],
)
def test_the_language_is_the_address_then_the_cookie_then_the_browser(
    app: Flask, query: str, cookie: str, header: str, expected: str
) -> None:
    client = app.test_client()
    if cookie:
        with client.session_transaction() as stored:
            stored["lang"] = cookie
    page = client.get(f"/nowhere{query}", headers={"Accept-Language": header} if header else {}).text
    assert f'<html lang="{expected}">' in page


def test_the_chosen_language_stays_and_the_link_to_the_other_keeps_the_page(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/nowhere?lang=en&cat=Shirts&page=2").text
    assert 'href="/nowhere?cat=Shirts&amp;page=2&amp;lang=zh"' in page
    assert '<html lang="en">' in client.get("/nowhere").text


def test_viewer_numbers_are_given_out_once_each_and_reserved_in_blocks() -> None:
    blocks: list[int] = []

    def reserve(count: int) -> range:
        blocks.append(count)
        return range((len(blocks) - 1) * count, len(blocks) * count)

    numbers = ViewerNumbers(reserve)
    taken = [numbers.take() for _ in range(BLOCK + 10)]
    assert len(set(taken)) == len(taken)
    assert 2 <= len(blocks) <= 3


def test_a_failed_reservation_is_tried_again_at_the_next_visit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("c2b.ui.viewers._PATIENCE", 0.2)
    answers = iter([range(0), range(7, 9)])
    numbers = ViewerNumbers(lambda _count: next(answers))
    with pytest.raises(Empty):
        numbers.take()
    assert numbers.take() == 7


class _Deadlock(Exception):
    sqlstate = "40P01"


def test_a_request_that_met_a_deadlock_runs_again_and_one_that_broke_a_rule_does_not(app: Flask) -> None:
    tries: list[int] = []

    def view() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError("UPDATE", {}, _Deadlock())
        return "done"

    def broken() -> str:
        tries.append(1)
        raise OperationalError("UPDATE", {}, ValueError("disk full"))

    app.add_url_rule("/again", "again", access.public(view))
    app.add_url_rule("/broken", "broken", access.public(broken))
    assert app.test_client().get("/again").text == "done"
    assert len(tries) == 3
    tries.clear()
    assert app.test_client().get("/broken").status_code == 500
    assert len(tries) == 1


def test_a_request_has_one_instant(app: Flask) -> None:
    with app.test_request_context("/"):
        assert now() is now()
        assert now() == NOON


@pytest.mark.parametrize(
    ("lang", "minute", "day", "left"),
    [("en", "14 Mar 22:00", "14 Mar", "6 d 10:00"), ("zh", "3月14日 22:00", "3月14日", "10:00")],
)
def test_instants_are_shown_in_the_campaigns_zone_with_their_hour(app: Flask, lang: str, minute: str, day: str, left: str) -> None:
    closes = datetime(2027, 3, 14, 14, 0, tzinfo=UTC)
    with app.test_request_context(f"/?lang={lang}"):
        shown = filters.instant(closes, "Asia/Shanghai")
        assert shown == f'<time datetime="2027-03-14T22:00+08:00">{minute}</time>'
        assert filters.instant_text(closes, "Asia/Shanghai", "day") == day
        assert filters.until(closes).endswith(left)
        assert filters.until(NOON) == "00:00"
        assert "2028" in filters.instant_text(closes.replace(year=2028), "Asia/Shanghai")
        assert filters.instant(None, "Asia/Shanghai") == ""


def test_amounts_have_their_currencys_digits_and_estimates_no_needless_ones(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert filters.money(5000, "CNY") == "¥50.00"
        assert filters.money(None, "CNY") == ""
        assert filters.price_range(22900, 28900, "USD") == "$229–289"
        assert filters.price_range(22950, 22950, "USD") == "$229.50"
        assert filters.price_range(None, 100, "USD") == ""
        assert filters.number(182417) == "182,417"
    with app.test_request_context("/?lang=zh"):
        assert filters.money(5000, "CNY") == "¥50.00"
        assert filters.price_range(129900, 148900, "CNY") == "¥1,299–1,489"


@pytest.mark.parametrize(("part", "whole", "shown"), [(0, 50, 0), (49, 50, 98), (50, 50, 100), (99, 50, 100), (1, 0, 100)])
def test_a_share_is_rounded_down_so_that_nearly_is_not_reached(part: int, whole: int, shown: int) -> None:
    assert filters.share(part, whole) == shown


def test_the_proxys_word_counts_only_where_a_proxy_is_trusted(sqlite_database: Database, tmp_path: Path) -> None:
    for hops, expected in ((0, "http"), (1, "https")):
        app = make_app(sqlite_database, tmp_path, trusted_proxies=hops)
        app.add_url_rule("/where", "where", access.public(lambda: url_for("where", _external=True)))
        answer = app.test_client().get("/where", headers={"X-Forwarded-Proto": "https"})
        assert answer.text.startswith(f"{expected}://")


def test_the_language_cookie_is_not_rewritten_by_every_page(app: Flask) -> None:
    client = app.test_client()
    assert "Set-Cookie" in client.get("/nowhere?lang=en").headers
    assert "Set-Cookie" not in client.get("/nowhere?lang=en").headers
    with app.test_request_context("/?lang=en"):
        assert not session.get("lang")
        assert language.locale() == "en"
