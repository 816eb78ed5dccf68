"""What people read: each message, in both languages, with every field in its place."""

import re

import pytest

from c2b.messages.letter import Text
from c2b.messages.rules import REASONS
from c2b.messages.texts import render

ORDER = {"order": "A1", "campaign": "Spring", "amount": "¥50.00", "path": "/me/orders/A1"}
UNPAID = "What isn't paid by 27 Apr 22:00 is cancelled & the deposit stays with the seller (art. 586)."
CONFIRMED = {
    "product": "Cable knit",
    "units": "2",
    "order": "A1",
    "unit_price": "¥269.00",
    "balance": "¥438.00",
    "due": "5 Apr 22:00",
    "path": "/me/orders/A1",
}
FIELDS = {
    "sign_in_code": {"code": "314159", "minutes": "10"},
    "counter_code": {"code": "314159", "minutes": "10", "campaign": "Spring"},
    "address_lost": {"new": "b***@example.com", "hours": "72", "path": "/me/orders/A1"},
    "address_moved": {},
    "address_kept": {},
    "ballot_held": {"campaign": "Spring", "path": "/me/orders/A1"},
    "ballot_asked": {"campaign": "Spring", "closes": "30 Mar 22:00", "path": "/me/orders/A1"},
    "order_paid": {
        "amount": "¥50.00",
        "order": "A1",
        "campaign": "Spring",
        "closes": "30 Mar 22:00",
        "path": "/me/orders/A1",
    },
    "refund_settled": {"amount": "¥50.00", "order": "A1", "campaign": "Spring", "path": "/me/orders/A1"},
    "product_confirmed": CONFIRMED,
    "product_second": CONFIRMED | {"first": "Moss / M", "second": "Sand / M"},
    "receipt": {"campaign": "Spring", "receipt": "c2b receipt 1\ncampaign   spring\n", "path": "/c/spring/verify"},
    "product_missed": {"product": "Cable knit", "order": "A1", "amount": "¥50.00", "path": "/me/orders/A1"},
    "order_placed": ORDER | {"closes": "30 Mar 22:00"},
    "balance_due": ORDER | {"due": "20 Apr 22:00"},
    "balance_reminder": ORDER | {"due": "20 Apr 22:00", "days": "3", "consequence": UNPAID},
    "balance_overdue": ORDER | {"until": "27 Apr 22:00", "consequence": UNPAID},
    "balance_paid": ORDER,
    "deposit_forfeited": ORDER,
    "order_refunded_unpaid": ORDER,
    "paid_late": ORDER,
    "paid_twice": ORDER,
    "payment_held_up": ORDER,
    "refund_by_hand": ORDER,
    "refund_bounced": {"order": "A1", "amount": "¥50.00", "path": "/me/orders/A1"},
    "parcel_sent": {"order": "A1", "campaign": "Spring", "carrier": "DHL", "number": "00340434161094", "path": "/me/orders/A1"},
    "pickup_ready": {"order": "A1", "campaign": "Spring", "store": "Lakeside", "where": "Hangzhou 1 Lake Road", "path": "/me/orders/A1"},
    "seller_default": ORDER | {"product": "Cable knit", "reason": "The mill burnt down"},
    "delay_unanswered": ORDER | {"product": "Cable knit"},
    "delay_question": {
        "order": "A1",
        "campaign": "Spring",
        "product": "Cable knit",
        "expected": "5 Jun",
        "answer_by": "30 May 22:00",
        "path": "/me/orders/A1",
    },
    "delay_told": {
        "product": "K07",
        "order": "A1",
        "campaign": "SS 27",
        "expected": "2027-06-01",
        "path": "/me/orders/A1",
    },
    "withdrawal_link": {"order": "A1", "hours": "24", "path": "/withdraw/A1.1"},
    "withdrawal_received": {"order": "A1", "amount": "¥50.00", "path": "/me/orders/A1"},
    "result_published": {"campaign": "Spring", "picked": "15", "selected": "4", "path": "/c/spring/results"},
}
LOCALES = ("en", "zh_Hans_CN")


def test_no_template_is_forgotten_here() -> None:
    assert set(FIELDS) == set(REASONS)


HAN = re.compile(r"[\u4e00-\u9fff]")


def shown(template: str, locale: str) -> Text:
    return render(template, locale, FIELDS[template], base_url="https://shop.example.com")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", FIELDS)
def test_every_field_is_read_and_none_is_left_as_a_sign(template: str, locale: str) -> None:
    text = shown(template, locale)
    whole = f"{text.subject}\n{text.body}"
    for name, value in FIELDS[template].items():
        assert value in whole, name
    assert "$" not in whole
    assert "None" not in whole


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", FIELDS)
def test_each_language_keeps_to_itself(template: str, locale: str) -> None:
    text = shown(template, locale)
    assert bool(HAN.search(text.subject)) is (locale == "zh_Hans_CN")
    assert bool(HAN.search(text.body)) is (locale == "zh_Hans_CN")


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", FIELDS)
def test_a_subject_is_one_short_line(template: str, locale: str) -> None:
    subject = shown(template, locale).subject
    assert "\n" not in subject
    assert 5 <= len(subject) <= 78  # RFC 5322, 2.1.1


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", [name for name in FIELDS if "path" in FIELDS[name]])
def test_a_message_about_something_leads_to_it_in_this_shop(template: str, locale: str) -> None:
    assert f"https://shop.example.com{FIELDS[template]['path']}" in shown(template, locale).body


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize(("template", "without"), [(template, name) for template in FIELDS for name in FIELDS[template]])
def test_each_field_that_a_message_has_is_needed(template: str, locale: str, without: str) -> None:
    fields = {name: value for name, value in FIELDS[template].items() if name != without}
    with pytest.raises(KeyError):
        render(template, locale, fields)


@pytest.mark.parametrize("locale", LOCALES)
def test_money_that_comes_back_is_named_in_the_subject(locale: str) -> None:
    back = "refund_settled refund_by_hand product_missed order_refunded_unpaid paid_late paid_twice refund_bounced seller_default"
    for template in back.split():
        assert "¥50.00" in shown(template, locale).subject


@pytest.mark.parametrize("locale", LOCALES)
def test_the_code_can_be_read_on_the_locked_screen_and_nobody_asks_for_it(locale: str) -> None:
    text = shown("sign_in_code", locale)
    assert "314159" in text.subject
    assert ("nobody of ours will ever ask" if locale == "en" else "绝不会向你索要") in text.body
    assert "http" not in text.body  # nothing to click: a mail that asks for a click teaches people to fall for one


def test_a_message_that_nobody_wrote_is_the_callers_error() -> None:
    with pytest.raises(FileNotFoundError):
        render("birthday", "en", {})


def test_what_a_customer_wrote_can_not_become_a_field() -> None:
    fields = FIELDS["product_missed"] | {"product": "$amount ${order}"}
    assert "$amount ${order}" in render("product_missed", "en", fields).body


GSM = re.compile(r"[A-Za-z0-9 @£$¥èéùìòÇØøÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ!\"#%&'()*+,./:;<=>?¡ÄÖÑÜ§¿äöñüà-]*")
"""GSM 03.38's basic alphabet: 160 of these fit one text message, of any others 70."""
LONGEST = {
    "amount": "¥12,345.00",
    "order": "27-0318-5521",
    "product": "Salt-field stripe shirt",
    "units": "12",
    "balance": "¥12,345.00",
    "due": "15 Apr 22:00",
    "closes": "30 Mar 22:00",
    "code": "314159",
    "minutes": "10",
    "until": "27 Apr 22:00",
    "days": "12",
    "expected": "15 Jun 2027",
    "answer_by": "30 May 22:00",
    "picked": "15",
    "selected": "12",
}
LONGEST_ZH = LONGEST | {
    "product": "盐田条纹亚麻衬衫",
    "due": "4月15日 22:00",
    "closes": "3月30日 22:00",
    "until": "4月27日 22:00",
    "expected": "2027年6月15日",
    "answer_by": "5月30日 22:00",
}


@pytest.mark.parametrize("template", FIELDS)
def test_a_message_to_a_telephone_fits_one_text_message(template: str) -> None:
    english = render(template, "en", FIELDS[template] | LONGEST, channel="phone").body
    chinese = render(template, "zh_Hans_CN", FIELDS[template] | LONGEST_ZH, channel="phone").body
    assert len(english) <= 160
    assert GSM.fullmatch(english), english
    assert len(chinese) <= 70, len(chinese)
    assert HAN.search(chinese)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("template", FIELDS)
def test_a_text_message_is_one_line_with_nothing_left_open_and_no_order_to_tap_on_a_link(template: str, locale: str) -> None:
    text = render(template, locale, FIELDS[template], base_url="https://shop.example.com", channel="phone")
    assert text.subject == ""
    assert "\n" not in text.body
    assert "$" not in text.body
    if "order" in FIELDS[template]:
        assert FIELDS[template]["order"] in text.body
        assert "http" not in text.body


@pytest.mark.parametrize(("locale", "most"), [("en", 160), ("zh_Hans_CN", 70)])
def test_the_link_that_stops_a_move_fits_beside_its_words(locale: str, most: int) -> None:
    fields = {"new": "***8000", "hours": "72", "path": "/stop/0123456789abcdef"}
    text = render("address_lost", locale, fields, base_url="https://shop.example.com", channel="phone").body
    assert text.endswith("https://shop.example.com/stop/0123456789abcdef")
    assert len(text) <= most


def test_a_field_with_a_line_end_does_not_break_a_text_message() -> None:
    fields = FIELDS["product_missed"] | {"product": "Cable\nknit"}
    assert render("product_missed", "en", fields, channel="phone").body.startswith("Cable knit won't be made")
