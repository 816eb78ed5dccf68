import pytest

from c2b import money
from c2b.errors import Invalid


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("50", "CNY", 5000), ("1,299.50", "CNY", 129950), ("1500", "JPY", 1500), ("0.01", "EUR", 1)]
)
def test_an_amount_is_read_as_people_write_it(text: str, currency: str, minor: int) -> None:
    assert money.parse(text, currency) == minor


@pytest.mark.parametrize("text", ["", "abc", "-5", "1.234", "1,2,3", "¥5", "1e3", "NaN", "٣"])
def test_what_is_not_an_amount_is_refused_and_never_zero(text: str) -> None:
    with pytest.raises(Invalid):
        money.parse(text, "CNY")


def test_people_see_the_sign_and_the_digits_of_the_currency() -> None:
    assert (money.show(5000, "CNY", "zh_Hans_CN"), money.show(1500, "JPY", "en")) == ("¥50.00", "¥1,500")


def test_amounts_keep_their_meaning_whatever_a_library_says_of_a_currency() -> None:
    assert [money.digits(currency) for currency in ("CNY", "RSD", "HUF", "ISK", "MGA", "KWD")] == [2, 2, 2, 0, 0, 3]
    assert (money.show(350, "RSD", "en"), money.show(5120, "KWD", "en"), money.show(-150, "CNY", "en")) == (
        "RSD3.50",
        "KWD5.120",
        "-¥1.50",
    )


def test_per_cent_is_rounded_down_in_the_customers_favour() -> None:
    assert money.percent_floor(29999, 20) == 5999


@pytest.mark.parametrize(
    ("text", "currency", "minor"), [("5.120", "KWD", 5120), ("5.12", "KWD", 5120), ("1500", "JPY", 1500), ("1.99", "CNY", 199)]
)
def test_a_price_is_one_that_cards_take(text: str, currency: str, minor: int) -> None:
    assert money.price(text, currency) == minor


def test_a_part_of_a_coin_may_have_come_but_is_no_price() -> None:
    assert money.parse("5.125", "KWD") == 5125
    with pytest.raises(Invalid, match=r"“5\.125” can’t be paid by card; in KWD write multiples of 0\.010"):
        money.price("5.125", "KWD")
