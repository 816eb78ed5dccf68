import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.errors import Invalid
from c2b.people.rules import AddressKind, Permission, Role, address_digest, keyed_hash, mask, may, normalise

EMAIL, PHONE, WECHAT, IMPORTED = AddressKind.EMAIL, AddressKind.PHONE, AddressKind.WECHAT, AddressKind.IMPORTED


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Anna@Example.com", "anna@example.com"),
        ("  anna@example.com ", "anna@example.com"),
        ("a.n.n.a@gmail.com", "anna@gmail.com"),
        ("anna+shop@gmail.com", "anna@gmail.com"),
        ("anna@googlemail.com", "anna@gmail.com"),
        ("anna+2@outlook.com", "anna@outlook.com"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("ａｎｎａ@example.com", "anna@example.com"),
    ],
)
def test_two_writings_of_one_mailbox_are_one_address(one: str, other: str) -> None:
    assert normalise(EMAIL, one) == normalise(EMAIL, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a.nna@example.com", "anna@example.com"),
        ("anna+shop@example.com", "anna@example.com"),
        ("an.na@outlook.com", "anna@outlook.com"),
        ("anna@example.com", "anna@example.org"),
    ],
)
def test_where_the_provider_tells_them_apart_so_do_we(one: str, other: str) -> None:
    assert normalise(EMAIL, one) != normalise(EMAIL, other)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "anna@",
        "@example.com",
        "anna@example",
        "an na@example.com",
        "anna@example.com\nBcc: b@example.com",
        "a@b@",
        "安娜@example.com",
        "a" * 65 + "@example.com",
        "a@" + "b" * 250 + ".com",
        "anna@ex..com",
        "anna@.com",
    ],
)
def test_what_is_no_mail_address_is_refused_naming_the_field(text: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise(EMAIL, text)
    assert refused.value.field == "address"


@pytest.mark.parametrize(
    "text", ["+8613800138000", "13800138000", "138 0013 8000", "+86 138-0013-8000", "0086 13800138000", "１３８００１３８０００"]
)
def test_a_telephone_number_has_one_form(text: str) -> None:
    assert normalise(PHONE, text) == "+8613800138000"


@pytest.mark.parametrize("text", ["", "12345", "0213800138", "+0123456789", "+861380013800013800", "mobile"])
def test_a_number_without_its_country_is_refused(text: str) -> None:
    with pytest.raises(Invalid, match="telephone"):
        normalise(PHONE, text)


def test_an_openid_is_taken_as_it_is() -> None:
    assert normalise(WECHAT, "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o") == "oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"
    with pytest.raises(Invalid):
        normalise(WECHAT, "o U")


def test_an_imported_voters_id_may_be_anything_short() -> None:
    assert normalise(IMPORTED, " 1401204197 ") == "1401204197"
    for wrong in ("", "x" * 255):
        with pytest.raises(Invalid, match="voter"):
            normalise(IMPORTED, wrong)


@given(st.text())
def test_any_text_is_an_address_or_refused_and_normal_forms_are_stable(text: str) -> None:
    try:
        once = normalise(EMAIL, text)
    except Invalid:
        return
    assert normalise(EMAIL, once) == once


def test_the_digest_depends_on_key_kind_and_address() -> None:
    same = address_digest("key", EMAIL, "anna@example.com")
    assert same == address_digest("key", EMAIL, "ANNA@example.com")
    others = [
        address_digest("other key", EMAIL, "anna@example.com"),
        address_digest("key", IMPORTED, "anna@example.com"),
        address_digest("key", EMAIL, "bert@example.com"),
        keyed_hash("key", "code", "email", "anna@example.com"),
    ]
    assert len({same, *others}) == 5


def test_parts_of_a_hash_do_not_run_into_each_other() -> None:
    assert keyed_hash("key", "use", "ab", "c") != keyed_hash("key", "use", "a", "bc")


@pytest.mark.parametrize(
    ("kind", "value", "shown"), [(EMAIL, "anna@example.com", "a***@example.com"), (PHONE, "+8613800138000", "***8000")]
)
def test_a_masked_address_tells_its_owner_enough(kind: AddressKind, value: str, shown: str) -> None:
    assert mask(kind, value) == shown


ALLOWED = {
    Role.OWNER: set(Permission) - {Permission.PICKS},
    Role.MERCHANDISER: {Permission.CANDIDATES, Permission.OFFERS},
    Role.FINANCE: {Permission.DEPOSITS, Permission.MONEY, Permission.EXPORTS},
    Role.SUPPORT: {Permission.DEPOSITS, Permission.PERSONAL_DATA, Permission.PICKUPS},
    Role.ASSISTANT: {Permission.STORE_BALLOTS, Permission.PICKUPS},
}


@pytest.mark.parametrize("role", list(ALLOWED))
def test_a_role_may_do_what_it_is_for_and_nothing_else(role: Role) -> None:
    assert {permission for permission in Permission if may(role, permission)} == ALLOWED[role]


def test_who_picked_what_is_for_auditors_only() -> None:
    assert [role for role in Role if may(role, Permission.PICKS)] == [Role.AUDITOR]


def test_an_auditor_reads_and_changes_nothing() -> None:
    writes = {Permission.PHASES, Permission.CANDIDATES, Permission.OFFERS, Permission.BALLOTS, Permission.SELECTION, Permission.DECISION}
    assert not any(may(Role.AUDITOR, permission) for permission in writes | {Permission.MONEY, Permission.STAFF})


def test_a_manager_runs_the_campaign_but_neither_money_nor_accounts() -> None:
    assert all(may(Role.MANAGER, permission) for permission in (Permission.PHASES, Permission.SELECTION, Permission.DECISION))
    assert not any(may(Role.MANAGER, permission) for permission in (Permission.MONEY, Permission.STAFF, Permission.PERSONAL_DATA))
