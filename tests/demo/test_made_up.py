"""What is made up must be believable whatever the seed: goods, instants, people, baskets."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from c2b.campaigns.models import Variant
from c2b.demo import buyers, catalogue, seasons, voters
from c2b.demo.buyers import fill_baskets
from c2b.demo.catalogue import Product, barcode, products, words
from c2b.demo.garments.cloth import lightness

SEEDS = ["ss27", "autumn", "summer", "spring", "2027", ""]
ALL = [seasons.voting(500), seasons.ORDERING, seasons.DECIDED]
NOW = datetime(2027, 3, 8, 4, 30, tzinfo=UTC)


def dice(seed: str) -> random.Random:
    return random.Random(seed)  # noqa: S311  made-up goods, no secret


@pytest.fixture(scope="module", params=SEEDS)
def goods(request: pytest.FixtureRequest) -> list[Product]:
    return products(120, seed=request.param)


def test_each_later_tier_is_cheaper_and_still_above_cost(goods: list[Product]) -> None:
    for product in goods:
        first, second, third = product.terms.prices
        assert first > second > third > product.terms.unit_cost > 0


def test_the_promise_lies_within_what_was_estimated_when_people_voted(goods: list[Product]) -> None:
    for product in goods:
        low, high = product.terms.estimate
        assert low < product.terms.prices[0] < high


def test_prices_are_whole_yuan(goods: list[Product]) -> None:
    for product in goods:
        assert all(amount % 100 == 0 for amount in (*product.terms.prices, *product.terms.estimate, product.terms.unit_cost))


def test_tiers_begin_above_the_minimum_and_rise(goods: list[Product]) -> None:
    for product in goods:
        terms = product.terms
        assert terms.minimum < terms.tier_units[0] < terms.tier_units[1]
        assert terms.cap is None or terms.cap >= terms.tier_units[1], "a cap that hides a tier would be a lie"


def test_minimums_are_those_asked_for() -> None:
    made = products(80, seed="x", minimums=(7, 9))
    assert {product.terms.minimum for product in made} == {7, 9}


def test_a_factory_makes_what_it_says_it_makes(goods: list[Product]) -> None:
    makes = {factory["code"]: factory for factory in words()["suppliers"]}
    keys = {names[0]: key for key, names in words()["categories"].items()}
    for product in goods:
        factory = makes[product.terms.supplier]
        assert keys[product.category.zh] in factory["makes"]
        assert 0 <= product.terms.lead_days - factory["lead_days"] <= 5


def test_colours_of_a_product_differ_and_their_accents_stand_out(goods: list[Product]) -> None:
    for product in goods:
        assert len({colour.hex for colour in product.colours}) == len(product.colours) >= 2
        assert all(abs(lightness(colour.hex) - lightness(colour.accent)) > catalogue.CONTRAST for colour in product.colours)


def test_a_longer_catalogue_begins_like_the_shorter_one(goods: list[Product]) -> None:
    assert len({product.code for product in goods}) == len(goods)
    assert products(30, seed="ss27") == products(60, seed="ss27")[:30]


@pytest.mark.parametrize(
    ("number", "code"), [(0, "2000000000008"), (1, "2000000000015"), (100_001, "2000001000014"), (9_999_999_999, "2099999999998")]
)
def test_a_barcode_is_an_in_house_ean_13(number: int, code: str) -> None:
    assert barcode(number) == code
    assert len(code) == 13
    weighted = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(barcode(number)))
    assert weighted % 10 == 0


def test_one_wrong_digit_never_makes_another_valid_barcode() -> None:
    right = barcode(271_828)
    for place, digit in enumerate(right):
        for other in set("0123456789") - {digit}:
            wrong = right[:place] + other + right[place + 1 :]
            assert sum(int(each) * (3 if at % 2 else 1) for at, each in enumerate(wrong)) % 10 != 0


@pytest.mark.parametrize("season", ALL, ids=lambda season: season.slug)
@pytest.mark.parametrize("hour", [0, 1, 2, 13, 14, 23])
def test_a_season_stands_where_its_story_says_at_any_hour(season: seasons.Season, hour: int) -> None:
    now = NOW.replace(hour=hour)
    document = season.document(now)
    voting, ordering, balance = document["voting"], document["ordering"], document["balance"]
    assert voting["opens"] < voting["closes"] < ordering["opens"] < ordering["closes"] < balance["opens"] < balance["due"]
    stands = {
        "autumn": voting["opens"] < now < voting["closes"],
        "summer": ordering["opens"] < now < ordering["closes"],
        "spring": ordering["closes"] < now < balance["due"],
    }
    assert stands[season.slug]


@pytest.mark.parametrize("season", ALL, ids=lambda season: season.slug)
def test_instants_follow_the_clock(season: seasons.Season) -> None:
    later = season.document(NOW + timedelta(days=100))
    assert later["voting"]["opens"] - season.document(NOW)["voting"]["opens"] == timedelta(days=100)
    assert later["delivery"]["expected"] - season.document(NOW)["delivery"]["expected"] == timedelta(days=100)


@pytest.mark.parametrize(
    ("candidates", "places", "votes"), [(1, 1, 1), (4, 1, 4), (10, 3, 10), (100, 30, 15), (500, 150, 15), (2000, 150, 15)]
)
def test_a_small_demo_has_small_rules(candidates: int, places: int, votes: int) -> None:
    season = seasons.voting(candidates)
    assert (season.places, season.votes_each) == (places, votes)
    assert season.places <= season.candidates


@pytest.mark.parametrize("season", ALL, ids=lambda season: season.slug)
def test_nobody_orders_who_has_not_voted(season: seasons.Season) -> None:
    assert season.orders <= season.voters


@pytest.mark.parametrize("seed", SEEDS)
def test_people_come_between_the_opening_and_now_the_first_days_most(seed: str) -> None:
    opens, until = NOW - timedelta(days=8), NOW
    moments = voters.arrivals(3000, opens, until, dice(seed))
    assert moments == sorted(moments)
    assert opens <= moments[0]
    assert moments[-1] <= until
    days = Counter((at - opens).days for at in moments)
    assert days[0] > days[2] > days[5]


def test_whoever_comes_within_the_first_hour_comes_in_it() -> None:
    moments = voters.arrivals(50, NOW, NOW + timedelta(minutes=10), dice("x"))
    assert all(NOW <= at <= NOW + timedelta(minutes=10) for at in moments)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tenth_of_the_designs_gets_several_times_its_share_of_votes(seed: str) -> None:
    drawn = list(voters.ballots(range(500), [NOW] * 1500, votes_each=15, dice=dice(seed)))
    votes = Counter(pick for ballot in drawn for pick in ballot.kept)
    best = sum(count for _, count in votes.most_common(50))
    assert 0.25 < best / votes.total() < 0.6
    assert len(votes) > 450, "hardly a design stays without any vote"


@pytest.mark.parametrize("votes_each", [1, 2, 15])
def test_a_made_up_ballot_keeps_the_limit(votes_each: int) -> None:
    drawn = list(voters.ballots(range(40), [NOW] * 800, votes_each=votes_each, dice=dice("x")))
    for ballot in drawn:
        assert 1 <= len(ballot.taps) <= votes_each
        assert len(set(ballot.taps)) == len(ballot.taps)
        assert set(ballot.undone) <= set(ballot.taps)
        assert ballot.kept, "nobody taps only to take it back"
    assert any(ballot.undone for ballot in drawn) is (votes_each > 1)


def variants(candidates: int, sizes: int = 6) -> list[list[Variant]]:
    return [[Variant(id=100 * key + size, candidate_id=key) for size in range(sizes)] for key in range(1, candidates + 1)]


@pytest.mark.parametrize("seed", SEEDS)
def test_no_basket_takes_more_than_a_cap_leaves(seed: str) -> None:
    baskets = list(fill_baskets(variants(10), {1: 5, 2: 0}, [(person, NOW) for person in range(300)], dice(seed)))
    units = Counter[int]()
    for basket in baskets:
        for variant, count in basket.units.items():
            units[variant.candidate_id] += count
    assert units[1] <= 5
    assert units[2] == 0
    assert units[3] > 20


def test_who_finds_nothing_leaves_no_empty_basket() -> None:
    assert list(fill_baskets(variants(1), {1: 0}, [(1, NOW), (2, NOW)], dice("x"))) == []


def test_middle_sizes_are_taken_most() -> None:
    people = [(person, NOW) for person in range(2000)]
    sizes = Counter(variant.id % 100 for basket in fill_baskets(variants(8), {}, people, dice("x")) for variant in basket.units)
    assert max(sizes, key=sizes.__getitem__) == buyers.COMMON_SIZES.index(max(buyers.COMMON_SIZES))
    assert sizes[2] > 3 * sizes[0]
    assert sizes[3] > 3 * sizes[5]


def test_a_basket_has_one_to_three_products_each_once() -> None:
    for basket in fill_baskets(variants(8), {}, [(person, NOW) for person in range(500)], dice("x")):
        products_in = [variant.candidate_id for variant in basket.units]
        assert 1 <= len(products_in) <= 3
        assert len(set(products_in)) == len(products_in)
        assert set(basket.units.values()) <= {1, 2}
