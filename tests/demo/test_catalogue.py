import re
from collections import Counter

import pytest

from c2b.demo.catalogue import SIZES, Product, barcode, products, words
from c2b.demo.garments.cloth import lightness
from c2b.demo.garments.drawing import document


@pytest.fixture(scope="module")
def catalogue() -> list[Product]:
    return products(500, seed="ss27")


def check_digit_is_right(code: str) -> bool:
    return sum(int(digit) * (3 if index % 2 else 1) for index, digit in enumerate(code)) % 10 == 0


def test_codes_run_from_k001(catalogue: list[Product]) -> None:
    assert [product.code for product in catalogue[:2]] == ["K001", "K002"]
    assert len({product.code for product in catalogue}) == 500


def test_the_same_seed_makes_the_same_catalogue(catalogue: list[Product]) -> None:
    assert products(500, seed="ss27") == catalogue


def test_another_seed_makes_another_catalogue(catalogue: list[Product]) -> None:
    assert products(500, seed="aw27") != catalogue


def test_no_name_appears_twice_in_either_language(catalogue: list[Product]) -> None:
    assert len({product.name.zh for product in catalogue}) == 500
    assert len({product.name.en for product in catalogue}) == 500


def test_a_thousand_products_still_have_names_of_their_own() -> None:
    made = products(1000, seed="many")
    assert len({product.name.zh for product in made}) == 1000
    assert len({product.name.en for product in made}) == 1000


def test_every_text_is_there_in_both_languages(catalogue: list[Product]) -> None:
    for product in catalogue:
        for text in (product.name, product.category, product.description, product.composition, product.care):
            assert re.search("[\u4e00-\u9fff]", text.zh), product.code
            assert re.search("[A-Za-z]{3}", text.en), product.code
            assert not re.search("[\u4e00-\u9fff]", text.en), product.code


def test_names_are_short_enough_for_a_card(catalogue: list[Product]) -> None:
    assert max(len(product.name.zh) for product in catalogue) <= 14
    assert max(len(product.name.en) for product in catalogue) <= 48


def test_english_names_begin_with_a_capital_and_go_on_small(catalogue: list[Product]) -> None:
    for product in catalogue:
        assert product.name.en[0].isupper()
        assert "  " not in product.name.en


def test_a_description_has_one_to_three_sentences(catalogue: list[Product]) -> None:
    for product in catalogue:
        assert 2 <= product.description.zh.count("。") <= 4, product.description.zh
        assert 2 <= len(re.findall(r"\.(?: |$)", product.description.en)) <= 4, product.description.en


def test_every_cut_appears(catalogue: list[Product]) -> None:
    assert {product.look.cut for product in catalogue} == set(document()["cuts"])


def test_the_vocabulary_knows_every_cut_and_style_that_can_be_drawn() -> None:
    drawn = {cut: len(facts["styles"]) for cut, facts in document()["cuts"].items()}
    assert {cut: len(facts["styles"]) for cut, facts in words()["cuts"].items()} == drawn


def test_a_screenful_is_mixed(catalogue: list[Product]) -> None:
    for start in range(0, 480, 24):
        page = catalogue[start : start + 24]
        assert max(Counter(product.look.cut for product in page).values()) <= 7
        assert len({product.look for product in page}) == 24


def test_every_category_has_something(catalogue: list[Product]) -> None:
    names = {zh for zh, _ in words()["categories"].values()}
    assert {product.category.zh for product in catalogue} == names


def test_each_product_comes_in_two_to_four_different_colours(catalogue: list[Product]) -> None:
    for product in catalogue:
        assert 2 <= len(product.colours) <= 4
        assert len({colour.hex for colour in product.colours}) == len(product.colours)


def test_there_are_at_least_sixteen_colours_named_in_both_languages() -> None:
    colours = words()["colours"].values()
    assert len(colours) >= 16
    assert len({colour["zh"] for colour in colours}) == len({colour["en"] for colour in colours}) == len(colours)
    assert all(re.fullmatch("#[0-9a-f]{6}", colour["hex"]) for colour in colours)


def test_an_accent_stands_out_from_its_colour(catalogue: list[Product]) -> None:
    for product in catalogue:
        for colour in product.colours:
            assert abs(lightness(colour.accent) - lightness(colour.hex)) > 60


def test_clothes_have_sizes_and_a_scarf_has_one(catalogue: list[Product]) -> None:
    for product in catalogue:
        if product.look.cut in {"scarf", "bag", "hat"}:
            assert [size.zh for size in product.sizes] == ["均码"]
        else:
            assert tuple(size.zh for size in product.sizes) == SIZES


def test_prices_fall_from_tier_to_tier_and_lie_within_the_estimate(catalogue: list[Product]) -> None:
    for product in catalogue:
        first, second, third = product.terms.prices
        low, high = product.terms.estimate
        assert low <= first <= high
        assert first > second > third > product.terms.unit_cost > 0
        assert all(price % 100 == 0 for price in product.terms.prices)


def test_tiers_begin_above_the_minimum(catalogue: list[Product]) -> None:
    for product in catalogue:
        second, third = product.terms.tier_units
        assert 1 < product.terms.minimum < second < third


def test_a_cap_leaves_room_for_the_minimum_and_some_have_one(catalogue: list[Product]) -> None:
    caps = [product.terms.cap for product in catalogue if product.terms.cap]
    assert 0 < len(caps) < 100
    assert all(product.terms.cap is None or product.terms.cap > product.terms.tier_units[1] for product in catalogue)


def test_each_product_has_a_factory_that_makes_its_kind(catalogue: list[Product]) -> None:
    makes = {factory["code"]: factory["makes"] for factory in words()["suppliers"]}
    for product in catalogue:
        assert words()["cuts"][product.look.cut]["category"] in makes[product.terms.supplier]


def test_six_factories_are_called_by_place_and_trade() -> None:
    factories = words()["suppliers"]
    assert len(factories) == 6
    assert all(factory["name"].endswith("厂") for factory in factories)
    assert all(factory["capacity_units"] > 0 and factory["lead_days"] > 0 for factory in factories)


def test_a_minimum_can_be_set_for_a_small_campaign() -> None:
    assert {product.terms.minimum for product in products(40, seed="small", minimums=(8, 12))} == {8, 12}


@pytest.mark.parametrize("number", [0, 1, 7, 1_000, 999_999])
def test_a_barcode_is_an_in_house_ean13(number: int) -> None:
    code = barcode(number)
    assert re.fullmatch("20[0-9]{11}", code)
    assert check_digit_is_right(code)


def test_a_barcode_with_one_wrong_digit_is_noticed() -> None:
    wrong = [f"{digit}{barcode(123)[1:]}" for digit in "013456789"]
    assert not any(check_digit_is_right(code) for code in wrong)


def test_no_vocabulary_is_repeated() -> None:
    pairs = [tuple(pair) for group in words()["modifiers"] for pair in group["words"]]
    assert len({zh for zh, _ in pairs}) == len({en for _, en in pairs}) == len(pairs)
