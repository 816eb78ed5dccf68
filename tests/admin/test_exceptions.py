"""The decision desk's exceptions: one proposes, another agrees, everybody reads the reason."""

import pytest

from c2b.db import Database
from c2b.people.rules import Role
from tests.admin.conftest import Clock, SignIn, spoken
from tests.admin.test_desks import settling
from tests.web.pages import Browser

PAGE, WHY = "/admin/ss27/decision", "The mill agreed to a smaller lot"


@pytest.fixture
def mei(database: Database, sign_in: SignIn, clock: Clock) -> Browser:
    """K101 reached its minimum, K102 is two short."""
    settling(database, clock)
    browser = sign_in(Role.MANAGER)
    browser.get(PAGE)
    return browser


def test_two_people_make_what_missed(mei: Browser, sign_in: SignIn) -> None:
    assert "None: the minimums decide alone." in spoken(mei)
    mei.press("Propose to make it", code="K102", reason=WHY)
    assert "Proposed. It has no effect until somebody else agrees." in spoken(mei)
    assert f"K102 waits for a second person {WHY}" in spoken(mei)
    assert "I agree to it" not in spoken(mei)
    assert "Deciding now makes 1 products" in spoken(mei)
    owner = sign_in(Role.OWNER)
    owner.get(PAGE)
    owner.press("I agree to it")
    assert f"K102 in effect {WHY}" in spoken(owner)
    assert "Deciding now makes 2 products" in spoken(owner)
    assert "Made although it missed · price tier 1" in spoken(owner)
    owner.press("Decide: make 2 products, return 0 payments", confirm="ss27")
    assert f"K102 in effect {WHY}" in spoken(owner)
    assert "Propose to make it" not in spoken(owner)
    owner.get("/c/ss27/p/K102")
    assert f"Made by the brand although the rule left it out: {WHY}" in spoken(owner)
    owner.get("/c/ss27/p/K101")
    assert "although the rule left it out" not in spoken(owner)


def test_it_is_taken_back_and_the_rule_decides(mei: Browser) -> None:
    mei.press("Propose to make it", code="K102", reason=WHY)
    mei.press("Take back")
    assert "Taken back. The published rule decides." in spoken(mei)
    assert "None: the minimums decide alone." in spoken(mei)


@pytest.mark.parametrize(
    ("form", "status", "says"),
    [({"code": "K9", "reason": "x"}, 400, "No product with the code “K9”"), ({"code": "K102", "reason": " "}, 400, "Give the reason")],
)
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_stays(mei: Browser, form: dict[str, str], status: int, says: str) -> None:
    mei.press("Propose to make it", expect=status, **form)
    assert says in spoken(mei)
    assert next(field.get("value") for field in mei.tree.iter("input") if field.get("name") == "code") == form["code"]


def test_the_desk_speaks_chinese(database: Database, sign_in: SignIn, clock: Clock) -> None:
    settling(database, clock)
    browser = sign_in(Role.OWNER, "zh")
    browser.get(PAGE)
    browser.press("提议生产", code="K102", reason="工厂同意小批量")
    assert "K102 等第二人同意" in spoken(browser)
