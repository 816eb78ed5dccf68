"""A sceptic verifies a receipt in the browser: nothing but the published files is fetched, and no receipt leaves the page."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from sqlalchemy import select, update
from werkzeug.serving import make_server

from c2b.app import create_app
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.exports import publishing
from c2b.settings import Settings
from c2b.voting import receipts, selecting, verifying
from c2b.voting.models import Ballot
from c2b.voting.verifying import Answer
from tests import make
from tests.voting import spoilt
from tests.voting.elections import Election, Files, dice, made_up
from tests.voting.spoilt import Spoil


@pytest.fixture
def ballots(sqlite_database: Database, tmp_path: Path) -> dict[str, str]:
    """Seventeen ballots, a number that makes the tree lopsided, selected and published; return receipts: one counted, one held."""
    with sqlite_database.transaction() as session:
        campaign = make.campaign(session)
        one, two = make.candidate(session, campaign, "K1"), make.candidate(session, campaign, "K-2.b")
        for _ in range(15):
            make.ballot(session, campaign, one)
        make.ballot(session, campaign, two, one, serial="counted")
        make.ballot(session, campaign, two, serial="held", held_at=make.OPENS, held_reason="burst")
        session.execute(update(Campaign).values(state=CampaignState.TALLY))
        session.expire_all()
        selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)
        people = session.execute(select(Ballot.serial, Ballot.person_id)).all()
        own = {serial: receipts.receipt(session, campaign=make.campaign_of(session, "ss27"), person_id=person) for serial, person in people}
    publishing.publish(sqlite_database, tmp_path, make.CLOSES)
    return {serial: found.text() for serial, found in own.items() if found and serial in {"counted", "held"}}


@pytest.fixture
def page(ballots: dict[str, str], sqlite_database: Database, tmp_path: Path, browser: Browser) -> Iterator[Page]:
    assert ballots
    server = make_server("127.0.0.1", 0, application := create_app(settings(sqlite_database, tmp_path)), threaded=True)
    Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context(base_url=f"http://127.0.0.1:{server.server_port}", locale="en-GB")
    yield context.new_page()
    context.close()
    server.shutdown()
    server.server_close()
    application.extensions["c2b"].impressions.close()
    application.extensions["c2b"].database.close()


def settings(database: Database, folder: Path) -> Settings:
    url = database.engine.url.render_as_string(hide_password=False)
    return Settings.model_validate({"database_url": url, "data": folder, "secret_key": "k" * 40, "base_url": "http://localhost"})


def asked(page: Page, receipt: str) -> list[Request]:
    """Paste a receipt and verify it here; return what the page asked the server for meanwhile."""
    page.goto("/c/ss27/verify", wait_until="networkidle")  # the browser fetches a site's icon when it likes
    seen: list[Request] = []

    def note(request: Request) -> None:
        seen.append(request)

    page.on("request", note)
    page.get_by_label("Receipt").fill(receipt)
    page.get_by_role("button", name="Verify here").click()
    expect(page.locator("#here-steps")).not_to_have_attribute("aria-busy", "true")
    page.remove_listener("request", note)
    return seen


def steps(page: Page) -> list[str]:
    return page.locator("#here-steps em").all_inner_texts()


@pytest.mark.parametrize(
    ("serial", "verdict", "last"), [("counted", "This ballot is in the count", "Passed"), ("held", "This ballot is held", "Failed")]
)
def test_the_browser_finds_what_became_of_a_ballot_and_tells_nobody(
    page: Page, ballots: dict[str, str], serial: str, verdict: str, last: str
) -> None:
    requests = asked(page, ballots[serial])
    expect(page.locator("#here-verdict")).to_have_text(verdict)
    assert steps(page) == ["Passed"] * 6 + [last]
    assert [(each.method, each.url.rpartition("/")[2]) for each in requests] == [("GET", "result.json"), ("GET", "ballots.csv")]
    assert all(each.post_data is None and serial not in each.url for each in requests)


@pytest.mark.parametrize(
    ("old", "new", "verdict", "states"),
    [
        ("pick       K1", "pick       K9", "It does not match", ["Failed", *["Skipped"] * 6]),
        ("c2b receipt 1", "hello", "It does not match", ["Failed", *["Skipped"] * 6]),
        ("campaign   ss27", "campaign   aw27", "It does not match", ["Failed", *["Skipped"] * 6]),
    ],
)
def test_a_spoilt_receipt_matches_nothing(
    page: Page, ballots: dict[str, str], *, old: str, new: str, verdict: str, states: list[str]
) -> None:
    asked(page, ballots["counted"].replace(old, new))
    expect(page.locator("#here-verdict")).to_have_text(verdict)
    assert steps(page) == states


@pytest.mark.parametrize(
    ("old", "new", "verdict", "states"),
    [
        ("counted", "unknown", "It does not match", ["Passed", "Failed", *["Skipped"] * 5]),
        ("version    2", "version    1", "A later version took its place", [*["Passed"] * 6, "Failed"]),
        ("version    2", "version    3", "It does not match", [*["Passed"] * 6, "Failed"]),
    ],
)
def test_without_its_picks_a_receipt_is_looked_up_too(
    page: Page, ballots: dict[str, str], *, old: str, new: str, verdict: str, states: list[str]
) -> None:
    short = "".join(line for line in ballots["counted"].splitlines(keepends=True) if not line.startswith(("nonce", "pick")))
    asked(page, short.replace(old, new))
    expect(page.locator("#here-verdict")).to_have_text(verdict)
    assert steps(page) == states


def test_a_ballot_that_the_shop_changed_after_the_result_is_noticed(
    page: Page, ballots: dict[str, str], sqlite_database: Database, tmp_path: Path
) -> None:
    with sqlite_database.reading() as session:
        folder = publishing.folder(session, tmp_path, "ss27")
    assert folder
    text = (folder / "ballots.csv").read_text("utf-8").splitlines(keepends=True)
    (folder / "ballots.csv").write_text("".join([*text[:3], *text[4:]]), "utf-8")
    asked(page, ballots["counted"])
    assert "Failed" in steps(page)
    expect(page.locator("#here-verdict")).to_have_text("It does not match")


@pytest.mark.parametrize(
    ("serial", "old", "new"),
    [("counted", ",2,", ",3,"), ("counted", ",2,", ",1,"), ("counted", ",0\n", ",1\n"), ("held", ",1\n", ",0\n")],
)
def test_a_false_version_and_a_false_mark_of_a_held_ballot_are_not_believed(
    page: Page, ballots: dict[str, str], sqlite_database: Database, tmp_path: Path, *, serial: str, old: str, new: str
) -> None:
    with sqlite_database.reading() as session:
        folder = publishing.folder(session, tmp_path, "ss27")
    assert folder
    lines = (folder / "ballots.csv").read_text("utf-8").splitlines(keepends=True)
    changed = [line.replace(old, new) if line.startswith(f"{serial},") else line for line in lines]
    assert changed != lines
    (folder / "ballots.csv").write_text("".join(changed), "utf-8")
    short = "".join(line for line in ballots[serial].splitlines(keepends=True) if not line.startswith(("nonce", "pick")))
    asked(page, short)
    expect(page.locator("#here-verdict")).to_have_text("It does not match")
    assert "Failed" in steps(page)[2:4]


class Served:
    """The published files of made-up elections, one after the other, under one page."""

    def __init__(self, page: Page) -> None:
        self._page, self._parts = page, dict[str, bytes]()
        page.goto("/c/ss27/verify", wait_until="networkidle")
        page.route("**/published/*", lambda route: route.fulfill(body=self._parts[route.request.url.rpartition("/")[2]]))

    def says(self, files: Files, published: dict[str, str], receipt: str) -> str:
        """Return what the page says of a receipt, which shows the hashes `published`."""
        self._parts = files.parts()
        self._page.locator("#here").evaluate(_SHOW, {name.removesuffix("_hash"): value for name, value in published.items()})
        self._page.get_by_label("Receipt").fill(receipt)
        self._page.get_by_role("button", name="Verify here").click()
        expect(self._page.locator("#here-verdict")).not_to_be_empty()
        return self._page.locator("#here-verdict").inner_text()


_SHOW = "(here, published) => { Object.assign(here.dataset, published); document.getElementById('here-verdict').textContent = ''; }"
SAYS = {
    Answer.COUNTED: "This ballot is in the count",
    Answer.HELD: "This ballot is held",
    Answer.SUPERSEDED: "A later version took its place",
    Answer.NO_MATCH: "It does not match",
}
SPOILS = [*spoilt.ALWAYS, *spoilt.OF_HOLDS, *spoilt.OF_OVERRIDES]


def test_the_browser_says_what_the_verifier_says_of_random_elections_whole_and_spoilt(page: Page, tmp_path: Path) -> None:
    """Every way to tamper with a bundle comes up, every other stated anew; opened picks are no business of the page."""
    served, answers = Served(page), Counter[Answer]()
    for number, spoil in enumerate([*[None] * 12, *SPOILS]):
        election, files = fitting(spoil, number)
        random = dice(number)
        published, own = files.anchors, random.choice(election.ballots).receipt("ss27").short
        receipt = replace(own, version=max(1, own.version - random.choice([0, 0, 1])))
        if spoil:
            spoil(files, random)
        if spoil and number % 2:
            files.restate()
        report = verifying.verify(files.write(tmp_path / "bundle.zip"), receipt=receipt, expected=[*published.values()])
        assert report.answer
        assert served.says(files, published, receipt.text()) == SAYS[report.answer], (number, spoil, report.failures)
        answers[report.answer] += 1
    assert answers.keys() == SAYS.keys()


def fitting(spoil: Spoil | None, number: int) -> tuple[Election, Files]:
    """Make up an election in which there is something to spoil."""
    for attempt in range(100):
        election = made_up(dice(100 * number + attempt), least=5, opened=False)
        has = (spoil not in spoilt.OF_HOLDS or election.holds) and (spoil not in spoilt.OF_OVERRIDES or len(election.history) > 1)
        if has:
            return election, election.files()
    raise AssertionError(spoil)


def test_files_that_cannot_be_fetched_are_said_to_be(page: Page, ballots: dict[str, str]) -> None:
    page.route("**/ballots.csv", lambda route: route.abort())
    asked(page, ballots["counted"])
    expect(page.locator("#here-verdict")).to_have_text("The published files could not be fetched; send the receipt instead")


def test_without_webcrypto_the_page_offers_its_form_alone(page: Page, ballots: dict[str, str]) -> None:
    page.add_init_script("Object.defineProperty(window.crypto, 'subtle', {value: undefined})")
    page.goto("/c/ss27/verify")
    expect(page.get_by_role("button", name="Verify here")).to_be_hidden()
    page.get_by_label("Receipt").fill(ballots["counted"])
    page.get_by_role("button", name="Verify", exact=True).click()
    expect(page.get_by_role("heading", name="This ballot is in the count")).to_be_visible()
