"""Two to four designs side by side, in a browser without JavaScript."""

import re
from collections.abc import Callable
from datetime import datetime
from xml.etree.ElementTree import Element

import pytest
from sqlalchemy import select

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.web.compare import Row
from tests import make
from tests.web.conftest import Clock
from tests.web.pages import Browser, text_of

Open = Callable[..., Browser]
pytestmark = pytest.mark.usefixtures("campaign")
TWO = "/c/ss27/compare?c=K01&c=K05"


def change(database: Database, code: str, **values: object) -> None:
    with database.transaction() as session:
        candidate = make.candidate_of(session, make.campaign_of(session, "ss27"), code)
        for name, value in values.items():
            setattr(candidate, name, value)


def change_campaign(database: Database, **values: object) -> None:
    with database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        for name, value in values.items():
            setattr(campaign, name, value)


def columns(browser: Browser) -> list[str]:
    return [head.get("id") or "" for head in browser.tree.iter("th") if head.get("scope") == "col"]


def table(browser: Browser, *, folded: bool) -> dict[str, list[str]]:
    """Return the rows under their names: those that differ, or those that are the same for all."""
    rows = [row for row in browser.tree.iter("tr") if (row.get("class") == "eq") is folded]
    found = {}
    for row in rows:
        name = next((cell for cell in row.iter("th") if cell.get("scope") == "row"), None)
        if name is not None:
            found[text_of(name)] = [text_of(cell) for cell in row.iter("td")]
    return found


def tinted(browser: Browser) -> list[Element]:
    return [head for head in browser.tree.iter("th") if head.get("class") == "on"]


@pytest.mark.parametrize(("values", "same"), [(("a", "a"), True), (("a", "b"), False), (("", "a"), False), (("a", "a", "b"), False)])
def test_a_row_is_the_same_only_if_every_design_says_the_same(values: tuple[str, ...], same: bool) -> None:  # noqa: FBT001  pytest's own way
    assert Row("Care", values).same is same


@pytest.mark.parametrize("language", ["en", "zh"])
def test_designs_stand_in_the_order_in_which_they_were_ticked(visit: Open, language: str) -> None:
    visitor = visit(language)
    visitor.get("/c/ss27/compare?c=K05&c=K01&c=K20")
    assert columns(visitor) == ["K05", "K01", "K20"]
    assert ("Compare 3 designs" if language == "en" else "对比 3 款") in visitor.words


def test_what_differs_comes_first_and_what_is_the_same_is_folded(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, "K01", composition_en="Linen", care_en="Wash cold", price_from=20000, price_to=26000)
    change(sqlite_database, "K05", composition_en="Wool", care_en="Wash cold", price_from=30000, price_to=30000)
    visitor = visit()
    visitor.get(TWO)
    differs = table(visitor, folded=False)
    assert differs["Estimate"] == ["¥200–260", "¥300"]
    assert differs["Material"] == ["Linen", "Wool"]
    assert differs["Category"] == ["Dresses", "Knits"]
    same = table(visitor, folded=True)
    assert same["Care"] == ["Wash cold"]
    assert same["Minimum"] == ["50 pieces"]
    assert "The same for both" in visitor.words
    assert visitor.html.index("Material") < visitor.html.index("The same for both") < visitor.html.index("Wash cold")


def test_what_only_one_design_says_is_shown_and_what_none_says_is_not(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, "K01", composition="", composition_en="", care="", care_en="")
    change(sqlite_database, "K05", composition_en="Wool", care="", care_en="")
    visitor = visit()
    visitor.get(TWO)
    assert table(visitor, folded=False)["Material"] == ["–", "Wool"]
    assert "Care" not in table(visitor, folded=False) | table(visitor, folded=True)


def test_options_are_compared_by_their_name(visit: Open, sqlite_database: Database) -> None:
    change(sqlite_database, "K01", option1_name_en="Size", option2_name_en="")
    change(sqlite_database, "K05", option1_name_en="Width", option2_name_en="")
    visitor = visit()
    visitor.get(TWO)
    shown = table(visitor, folded=False)
    assert shown["Size"][1] == "–"
    assert shown["Width"][0] == "–"
    assert shown["Size"][0] == shown["Width"][1] != "–"


def test_a_vote_is_given_in_the_column_and_the_own_pick_is_tinted(visit: Open) -> None:
    visitor = visit()
    visitor.get(TWO)
    assert tinted(visitor) == []
    visitor.press("Vote Dotted dress 1")
    assert visitor.url == "/c/ss27/compare?c=K01&c=K05"
    assert [head.get("id") for head in tinted(visitor)] == ["K01"]
    assert "2 votes left" in visitor.words
    assert "Voted for Dotted dress 1" in visitor.words
    visitor.press("Picked · undo Dotted dress 1")
    assert tinted(visitor) == []
    assert "3 votes left" in visitor.words


def test_when_all_votes_are_given_the_column_says_so(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/compare?c=K01&c=K02&c=K03&c=K04")
    for name in ("Dotted dress 1", "Cable knit 2", "Linen shirt 3"):
        visitor.press(f"Vote {name}")
    assert "All votes used" in visitor.words
    assert table(visitor, folded=False)["Your vote"][3].startswith("No votes left")


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize(
    ("query", "says"), [("", {"en": "Nothing to compare yet", "zh": "还没有"}), ("?c=K01", {"en": "One more", "zh": "还差一款"})]
)
def test_with_less_than_two_designs_the_page_says_how(visit: Open, query: str, says: dict[str, str], language: str) -> None:
    visitor = visit(language)
    visitor.get(f"/c/ss27/compare{query}")
    assert says[language] in visitor.words
    assert columns(visitor) == []
    assert f'href="/c/ss27/{query}"' in visitor.html, "the way on keeps what was ticked"


def test_of_more_than_four_the_first_four_are_kept_and_the_page_says_so(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/compare?c=K01&c=K02&c=K03&c=K04&c=K05&c=K06")
    assert columns(visitor) == ["K01", "K02", "K03", "K04"]
    assert "left out: K05, K06." in visitor.words
    assert "Add one more" not in visitor.words


def test_what_is_ticked_twice_is_one_design(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/compare?c=K01&c=K01&c=K05&c=")
    assert columns(visitor) == ["K01", "K05"]


def test_an_unknown_code_is_named_and_the_others_are_compared(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/compare?c=K01&c=%3Cb%3E&c=K05")
    assert columns(visitor) == ["K01", "K05"]
    assert "There is no candidate “<b>” in this campaign" in visitor.words


def test_a_design_is_removed_and_one_more_is_added(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/compare?c=K01&c=K05&c=K09")
    assert re.findall(r'class="rmv" href="([^"]+)"', visitor.html)[1] == "?c=K01&amp;c=K09"
    visitor.get("/c/ss27/?c=K01&c=K09")
    assert "Comparing: K01 K09" in visitor.words
    visitor.press("Compare", c=["K01", "K09", "K12"])
    assert columns(visitor) == ["K01", "K09", "K12"]


def test_what_was_ticked_is_carried_through_pages_filters_and_the_search(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?c=K01&c=K09")
    ways = [link.get("href") or "" for link in visitor.tree.iter("a")]
    on = [way for way in ways if "page=2" in way or "cat=" in way or "seen=" in way]
    assert len(on) > 4
    assert [way for way in on if "c=K01&c=K09" not in way] == []
    visitor.press("Search", q="K12")
    assert "Comparing: K01 K09" in visitor.words
    visitor.press("Compare", c=["K01", "K09", "K12"])
    assert columns(visitor) == ["K01", "K09", "K12"]


def test_no_more_is_carried_than_can_be_compared(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?c=K01&c=K01&c=&c=K09&c=K02&c=K03&c=" + "x" * 500)
    assert "Comparing: K01 K09 K02" in visitor.words
    assert "K03" not in visitor.html.partition("Comparing:")[2].partition("</p>")[0]


def test_ticks_alone_leave_nothing_out(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    everything = [card.get("id") for card in visitor.tree.iter("li") if card.get("class") == "it"]
    visitor.get("/c/ss27/?c=K01")
    assert [card.get("id") for card in visitor.tree.iter("li") if card.get("class") == "it"] == everything
    assert "Remove" not in visitor.words


def test_the_gallery_offers_to_compare_without_javascript(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/")
    ticks = [box for box in visitor.tree.iter("input") if box.get("name") == "c"]
    assert len(ticks) == 24
    assert {box.get("form") for box in ticks} == {"compare"}
    visitor.press("Compare", c=[ticks[3].get("value"), ticks[0].get("value")])
    assert columns(visitor) == [ticks[3].get("value"), ticks[0].get("value")]


def test_the_way_back_leads_to_the_page_of_the_gallery_that_the_first_design_is_on(visit: Open) -> None:
    visitor = visit()
    visitor.get("/c/ss27/?page=2")
    code = next(card.get("id") for card in visitor.tree.iter("li") if card.get("class") == "it")
    visitor.get(f"/c/ss27/compare?c={code}&c=K01")
    assert f'href="/c/ss27/?page=2#{code}"' in visitor.html


def test_a_withdrawn_design_says_so_and_takes_no_vote(visit: Open, sqlite_database: Database, now: datetime) -> None:
    change(sqlite_database, "K01", withdrawn_at=now, withdrawn_reason="The mill burnt down")
    visitor = visit()
    visitor.get(TWO)
    assert table(visitor, folded=False)["Your vote"][0] == "Withdrawn by the brand: The mill burnt down"
    assert "votes/K01" not in visitor.html
    assert "votes/K05" in visitor.html


@pytest.mark.parametrize("state", [state for state in CampaignState if state not in {CampaignState.DRAFT, CampaignState.VOTING}])
def test_outside_the_vote_designs_are_compared_without_buttons(visit: Open, sqlite_database: Database, state: CampaignState) -> None:
    change_campaign(sqlite_database, state=state, reason="Why." if state is CampaignState.CANCELLED else "")
    visitor = visit()
    visitor.get(TWO)
    assert columns(visitor) == ["K01", "K05"]
    assert "votes/K" not in visitor.html


def test_after_the_vote_has_closed_the_page_says_so(visit: Open, clock: Clock) -> None:
    clock.at = make.CLOSES
    visitor = visit()
    visitor.get(TWO)
    assert "Voting has closed" in visitor.words
    assert "votes/K" not in visitor.html


def test_while_ordering_only_what_was_selected_can_be_ordered(visit: Open, sqlite_database: Database, clock: Clock) -> None:
    clock.at = make.ORDERING_OPENS
    with sqlite_database.transaction() as session:
        campaign = session.scalars(select(Campaign)).one()
        campaign.state = CampaignState.ORDERING
        won, lost = (session.scalars(select(Candidate).where(Candidate.code == code)).one() for code in ("K01", "K05"))
        make.selection(session, campaign, (won, 9), (lost, 1), places=1)
    visitor = visit()
    visitor.get(TWO)
    assert table(visitor, folded=False)["Pre-order"] == ["Pre-order Dotted dress 1", ""]
    assert "/c/ss27/order?add=K01" in visitor.html
    assert "/c/ss27/order?add=K05" not in visitor.html


def test_after_the_selection_prices_are_compared_and_before_it_estimates(visit: Open, sqlite_database: Database) -> None:
    visitor = visit()
    visitor.get(TWO)
    assert "Estimate" in table(visitor, folded=False) | table(visitor, folded=True)
    with sqlite_database.transaction() as session:
        campaign = make.campaign_of(session, "ss27")
        campaign.state = CampaignState.SELECTED
        for code, price in (("K01", 29900), ("K05", 31900)):
            for variant in make.variants(session, make.candidate_of(session, campaign, code)):
                variant.price = price
    visitor.get(TWO)
    assert table(visitor, folded=False)["Price"] == ["¥299.00", "¥319.00"]


def test_a_draft_campaign_is_compared_by_nobody(visit: Open, sqlite_database: Database) -> None:
    change_campaign(sqlite_database, state=CampaignState.DRAFT)
    visit().get(TWO, expect=404)
