"""Finding one's way among the candidates: filters, what was seen, and where to go on."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from c2b.campaigns.bands import Band
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.web import filtering
from c2b.web.filtering import Filters
from tests.statements import counted
from tests.web.pages import Browser, text_of
from tests.web.test_voting_pages import change, codes, sign_in

Open = Callable[..., Browser]
ALL = [f"K{number:02}" for number in range(30)]


@pytest.fixture
def priced(sqlite_database: Database, campaign: Campaign) -> Campaign:
    """K00 ... K29 from 100.00 to 390.00; K29 has no estimate."""
    with sqlite_database.transaction() as session:
        for candidate in session.scalars(select(Candidate)):
            price = None if candidate.code == "K29" else 10000 + int(candidate.code[1:]) * 1000
            candidate.price_from, candidate.price_to = price, price
    return campaign


def order_of(browser: Browser) -> list[str]:
    found = []
    for page in (1, 2):
        browser.get(f"/c/ss27/?page={page}")
        found += codes(browser)
    return found


def choices(browser: Browser) -> dict[str, int]:
    """Return the links of the rail with their counts."""
    lists = [each for each in browser.tree.iter("ul") if each.get("class") == "fil"]
    texts = [text_of(link).rpartition(" ") for each in lists for link in each.iter("a")]
    return {name: int(count) for name, _, count in texts}


def follow(browser: Browser, name: str) -> None:
    """Go where the link leads whose words begin with `name`."""
    links = [link.get("href") or "" for link in browser.tree.iter("a") if text_of(link).startswith(name)]
    assert links, f"no link {name!r}"
    browser.get(links[0] if links[0].startswith("/") else f"/c/ss27/{links[0]}")


@pytest.mark.usefixtures("priced")
@pytest.mark.parametrize(
    ("query", "kept"),
    [
        ("price=-150", range(5)),
        ("price=150-200", range(5, 10)),
        ("price=380-", [28]),
        ("price=109.99-110.01", [1]),
        ("price=-", range(30)),
        ("price=abc", range(30)),
        ("price=1e3-", range(30)),
        ("price=300-200", []),
        ("price=150-200&cat=衬衫", [6, 9]),
        ("price=150-200&cat=Shirts&q=shirt 9", [9]),
    ],
)
def test_a_price_range_is_an_address(visit: Open, query: str, kept: list[int]) -> None:
    visitor = visit()
    order = order_of(visitor)
    visitor.get(f"/c/ss27/?{query}")
    found = codes(visitor)
    if len(kept) > 24:
        visitor.get(f"/c/ss27/?{query}&page=2")
        found += codes(visitor)
    assert found == [code for code in order if int(code[1:]) in kept]


@pytest.mark.usefixtures("priced")
def test_the_rail_offers_round_ranges_of_the_campaigns_own_estimates(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    offered = {name: count for name, count in choices(visitor).items() if "¥" in name}
    assert list(offered) == ["Under ¥150", "¥150–250", "¥250–300", "¥300 and more"]
    assert sum(offered.values()) == 29
    follow(visitor, "¥150–250")
    assert len(codes(visitor)) == offered["¥150–250"]
    assert 'aria-current="true">¥150–250' in visitor.html
    follow(visitor, "¥150–250")
    assert len(codes(visitor)) == 24


@pytest.mark.usefixtures("campaign")
def test_where_all_cost_the_same_there_is_no_price_filter(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        for candidate in session.scalars(select(Candidate)):
            candidate.price_from = candidate.price_to = 29900
    visitor = visit()
    visitor.get("/c/ss27/")
    assert "Estimated price" not in visitor.words
    assert list(choices(visitor)) == ["Not seen yet", "Seen, no vote", "Picked"]


@pytest.mark.usefixtures("campaign")
def test_what_was_seen_is_counted_from_the_first_page_on(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    assert "Seen 24 of 30" in visitor.words
    visitor.get("/c/ss27/?page=1")
    assert "Seen 24 of 30" in visitor.words
    assert choices(visitor) == {"Not seen yet": 6, "Seen, no vote": 24, "Picked": 0}
    visitor.press("Vote ")
    assert choices(visitor) == {"Not seen yet": 6, "Seen, no vote": 23, "Picked": 1}
    visitor.get("/c/ss27/?page=2")
    assert "Seen 30 of 30" in visitor.words


@pytest.mark.usefixtures("campaign")
def test_the_three_kinds_of_seen_are_everything(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    first = codes(visitor)
    visitor.press("Vote ")
    listed: dict[str, list[str]] = {}
    for kind in ("picked", "yes", "no"):
        visitor.get(f"/c/ss27/?seen={kind}")
        listed[kind] = codes(visitor)
    assert listed["picked"] == first[:1]
    assert listed["yes"] == first[1:]
    assert sorted(listed["no"]) == sorted(set(ALL) - set(first))


@pytest.mark.usefixtures("campaign")
def test_the_list_of_what_is_not_seen_stays_while_one_looks_through_it(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/p/K03")
    visitor.get("/c/ss27/?seen=no")
    first, address = codes(visitor), visitor.url
    assert len(first) == 24
    visitor.get(address)  # reloading shows the same, though all of it was seen meanwhile
    assert codes(visitor) == first
    follow(visitor, "Next")
    rest = codes(visitor)
    assert sorted(first + rest) == [code for code in ALL if code != "K03"]
    follow(visitor, "Previous")
    assert codes(visitor) == first


@pytest.mark.usefixtures("campaign")
def test_a_vote_on_the_list_of_what_was_not_seen_lands_on_its_card_again(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.get("/c/ss27/?seen=no")
    here = codes(visitor)
    assert len(here) == 6
    visitor.press("Vote ")
    assert codes(visitor) == here
    assert "2 votes left" in visitor.words
    assert "seen=no" in visitor.url
    visitor.press("Undo ")
    assert codes(visitor) == here


@pytest.mark.usefixtures("campaign")
def test_choosing_the_filter_again_begins_anew(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?seen=no")
    assert len(codes(visitor)) == 24
    visitor.get("/c/ss27/?seen=no")
    assert len(codes(visitor)) == 6
    visitor.get("/c/ss27/?seen=no")
    assert codes(visitor) == []


@pytest.mark.usefixtures("campaign")
def test_when_everything_was_seen_the_page_says_so_with_what_is_left(visit: Open) -> None:
    visitor = visit()
    order_of(visitor)
    visitor.get("/c/ss27/")
    assert "You have seen all 30. 3 votes left." in visitor.words
    visitor.get("/c/ss27/?seen=no")
    assert "You have seen all 30. 3 votes left." in visitor.words
    assert "Nothing fits" not in visitor.words
    follow(visitor, "Seen, no vote")
    assert len(codes(visitor)) == 24
    for _ in range(3):
        visitor.press("Vote ")
    visitor.get("/c/ss27/?seen=no")
    assert "You have seen all 30. All votes used." in visitor.words


@pytest.mark.usefixtures("priced")
def test_where_nothing_fits_each_filter_can_be_taken_away(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?q=nothing&cat=Shirts&price=150-200&seen=picked")
    assert "Nothing fits these filters" in visitor.words
    assert "Show all 30" in visitor.words
    removals = [text_of(link) for link in visitor.tree.iter("a") if text_of(link).startswith("Remove ")]
    assert removals == ["Remove “nothing”", "Remove Shirts", "Remove ¥150–200", "Remove Picked"]
    follow(visitor, "Remove “nothing”")
    assert visitor.url == "/c/ss27/?cat=Shirts&price=150-200&seen=picked"
    follow(visitor, "Remove Picked")
    assert len(codes(visitor)) == 2
    follow(visitor, "Remove ¥150")
    assert len(codes(visitor)) == 10
    follow(visitor, "Remove Shirts")
    assert len(codes(visitor)) == 24


@pytest.mark.usefixtures("campaign")
def test_an_old_address_of_the_picks_still_leads_there(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Vote ")
    visitor.get("/c/ss27/?show=picked")
    assert len(codes(visitor)) == 1
    visitor.press("Picked · undo")
    assert "No picks yet" in visitor.words


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("query", ["seen=no", "seen=yes", "seen=picked", "price=100-200", "q=linen", "cat=Shirts"])
def test_a_search_keeps_the_other_filters_and_loses_the_page(visit: Open, query: str) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?page=2")
    visitor.get(f"/c/ss27/?{query}")
    visitor.press("Search", q="knit")
    kept, value = query.split("=")
    assert "page=" not in visitor.url
    assert f"{kept}={'knit' if kept == 'q' else value}" in visitor.url


@pytest.mark.usefixtures("priced")
def test_no_filter_changes_the_order_and_neither_do_reloads_votes_or_signing_in(visit: Open) -> None:
    visitor = visit()
    order = order_of(visitor)
    addresses = ["?cat=衬衫", "?q=knit", "?price=150-250", "?seen=yes", "?cat=Knits&price=100-300&seen=yes"]

    def listed() -> list[list[str]]:
        found = []
        for address in addresses:
            visitor.get(f"/c/ss27/{address}")
            found.append(codes(visitor))
        return found

    before = listed()
    assert all(found == [code for code in order if code in found] for found in before)
    assert all(before)
    visitor.get("/c/ss27/p/K07")
    visitor.press("Vote")
    sign_in(visitor)
    assert order_of(visitor) == order
    assert listed() == [
        [code for code in found if code != "K07" or "seen" not in address] for found, address in zip(before, addresses, strict=True)
    ]


@pytest.mark.usefixtures("campaign")
def test_on_another_device_the_account_sees_its_own_order_and_what_it_has_seen(visit: Open) -> None:
    phone, laptop = visit(), visit()
    order = order_of(phone)
    sign_in(phone)
    laptop.get("/c/ss27/")
    assert "Seen 24 of 30" in laptop.words
    sign_in(laptop)
    assert "Seen 30 of 30" in laptop.words
    assert order_of(laptop) == order


@pytest.mark.usefixtures("campaign")
def test_coming_back_one_can_go_on_at_the_first_page_with_something_new(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    assert "Go on at page" not in visitor.words
    visitor.get("/c/ss27/")
    assert "Go on at page 2" in visitor.words
    follow(visitor, "Go on at page 2")
    assert visitor.url == "/c/ss27/?page=2"
    assert "Go on at page" not in visitor.words
    visitor.get("/c/ss27/")
    assert "Go on at page" not in visitor.words


@pytest.mark.usefixtures("campaign")
def test_who_began_in_the_middle_is_led_to_the_beginning(visit: Open) -> None:
    visitor = visit()
    for _ in range(2):
        visitor.get("/c/ss27/?page=2")
    assert "Go on at page 1" in visitor.words
    visitor.get("/c/ss27/?cat=衬衫")
    assert "Go on at page" not in visitor.words


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.TALLY, CampaignState.ORDERING])
def test_outside_the_vote_nothing_is_said_about_seen(visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    change(sqlite_database, state=state)
    visitor = visit()
    for _ in range(2):
        visitor.get("/c/ss27/?show=all")
    assert "Seen 24" not in visitor.words
    assert "Not seen yet" not in visitor.words
    assert "Go on at" not in visitor.words


def test_a_page_of_the_gallery_costs_the_same_statements_with_any_filter(app: Flask, campaign: Campaign) -> None:
    assert campaign.id
    client = app.test_client()
    client.get("/c/ss27/")
    counts = {url: len(statements_of(app, client, f"/c/ss27/{url}")) for url in ("", "?page=2", "?cat=衬衫", "?price=100-200", "?seen=yes")}
    assert set(counts.values()) == {1}
    assert len(statements_of(app, client, "/c/ss27/?q=knit")) == 1


def statements_of(app: Flask, client: Any, url: str) -> list[str]:
    with counted(app.extensions["c2b"].database) as statements:
        assert client.get(url).status_code == 200
    return [each for each in statements if each.lstrip().startswith("SELECT")]


@given(st.integers(0, 2**500 - 1))
def test_what_was_seen_survives_its_way_through_an_address(seen: int) -> None:
    packed = filtering.packed(seen)
    assert re.fullmatch("[A-Za-z0-9_-]+", packed)
    assert filtering.unpacked(packed) == seen


@pytest.mark.parametrize("since", ["A", "AAAAA", "____", "-", "zzzzzzzzzzzzzzzz"])
@pytest.mark.usefixtures("campaign")
def test_whatever_an_address_says_was_seen_the_page_stands(visit: Open, since: str) -> None:
    visitor = visit()
    visitor.get(f"/c/ss27/?seen=no&since={since}")
    assert set(codes(visitor)) <= set(ALL)


@pytest.mark.parametrize(
    ("price", "band"),
    [("200-300", Band(20000, 30000)), ("-200", Band(None, 20000)), ("450-", Band(45000, None)), ("0.5-1.25", Band(50, 125)), ("", None)],
)
def test_a_range_in_the_address_is_in_whole_units_of_the_currency(price: str, band: Band | None) -> None:
    assert Filters(price=price).band("CNY") == band
    if band and band.low != 50:
        assert filtering.address_of(band, "CNY") == price


def test_a_currency_without_cents_has_ranges_too() -> None:
    assert Filters(price="200-300").band("JPY") == Band(200, 300)
    assert filtering.address_of(Band(1500, None), "JPY") == "1500-"


def test_another_kind_of_seen_forgets_since_when(app: Flask) -> None:
    with app.test_request_context("/?seen=no&since=AAA&page=3"):
        filters = Filters.asked()
    assert filters.href(page=2) == "?seen=no&since=AAA&page=2"
    assert filters.href(seen="yes") == "?seen=yes"
    assert filters.href(category="x") == "?cat=x&seen=no&since=AAA"
