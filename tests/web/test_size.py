"""My size: said once if one likes."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select

from c2b.campaigns.models import Candidate
from c2b.db import Database
from c2b.people.models import Person
from tests.web.pages import Browser
from tests.web.test_voting_pages import codes, sign_in

Open = Callable[..., Browser]


@pytest.fixture(autouse=True)
def sized(sqlite_database: Database, campaign: object) -> None:
    """Give the candidates' option its name."""
    assert campaign
    with sqlite_database.transaction() as session:
        for candidate in session.scalars(select(Candidate)):
            candidate.option1_name, candidate.option1_name_en = "尺码", "Size"


def said(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Person.size).where(Person.size != "")))


def test_looking_at_the_question_makes_nobody_a_guest(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    assert 'href="/c/ss27/size"' in visitor.html
    visitor.get("/c/ss27/size")
    assert "Which size do you usually wear?" in visitor.words
    assert "Remove my size" not in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Person)).one() == 0


def test_a_visitor_says_a_size_changes_it_and_takes_it_back(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    for size in ("M", "L"):
        visitor.get("/c/ss27/size")
        visitor.press("Save my size", size=size)
        assert "Your size is saved." in visitor.words
        assert said(sqlite_database) == [size]
    visitor.get("/c/ss27/size")
    assert "My size: L" in visitor.words
    visitor.press("Remove my size")
    assert "Your size is removed." in visitor.words
    assert visitor.url == "/c/ss27/size"
    assert said(sqlite_database) == []


def test_the_size_stands_on_my_page_and_goes_from_there(visit: Open, sqlite_database: Database) -> None:
    visitor = visit("zh")
    visitor.get("/c/ss27/size")
    visitor.press("保存", size="S")
    visitor.get("/me")
    assert "S" in visitor.words
    visitor.press("删除")
    assert visitor.url == "/me"
    assert said(sqlite_database) == []


@pytest.mark.parametrize("size", ["", "XXXXL", "K00", "<b>"])
def test_only_a_size_of_the_campaign_is_taken(visit: Open, sqlite_database: Database, size: str) -> None:
    visitor = visit()
    visitor.get("/c/ss27/size")
    visitor.press("Save my size", size=size, expect=400)
    assert "Choose one of the sizes" in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Person)).one() == 0


def test_removing_what_was_never_said_changes_nothing(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/size")
    visitor.press("Save my size", size="M")
    stranger = visit()
    stranger.get("/c/ss27/size")
    token = next(control.get("value") for control in stranger.tree.iter("input") if control.get("name") == "csrf_token")
    stranger.client.post("/me/size", data={"csrf_token": token})
    assert said(sqlite_database) == ["M"]


def test_the_size_comes_along_when_its_person_signs_in(visit: Open, sqlite_database: Database) -> None:
    visitor, other = visit(), visit()
    visitor.get("/c/ss27/size")
    visitor.press("Save my size", size="M")
    sign_in(visitor)
    visitor.get("/me")
    assert "My size: M" in visitor.words
    other.get("/c/ss27/size")
    other.press("Save my size", size="L")
    sign_in(other)
    other.get("/me")
    assert "My size: M" in other.words
    assert sorted(said(sqlite_database)) == ["L", "M"]


def test_a_size_changes_neither_order_nor_votes(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    order = codes(visitor)
    visitor.get("/c/ss27/size")
    visitor.press("Save my size", size="M")
    assert codes(visitor) == order
    assert "3 votes left" in visitor.words


def test_where_no_design_has_sizes_nobody_is_asked(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        for candidate in session.scalars(select(Candidate)):
            candidate.option1_name = candidate.option1_name_en = ""
    visitor = visit()
    visitor.get("/c/ss27/size")
    assert "The designs of this campaign have no sizes." in visitor.words
