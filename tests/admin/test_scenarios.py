"""The selection desk's what-if: a scenario is an address, and changes nothing."""

from urllib.parse import urlencode

import pytest
from sqlalchemy import func, select

from c2b.audit.models import AuditEntry
from c2b.campaigns import queries
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.rules import Role
from c2b.voting import selecting
from c2b.voting.models import Selection
from tests import make
from tests.admin import shop
from tests.admin.conftest import Logged, SignIn, spoken
from tests.statements import counted
from tests.web.pages import Browser

DESK = "/admin/ss27/selection"


def tally(database: Database, state: CampaignState = CampaignState.TALLY, **changes: object) -> None:
    """K101 has three votes, K102 two, K103 one and one held; two places."""
    with database.transaction() as session:
        shop.votes(session, shop.campaign(session, state, **changes))


def value(browser: Browser, name: str) -> str | None:
    return next(box.get("value") for box in browser.tree.iter("input") if box.get("name") == name)


def test_the_form_begins_with_the_frozen_rules(database: Database, sign_in: SignIn) -> None:
    tally(database, min_votes=1, max_per_category=3)
    browser = sign_in(Role.MANAGER, looks=True)
    browser.get(DESK)
    assert [value(browser, name) for name in ("places", "min_votes", "max_per_category")] == ["2", "1", "3"]
    assert "a scenario" not in browser.words.partition("A scenario changes nothing")[0]
    assert "The published rules decide. A scenario changes nothing, now or later" in browser.words


def test_more_places_say_who_would_come_in(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(Role.MANAGER, looks=True)
    browser.get(DESK)
    browser.press("Try it", places="3")
    assert sorted(browser.url.partition("?")[2].split("&")) == ["max_per_category=0", "min_votes=1", "places=3"]
    words = spoken(browser)
    assert "This scenario selects 3 designs; the frozen rules select 2." in words
    assert "1 would come in 3 Design K103 K103 · 1 vote" in words
    assert "0 would fall out" in words
    assert "out by the frozen rules" in words


def test_fewer_places_say_who_would_fall_out(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?places=1")
    words = spoken(browser)
    assert "This scenario selects 1 design; the frozen rules select 2." in words
    assert "1 would fall out 2 Design K102 K102 · 2 votes" in words
    assert "in by the frozen rules" in words


def test_a_minimum_and_a_category_limit_can_be_tried_alone(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?min_votes=3")
    assert "This scenario selects 1 design" in browser.words
    assert "too few votes" in browser.words
    browser.get(DESK + "?places=4&max_per_category=1")
    words = spoken(browser)
    assert "衬衫 is full with 1; 2 designs stay out by it" in words
    assert "its category is full" in words
    assert "衬衫 4 6 1 1 2 2" in words  # candidates, counted, held, selected, by the frozen rules, out because it is full


def test_held_ballots_can_be_counted_to_see_what_they_would_do(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = shop.campaign(session, CampaignState.TALLY)
        shop.votes(session, of)
        make.ballot(session, of, shop.candidates(session, of)[2], held_at=make.OPENS, held_reason="bought votes")
    browser = sign_in(looks=True)
    browser.get(DESK)
    assert "If all held ballots counted in: K103; out: K102" in spoken(browser)
    browser.press("Try it", held="1")
    words = spoken(browser)
    assert "1 would come in" in words
    assert "If held ballots didn’t count in: K102; out: K103" in words


def test_a_scenario_equal_to_the_rules_is_no_scenario(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK)
    browser.press("Try it")
    assert "This scenario selects" not in browser.words
    assert "Back to the frozen rules" not in browser.words


def test_a_scenario_with_the_same_outcome_says_so(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?min_votes=2")
    assert "The same designs as by the frozen rules." in browser.words


@pytest.mark.parametrize("name", ["places", "min_votes", "max_per_category"])
def test_what_is_no_number_is_said_beside_its_field_and_the_rest_is_kept(database: Database, sign_in: SignIn, name: str) -> None:
    tally(database)
    browser = sign_in(looks=True)
    others = {"places": "3", "min_votes": "4", "max_per_category": "5", "held": "1"}
    for typed in ("many", "-1", "1.5", "100001", "9999999999999999999999", "½", "0x10", "1e3"):
        browser.get(DESK + "?" + urlencode(others | {name: typed}), expect=400)
        least = 1 if name == "places" else 0
        problem = next(text for text in browser.tree.iter("p") if text.get("id") == f"{name}-error")
        assert "".join(problem.itertext()) == f"Write a whole number from {least} to 100,000"
        assert {key: value(browser, key) for key in others} == others | {name: typed}
        assert "This scenario selects" not in browser.words


def test_no_place_at_all_is_no_scenario(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?places=0", expect=400)
    assert "Write a whole number from 1 to 100,000" in browser.words


def test_an_empty_field_means_the_frozen_rule(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?places=&min_votes=%20&max_per_category=")
    assert value(browser, "places") == "2"


def test_looking_at_scenarios_writes_nothing_and_builds_no_tree(
    database: Database, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    tally(database)
    browser = sign_in(looks=True)
    monkeypatch.setattr(selecting, "leaves", lambda *_: pytest.fail("a look builds no tree"))
    with counted(database):
        browser.get(DESK + "?places=3&held=1")
    with database.reading() as session:
        assert queries.campaign(session, "ss27").places == 2
        assert session.scalars(select(func.count()).select_from(Selection)).one() == 0
        assert session.scalars(select(AuditEntry.action).where(AuditEntry.campaign == "ss27")).all() == [selecting.LOOK]


def test_the_run_takes_the_frozen_rules_whatever_scenario_is_on_the_page(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK + "?places=4")
    assert "The frozen rules decide, not the scenario above" in browser.words
    assert "2 candidates are selected; ranks, votes" in browser.words
    browser.press("Select and publish", confirm="ss27")
    with database.reading() as session:
        assert session.scalars(select(Selection.places)).one() == 2


def test_after_the_selection_scenarios_stand_on_what_was_counted(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(looks=True)
    browser.get(DESK)
    browser.press("Select and publish", confirm="ss27")
    browser.get(DESK + "?places=3")
    assert "This scenario selects 3 designs; the frozen rules select 2." in browser.words
    assert "What can be recomputed" in browser.words


def test_while_people_vote_a_scenario_is_kept_through_the_logged_look(database: Database, sign_in: SignIn, logged: Logged) -> None:
    tally(database, CampaignState.VOTING)
    browser = sign_in(Role.MANAGER)
    browser.get(DESK + "?places=3&held=1")
    assert "Around the line" not in browser.words
    assert "This scenario selects" not in browser.words
    browser.press("Show counts")
    assert sorted(browser.url.partition("?")[2].split("&")) == ["held=1", "max_per_category=0", "min_votes=1", "places=3"]
    assert "This scenario selects 3 designs" in browser.words
    assert len(logged("voting.look_at_counts")) == 1


def test_without_a_look_not_even_a_wrong_scenario_tells_a_count(database: Database, sign_in: SignIn) -> None:
    tally(database, CampaignState.VOTING)
    browser = sign_in(Role.MANAGER)
    browser.get(DESK + "?places=many")
    assert "Counts are hidden from everybody until the result is published." in browser.words
    assert "K101" not in browser.words


def test_rows_stand_around_the_line_with_a_link_to_all_of_the_same_scenario(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        of = make.campaign(session, state=CampaignState.TALLY, places=10)
        cards = [make.candidate(session, of, f"K{at:02}", position=at) for at in range(1, 31)]
        for at in range(30):
            make.ballot(session, of, *cards[: min(15, 30 - at)])
    browser = sign_in(looks=True)
    browser.get(DESK + "?places=8")
    shown = list(browser.tree.iter("tr"))
    words = spoken(browser)
    assert len(shown) < 20
    assert "The line: 8 places" in words
    browser.get(DESK + "?places=8&all=yes")
    assert "All candidates" in spoken(browser)
    assert "Design K30" in browser.words


def test_nobody_with_a_vote_means_nobody_selected(database: Database, sign_in: SignIn) -> None:
    with database.transaction() as session:
        shop.campaign(session, CampaignState.TALLY)
    browser = sign_in(looks=True)
    browser.get(DESK)
    assert "nobody is selected" in browser.words
    assert "No votes yet." in browser.words


def test_the_desk_speaks_chinese(database: Database, sign_in: SignIn) -> None:
    tally(database)
    browser = sign_in(language="zh", looks=True)
    browser.get(DESK + "?places=3")
    words = spoken(browser)
    assert "What if" not in words
    assert "Try it" not in words
    assert "这个假设入选 3 款" in words
