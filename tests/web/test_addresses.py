"""Adding an address in the browser, and a shop or family behind one network."""

from collections.abc import Callable

import pytest
from sqlalchemy import func, select, update

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.models import Person
from c2b.people.rules import AddressKind
from c2b.voting.models import Ballot
from c2b.voting.rules import BallotSource
from tests import make
from tests.web.pages import Browser

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign", "by_phone")


@pytest.fixture
def by_phone(sqlite_database: Database, campaign: Campaign) -> Campaign:
    assert campaign.identity is AddressKind.EMAIL
    with sqlite_database.transaction() as session:
        made = make.campaign(session, slug="by-phone", title_en="Shanghai capsule", identity=AddressKind.PHONE, votes_each=3)
        make.candidate(session, made, "P1")
        return made


def code_on(visitor: Browser) -> str:
    return visitor.words.partition("The code is ")[2][:6]


def signed_in(visitor: Browser, address: str = "anna@example.com", to: str = "/c/ss27/") -> Browser:
    visitor.get(f"/sign-in?next={to}")
    visitor.press("Send the code", address=address)
    visitor.press("Sign in", code=code_on(visitor))
    return visitor


def sources(database: Database) -> list[BallotSource]:
    with database.reading() as session:
        return list(session.scalars(select(Ballot.source)))


def test_a_voter_by_mail_is_told_that_this_campaign_counts_by_telephone_and_adds_one(visit: Open, sqlite_database: Database) -> None:
    visitor = signed_in(visit())
    visitor.get("/c/by-phone/p/P1")
    visitor.press("Vote")
    assert sources(sqlite_database) == [BallotSource.DRAFT]
    visitor.get("/c/by-phone/")
    assert "Add your number to count" in visitor.words
    assert "Sign in to count" not in visitor.words
    visitor.get("/me")
    assert "Shanghai capsule counts one ballot for each telephone number. Your picks are kept, but they don’t count yet." in visitor.words
    visitor.get("/me/addresses?kind=phone&next=/c/by-phone/")
    visitor.press("Send the code", address="138 0013 8000")
    assert "***8000" in visitor.words
    visitor.press("Add this address", code=code_on(visitor))
    assert visitor.url == "/c/by-phone/"
    assert sources(sqlite_database) == [BallotSource.VERIFIED]
    assert "Add your number to count" not in visitor.words


def test_the_page_says_which_address_counts_where(visit: Open) -> None:
    visitor = signed_in(visit())
    visitor.get("/me/addresses")
    assert "a***@example.com Counts in: Spring/Summer 2027" in " ".join(" ".join(visitor.tree.itertext()).split())
    visitor.press("Send the code", address="13800138000", kind="phone")
    visitor.press("Add this address", code=code_on(visitor))
    assert "***8000" in visitor.words
    visitor.get("/me/addresses")
    assert "***8000 Counts in: Shanghai capsule" in " ".join(" ".join(visitor.tree.itertext()).split())
    assert "anna@example.com" not in visitor.html
    assert "13800138000" not in visitor.html


def test_somebody_elses_address_is_refused_without_saying_why(visit: Open, sqlite_database: Database) -> None:
    signed_in(visit(), "13800138000", "/c/by-phone/")
    visitor = signed_in(visit())
    visitor.get("/me/addresses?kind=phone")
    visitor.press("Send the code", address="13800138000")
    visitor.press("Add this address", expect=409, code=code_on(visitor))
    assert "This address can’t be added here." in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 2


def test_a_wrong_code_adds_nothing_and_can_be_corrected(visit: Open) -> None:
    visitor = signed_in(visit())
    visitor.get("/me/addresses?kind=phone")
    visitor.press("Send the code", address="13800138000")
    right = code_on(visitor)
    visitor.press("Add this address", expect=400, code="000000" if right != "000000" else "111111")
    assert "This code is not valid" in visitor.words
    visitor.press("Add this address", code=right)
    assert "Added. You can sign in by it from now on." in visitor.words


def test_an_address_counts_in_no_campaign_whose_vote_is_over(visit: Open, sqlite_database: Database) -> None:
    visitor = signed_in(visit())
    with sqlite_database.transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.SELECTED))
    visitor.get("/me/addresses")
    assert "no open campaign counts by it" in visitor.words


@pytest.mark.parametrize("path", ["/me/addresses", "/me/addresses/code"])
def test_only_who_is_signed_in_adds_addresses(visit: Open, path: str) -> None:
    visitor = visit()
    visitor.get(path)
    assert visitor.url.startswith("/sign-in")


def test_the_code_page_without_an_address_leads_back_to_the_form(visit: Open) -> None:
    visitor = signed_in(visit())
    visitor.get("/me/addresses/code")
    assert visitor.url == "/me/addresses"


@pytest.mark.parametrize(("kind", "typed"), [("phone", "12"), ("email", "anna"), ("wechat", "13800138000")])
def test_what_is_no_address_is_refused_beside_the_field(visit: Open, kind: str, typed: str) -> None:
    visitor = signed_in(visit())
    visitor.get("/me/addresses")
    visitor.press("Send the code", expect=400, address=typed, kind=kind)
    assert "There is a problem" in visitor.words


def test_sixty_people_behind_one_network_all_sign_in_and_vote(visit: Open, sqlite_database: Database) -> None:
    for number in range(60):
        visitor = visit()
        page = f"/c/ss27/p/K{number % 30:02}"
        visitor.get(page)
        visitor.press("Vote")
        signed_in(visitor, f"guest{number}@example.com", page)
    assert sources(sqlite_database) == [BallotSource.VERIFIED] * 60


def test_one_browser_asks_for_ten_addresses_a_day_and_no_more(visit: Open) -> None:
    visitor, neighbour = visit(), visit()
    for number in range(10):
        visitor.get("/sign-in")
        visitor.press("Send the code", address=f"guest{number}@example.com")
    visitor.get("/sign-in")
    visitor.press("Send the code", expect=429, address="guest10@example.com")
    assert "different addresses today" in visitor.words
    visitor.get("/sign-in")
    visitor.press("Send the code", address="guest3@example.com")
    neighbour.get("/sign-in")
    neighbour.press("Send the code", address="guest10@example.com")


def test_signing_in_does_not_make_a_browser_forget_what_it_has_asked_for(visit: Open) -> None:
    visitor = visit()
    for number in range(10):
        signed_in(visitor, f"guest{number}@example.com")
    visitor.get("/sign-in")
    visitor.press("Send the code", expect=429, address="guest10@example.com")


def test_two_first_taps_at_once_make_one_guest(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    before = visitor.client.get_cookie("c2b")
    assert before is not None
    page, html = visitor.tree, visitor.html
    visitor.press("Vote ")
    visitor.client.set_cookie("c2b", before.value)  # the second tap left before the first was answered
    visitor.html = html
    visitor.press("Vote ")
    with sqlite_database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 1
    assert page is not None
