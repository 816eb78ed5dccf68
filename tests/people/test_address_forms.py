"""One mailbox, one telephone, one person: what is the same address and what isn't."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.errors import Invalid
from c2b.people.rules import MAX_ADDRESS, AddressKind, address_digest, mask, normalise, reachable

EMAIL, PHONE, WECHAT, IMPORTED = AddressKind.EMAIL, AddressKind.PHONE, AddressKind.WECHAT, AddressKind.IMPORTED
KEY = "k" * 32


@pytest.mark.parametrize(
    "domain",
    [
        "gmail.com",
        "outlook.com",
        "hotmail.com",
        "live.com",
        "icloud.com",
        "me.com",
        "mac.com",
        "fastmail.com",
        "proton.me",
        "protonmail.com",
    ],
)
def test_a_tag_makes_no_second_mailbox_where_the_provider_ignores_it(domain: str) -> None:
    assert normalise(EMAIL, f"anna+shop@{domain}") == f"anna@{domain}"
    assert normalise(EMAIL, f"anna+shop+2027@{domain}") == f"anna@{domain}"


@pytest.mark.parametrize("domain", ["qq.com", "163.com", "126.com", "sina.cn", "foxmail.com", "yahoo.com", "example.com"])
def test_elsewhere_a_tag_is_part_of_the_name(domain: str) -> None:
    assert normalise(EMAIL, f"anna+shop@{domain}") == f"anna+shop@{domain}"


@pytest.mark.parametrize("domain", ["outlook.com", "icloud.com", "qq.com", "proton.me"])
def test_only_gmail_ignores_dots(domain: str) -> None:
    assert normalise(EMAIL, f"an.na@{domain}") == f"an.na@{domain}"
    assert normalise(EMAIL, "an.na@gmail.com") == "anna@gmail.com"


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("+tag@gmail.com", "+tag@gmail.com"),
        ("...@gmail.com", "...@gmail.com"),
        ("A.N.N.A+Shop@GoogleMail.com", "anna@gmail.com"),
        ("ANNA@EXAMPLE.CO.UK", "anna@example.co.uk"),
        ("anna@例子.中国", "anna@xn--fsqu00a.xn--fiqs8s"),
        ("o'neil@example.com", "o'neil@example.com"),
        ("a_b-c%d@example.com", "a_b-c%d@example.com"),
        ("anna＠example.com", "anna@example.com"),
        ("\tanna@example.com\n", "anna@example.com"),
        ("10086@qq.com", "10086@qq.com"),
    ],
)
def test_an_unusual_mail_address_has_one_form_too(typed: str, normal: str) -> None:
    assert normalise(EMAIL, typed) == normal


@pytest.mark.parametrize("length", [1, 63, 64])
def test_a_local_part_has_up_to_64_characters(length: int) -> None:
    assert normalise(EMAIL, "a" * length + "@example.com") == "a" * length + "@example.com"


def test_an_address_has_up_to_254_characters() -> None:
    domain = ".".join(["b" * 60] * 3) + ".com"
    fits = "a" * (MAX_ADDRESS - len(domain) - 1)
    with pytest.raises(Invalid):
        normalise(EMAIL, f"{fits}a@{domain}")
    longest = f"{fits[:64]}@{domain}"
    assert normalise(EMAIL, longest) == longest


@pytest.mark.parametrize(
    ("typed", "normal"),
    [
        ("13000000000", "+8613000000000"),
        ("19999999999", "+8619999999999"),
        ("+852 9123 4567", "+85291234567"),
        ("00852-9123-4567", "+85291234567"),
        ("+1 (212) 555.0100", "+12125550100"),
        ("+49 30 901820", "+4930901820"),
        ("+1234567", "+1234567"),
        ("+123456789012345", "+123456789012345"),
    ],
)
def test_numbers_of_all_countries_have_one_form(typed: str, normal: str) -> None:
    assert normalise(PHONE, typed) == normal


@pytest.mark.parametrize("typed", ["12000000000", "1380013800", "138001380000", "+123456", "+1234567890123456", "++8613800138000", "+86a"])
def test_neither_too_short_nor_too_long_a_number_is_one(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise(PHONE, typed)
    assert refused.value.field == "address"


@pytest.mark.parametrize(
    ("openid", "is_one"), [("a" * 5, False), ("a" * 6, True), ("a" * 128, True), ("a" * 129, False), ("abc def", False)]
)
def test_an_openid_has_6_to_128_plain_characters(openid: str, *, is_one: bool) -> None:
    if is_one:
        assert normalise(WECHAT, openid) == openid
    else:
        with pytest.raises(Invalid, match="openid"):
            normalise(WECHAT, openid)


@pytest.mark.parametrize(
    ("voter", "is_one"), [("", False), (" ", False), ("7", True), ("选民 1", True), ("v" * 254, True), ("v" * 255, False)]
)
def test_a_voters_id_has_1_to_254_characters(voter: str, *, is_one: bool) -> None:
    if is_one:
        assert normalise(IMPORTED, voter) == voter
    else:
        with pytest.raises(Invalid, match="254"):
            normalise(IMPORTED, voter)


def test_every_kind_has_a_normal_form() -> None:
    written = {EMAIL: "anna@example.com", PHONE: "+8613800138000", WECHAT: "oUpF8uMuAJO", IMPORTED: "v1"}
    assert {kind: normalise(kind, written[kind]) for kind in AddressKind} == written


@given(st.emails())
def test_a_mail_address_is_refused_or_stays_itself_the_second_time(typed: str) -> None:
    try:
        once = normalise(EMAIL, typed)
    except Invalid:
        return
    assert normalise(EMAIL, once) == once
    assert once == once.lower()


@given(st.integers(3, 9), st.integers(0, 999_999_999), st.sampled_from(["{}", "+86{}", "0086{}", "+86 {}", " {} "]))
def test_a_chinese_mobile_number_is_one_person_however_it_is_written(second: int, rest: int, written: str) -> None:
    number = f"1{second}{rest:09}"
    assert address_digest(KEY, PHONE, written.format(number)) == address_digest(KEY, PHONE, number)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        (EMAIL, "a@example.com", "a***@example.com"),
        (EMAIL, "very.long.name@example.com", "v***@example.com"),
        (EMAIL, "安娜@example.com", "安***@example.com"),
        (PHONE, "+85291234567", "***4567"),
        (WECHAT, "oUpF8uMuAJO", "***uAJO"),
    ],
)
def test_a_neighbour_learns_no_address_from_its_mask(kind: AddressKind, value: str, shown: str) -> None:
    assert mask(kind, value) == shown
    assert value not in shown


@pytest.mark.parametrize(
    "typed",
    [
        "13800138000",
        "138 0013 8000",
        "138-0013-8000",
        "138\u20110013\u20138000",
        "138.0013.8000",
        "(138) 0013 8000",
        "+8613800138000",
        "+86 138 0013 8000",
        "+86 (0)138 0013 8000",
        "+86-13800138000",
        "0086 138 0013 8000",
        "0086-138-0013-8000",
        "00 86 13800138000",
        "8613800138000",
        "86 138 0013 8000",
        "１３８００１３８０００",
        "＋８６　１３８　００１３　８０００",
        "\u202d+86 138 0013 8000\u202c",
        "138\u200b0013\u200b8000",
        "\ufeff13800138000\n",
    ],
)
def test_one_telephone_is_one_number_whatever_its_owner_or_address_book_writes(typed: str) -> None:
    assert normalise(PHONE, typed) == "+8613800138000"
    assert reachable(PHONE, typed) == "+8613800138000"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("13800138000", "13800138001"),
        ("+8613800138000", "+85213800138"),
        ("+86 10 6552 9988", "+86 21 6552 9988"),
        ("+1 212 555 0100", "+44 212 555 0100"),
        ("+8613800138000", "+861380013800"),
    ],
)
def test_two_telephones_stay_two(one: str, other: str) -> None:
    assert normalise(PHONE, one) != normalise(PHONE, other)


@pytest.mark.parametrize(
    "typed", ["", " ", "+", "00", "86", "1380013800x", "١٣٨٠٠١٣٨٠٠٠", "138 0013 8000 ext 5", "86138001380001", "tel:13800138000"]
)
def test_what_nobody_could_call_is_no_number(typed: str) -> None:
    with pytest.raises(Invalid, match="telephone number"):
        normalise(PHONE, typed)


@pytest.mark.parametrize("typed", ["Anna+shop@gmail.com", " Anna.B@Example.com "])
def test_mail_goes_to_what_was_typed(typed: str) -> None:
    assert reachable(EMAIL, typed) == typed.strip()
