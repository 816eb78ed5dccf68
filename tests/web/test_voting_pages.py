"""Choosing, in a browser without JavaScript."""

import re
import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import flask
import pytest
from flask import Flask
from sqlalchemy import event, func, select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.models import Person
from c2b.voting.models import Ballot, Pick
from c2b.voting.rules import BallotSource
from c2b.web import gallery
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser, lint, parse, text_of

Open = Callable[..., Browser]
PAGES = [
    "/",
    "/c/ss27/",
    "/c/ss27/?page=2",
    "/c/ss27/?q=knit",
    "/c/ss27/?cat=衬衫",
    "/c/ss27/?q=nothing&cat=x&show=picked",
    "/c/ss27/p/K01",
]
PAGES += ["/c/ss27/p/K25", "/c/ss27/how", "/c/ss27/results", "/sign-in", "/c/ss27/?show=picked"]
STATES = [state for state in CampaignState if state is not CampaignState.DRAFT]


def change(database: Database, **values: object) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        for name, value in values.items():
            setattr(campaign, name, value)


def codes(browser: Browser) -> list[str]:
    return [card.get("id") or "" for card in browser.tree.iter("li") if "it" in (card.get("class") or "").split()]


def picks(database: Database) -> int:
    with database.reading() as session:
        return session.scalars(select(func.count()).select_from(Pick)).one()


def sign_in(browser: Browser, address: str = "anna@example.com", *, to: str = "/c/ss27/") -> None:
    browser.get(f"/sign-in?next={to}")
    browser.press("Send the code", address=address)
    code = re.search(r"The code is (\d{6})", browser.words)
    assert code
    browser.press("Sign in", code=code[1])


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("url", PAGES)
def test_every_page_is_whole_in_both_languages(visit: Open, url: str, language: str) -> None:
    html = visit(language).get(url)
    assert lint(html) == []
    assert f'lang="{"en" if language == "en" else "zh-CN"}"' in html


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_page_is_whole_in_every_state(visit: Open, sqlite_database: Database, state: CampaignState, language: str) -> None:
    change(sqlite_database, state=state, reason="夜里机器停了" if state is CampaignState.CANCELLED else "")
    visitor = visit(language)
    for url in ("/", "/c/ss27/", "/c/ss27/p/K01", "/c/ss27/how", "/c/ss27/results"):
        visitor.get(url)
    buttons = {text_of(button) for button in visitor.tree.iter("button")}
    visitor.get("/c/ss27/")
    assert ("votes/K" in visitor.html) is (state is CampaignState.VOTING), buttons


@pytest.mark.usefixtures("campaign")
def test_a_draft_is_shown_to_nobody(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, state=CampaignState.DRAFT)
    visitor = visit()
    for url in ("/c/ss27/", "/c/ss27/p/K01", "/c/ss27/how", "/c/ss27/results"):
        visitor.get(url, expect=404)
    assert "Spring" not in visitor.get("/")


@pytest.mark.usefixtures("campaign")
def test_what_does_not_exist_is_not_found(visit: Open) -> None:
    visitor = visit()
    assert "“nope”" in visitor.get("/c/nope/", expect=404)
    visitor.get("/c/ss27/p/NOPE", expect=404)


@pytest.mark.usefixtures("campaign")
def test_the_order_is_the_viewers_own_and_stays_through_filters_and_pages(visit: Open) -> None:
    anna, berta = visit(), visit()
    anna.get("/c/ss27/")
    first = codes(anna)
    anna.get("/c/ss27/?page=2")
    everything = first + codes(anna)
    assert len(first) == 24
    assert sorted(everything) == [f"K{number:02}" for number in range(30)]
    anna.get("/c/ss27/?cat=衬衫")
    assert codes(anna) == [code for code in everything if int(code[1:]) % 3 == 0]
    anna.get("/c/ss27/?page=1")
    assert codes(anna) == first
    berta.get("/c/ss27/")
    assert codes(berta) != first


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(("query", "found"), [("K07", 1), ("k07", 1), ("knit", 10), ("毛衣", 10), ("nothing", 0), ("%", 0)])
def test_the_search_looks_at_codes_and_names_in_both_languages(visit: Open, query: str, found: int) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Search", q=query)
    assert len(codes(visitor)) == found
    assert ("Nothing fits these filters" in visitor.words) is (found == 0)


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("page", ["0", "-1", "99", "x", "٣", "", "1e3"])
def test_a_page_that_makes_no_sense_is_one_that_does(visit: Open, page: str) -> None:
    visitor = visit()
    visitor.get(f"/c/ss27/?page={page}")
    assert codes(visitor)


@pytest.mark.usefixtures("campaign")
def test_a_tap_is_saved_at_once_and_can_be_taken_back(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    assert "3 votes left" in visitor.words
    visitor.press("Vote Linen shirt")
    assert "2 votes left" in visitor.words
    assert "Voted for Linen shirt" in visitor.words
    assert picks(sqlite_database) == 1
    visitor.press("Undo Linen shirt")
    assert "3 votes left" in visitor.words
    assert "Taken back: Linen shirt" in visitor.words
    assert picks(sqlite_database) == 0
    visitor.press("Vote again Linen shirt")
    visitor.press("Picked · undo Linen shirt")
    assert picks(sqlite_database) == 0


@pytest.mark.usefixtures("campaign")
def test_a_vote_returns_to_its_card_on_the_same_page_of_the_same_list(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/c/ss27/?lang=en&cat=针织&page=1").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    answer = client.post("/c/ss27/votes/K02", data={"csrf_token": token[1], "do": "vote", "back": "/c/ss27/?cat=针织"})
    assert answer.status_code == 303
    assert answer.location.endswith("#K02")
    assert answer.location.startswith("/c/ss27/?cat=")
    outside = client.post("/c/ss27/votes/K02", data={"csrf_token": token[1], "do": "undo", "back": "//evil.example.com"})
    assert outside.location == "/c/ss27/#K02"


@pytest.mark.usefixtures("campaign")
def test_when_all_votes_are_used_the_cards_say_so_and_a_further_vote_is_refused(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    shown = codes(visitor)
    for _ in range(3):
        visitor.press("Vote ")
    assert "All votes used" in visitor.words
    assert visitor.words.count("No votes left") == 24 - 3
    token = re.search(r'name="csrf_token" value="([^"]+)"', visitor.html)
    assert token
    answer = visitor.client.post(f"/c/ss27/votes/{shown[-1]}", data={"csrf_token": token[1], "do": "vote"}, follow_redirects=True)
    assert answer.status_code == 200
    assert "note bad" in answer.text
    assert picks(sqlite_database) == 3


@pytest.mark.usefixtures("campaign")
def test_a_vote_after_the_close_is_refused_in_words_even_before_the_worker_has_moved_the_state(
    visit: Open, clock: Clock, sqlite_database: Database
) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    clock.at = make.CLOSES
    visitor.press("Vote ")
    assert picks(sqlite_database) == 0
    assert "Voting is not open now" in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(func.count()).select_from(Person)).one() == 0


@pytest.mark.usefixtures("campaign")
def test_a_pause_is_shown_with_its_reason_and_stops_votes(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, paused=True, reason="We check a strange pattern of votes")
    visitor = visit()
    visitor.get("/c/ss27/")
    assert "We check a strange pattern of votes. Your votes and orders are safe." in visitor.words
    assert "votes/K" not in visitor.html


@pytest.mark.usefixtures("campaign")
def test_a_withdrawn_candidate_stays_in_its_place_with_the_reason(visit: Open, sqlite_database: Database, now: datetime) -> None:
    with sqlite_database.transaction() as session:
        gone = session.scalars(select(Candidate).where(Candidate.code == "K03")).one()
        gone.withdrawn_at, gone.withdrawn_reason = now, "the mill closed"
    visitor = visit()
    visitor.get("/c/ss27/?q=K03")
    assert "Withdrawn by the brand: the mill closed" in visitor.words
    assert "votes/K03" not in visitor.html
    assert "the mill closed" in visitor.get("/c/ss27/p/K03")


@pytest.mark.usefixtures("campaign")
def test_the_product_page_votes_and_leads_on_in_the_viewers_order(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    order = codes(visitor)
    visitor.get(f"/c/ss27/p/{order[0]}")
    assert f'href="/c/ss27/p/{order[1]}"' in visitor.html
    assert f'href="/c/ss27/#{order[0]}"' in visitor.html
    visitor.press("Vote")
    assert picks(sqlite_database) == 1
    assert visitor.url.startswith(f"/c/ss27/p/{order[0]}")
    visitor.press("Undo")
    assert picks(sqlite_database) == 0


@pytest.mark.usefixtures("campaign")
def test_a_guests_picks_are_kept_but_not_counted_until_sign_in(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Vote ")
    assert "Sign in to count" in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Ballot.source)).one() is BallotSource.DRAFT
    visitor.get("/sign-in")
    assert "1 pick is kept for you, not counted yet" in visitor.words
    sign_in(visitor)
    assert "You are signed in, and your picks count." in visitor.words
    assert "Sign in to count" not in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Ballot.source)).one() is BallotSource.VERIFIED


@pytest.mark.usefixtures("campaign")
def test_a_guest_of_a_season_ago_sees_what_they_pick_now_and_brings_it_along(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    visitor.press("Vote ")
    clock.at += timedelta(days=91)
    change(sqlite_database, voting_closes=clock.at + timedelta(days=1))
    visitor.get("/c/ss27/")
    visitor.press("Vote ")
    assert "2 votes left" in visitor.words
    sign_in(visitor)
    assert "2 votes left" in visitor.words
    with sqlite_database.reading() as session:
        assert session.scalars(select(Ballot.source).order_by(Ballot.person_id)).all() == [BallotSource.DRAFT, BallotSource.VERIFIED]


def overfull(visit: Open, *, to: str = "/c/ss27/") -> Browser:
    """Vote for K00 and K01 as Anna, then bring K02 and K03 along from another browser; return that."""
    for wanted in (("K00", "K01"), ("K02", "K03")):
        browser = visit()
        for code in wanted:
            browser.get(f"/c/ss27/p/{code}")
            browser.press("Vote")
        sign_in(browser, to=to)
    return browser


@pytest.mark.usefixtures("campaign")
def test_a_second_browser_with_more_picks_than_votes_lets_the_person_choose(visit: Open, sqlite_database: Database) -> None:
    laptop = overfull(visit)
    assert "More picks than votes" in laptop.words
    assert codes(laptop) == ["K02", "K03", "K00", "K01"]
    laptop.press("Vote Cable knit")
    assert laptop.url.startswith("/c/ss27/choose")
    assert codes(laptop) == ["K03", "K00", "K01", "K02"]
    assert "Undo one to vote for another." in laptop.words
    laptop.press("Picked · undo Linen shirt 0")
    assert codes(laptop) == ["K03", "K01", "K02"]
    assert picks(sqlite_database) == 2


@pytest.mark.usefixtures("campaign")
def test_what_waits_for_a_choice_is_found_from_the_gallery_and_my_page_on_any_device(visit: Open) -> None:
    overfull(visit)
    phone = visit()
    sign_in(phone)
    assert "2 picks of another browser wait for your choice." in phone.words
    phone.get("/me")
    assert "2 picks of another browser wait for your choice." in phone.words
    assert 'href="/c/ss27/choose?next=%2Fme"' in phone.html
    phone.get("/c/ss27/choose?next=%2Fme")
    assert codes(phone) == ["K02", "K03", "K00", "K01"]
    phone.press("I have chosen")
    assert phone.url == "/me"
    assert "Your ballot stays as you have chosen." in phone.words
    assert "wait for your choice" not in phone.words + phone.get("/c/ss27/")


@pytest.mark.usefixtures("campaign")
def test_a_tap_that_htmx_sends_keeps_what_waits_in_sight(visit: Open) -> None:
    browser = overfull(visit)
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.html)
    assert token
    form = {"csrf_token": token[1], "do": "vote", "back": "/c/ss27/"}
    fragment = browser.client.post("/c/ss27/votes/K02", data=form, headers={"HX-Request": "true"}).text
    assert "1 pick of another browser waits for your choice." in text_of(parse(fragment))


@pytest.mark.usefixtures("campaign")
def test_choosing_leads_through_every_campaign_and_then_where_the_person_was_going(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        other = make.campaign(session, slug="aw27", votes_each=1)
        for code in ("A1", "A2"):
            make.candidate(session, other, code)
    for wanted in (("ss27/p/K00", "ss27/p/K01", "aw27/p/A1"), ("ss27/p/K02", "ss27/p/K03", "aw27/p/A2")):
        browser = visit()
        for path in wanted:
            browser.get(f"/c/{path}")
            browser.press("Vote")
        sign_in(browser, to="/c/aw27/how")
    assert browser.url.startswith("/c/aw27/choose?"), "that of the page first"
    assert codes(browser) == ["A2", "A1"]
    browser.press("I have chosen")
    assert browser.url.startswith("/c/ss27/choose?")
    browser.press("I have chosen")
    assert browser.url == "/c/aw27/how"


@pytest.mark.usefixtures("campaign")
def test_who_has_nothing_to_choose_is_told_so_and_goes_on_within_the_shop(visit: Open, sqlite_database: Database) -> None:
    browser = overfull(visit)
    change(sqlite_database, state=CampaignState.TALLY)
    browser.get("/c/ss27/choose?next=//evil.example.com/")
    assert "Nothing is left over." in browser.words
    assert 'href="//evil' not in browser.html
    assert 'class="btn" href="/c/ss27/"' in browser.html
    assert codes(browser) == ["K00", "K01"]
    guest = visit()
    assert "Nothing is left over." in text_of(parse(guest.get("/c/ss27/choose")))


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("code", ["000000", "", "abc", "1" * 200])
def test_a_wrong_code_says_so_at_the_field_and_signs_nobody_in(visit: Open, code: str) -> None:
    visitor = visit()
    visitor.get("/sign-in")
    visitor.press("Send the code", address="anna@example.com")
    visitor.press("Sign in", expect=400, code=code)
    assert "There is a problem" in visitor.words
    assert "Error: " in text_of(next(visitor.tree.iter("title")))
    assert 'aria-invalid="true"' in visitor.html


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize("address", ["", "anna", "anna@", "@example.com", "a b@example.com"])
def test_what_is_no_address_is_refused_beside_the_field_and_kept(visit: Open, address: str) -> None:
    visitor = visit()
    visitor.get("/sign-in")
    visitor.press("Send the code", expect=400, address=address)
    assert "There is a problem" in visitor.words
    kept = next(control for control in visitor.tree.iter("input") if control.get("name") == "address")
    assert kept.get("value") == address


@pytest.mark.usefixtures("campaign")
def test_too_many_codes_for_one_address_are_a_429(visit: Open) -> None:
    visitor = visit()
    for _ in range(5):
        visitor.get("/sign-in")
        visitor.press("Send the code", address="anna@example.com")
    visitor.get("/sign-in")
    visitor.press("Send the code", expect=429, address="anna@example.com")


@pytest.mark.usefixtures("campaign")
def test_the_code_page_without_an_address_asks_for_one(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in/code")
    assert visitor.url == "/sign-in"


@pytest.mark.usefixtures("campaign")
def test_the_way_back_after_sign_in_stays_in_the_shop(visit: Open) -> None:
    visitor = visit()
    visitor.get("/sign-in?next=https://evil.example.com/")
    target = next(control for control in visitor.tree.iter("input") if control.get("name") == "next")
    assert target.get("value") == "/me"


@pytest.mark.parametrize("path", ["//evil.example.com/x", "/\\\\evil.example.com/x", "///evil.example.com"])
def test_no_page_links_to_a_site_that_its_own_address_names(app: Flask, path: str) -> None:
    page = app.test_client().get("/", environ_overrides={"PATH_INFO": path}).text
    assert not re.search(r'href="[/\\]{2}|href="/\\', page)
    assert 'href="/evil.example.com' in page


@pytest.mark.usefixtures("campaign")
def test_htmx_gets_the_card_and_the_bar_and_nothing_else(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/c/ss27/?lang=en").text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    data = {"csrf_token": token[1], "do": "vote"}
    answer = client.post("/c/ss27/votes/K05", data=data, headers={"HX-Request": "true"})
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<li class="it on" id="K05">')
    assert 'hx-swap-oob="true"' in answer.text
    assert "2 votes left" in answer.text
    assert "<html" not in answer.text
    second = client.post("/c/ss27/votes/K06", data=data, headers={"HX-Request": "true"})
    assert "1 vote left" in second.text  # the token of the page outlives the first tap


@pytest.mark.usefixtures("campaign")
@pytest.mark.parametrize(
    ("back", "place"),
    [
        ("/c/ss27/?q=毛衣&page=2", "/c/ss27/?q=%E6%AF%9B%E8%A1%A3&page=2#K05"),
        ("/c/ss27/\r\nSet-Cookie: a=b", "/c/ss27/#K05"),
        ("/\t/evil.example.com/", "/c/ss27/#K05"),
        ("//[evil", "/c/ss27/#K05"),
    ],
)
@pytest.mark.parametrize("headers", [{"HX-Request": "true"}, {}])
def test_the_way_back_from_a_refused_vote_is_a_page_of_the_shop(
    app: Flask, clock: Clock, back: str, place: str, headers: dict[str, str]
) -> None:
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/c/ss27/").text)
    assert token
    clock.at = make.CLOSES + timedelta(seconds=1)
    answer = client.post("/c/ss27/votes/K05", data={"csrf_token": token[1], "back": back}, headers=headers)
    assert answer.headers["HX-Redirect" if headers else "Location"] == place


@pytest.mark.usefixtures("campaign")
def test_htmx_is_sent_to_the_page_as_it_is_when_a_vote_is_refused(app: Flask, clock: Clock) -> None:
    client = app.test_client()
    token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/c/ss27/").text)
    assert token
    clock.at = make.CLOSES + timedelta(seconds=1)
    answer = client.post("/c/ss27/votes/K05", data={"csrf_token": token[1]}, headers={"HX-Request": "true"})
    assert answer.headers["HX-Redirect"] == "/c/ss27/#K05"
    assert answer.text == ""


@pytest.mark.usefixtures("campaign")
def test_looking_writes_nothing(app: Flask) -> None:
    client = app.test_client()
    client.get("/c/ss27/")  # takes this browser's viewer number
    written: list[str] = []
    engine = app.extensions["c2b"].database.engine

    def watch(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        of_a_page = threading.current_thread() is threading.main_thread()  # impressions are written beside it
        if of_a_page and not statement.lstrip().upper().startswith(("SELECT", "PRAGMA", "BEGIN")):
            written.append(statement)

    event.listen(engine, "before_cursor_execute", watch)
    for url in PAGES:
        assert client.get(url).status_code == 200
    assert written == []


@pytest.mark.usefixtures("campaign")
def test_the_first_load_of_the_gallery_is_light(app: Flask) -> None:
    client = app.test_client()
    page = client.get("/c/ss27/?lang=en").text
    total = len(page.encode())
    for address in sorted(set(re.findall(r'(?:href|src)="(/static/[^"#]+)', page))):
        with client.get(address) as answer:
            total += len(answer.data)
    assert total < 100_000


@pytest.mark.usefixtures("campaign")
def test_a_missing_picture_shows_the_code_and_the_first_four_load_at_once(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/p/K25")
    assert "K25" in visitor.words
    visitor.get("/c/ss27/")
    pictures = list(visitor.tree.iter("img"))
    assert sum(picture.get("loading") != "lazy" for picture in pictures) <= 4
    assert all(picture.get("width") and picture.get("height") for picture in pictures)


def test_the_card_is_rendered_once_for_all_viewers(app: Flask, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    client = app.test_client()
    calls: list[tuple[str, ...]] = []
    original = flask.get_template_attribute

    def counted(*names: str) -> object:
        calls.append(names)
        return original(*names)

    monkeypatch.setattr(gallery, "get_template_attribute", counted)
    gallery.rendered.cache_clear()
    client.get("/c/ss27/?lang=en")
    first = len(calls)
    client.get("/c/ss27/?lang=en")
    assert first == 24
    assert len(calls) == first
    assert campaign.slug == "ss27"


@pytest.mark.usefixtures("campaign")
def test_the_result_shows_ranks_votes_and_how_to_check_it(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        candidates = {c.code: c for c in session.scalars(select(Candidate))}
        make.selection(session, campaign, (candidates["K07"], 12), (candidates["K02"], 9), (candidates["K11"], 1), places=2)
        campaign.state = CampaignState.SELECTED
    visitor = visit()
    visitor.get("/c/ss27/results")
    assert "2 designs selected" in visitor.words
    assert visitor.words.index("Dotted dress 7") < visitor.words.index("Cable knit 2") < visitor.words.index("K11")
    assert "22 counted, from 22 ballots" in visitor.words
    visitor.get("/c/ss27/")
    assert sorted(codes(visitor)) == ["K02", "K07"]
    visitor.get("/c/ss27/?show=all")
    assert len(codes(visitor)) == 24


@pytest.mark.usefixtures("campaign")
def test_while_ordering_the_gallery_leads_to_the_basket(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    with sqlite_database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        candidates = {c.code: c for c in session.scalars(select(Candidate))}
        make.selection(session, campaign, (candidates["K07"], 12), (candidates["K02"], 9), places=1)
        campaign.state = CampaignState.ORDERING
    clock.at = make.ORDERING_OPENS
    visitor = visit()
    visitor.get("/c/ss27/")
    assert 'href="/c/ss27/order?add=K07"' in visitor.html
    visitor.get("/c/ss27/p/K07")
    assert "Open for pre-order" in visitor.words
    visitor.get("/c/ss27/p/K02")
    assert "Open for pre-order" not in visitor.words
    for page in ("show=all", "show=all&page=2", "seen=picked"):
        assert re.findall(r"order\?add=K(?!07)", visitor.get(f"/c/ss27/?{page}")) == [], "what lost is not offered"
