"""What the staff's pages are put together from: cuts of long lists, steps, size grids, values of the log."""

import re
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from flask_babel import gettext

from c2b.admin import candidates, log, situation
from c2b.admin.page import near, steps
from c2b.admin.production import STATES, grids
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard, CandidateDetail, OfferRow, VariantRow
from c2b.campaigns.rules import CampaignState, Missing
from c2b.production.queries import Line
from tests import make

SHANGHAI = ZoneInfo("Asia/Shanghai")
CHINESE = re.compile("[\u4e00-\u9fff]")


@pytest.mark.parametrize(
    ("above", "below", "everything", "shown"),
    [
        (0, 0, False, (0, 0, True)),
        (2, 2, False, (2, 2, True)),
        (4, 0, False, (4, 0, True)),
        (0, 4, False, (0, 4, True)),
        (3, 2, False, (2, 2, False)),
        (9, 0, False, (2, 0, False)),
        (0, 9, False, (0, 2, False)),
        (9, 9, True, (9, 9, True)),
    ],
)
def test_a_list_is_cut_on_both_sides_of_the_line_only_if_it_is_long(
    above: int, below: int, *, everything: bool, shown: tuple[int, int, bool]
) -> None:
    upper, lower, whole = near(list(range(above)), list(range(100, 100 + below)), most=2, everything=everything)
    assert (len(upper), len(lower), whole) == shown
    assert upper == list(range(above))[above - len(upper) :]
    assert lower == list(range(100, 100 + len(lower)))


@pytest.mark.parametrize(("at", "states"), [(0, "n . ."), (1, "d n ."), (2, "d d n"), (3, "d d d")])
def test_steps_before_are_done_and_those_after_are_open(app: Flask, at: int, states: str) -> None:
    with app.test_request_context("/?lang=en"):
        found = steps(("Draft", "Approved", "Sent"), at)
    assert [name for name, _state in found] == ["Draft", "Approved", "Sent"]
    assert " ".join(state or "." for _name, state in found) == states


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_state_of_a_production_order_has_words(app: Flask, language: str) -> None:
    with app.test_request_context(f"/?lang={language}"):
        names = [name for name, _state in steps(STATES.values(), 0)]
    assert len(set(names)) == len(STATES)
    assert all(name.isascii() is (language == "en") for name in names)


def line(code: str, first: tuple[int, str], second: tuple[int, str] = (0, ""), *, units: int = 1, extra: int = 0) -> Line:
    values: dict[str, Any] = {"line": 1, "candidate_code": code, "candidate_name": f"款 {code}", "candidate_name_en": f"Design {code}"}
    values |= {"sku": "", "barcode": "", "units_ordered": units, "units_extra": extra, "unit_cost": None, "tax_rate": None}
    values |= {"option1_position": first[0], "option1": first[1], "option1_en": ""}
    values |= {"option2_position": second[0], "option2": second[1], "option2_en": ""}
    return Line(**values)


def test_sizes_stand_in_the_order_of_the_file_not_of_the_alphabet() -> None:
    (grid,) = grids([line("K1", (3, "L")), line("K1", (1, "S")), line("K1", (2, "M"))], "en")
    assert (grid.across, grid.down) == (["S", "M", "L"], [""])


def test_with_two_options_the_last_stands_across_and_the_first_down() -> None:
    lines = [
        line("K1", (2, "red"), (2, "M"), units=3),
        line("K1", (1, "blue"), (1, "S"), units=4, extra=1),
        line("K1", (2, "red"), (1, "S")),
    ]
    (grid,) = grids(lines, "en")
    assert (grid.across, grid.down) == (["S", "M"], ["blue", "red"])
    assert ("blue", "M") not in grid.cells
    assert (grid.row("red"), grid.row("blue")) == (4, 5)
    assert (grid.column("S"), grid.column("M")) == (6, 3)
    assert (grid.ordered, grid.extra) == (8, 1)


def test_a_product_without_options_is_one_cell() -> None:
    (grid,) = grids([line("K1", (0, ""), units=7, extra=3)], "en")
    assert (grid.across, grid.down, grid.row(""), grid.column("")) == ([""], [""], 10, 10)


@pytest.mark.parametrize(("language", "names"), [("en", ["Design K1", "Design K2"]), ("zh_Hans_CN", ["款 K1", "款 K2"])])
def test_each_product_has_its_own_grid_in_the_readers_language(language: str, names: list[str]) -> None:
    found = grids([line("K2", (1, "S")), line("K1", (1, "S")), line("K2", (2, "M"))], language)
    assert [grid.name for grid in found] == names
    assert [len(grid.cells) for grid in found] == [1, 2]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("voting", "voting"),
        (15, "15"),
        (None, "None"),
        (["CN", "HK"], "CN, HK"),
        ([], ""),
        ("2027-03-01 02:00:00+00:00", "2027-03-01 10:00"),
        ("2027-03-01T23:30:00.123456+00:00", "2027-03-02 07:30"),
        ("2027-03-01", "2027-03-01"),
        ("x" * 40, "x" * 40),
        ("a" * 58 + "bcdefg", "a" * 18 + "…bcdefg"),
    ],
)
def test_a_value_of_the_log_fits_its_cell(value: object, shown: str) -> None:
    assert log._shown(value, SHANGHAI) == shown


@pytest.mark.parametrize(
    ("actor", "who"),
    [
        ("staff:li@example.com", ("li@example.com", "staff")),
        ("cli:root", ("root", "command line")),
        ("worker", ("the timetable", "clock")),
        ("robot:7", ("7", "robot")),
    ],
)
def test_the_log_says_who_in_words(app: Flask, actor: str, who: tuple[str, str]) -> None:
    with app.test_request_context("/?lang=en"):
        assert log._who(actor) == who


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("texts", [log.DID, log.ROOMS, log.KINDS], ids=["did", "rooms", "kinds"])
def test_what_the_log_tells_is_said_in_both_languages(app: Flask, texts: dict[str, str], language: str) -> None:
    with app.test_request_context(f"/?lang={language}"):
        said = [gettext(text) for text in texts.values()]
    assert all(bool(CHINESE.search(text)) is (language == "zh") for text in said), said


def variant(price: int | None) -> VariantRow:
    return VariantRow(1, None, "V1", "", None, None, None, price, None, None)


def offer(supplier: str = "TX2", cost: int | None = 10000) -> OfferRow:
    return OfferRow(50, 1, None, None, None, supplier, "mill", cost, None, None)


@pytest.mark.parametrize(
    ("variants", "offered", "lacks"),
    [
        ((29900,), offer(), ()),
        ((29900, None), offer(), ("prices",)),
        ((), offer(), ("prices",)),
        ((0,), offer(cost=0), ()),
        ((29900,), offer(supplier=""), ("supplier",)),
        ((29900,), offer(cost=None), ("unit cost",)),
        ((29900,), None, ("supplier", "unit cost")),
        ((), None, ("prices", "supplier", "unit cost")),
    ],
)
def test_an_offer_that_can_not_be_sold_says_what_it_lacks(
    variants: tuple[int | None, ...], offered: OfferRow | None, lacks: tuple[str, ...]
) -> None:
    assert candidates.lacking(detail(variants, offered)) == lacks


def detail(variants: tuple[int | None, ...] = (), offered: OfferRow | None = None, **card: Any) -> CandidateDetail:
    texts: dict[str, Any] = dict.fromkeys(("description", "composition", "care", "option1_name", "option2_name"), "")
    facts: dict[str, Any] = {"price_from": None, "price_to": None, "withdrawn_at": None, "withdrawn_reason": "", **card}
    shown = CandidateCard(id=1, code="K1", position=1, name="Knit", category="", **facts)
    lists: dict[str, Any] = {"options1": (), "options2": (), "pictures": ()}
    return CandidateDetail(card=shown, variants=tuple(variant(price) for price in variants), offer=offered, **texts, **lists)


NEXT = {
    CampaignState.DRAFT: CampaignState.SCHEDULED,
    CampaignState.SCHEDULED: CampaignState.VOTING,
    CampaignState.VOTING: CampaignState.TALLY,
    CampaignState.SELECTED: CampaignState.ORDERING,
    CampaignState.ORDERING: CampaignState.SETTLING,
}


@pytest.mark.parametrize("state", CampaignState)
def test_a_person_moves_on_only_what_no_run_ends(state: CampaignState) -> None:
    found = situation.next_state(Campaign(state=state, voting_opens=make.OPENS))
    assert found is NEXT.get(state)
    assert found is None or found in situation.ADVANCE


def test_without_a_vote_the_candidates_are_frozen_instead() -> None:
    assert situation.next_state(Campaign(state=CampaignState.SCHEDULED, voting_opens=None)) is CampaignState.SELECTED


def folded(app: Flask, *found: Missing) -> list[tuple[str, str, str, str]]:
    with app.test_request_context("/?lang=en"):
        return [(chore.word, chore.what, chore.why, chore.endpoint) for chore in situation._missing(list(found))]


def test_the_same_lack_of_many_candidates_is_one_line_with_the_first_of_them(app: Flask) -> None:
    lacks = [Missing("candidate %(code)s has no picture", {"code": f"K{number}"}) for number in range(1, 1202)]
    assert folded(app, *lacks) == [("Missing", "Candidate K1 has no picture", "and 1,200 more like this", "candidates")]


def test_what_stops_the_next_phase_comes_before_what_only_warns(app: Flask) -> None:
    found = folded(app, Missing("a warning", warning=True), Missing("a gap"), Missing("100 %% sure? %(n)s", {"n": 7}))
    assert [(word, what) for word, what, _why, _endpoint in found] == [
        ("Missing", "A gap"),
        ("Missing", "100 % sure? 7"),
        ("Watch", "A warning"),
    ]
    assert {endpoint for *_words, endpoint in found} == {""}


def test_nothing_missing_is_no_chore(app: Flask) -> None:
    assert folded(app) == []
