"""The result of the vote, as somebody who lost reads it."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.people.models import Address
from c2b.production import queries as production
from c2b.production.rules import DecisionFigures, ProductFigures
from c2b.voting import holding, publication, selecting
from c2b.voting.models import Ballot
from c2b.voting.queries import SelectionView
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser

Open = Callable[..., Browser]
PAGE = "/c/ss27/results"


def spoken(browser: Browser) -> str:
    return " ".join(" ".join(browser.tree.itertext()).split())


def vote(session: Session, votes: dict[str, int], *, held: dict[str, int] | None = None, **changes: object) -> Campaign:
    """Make a campaign in which each code got so many counted votes, and so many held ones; close voting."""
    made = make.campaign(session, state=CampaignState.TALLY, **changes)
    cards = {code: make.candidate(session, made, code, position=at) for at, code in enumerate(votes, start=1)}
    for code, count in votes.items():
        for _ in range(count):
            make.ballot(session, made, cards[code])
    for code, count in (held or {}).items():
        for _ in range(count):
            make.ballot(session, made, cards[code], held_at=make.OPENS, held_reason="bought votes")
    return made


def select_now(session: Session, slug: str = "ss27") -> SelectionView:
    return selecting.select_winners(session, slug=slug, actor="staff:anna@example.com", now=make.CLOSES)


@pytest.fixture
def result(sqlite_database: Database, clock: Clock) -> Callable[..., SelectionView]:
    """Return a function that votes and selects."""

    def of(votes: dict[str, int], **more: object) -> SelectionView:
        clock.at = make.CLOSES + timedelta(hours=1)
        with sqlite_database.transaction() as session:
            vote(session, votes, **more)  # type: ignore[arg-type]  # what a campaign is made of
            return select_now(session)

    return of


Result = Callable[..., SelectionView]


def row(browser: Browser, code: str) -> str:
    rows = (" ".join(" ".join(each.itertext()).split()) for each in browser.tree.iter("tr"))
    words = next(words for words in rows if re.search(rf"\b{code}\b", words) and "…" not in words)
    return words.replace(f" {code} Design", " Design", 1)  # the picture says the code too


def test_every_rank_stands_with_its_counted_and_held_votes(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 3, "K3": 1, "K4": 0}, held={"K3": 1})
    visitor = visit()
    visitor.get(PAGE)
    assert "2 designs selected" in visitor.words
    assert [row(visitor, code) for code in ("K1", "K2", "K3", "K4")] == [
        "1 Design K1 K1 5 0 Selected",
        "2 Design K2 K2 3 0 Selected",
        "3 Design K3 K3 1 1 Not selected 2 votes fewer than the last selected",
        "4 Design K4 K4 0 0 Not selected no vote",
    ]


def test_one_hash_binds_everything_published_and_an_override_makes_another_version(
    visit: Open, result: Result, sqlite_database: Database
) -> None:
    result({"K1": 5, "K2": 3, "K3": 1}, held={"K3": 1})
    visitor = visit()
    with sqlite_database.transaction() as session:
        (first,) = publication.versions(session, make.campaign_of(session, "ss27"))
    for page in (PAGE, "/c/ss27/verify"):
        assert first.hash in visitor.get(page)
    with sqlite_database.transaction() as session:
        make.override(session, make.candidate_of(session, make.campaign_of(session, "ss27"), "K3"), reason="The mill has cloth left")
        second = publication.versions(session, make.campaign_of(session, "ss27"))[-1]
    shown = visitor.get(PAGE)
    assert (first.hash in shown, second.hash in shown) == (True, True)
    assert "made: K3, The mill has cloth left" in spoken(visitor)
    assert "Version 2; all versions" in visitor.words


def test_counted_and_held_are_all_votes(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 3, "K3": 1}, held={"K3": 1})
    visitor = visit()
    visitor.get(PAGE)
    assert "9 counted, from 9 ballots, and 1 held: together all 10." in spoken(visitor)


def test_the_margin_is_said_in_one_sentence(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 4, "K3": 1})
    visitor = visit()
    visitor.get(PAGE)
    assert "The last selected design had 4 counted votes, the first not selected 1: 3 votes between them." in visitor.words
    assert "The tie at the line" not in visitor.words


def test_a_tie_names_all_who_were_tied_with_their_lots_and_how_lots_are_drawn(visit: Open, result: Result) -> None:
    view = result({"K1": 5, "K2": 2, "K3": 2, "K4": 2})
    lots = sorted((line.tie_key, line.code) for line in view.lines if line.votes == 2)
    visitor = visit()
    visitor.get(PAGE)
    words = spoken(visitor)
    assert "The last place fell by lot: the last selected and the first not selected both had 2 counted votes." in words
    assert "3 designs had exactly 2 counted votes each, and 1 of them could be selected." in words
    shown = [words.index(f"{code} {key[:16]}…") for key, code in lots]
    assert shown == sorted(shown)
    assert "tied at the line; its lot was drawn" in row(visitor, lots[0][1])
    assert "just as many votes as the last selected; the lot fell to others" in row(visitor, lots[2][1])


def test_a_full_category_is_the_reason_that_is_given(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 3, "K3": 2}, max_per_category=1)
    visitor = visit()
    visitor.get(PAGE)
    assert "its category was full: the rules take 1 of it" in row(visitor, "K2")
    assert "nobody stayed out for want of a place" in visitor.words


def test_a_tie_within_a_category_is_told_as_one(visit: Open, result: Result) -> None:
    result({"K1": 3, "K2": 3}, max_per_category=1)
    visitor = visit()
    visitor.get(PAGE)
    assert "The tie in 衬衫" in visitor.words


def test_too_few_votes_is_the_reason_that_is_given(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 2}, min_votes=3)
    visitor = visit()
    visitor.get(PAGE)
    assert "fewer than the 3 votes that the rules ask for" in row(visitor, "K2")


def test_it_says_whether_held_ballots_would_have_changed_the_list(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 2, "K3": 1}, held={"K3": 4})
    visitor = visit()
    visitor.get(PAGE)
    assert "4 votes are on held ballots and were not counted. Had all of them counted, the list would be another one." in visitor.words
    assert "Design K3 K3 : would have been selected" in spoken(visitor)
    assert "Design K2 K2 : would not have been selected" in spoken(visitor)


def test_it_says_where_held_ballots_would_have_changed_nothing(visit: Open, result: Result) -> None:
    result({"K1": 5, "K2": 2, "K3": 1}, held={"K1": 4})
    visitor = visit()
    visitor.get(PAGE)
    assert "Had all of them counted, the same designs would have been selected." in visitor.words


def test_held_ballots_are_told_by_rule_with_their_reason(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    clock.at = make.CLOSES
    with sqlite_database.transaction() as session:
        of = vote(session, {"K1": 5, "K2": 3})
        first, second = (make.candidate_of(session, of, code) for code in ("K1", "K2"))
        serials = [make.ballot(session, of, first, second).serial for _ in range(2)]
        for serial in serials:
            holding.hold(
                session, slug="ss27", serial=serial, reason="The shop's own tablet", actor="staff:anna@example.com", now=make.CLOSES
            )
        select_now(session)
    visitor = visit()
    visitor.get(PAGE)
    words = spoken(visitor)
    assert "named by staff 1 2 The shop's own tablet" in words
    assert "All held ballots 2 4" in words


def test_overrides_stand_with_their_reasons_and_change_no_count(visit: Open, result: Result, sqlite_database: Database) -> None:
    result({"K1": 5, "K2": 3, "K3": 1})
    with sqlite_database.transaction() as session:
        of = make.campaign_of(session, "ss27")
        make.override(session, make.candidate_of(session, of, "K1"), made=False, reason="The mill burned down")
        make.override(session, make.candidate_of(session, of, "K3"), reason="It sells out every year")
    visitor = visit()
    visitor.get(PAGE)
    assert row(visitor, "K1").startswith("1 Design K1 K1 5 0 Selected")
    assert "Dropped by the brand: The mill burned down" in row(visitor, "K1")
    assert "Selected by the brand, not by votes: It sells out every year" in row(visitor, "K3")
    assert "2 decided by the brand against the votes" in visitor.words
    assert "2 designs selected" in visitor.words
    assert "manager@example.com" not in visitor.html


def test_a_proposal_that_nobody_agreed_to_is_nobodys_business(visit: Open, result: Result, sqlite_database: Database) -> None:
    result({"K1": 5, "K2": 3, "K3": 1})
    with sqlite_database.transaction() as session:
        of = make.campaign_of(session, "ss27")
        make.override(session, make.candidate_of(session, of, "K3"), approved_by="", approved_at=None)
    visitor = visit()
    visitor.get(PAGE)
    assert "It sells out every year" not in visitor.words
    assert "The votes decided alone." in visitor.words


def test_what_became_of_my_picks(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    with sqlite_database.transaction() as session:
        vote(session, {"K1": 5, "K2": 3, "K3": 1}).state = CampaignState.VOTING
    me, other = visit(), visit()
    for code in ("K2", "K3"):
        me.get(f"/c/ss27/p/{code}")
        me.press("Vote")
    clock.at = make.CLOSES
    with sqlite_database.transaction() as session:
        make.campaign_of(session, "ss27").state = CampaignState.TALLY
        select_now(session)
    me.get(PAGE)
    words = spoken(me)
    assert "Your picks 1 / 2 of your picks were selected" in words
    assert "Design K2 K2 · rank 2 · selected" in words
    assert "Design K3 K3 · rank 3 · not selected, it will not be made" in words
    assert "Your vote" in row(me, "K2")
    me.get(f"{PAGE}?show=mine")
    assert "Design K1" not in me.words
    other.get(PAGE)
    assert "Your picks" not in other.words


@pytest.mark.parametrize(
    ("show", "codes"),
    [
        ("", ["K1", "K2", "K3", "K4"]),
        ("selected", ["K1", "K2"]),
        ("not", ["K3"]),
        ("withdrawn", ["K4"]),
        ("nonsense", ["K1", "K2", "K3", "K4"]),
    ],
)
def test_ranks_are_filtered_by_what_became_of_them(
    visit: Open, sqlite_database: Database, clock: Clock, show: str, codes: list[str]
) -> None:
    clock.at = make.CLOSES
    with sqlite_database.transaction() as session:
        of = vote(session, {"K1": 5, "K2": 3, "K3": 1, "K4": 0})
        gone = make.candidate_of(session, of, "K4")
        gone.withdrawn_at, gone.withdrawn_reason = make.OPENS, "the mill burned down"
        select_now(session)
    visitor = visit()
    visitor.get(f"{PAGE}?show={show}")
    shown = [a.get("href", "") for tr in visitor.tree.iter("tr") for a in tr.iter("a")]
    assert [href.rpartition("/")[2] for href in shown] == codes


def test_ranks_are_searched_by_name_and_code_and_come_in_pages(visit: Open, result: Result) -> None:
    result({f"K{at:02}": 70 - at for at in range(1, 62)}, places=3)
    visitor = visit()
    visitor.get(PAGE)
    assert "Page 1 of 2" in visitor.words
    assert "K50" in visitor.words
    assert "K51" not in visitor.words
    visitor.get(f"{PAGE}?page=2")
    assert "K51" in visitor.words
    visitor.get(f"{PAGE}?page=99999")
    assert "K01" in visitor.words
    visitor.get(f"{PAGE}?q=design+k61")
    assert "K60" not in visitor.words
    assert row(visitor, "K61").startswith("61 Design K61 K61 9 0 Not selected")
    visitor.get(f"{PAGE}?q=nothing")
    assert "Nothing fits these filters" in visitor.words


@pytest.mark.parametrize("form", ["csv", "json"])
def test_everybody_can_download_all_ranks(app: Flask, result: Result, form: str) -> None:
    view = result({"K1": 5, "K2": 3, "K3": 1})
    answer = app.test_client().get(f"{PAGE}/tally.{form}?lang=en")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == f'attachment; filename="ss27-results.{form}"'
    if form == "csv":
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert [(each["candidate_code"], each["votes"], each["result"]) for each in rows] == [
            (line.code, str(line.votes), line.result.value) for line in view.lines
        ]
    else:
        assert view.output_hash in answer.text
        assert json.loads(answer.text)


@pytest.mark.parametrize("state", [CampaignState.SCHEDULED, CampaignState.VOTING, CampaignState.TALLY, CampaignState.CANCELLED])
def test_before_the_selection_there_is_no_result_on_any_of_its_addresses(
    visit: Open, sqlite_database: Database, clock: Clock, state: CampaignState
) -> None:
    clock.at = make.CLOSES + timedelta(hours=1)
    with sqlite_database.transaction() as session:
        vote(session, {"K1": 77, "K2": 3}).state = state
    visitor = visit()
    visitor.get(PAGE)
    assert "No result yet" in visitor.words
    assert "77" not in re.sub(r'value="[^"]*"|nonce-\S+|\?v=[0-9a-f]+', "", visitor.html).replace("ss27", "")
    for form in ("csv", "json"):
        visitor.get(f"{PAGE}/tally.{form}", expect=404)
        assert "There is no result yet" in visitor.words


def test_while_people_vote_it_says_when_the_result_comes(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        vote(session, {"K1": 1}).state = CampaignState.VOTING
    visitor = visit()
    visitor.get(PAGE)
    assert "Voting closes 14 Mar 22:00." in visitor.words


def test_there_are_two_forms_of_the_file_and_no_others(visit: Open, result: Result) -> None:
    result({"K1": 1})
    visitor = visit()
    visitor.get(f"{PAGE}/tally.xlsx", expect=404)
    assert "The result is there as CSV and as JSON" in visitor.words


def test_without_a_vote_the_page_says_so(visit: Open, sqlite_database: Database) -> None:
    with sqlite_database.transaction() as session:
        made = make.campaign(session, state=CampaignState.ORDERING, voting_opens=None, voting_closes=None)
        make.candidate(session, made, "K1")
    visitor = visit()
    visitor.get(PAGE)
    assert "Nothing was voted on" in visitor.words
    visitor.get(f"{PAGE}/tally.csv", expect=404)


def test_what_is_made_in_the_end_is_on_the_page_once_it_is_decided(visit: Open, result: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    result({"K1": 5, "K2": 3, "K3": 1})
    visitor = visit()
    visitor.get(PAGE)
    assert "Decided after ordering closes, 30 Mar 22:00" in visitor.words
    products = tuple(ProductFigures(code, 60, 50, outcome, 1, 0, 0) for code, outcome in (("K1", "reached"), ("K2", "missed")))
    monkeypatch.setattr(production, "decision", lambda *_: DecisionFigures(products, 1, 60, 2, 100, "CNY", "6" * 64))
    visitor.get(PAGE)
    assert "60 pieces." in visitor.words
    assert "Being made" in row(visitor, "K1")
    assert "Minimum missed" in row(visitor, "K2")
    assert "Being made" not in row(visitor, "K3")


def test_the_page_speaks_chinese(visit: Open, result: Result) -> None:
    result({"K1": 2, "K2": 2, "K3": 2})
    visitor = visit("zh")
    visitor.get(PAGE)
    assert "最后一个名额由抽签定" in visitor.words
    assert "和入选的最后一名同票，抽签没抽中" in visitor.words


def test_nobody_who_voted_is_named(visit: Open, result: Result, sqlite_database: Database) -> None:
    result({"K1": 2, "K2": 1})
    with sqlite_database.reading() as session:
        addresses = session.scalars(select(Address.value)).all()
        serials = session.scalars(select(Ballot.serial)).all()
    visitor = visit()
    visitor.get(PAGE)
    assert not [each for each in (*addresses, *serials) if each in visitor.html]
