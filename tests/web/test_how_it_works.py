"""The page that says how a campaign works: from its rules and dates, not from an editor."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import LegalProfile
from c2b.db import Database
from c2b.voting import statement, tree
from tests import make
from tests.web.pages import Browser, text_of

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")
HOW = "/c/ss27/how"


def change(database: Database, **values: object) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        for name, value in values.items():
            setattr(campaign, name, value)


def steps(browser: Browser) -> list[str]:
    return [text_of(item) for found in browser.tree.iter("ol") if found.get("class") == "hw mt4" for item in found.iter("li")]


def frame(browser: Browser) -> dict[str, str]:
    """Return what the double frame around the rule says."""
    found = next(section for section in browser.tree.iter("section") if section.get("class") == "rule")
    names = [text_of(each) for each in found.iter("dt")]
    return dict(zip(names, (text_of(each) for each in found.iter("dd")), strict=True)) | {"rule": text_of(next(found.iter("p")))}


def lists(browser: Browser) -> tuple[list[str], list[str]]:
    """Return what the brand can, and what it cannot do."""
    found = {each.get("class"): [text_of(item) for item in each.iter("li")] for each in browser.tree.iter("ul")}
    return found["yn"], found["yn no"]


def test_the_five_steps_name_their_instants_in_the_campaigns_zone(visit: Open) -> None:
    visitor = visit()
    visitor.get(HOW)
    told = steps(visitor)
    assert len(told) == 5
    assert "1 Mar 10:00 – 14 Mar 22:00" in told[0]
    assert "30 designs, 3 votes each" in told[0]
    assert "after 14 Mar 22:00" in told[1]
    assert "The 10 designs" in told[1]
    assert "17 Mar 10:00 – 30 Mar 22:00" in told[2]
    assert "after 30 Mar 22:00" in told[3]
    assert "Five steps" in visitor.words


def test_the_rule_stands_in_its_frame_with_version_freezing_and_hash(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get(HOW)
    rule = frame(visitor)
    assert "The 10 designs with the most counted votes open for pre-order" in rule["rule"]
    assert rule["Version"] == "1"
    assert rule["Frozen"] == "1 Mar 10:00, when voting opens"
    with sqlite_database.reading() as session:
        assert rule["Hash"] == tree.digest(statement.rules_of(make.campaign_of(session, "ss27")))


@pytest.mark.parametrize(
    "changed", [{"places": 11}, {"min_votes": 5}, {"max_per_category": 2}, {"count": ["verified"]}, {"rules_version": 2}]
)
def test_another_rule_has_another_hash(visit: Open, sqlite_database: Database, changed: dict[str, Any]) -> None:
    visitor = visit()
    visitor.get(HOW)
    before = frame(visitor)["Hash"]
    change(sqlite_database, **changed)
    visitor.get(HOW)
    assert frame(visitor)["Hash"] != before


def test_what_decides_nothing_of_the_vote_leaves_the_hash_alone(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get(HOW)
    before = frame(visitor)["Hash"]
    change(sqlite_database, title="另一个名字", shipping=1000)
    visitor.get(HOW)
    assert frame(visitor)["Hash"] == before


@pytest.mark.parametrize(
    ("language", "cannot"), [("en", "move a design to the front, paid or not"), ("zh", "把一款挪到前面，收不收钱都不行")]
)
def test_the_page_says_what_the_brand_can_and_cannot_do(visit: Open, language: str, cannot: str) -> None:
    visitor = visit(language)
    visitor.get(HOW)
    can, can_not = lists(visitor)
    assert (len(can), len(can_not)) == (4, 4)
    assert cannot in can_not


def test_the_questions_are_folded_but_the_first_and_lead_on(visit: Open) -> None:
    visitor = visit()
    visitor.get(HOW)
    questions = list(visitor.tree.iter("details"))
    assert len(questions) >= 5
    assert [question.get("open") is not None for question in questions] == [True] + [False] * (len(questions) - 1)
    assert 'href="/c/ss27/shuffle"' in visitor.html


def test_without_a_vote_three_steps_are_left_and_nothing_is_said_of_votes(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, voting_opens=None, voting_closes=None)
    visitor = visit()
    visitor.get(HOW)
    assert len(steps(visitor)) == 3
    assert "Three steps" in visitor.words
    assert "Frozen" not in frame(visitor)
    can, can_not = lists(visitor)
    assert (len(can), len(can_not)) == (2, 3)
    assert not any("vot" in each for each in can_not)


@pytest.mark.parametrize("profile", list(LegalProfile))
def test_the_consequences_are_those_of_the_campaigns_law(visit: Open, sqlite_database: Database, profile: LegalProfile) -> None:
    change(sqlite_database, legal_profile=profile)
    visitor = visit()
    visitor.get(HOW)
    money = next(section for section in visitor.tree.iter("section") if section.get("id") == "money")
    cases = [text_of(each) for each in money.iter("dd")]
    assert len(cases) >= 3
    assert ("Civil Code" in " ".join(cases)) is (profile is LegalProfile.CN_DINGJIN)
