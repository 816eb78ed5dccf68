"""Overrides on the selection desk: one proposes, another agrees, everybody can read why."""

import pytest
from flask import Flask

from c2b.admin import candidates
from c2b.campaigns import queries as campaigns
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people import actions as people
from c2b.people.rules import Role
from c2b.voting import queries
from tests import make
from tests.admin import shop
from tests.admin.conftest import NOON, Logged, SignIn, spoken

DESK = "/admin/ss27/selection"


@pytest.fixture
def selected(database: Database) -> None:
    """Ordering isn't open yet; K101 and K102 won."""
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.SELECTED)
        shop.selected(session, of)


def chosen(database: Database) -> list[str]:
    with database.reading() as session:
        of = campaigns.campaign(session, "ss27")
        codes = {each.id: each.code for each in campaigns.candidates(session, of.id, locale="en")}
        return [codes[key] for key in queries.selected_ids(session, of)]


@pytest.mark.usefixtures("selected")
def test_one_proposes_and_another_agrees(database: Database, sign_in: SignIn, logged: Logged) -> None:
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    manager.get(DESK)
    assert "None: the votes decided alone." in manager.words
    manager.press("Propose the override", code="K103", reason="It sells out every year")
    assert "Proposed. It has no effect until somebody else agrees." in manager.words
    assert "Somebody else has to agree." in manager.words
    assert chosen(database) == ["K101", "K102"]
    owner.get(DESK)
    words = spoken(owner)
    assert "K103 · rank 3 · made although it lost waits for a second person It sells out every year" in words
    assert "Proposed by manager@example.com" in words
    owner.press("I agree to it")
    assert "What the brand decided otherwise than the votes is public" in owner.words
    assert "in effect" in owner.words
    assert chosen(database) == ["K101", "K102", "K103"]
    assert [entry.actor for entry in logged("voting.override.approve")] == ["staff:owner@example.com"]


@pytest.mark.usefixtures("selected")
def test_the_one_who_proposed_it_is_not_offered_to_agree_but_to_take_it_back(database: Database, sign_in: SignIn) -> None:
    manager = sign_in(Role.MANAGER)
    manager.get(DESK)
    manager.press("Propose the override", code=" K101 ", reason="The cloth is gone")
    assert "I agree to it" not in manager.html
    assert "dropped although it won" in manager.words
    manager.press("Take back")
    assert "Taken back." in manager.words
    assert chosen(database) == ["K101", "K102"]


@pytest.mark.usefixtures("selected")
def test_undoing_takes_two_people_too(database: Database, sign_in: SignIn) -> None:
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    manager.get(DESK)
    manager.press("Propose the override", code="K101", reason="The cloth is gone")
    owner.get(DESK)
    owner.press("I agree to it")
    owner.press("Ask to undo it", ending="K101", ending_reason="The cloth came after all")
    assert "It stays in effect until somebody else agrees to undo it." in owner.words
    assert chosen(database) == ["K102"]
    manager.get(DESK)
    assert "owner@example.com asks to undo it: The cloth came after all" in manager.words
    manager.press("I agree to undo it")
    assert chosen(database) == ["K101", "K102"]
    assert "None: the votes decided alone." in manager.words


@pytest.mark.usefixtures("selected")
@pytest.mark.parametrize(
    ("code", "reason", "says"),
    [
        ("K103", " ", "Give a reason; everybody can read it"),
        ("K103", "x" * 501, "A reason has at most 500 characters"),
        ("K999", "It sells out every year", "There is no candidate “K999”"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(database: Database, sign_in: SignIn, code: str, reason: str, says: str) -> None:
    status = 404 if code == "K999" else 400
    browser = sign_in()
    browser.get(DESK)
    browser.press("Propose the override", code=code, reason=reason, expect=status)
    assert says in browser.words
    assert status == 404 or f'value="{code}"' in browser.html
    assert chosen(database) == ["K101", "K102"]


@pytest.mark.usefixtures("selected")
def test_each_row_leads_to_its_override(sign_in: SignIn) -> None:
    browser = sign_in()
    browser.get(DESK)
    links = {a.get("href"): "".join(a.itertext()) for a in browser.tree.iter("a") if "override=" in (a.get("href") or "")}
    assert links[DESK + "?override=K101#code"] == "Drop it all the same Design K101"
    assert links[DESK + "?override=K104#code"] == "Make it all the same Design K104"
    browser.get(DESK + "?override=K104")
    assert next(box.get("value") for box in browser.tree.iter("input") if box.get("name") == "code") == "K104"


def test_what_waited_when_ordering_opened_has_no_effect_and_says_so(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.ORDERING)
        shop.selected(session, of)
        third, second = shop.candidates(session, of)[2], shop.candidates(session, of)[1]
        make.override(session, third, approved_by="", approved_at=None)
        make.override(session, second, made=False, ending_by="staff:owner@example.com", ending_reason="The mill has it again")
    browser = sign_in()
    browser.get(DESK)
    assert "never agreed to: without effect" in browser.words
    assert "Undoing it was asked for, but never agreed to: it stays in effect" in browser.words
    assert "I agree" not in browser.html
    assert "Propose the override" not in browser.html
    assert chosen(database) == ["K101"]


@pytest.mark.usefixtures("selected")
def test_someone_who_shut_the_door_behind_them_agrees_to_nothing(database: Database, sign_in: SignIn) -> None:
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    manager.get(DESK)
    manager.press("Propose the override", code="K103", reason="It sells out every year")
    owner.get(DESK)
    with database.transaction() as session:
        people.disable_staff(session, email="owner@example.com", actor="cli:test", now=NOON)
    owner.press("I agree to it")
    assert owner.url.startswith("/admin/sign-in")
    assert chosen(database) == ["K101", "K102"]


@pytest.mark.usefixtures("selected")
def test_a_proposal_that_changed_is_read_again_before_anybody_agrees(database: Database, sign_in: SignIn) -> None:
    owner, manager = sign_in(Role.OWNER), sign_in(Role.MANAGER)
    manager.get(DESK)
    manager.press("Propose the override", code="K103", reason="It sells out every year")
    owner.get(DESK)
    manager.press("Take back")
    manager.press("Propose the override", code="K103", reason="My cousin drew it")
    owner.press("I agree to it", expect=409)
    assert "has changed since you looked at it; read it again, then agree" in owner.words
    assert "My cousin drew it" in owner.words
    assert chosen(database) == ["K101", "K102"]


@pytest.mark.usefixtures("selected")
def test_the_candidates_list_asks_for_offers_of_what_is_made_and_of_nothing_dropped(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = campaigns.campaign(session, "ss27")
        for candidate, made in ((shop.candidates(session, of)[2], True), (shop.candidates(session, of)[1], False)):
            make.override(session, candidate, made=made)
            for variant in make.variants(session, candidate):
                variant.price = None
    browser = sign_in(Role.MERCHANDISER)
    browser.get("/admin/ss27/candidates")
    rows = {
        code: "".join(row.itertext()) for row in browser.tree.iter("tr") for code in ("K102", "K103") if code in "".join(row.itertext())
    }
    assert "prices" in rows["K103"]
    assert "prices" not in rows["K102"]


@pytest.mark.usefixtures("selected")
def test_the_desk_speaks_chinese_of_overrides(sign_in: SignIn) -> None:
    browser = sign_in(language="zh")
    browser.get(DESK)
    assert "两人同意，理由公开" in browser.words
    assert "没有例外：全由选票决定。" in browser.words


@pytest.mark.parametrize(("state", "asks"), [(CampaignState.VOTING, {"K101", "K103", "K104"}), (CampaignState.SELECTED, {"K101"})])
def test_only_what_may_be_sold_needs_an_offer(app: Flask, database: Database, state: CampaignState, asks: set[str]) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, state)
        shop.candidates(session, of)[1].withdrawn_at = NOON
        if state is CampaignState.SELECTED:
            shop.selected(session, of)
        ids = [each.id for each in shop.candidates(session, of)]
        with app.test_request_context():
            found = candidates.rows(session, of, ids)
    assert {row.detail.card.code for row in found if row.lacks is not None} == asks
