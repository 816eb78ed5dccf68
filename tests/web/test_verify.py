"""Receipts and verification as people see them, without JavaScript."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, commitment
from c2b.db import Database
from c2b.exports import publishing
from c2b.messages.models import Message
from c2b.voting import receipts, selecting, statement, tree
from c2b.voting.models import Ballot
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_addresses import signed_in

Visit = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")


def select_winners(database: Database) -> None:
    with database.transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.TALLY))
        selecting.select_winners(session, slug="ss27", actor="cli:test", now=make.CLOSES)


def voted(database: Database, **changes: Any) -> str:
    """Give a ballot with two picks and return its receipt."""
    with database.transaction() as session:
        campaign = make.campaign_of(session, "ss27")
        picks = session.scalars(select(Candidate).order_by(Candidate.position).limit(2)).all()
        made = make.ballot(session, campaign, *picks, **changes)
        return text_of(session, campaign, made.person_id)


def text_of(session: Session, campaign: Campaign, person_id: int) -> str:
    own = receipts.receipt(session, campaign=campaign, person_id=person_id)
    assert own
    return own.text()


def states(browser: Browser) -> list[str]:
    steps = (each for each in browser.tree.iter("li") if (each.get("id") or "").startswith("step-"))
    return [" ".join(each.itertext()) for step in steps for each in step.iter("em")]


@pytest.mark.parametrize(
    ("changes", "verdict", "steps"),
    [
        ({}, "This ballot is in the count", ["Passed"] * 4),
        ({"held_at": make.OPENS, "held_reason": "burst"}, "This ballot is held", ["Passed", "Passed", "Passed", "Failed"]),
        ({"source": "draft"}, "It does not match", ["Passed", "Failed", "Skipped", "Skipped"]),
    ],
)
def test_a_pasted_receipt_gets_four_checks_and_an_answer(
    sqlite_database: Database, visit: Visit, *, changes: dict[str, Any], verdict: str, steps: list[str]
) -> None:
    voted(sqlite_database)
    receipt = voted(sqlite_database, **changes)
    select_winners(sqlite_database)
    browser = visit()
    browser.get("/c/ss27/verify")
    browser.press("Verify", receipt=receipt)
    assert verdict in browser.words
    assert states(browser) == steps
    assert ("Here one block of ballots, at most 1,024, is folded anew" in browser.words) == (steps[2] == "Passed")


def test_an_older_receipt_is_superseded_and_a_spoilt_one_fails_with_its_line(sqlite_database: Database, visit: Visit) -> None:
    receipt = voted(sqlite_database)
    select_winners(sqlite_database)
    browser = visit()
    browser.get("/c/ss27/verify")
    short = "".join(receipt.splitlines(keepends=True)[:5])
    browser.press("Verify", receipt=short.replace("version    2", "version    1"))
    assert "A later version took its place" in browser.words
    assert "Version 2 was taken, this receipt is of 1" in browser.words
    browser.press("Verify again", receipt=short.replace("version    2\n", ""))
    assert "It does not match" in browser.words
    assert "“version” is missing" in browser.words
    assert states(browser) == ["Failed", "Skipped", "Skipped", "Skipped"]


def test_in_chinese_too(sqlite_database: Database, visit: Visit) -> None:
    receipt = voted(sqlite_database)
    select_winners(sqlite_database)
    browser = visit("zh")
    browser.get("/c/ss27/verify")
    browser.press("验证", receipt=receipt)
    assert "这张选票在计票里" in browser.words
    assert states(browser) == ["通过"] * 4


def test_what_is_pasted_stands_in_no_address_and_markup_in_it_is_harmless(sqlite_database: Database, visit: Visit) -> None:
    voted(sqlite_database)
    select_winners(sqlite_database)
    browser = visit()
    browser.get("/c/ss27/verify")
    browser.press("Verify", receipt="</textarea><script>alert(1)</script>")
    assert browser.url == "/c/ss27/verify"
    assert "<script>alert" not in browser.html
    browser.get("/c/ss27/verify?receipt=c2b+receipt+1")
    assert "c2b receipt 1" not in browser.html.partition("<form")[2].partition("</form>")[0]


def test_before_the_selection_there_is_no_form_and_no_answer(sqlite_database: Database, visit: Visit) -> None:
    receipt = voted(sqlite_database)
    browser = visit()
    assert "There is no result yet" in browser.get("/c/ss27/verify")
    token = browser.client.get("/sign-in").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = browser.client.post("/c/ss27/verify", data={"csrf_token": token, "receipt": receipt})
    assert answer.status_code == 409


def test_what_can_be_noted_down_when_voting_opens_stands_on_both_pages(sqlite_database: Database, visit: Visit) -> None:
    with sqlite_database.reading() as session:
        campaign = make.campaign_of(session, "ss27")
        noted = [commitment(campaign.secret), tree.digest(statement.rules_of(campaign))]
        secret = campaign.secret.hex()
    browser = visit()
    for page in ("/c/ss27/how", "/c/ss27/verify"):
        shown = browser.get(page)
        assert all(each in shown for each in noted)
        assert secret not in shown


def test_what_it_proves_and_what_not_stands_in_plain_words(visit: Visit) -> None:
    browser = visit()
    browser.get("/c/ss27/verify")
    assert "that nobody sees your picks: who runs the campaign can" in browser.words
    assert "that voters are different people" in browser.words
    assert "Who holds all data could write another result" in browser.words


def test_a_visitors_receipt_is_a_draft_until_they_sign_in(visit: Visit) -> None:
    browser = visit()
    browser.get("/c/ss27/p/K01")
    browser.press("Vote")
    browser.get("/c/ss27/receipt")
    assert "This is a draft: it doesn’t count until you sign in." in browser.words
    assert "pick       K01" in browser.html
    assert "Mail it to me" not in browser.words


def test_a_first_visit_is_asked_to_sign_in(visit: Visit) -> None:
    browser = visit()
    browser.get("/c/ss27/receipt")
    assert browser.url.startswith("/sign-in")


def test_who_is_signed_in_saves_or_mails_it(sqlite_database: Database, visit: Visit) -> None:
    browser = visit()
    browser.get("/c/ss27/p/K01")
    browser.press("Vote")
    signed_in(browser)
    page = browser.get("/c/ss27/receipt")
    assert "This is a draft" not in page
    saved = browser.client.get("/c/ss27/receipt.txt")
    assert receipts.parse(saved.text).opens
    assert (saved.headers["Cache-Control"], "attachment" in saved.headers["Content-Disposition"]) == ("no-store", True)
    assert "on its way" in browser.press("Mail it to me")
    assert "mailed to you already" in browser.press("Mail it to me")
    with sqlite_database.reading() as session:
        mailed = session.scalars(select(Message.fields).where(Message.template == "receipt")).all()
    assert [("pick" in fields["receipt"], fields["path"]) for fields in mailed] == [(False, "/c/ss27/verify")]


def test_the_published_files_come_with_the_result_and_from_the_disk(
    sqlite_database: Database, visit: Visit, tmp_path: Path, clock: Clock
) -> None:
    voted(sqlite_database)
    browser = visit()
    assert browser.client.get("/c/ss27/published/verify.py").text.startswith('"""Verifies a published vote')
    for name in (*publishing.FILES, "secret", "../c2b.db"):
        assert browser.client.get(f"/c/ss27/published/{name}").status_code == 404
    select_winners(sqlite_database)
    assert browser.client.get("/c/ss27/published/bundle.zip").status_code == 409
    publishing.publish(sqlite_database, tmp_path, clock())
    with browser.client.get("/c/ss27/published/bundle.zip") as found:
        assert (found.status_code, found.content_type) == (200, "application/zip")
        assert found.headers["Content-Disposition"] == "attachment; filename=ss27-bundle.zip"
    with browser.client.get("/c/ss27/published/ballots.csv") as found:
        assert found.get_data(as_text=True).startswith("serial,version,commitment,held\n")
    assert browser.client.get("/c/ss27/published/secret").status_code == 404


def test_no_look_at_any_of_it_writes(sqlite_database: Database, visit: Visit) -> None:
    receipt = voted(sqlite_database)
    select_winners(sqlite_database)
    browser = visit()
    with sqlite_database.reading() as session:
        before = session.execute(select(Ballot.serial, Ballot.version, Ballot.commitment)).all()
    browser.get("/c/ss27/verify")
    browser.press("Verify", receipt=receipt)
    with sqlite_database.reading() as session:
        assert session.execute(select(Ballot.serial, Ballot.version, Ballot.commitment)).all() == before
        assert session.scalars(select(Message)).all() == []
