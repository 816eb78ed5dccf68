"""What an order's page tells of the past and of what comes, and pages at the edges of a campaign."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.deposits.order_view import OrderView
from c2b.deposits.rules import Money, Outcome
from c2b.deposits.timeline import Entry, Event
from c2b.voting.models import Ballot
from c2b.web.words import entries
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser
from tests.web.test_voting_pages import change, codes, sign_in
from tests.web.test_words import line

Open = Callable[..., Browser]


def order(**changes: Any) -> OrderView:
    values: dict[str, Any] = {
        "ref": "A1",
        "slug": "ss27",
        "title": "Spring",
        "currency": "CNY",
        "time_zone": "Asia/Shanghai",
        "payment": None,
        "campaign_state": CampaignState.ORDERING,
        "placed_at": make.ORDERING_OPENS,
        "ordering_closes": make.ORDERING_CLOSES,
        "balance_due": None,
        "lines": (line(),),
        "due": 0,
        "timeline": (),
        "consequences": (),
        "terms": "",
        "may_pay": True,
        "is_balance": False,
        "is_shipping": False,
        "shipping": 0,
        "pay_until": None,
        "pays_from": None,
        "countries": ("CN",),
        **dict.fromkeys(("recipient", "phone", "country", "postal_code", "address"), ""),
        "may_cancel": True,
        **changes,
    }
    return OrderView(**values)


def told(app: Flask, of: OrderView, language: str = "en") -> list[dict[str, str]]:
    with app.test_request_context(f"/?lang={language}"):
        return entries(of, None)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("event", Event)
def test_everything_that_happens_has_words_and_an_instant(app: Flask, event: Event, language: str) -> None:
    happened = Entry(make.ORDERING_OPENS, event, amount=5000, reference="p-1", about="K07")
    first = told(app, order(timeline=(happened,)), language)[0]
    own_words = "".join(sign for sign in first["what"] if sign not in "¥’")
    assert own_words.isascii() is (language == "en")
    assert "p-1" in first["when"]
    assert ("17 Mar 10:00" if language == "en" else "3月17日 10:00") in first["when"]
    assert first["state"] == "d"
    assert "%(" not in first["what"]


def test_without_a_reference_only_the_instant_is_told(app: Flask) -> None:
    assert told(app, order(timeline=(Entry(make.ORDERING_OPENS, Event.PLACED),)))[0]["when"] == "17 Mar 10:00"


OPEN = {"what": "Ordering closes, then each product is decided", "when": "30 Mar 22:00", "state": ""}
BALANCE = {"what": "Balance of ¥239.20", "when": "", "state": "n"}
ALLOCATED = {"outcome": Outcome.ALLOCATED, "money": Money.BALANCE_DUE}


@pytest.mark.parametrize(
    ("lines", "comes"),
    [
        ([{}], [OPEN]),
        ([{"outcome": Outcome.MISSED, "balance": 0}], []),
        ([{"outcome": Outcome.CANCELLED, "balance": 0}, {}], [OPEN]),
        ([ALLOCATED], [BALANCE]),
        ([ALLOCATED | {"money": Money.PAID}], []),
        ([ALLOCATED | {"balance": 0}], []),
        ([ALLOCATED, {"outcome": Outcome.MISSED, "balance": 0}], [BALANCE]),
        ([], []),
    ],
)
def test_what_comes_follows_from_the_lines(app: Flask, lines: list[dict[str, Any]], comes: list[dict[str, str]]) -> None:
    assert told(app, order(lines=tuple(line(**changes) for changes in lines))) == comes


def test_a_balance_with_a_day_names_it(app: Flask) -> None:
    (balance,) = told(app, order(lines=(line(**ALLOCATED),), balance_due=make.ORDERING_CLOSES))
    assert balance["when"] == "until 30 Mar 22:00"


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("state", "paused", "says"),
    [
        (CampaignState.SCHEDULED, False, "Have a look around: it opens 1 Mar 10:00."),
        (CampaignState.SCHEDULED, True, "Paused by the brand: the mill is flooded. Your votes and orders are safe."),
        (CampaignState.TALLY, False, "Voting has closed. The result is published here as soon as it is counted."),
        (CampaignState.SETTLING, False, "Ordering has closed. Last payments are coming in"),
        (CampaignState.COMPLETED, False, "Completed. Thank you for choosing."),
        (CampaignState.CANCELLED, True, "Cancelled: the mill is flooded. Every deposit goes back by itself."),
    ],
)
def test_a_closed_gallery_says_why_and_offers_no_button(
    visit: Open, sqlite_database: Database, *, state: CampaignState, paused: bool, says: str
) -> None:
    change(sqlite_database, state=state, paused=paused, reason="the mill is flooded")
    visitor = visit()
    visitor.get("/c/ss27/")
    assert says in visitor.words
    assert 'formaction="/c/ss27/votes/' not in visitor.html
    assert "/order?add=" not in visitor.html


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    "state", [CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY, CampaignState.SETTLING, CampaignState.CANCELLED]
)
def test_a_basket_out_of_time_shows_itself_but_takes_nothing(visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    visitor = visit()
    sign_in(visitor)
    change(sqlite_database, state=state)
    visitor.get("/c/ss27/order")
    assert "note" in visitor.html
    assert not any("Pay" in "".join(button.itertext()) for button in visitor.tree.iter("button"))


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("page", [1, 2, 3, 9999])
def test_behind_the_last_page_is_the_last_page(visit: Open, page: int) -> None:
    visitor = visit()
    visitor.get(f"/c/ss27/?page={page}")
    assert len(codes(visitor)) == (24 if page == 1 else 6)


@pytest.mark.usefixtures("campaign")
def test_filters_narrow_the_gallery_together_and_can_be_removed_one_by_one(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?cat=衬衫&q=K0")
    assert sorted(codes(visitor)) == ["K00", "K03", "K06", "K09"]
    visitor.get("/c/ss27/?cat=衬衫&q=knit")
    assert codes(visitor) == []
    removed = {link.get("href") for link in visitor.tree.iter("a") if "Remove" in "".join(link.itertext())}
    assert removed == {"?q=knit", "?cat=%E8%A1%AC%E8%A1%AB"}


@pytest.mark.usefixtures("campaign")
def test_a_spent_ballot_leads_to_the_picks_and_one_taken_back_frees_every_card(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    for _ in range(3):
        visitor.press("Vote ")
    visitor.get("/c/ss27/?show=picked")
    assert len(codes(visitor)) == 3
    visitor.press("Picked · undo")
    assert len(codes(visitor)) == 2
    visitor.get("/c/ss27/")
    assert "No votes left" not in visitor.words
    assert "1 vote left" in visitor.words


@pytest.mark.usefixtures("campaign")
def test_a_held_ballot_is_said_to_its_owner_and_to_nobody_else(visit: Open, sqlite_database: Database) -> None:
    anna, berta = visit(), visit()
    for browser, address in ((anna, "anna@example.com"), (berta, "berta@example.com")):
        browser.get("/c/ss27/")
        browser.press("Vote ")
        sign_in(browser, address)
    with sqlite_database.transaction() as session:
        first = session.scalars(select(Ballot).order_by(Ballot.person_id)).first()
        assert first
        first.held_at, first.held_reason = make.OPENS, "bought"
    for browser in (anna, berta):
        browser.get("/me")
    assert ["held and not counted" in browser.words for browser in (anna, berta)].count(True) == 1
    assert not any("bought" in browser.html for browser in (anna, berta))


@pytest.mark.usefixtures("campaign")
def test_before_the_selection_no_page_shows_a_count(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    with sqlite_database.transaction() as session:
        here = session.scalars(select(Campaign)).one()
        favourite = session.scalars(select(Candidate).where(Candidate.code == "K07")).one()
        for _ in range(7):
            make.ballot(session, here, favourite)
    clock.at = make.CLOSES
    visitor = visit()
    for state in (CampaignState.VOTING, CampaignState.TALLY):
        change(sqlite_database, state=state)
        visitor.get("/c/ss27/results")
        assert "No result yet" in visitor.words
        assert "7 votes" not in visitor.words
        assert "7 votes" not in visitor.get("/c/ss27/p/K07")
