"""The basket's arithmetic and what its form lacks, without a shop around it."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from c2b.campaigns.queries import CandidateCard, CandidateDetail, OptionRow, VariantRow
from c2b.deposits.queries import Basket, BasketItem, Choice
from c2b.web import orders, paying
from c2b.web.orders import Row, Taken

S, M, L = (OptionRow(number, 1, value, "", None) for number, value in ((11, "S"), (12, "M"), (13, "L")))
RED, BLUE = (OptionRow(number, 2, value, "", None) for number, value in ((21, "red"), (22, "blue")))


def choice(number: int, first: OptionRow | None, second: OptionRow | None, *, price: int = 29900, now: int = 29900) -> Choice:
    variant = VariantRow(number, None, f"V{number}", "", None, first, second, price, None, None)
    return Choice(variant, promised=price, now=now, deposit=price // 5)


def item(*choices: Choice, code: str = "K1", units: int = 0, minimum: int = 50, **changes: Any) -> BasketItem:
    card = CandidateCard(1, code, 1, f"Knit {code}", "", None, None, None, "")
    values: dict[str, Any] = {
        "card": card,
        "description": "",
        "composition": "",
        "care": "",
        "option1_name": "Size",
        "option2_name": "Colour",
        "options1": (S, M, L),
        "options2": (RED, BLUE),
        "variants": (),
        "pictures": (),
        "offer": None,
        **changes,
    }
    detail = CandidateDetail(**values)
    return BasketItem(detail, picked=True, added=False, choices=choices, units=units, minimum=minimum, tier=1, to_next_tier=None, left=None)


SIZES = (choice(1, S, None), choice(2, M, None))
GRID = (choice(1, S, RED), choice(2, S, BLUE), choice(3, M, RED))
ONE_SIZE = (choice(1, None, None),)


def row(*choices: Choice, taken: Taken | None = None, **changes: Any) -> Row:
    return orders._row(item(*choices, **changes), taken)


@pytest.mark.parametrize(
    ("choices", "taken", "variant"),
    [
        (SIZES, Taken("12"), 2),
        (SIZES, Taken("13"), None),
        (SIZES, Taken(""), None),
        (SIZES, Taken("12", "99"), 2),
        (SIZES, None, None),
        (GRID, Taken("11", "22"), 2),
        (GRID, Taken("12", "22"), None),
        (GRID, Taken("12", ""), None),
        (ONE_SIZE, Taken(), 1),
        (ONE_SIZE, Taken("11", "21"), 1),
        (ONE_SIZE, None, 1),
        ((choice(1, S, RED), choice(2, M, RED)), Taken("12"), 2),
        ((choice(1, S, RED),), None, 1),
        ((choice(1, S, RED),), Taken("12", "22"), 1),
    ],
)
def test_what_was_chosen_is_one_variant_or_none(choices: tuple[Choice, ...], taken: Taken | None, variant: int | None) -> None:
    found = row(*choices, taken=taken).choice
    assert (found.variant.id if found else None) == variant


def test_only_what_is_offered_can_be_chosen() -> None:
    sizes, colours = row(*GRID).controls
    assert [value.value for value in sizes.values] == ["S", "M"]  # nobody makes it in L
    assert [value.value for value in colours.values] == ["red", "blue"]
    assert (sizes.id, sizes.name, colours.id, colours.name) == ("o1-K1", "Size", "o2-K1", "Colour")


def test_a_single_value_is_chosen_by_itself_and_several_never_are() -> None:
    sizes, colours = row(choice(1, S, RED), choice(2, M, RED)).controls
    assert (sizes.chosen, sizes.is_open) == ("", True)
    assert (colours.chosen, colours.is_open) == ("21", False)


def test_a_product_without_options_asks_for_none() -> None:
    assert [control.is_open for control in row(*ONE_SIZE).controls] == [False, False]
    assert [control.values for control in row(*ONE_SIZE).controls] == [(), ()]


@pytest.mark.parametrize(
    ("choices", "taken", "lacks"),
    [
        (SIZES, Taken("12"), {}),
        (SIZES, Taken(""), {"o1-K1": "Knit K1: choose Size"}),
        (SIZES, Taken("99"), {"o1-K1": "Knit K1: choose Size"}),
        (GRID, Taken("", ""), {"o1-K1": "Knit K1: choose Size", "o2-K1": "Knit K1: choose Colour"}),
        (GRID, Taken("12", "22"), {"o1-K1": "Knit K1 is not offered in this combination; choose another"}),
        (SIZES, Taken("12", "", "0"), {"units-K1": "Knit K1: how many pieces? Write a number like 1"}),
        (
            SIZES,
            Taken("", "", "many"),
            {"o1-K1": "Knit K1: choose Size", "units-K1": "Knit K1: how many pieces? Write a number like 1"},
        ),
        (ONE_SIZE, Taken("", "", "3"), {}),
    ],
)
def test_what_is_missing_is_named_at_its_control(app: Flask, choices: tuple[Choice, ...], taken: Taken, lacks: dict[str, str]) -> None:
    with app.test_request_context("/?lang=en"):
        assert orders._missing([row(*choices, taken=taken)]) == lacks


def test_what_two_products_lack_is_said_of_both(app: Flask) -> None:
    rows = [row(*SIZES, taken=Taken(), code=code) for code in ("K1", "K2")]
    with app.test_request_context("/?lang=en"):
        assert orders._missing(rows) == {"o1-K1": "Knit K1: choose Size", "o1-K2": "Knit K2: choose Size"}


def test_an_option_without_a_name_is_asked_for_all_the_same(app: Flask) -> None:
    with app.test_request_context("/?lang=en"):
        assert orders._missing([row(*SIZES, taken=Taken(), option1_name="")]) == {"o1-K1": "Knit K1: choose one"}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_taken_is_said_in_the_readers_language(app: Flask, language: str) -> None:
    with app.test_request_context(f"/?lang={language}"):
        (text,) = orders._missing([]).values()
    assert text.isascii() is (language == "en")


@pytest.mark.parametrize(
    ("typed", "units"),
    [("1", 1), ("12", 12), ("999", 999), ("1000", 0), ("0", 0), ("", 0), ("-1", 0), ("1.5", 0), ("٣", 0), ("1e2", 0), ("１", 0)],
)
def test_units_are_a_number_of_at_most_three_digits(typed: str, units: int) -> None:
    assert row(*SIZES, taken=Taken("12", "", typed)).units == units


def test_what_is_not_taken_has_no_units() -> None:
    assert row(*SIZES).units == 0


def test_the_sums_add_what_is_chosen_and_split_it_by_what_would_be_made_now() -> None:
    made = row(choice(1, None, None, price=30000, now=27000), taken=Taken(units="2"), code="K1", units=50)
    missed = row(choice(2, None, None, price=10000, now=10000), taken=Taken(units="3"), code="K2", units=49)
    assert orders._sums([made, missed]) == {
        "products": 2,
        "promised": 60000 + 30000,
        "deposit": 12000 + 6000,
        "made": 1,
        "balance_now": 2 * (27000 - 6000),
        "returned_now": 6000,
    }


@pytest.mark.parametrize("kept_out", [row(*ONE_SIZE), row(*SIZES, taken=Taken("")), row(*ONE_SIZE, taken=Taken(units="0"))])
def test_what_is_not_taken_not_chosen_or_not_a_piece_costs_nothing(kept_out: Row) -> None:
    sums = orders._sums([kept_out])
    assert {name: amount for name, amount in sums.items() if name not in {"products", "made"}} == dict.fromkeys(
        ("promised", "deposit", "balance_now", "returned_now"), 0
    )


def test_what_is_made_returns_nothing_and_what_is_missed_asks_for_no_balance() -> None:
    one = row(*ONE_SIZE, taken=Taken(), units=50)
    other = row(*ONE_SIZE, taken=Taken(), units=49)
    assert (orders._sums([one])["returned_now"], orders._sums([one])["made"]) == (0, 1)
    assert (orders._sums([other])["balance_now"], orders._sums([other])["made"]) == (0, 0)


def test_the_form_is_read_by_product_and_what_it_does_not_say_is_empty() -> None:
    form = MultiDict([("take", "K1"), ("take", "K2"), ("o1-K1", "12"), ("units-K1", " 3 "), ("o1-K9", "11")])
    assert orders._asked(form) == {"K1": Taken("12", "", "3"), "K2": Taken("", "", "1")}


def test_a_cookie_is_not_filled_with_thousands_of_products(app: Flask) -> None:
    asked = orders._asked(MultiDict([("take", f"K{number}") for number in range(5000)]))
    assert len(asked) == 5000
    with app.test_request_context("/"):
        orders._keep("ss27", asked)
        assert len(orders._kept("ss27")) == orders._MOST_KEPT


def test_choices_are_kept_for_one_campaign_at_a_time(app: Flask) -> None:
    with app.test_request_context("/"):
        orders._keep("ss27", {"K1": Taken("12", "", "2")})
        assert orders._kept("ss27") == {"K1": Taken("12", "", "2")}
        orders._keep("aw27", {"K9": Taken()})
        assert orders._kept("ss27") == {}
        assert orders._kept("aw27") == {"K9": Taken()}


@pytest.mark.parametrize(("picked", "added", "taken", "listed"), [(True, False, {}, 1), (False, True, {}, 1), (False, False, {}, 0)])
def test_the_page_lists_picks_and_what_was_asked_for(picked: bool, added: bool, taken: dict[str, Taken], listed: int) -> None:  # noqa: FBT001  pytest's own way
    found = Basket((replace(item(*SIZES), picked=picked, added=added),), is_open=True, consequences=(), terms="")
    assert len(orders._rows(found, taken)) == listed
    assert len(orders._rows(found, {"K1": Taken()})) == 1


@pytest.mark.parametrize(("gateway", "name"), [("sandbox", "Test payment"), ("wechat", "WeChat Pay"), ("cowries", "cowries")])
def test_a_way_to_pay_has_a_name(app: Flask, gateway: str, name: str) -> None:
    with app.test_request_context("/?lang=en"):
        assert paying.name(gateway)[0] == name
