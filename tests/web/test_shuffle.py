"""Why the gallery stands as it does, and that anybody can work it out afterwards and nobody before."""

import base64
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.ui.shell import parts
from c2b.voting import queries
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")
SECRET = b"s" * 32
FINGERPRINT = hashlib.sha256(SECRET).hexdigest()


def change(database: Database, **values: object) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        for name, value in values.items():
            setattr(campaign, name, value)


def publish_the_result(database: Database) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        campaign.state = CampaignState.SELECTED
        lines = [(candidate, 1) for candidate in session.scalars(select(Candidate).order_by(Candidate.position))]
        make.selection(session, campaign, *lines)


def gallery(browser: Browser) -> list[str]:
    """Return all codes as this viewer's gallery shows them, page after page."""
    found = []
    for page in (1, 2):
        browser.get(f"/c/ss27/?show=all&page={page}")
        found += [card.get("id") or "" for card in browser.tree.iter("li") if "it" in (card.get("class") or "").split()]
    return found


def number_of(browser: Browser) -> int:
    with browser.client.session_transaction() as cookie:
        return int(cookie["viewer"])


def runs(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run the downloaded script as a stranger would: alone in a folder, without the house, its libraries or the environment."""
    command = [sys.executable, "-I", "gallery_order.py", *words]
    return subprocess.run(command, cwd=folder, env={}, capture_output=True, text=True, check=False)


def download(browser: Browser, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in ("gallery_order.py", "candidates.txt"):
        answer = browser.client.get(f"/c/ss27/shuffle/{name}")
        assert answer.status_code == 200
        assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        (folder / name).write_bytes(answer.data)
    return folder


@pytest.mark.parametrize(("language", "says"), [("en", "Why this order?"), ("zh", "为什么是这个顺序？")])
def test_the_page_explains_and_shows_number_fingerprint_and_how_the_order_begins(visit: Open, language: str, says: str) -> None:
    visitor = visit(language)
    visitor.get("/c/ss27/shuffle")
    assert says in visitor.words
    assert FINGERPRINT in visitor.words
    assert f">{number_of(visitor)}<" in visitor.html
    words = visitor.words
    assert " ".join(gallery(visitor)[:24]) in words


def test_the_gallery_leads_to_the_page(visit: Open) -> None:
    assert 'href="/c/ss27/shuffle"' in visit().get("/c/ss27/")


def test_each_viewer_has_a_number_of_their_own_and_keeps_it(visit: Open) -> None:
    anna, berta = visit(), visit()
    for visitor in (anna, berta, anna):
        visitor.get("/c/ss27/shuffle")
    assert number_of(anna) != number_of(berta)
    assert f">{number_of(anna)}<" in anna.html


def test_once_the_result_is_out_the_page_shows_the_secret_and_a_line_to_run(visit: Open, sqlite_database: Database, tmp_path: Path) -> None:
    publish_the_result(sqlite_database)
    visitor = visit()
    visitor.get("/c/ss27/shuffle")
    line = next(code.text or "" for code in visitor.tree.iter("code"))
    python, script, *words = line.split()
    assert (python, script) == ("python3", "gallery_order.py")
    folder = download(visitor, tmp_path / "alone")
    printed = runs(folder, *words).stdout.splitlines()
    assert printed[0] == f"# SHA-256 of the secret: {FINGERPRINT}"
    assert [each.split("\t")[1] for each in printed[1:]] == gallery(visitor)
    assert [each.split("\t")[0] for each in printed[1:]] == [str(place) for place in range(1, 31)]


def test_the_script_prints_what_each_of_many_viewers_saw(visit: Open, sqlite_database: Database, tmp_path: Path) -> None:
    folder = download(visit(), tmp_path / "alone")
    with sqlite_database.reading() as session:
        campaign = make.campaign_of(session, "ss27")
        codes = {candidate.id: candidate.code for candidate in session.scalars(select(Candidate))}
        for viewer in (0, 1, 29, 30, 31, 4_999, 123_456_789):
            printed = runs(folder, SECRET.hex(), str(viewer), "candidates.txt").stdout.splitlines()[1:]
            assert [each.split("\t")[1] for each in printed] == [codes[key] for key in queries.order_for(session, campaign, viewer)]


def test_a_secret_that_was_exchanged_shows_in_fingerprint_and_order(visit: Open, tmp_path: Path) -> None:
    visitor = visit()
    folder = download(visitor, tmp_path / "alone")
    visitor.get("/c/ss27/")
    printed = runs(folder, (b"t" * 32).hex(), str(number_of(visitor)), "candidates.txt").stdout.splitlines()
    assert FINGERPRINT not in printed[0]
    assert [each.split("\t")[1] for each in printed[1:]] != gallery(visitor)


def test_the_script_says_how_it_is_used(visit: Open, tmp_path: Path) -> None:
    folder = download(visit(), tmp_path / "alone")
    answer = runs(folder)
    assert answer.returncode == 1
    assert "SECRET VIEWER candidates.txt" in answer.stderr


def test_the_script_names_what_is_no_secret_no_number_and_no_file(visit: Open, tmp_path: Path) -> None:
    folder = download(visit(), tmp_path / "alone")
    for words in (("xyz", "1", "candidates.txt"), ("00", "one", "candidates.txt"), ("00", "-1", "candidates.txt"), ("00", "1", "none.txt")):
        answer = runs(folder, *words)
        assert answer.returncode == 1
        assert "Traceback" not in answer.stderr
        assert any(word in answer.stderr for word in words)


@pytest.mark.parametrize("state", [state for state in CampaignState if state is not CampaignState.DRAFT])
def test_before_the_result_no_page_tells_the_secret(app: Flask, visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    change(sqlite_database, state=state, reason="Why." if state is CampaignState.CANCELLED else "")
    told = [SECRET.hex(), base64.b64encode(SECRET).decode()[:20], SECRET.decode()[:20]]
    visitor = visit()
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.endpoint.startswith(("admin.", "static")):
            values: dict[str, Any] = {name: {"slug": "ss27", "code": "K01"}.get(name, "1") for name in rule.arguments}
            with app.test_request_context():
                path = app.url_for(rule.endpoint, **values)
            answer = visitor.client.get(path, query_string="c=K01&c=K02")
            assert not any(secret in answer.text for secret in told), path
            assert not any(secret in str(answer.headers) for secret in told), path
    assert "published with the result" in visitor.get("/c/ss27/shuffle")


def test_the_walk_would_find_the_secret(visit: Open, sqlite_database: Database) -> None:
    publish_the_result(sqlite_database)
    assert SECRET.hex() in visit().get("/c/ss27/shuffle")


def test_where_nobody_votes_the_secret_is_out_when_ordering_has_closed(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    change(sqlite_database, state=CampaignState.ORDERING, voting_opens=None, voting_closes=None)
    visitor = visit()
    assert SECRET.hex() not in visitor.get("/c/ss27/shuffle")
    assert "when ordering closes" in visitor.words
    clock.at = make.ORDERING_CLOSES
    assert SECRET.hex() in visitor.get("/c/ss27/shuffle")


def test_a_draft_gives_nothing_away(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, state=CampaignState.DRAFT)
    visitor = visit()
    for path in ("", "/gallery_order.py", "/candidates.txt"):
        visitor.get(f"/c/ss27/shuffle{path}", expect=404)


def test_a_campaign_without_candidates_has_a_page_too(app: Flask, visit: Open) -> None:
    with app.app_context(), parts().database.transaction() as session:
        make.campaign(session, slug="empty", secret=b"e" * 32)
    visitor = visit()
    assert "only one order" in visitor.get("/c/empty/shuffle")
    assert visitor.client.get("/c/empty/shuffle/candidates.txt").data == b""


def test_the_list_is_in_the_order_of_the_file(visit: Open) -> None:
    assert visit().client.get("/c/ss27/shuffle/candidates.txt").text.split() == [f"K{number:02}" for number in range(30)]
