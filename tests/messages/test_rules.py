from importlib import resources
from string import Template

import pytest

from c2b.messages.letter import fill
from c2b.messages.rules import CODES, OPTIONAL, REASONS, SECRET
from c2b.messages.texts import render

TEMPLATE = "Refund of $amount\n\nHello,\n\n$amount for $order."
NAMES = sorted(path.name for path in (resources.files("c2b.messages") / "templates").iterdir() if path.name.endswith(".txt"))


def read(name: str) -> str:
    return (resources.files("c2b.messages") / "templates" / name).read_text("utf-8")


def test_the_first_line_is_the_subject_and_fields_are_filled_in() -> None:
    text = fill(TEMPLATE, {"amount": "¥50.00", "order": "A1"})
    assert text.subject == "Refund of ¥50.00"
    assert text.body == "Hello,\n\n¥50.00 for A1."


def test_a_missing_field_is_an_error_never_a_gap() -> None:
    with pytest.raises(KeyError, match="order"):
        fill(TEMPLATE, {"amount": "¥50.00"})


def test_a_line_break_in_a_name_makes_no_second_header() -> None:
    text = fill("About $product\n\n$product", {"product": "Coat\nBcc: all@example.com"})
    assert text.subject == "About Coat Bcc: all@example.com"


def test_a_dollar_sign_in_a_field_is_only_a_dollar_sign() -> None:
    assert fill(TEMPLATE, {"amount": "$order", "order": "A1"}).body == "Hello,\n\n$order for A1."


def test_every_message_exists_in_both_languages() -> None:
    forms = {name.split(".", 1)[0] for name in NAMES}
    endings = ("en", "sms.en", "sms.zh_Hans_CN", "zh_Hans_CN")
    assert sorted(NAMES) == sorted(f"{form}.{ending}.txt" for form in forms for ending in endings)
    assert forms == set(REASONS), "each has a reason why it is sent"


def test_only_news_can_be_refused_never_what_has_consequences() -> None:
    assert {"result_published", "product_confirmed"} == OPTIONAL
    assert not OPTIONAL & SECRET
    assert set(REASONS) >= OPTIONAL | SECRET
    assert CODES < SECRET, "the link that stops a move is worth something for days"


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(".en.txt")])
def test_both_languages_tell_the_same_things(name: str) -> None:
    def fields(text: str) -> set[str]:
        return {field for part in text.split("\n\n", 1) for field in Template(part).get_identifiers()}

    assert fields(read(name)) == fields(read(name.replace(".en.", ".zh_Hans_CN.")))


def test_an_unknown_language_reads_chinese() -> None:
    assert "验证码" in render("sign_in_code", "fr", {"code": "123456", "minutes": "10"}).subject
    assert "sign-in code" in render("sign_in_code", "en", {"code": "123456", "minutes": "10"}).subject
