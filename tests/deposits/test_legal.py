from datetime import UTC, datetime

import pytest

from c2b.campaigns.rules import DEPOSIT_CAP_PERCENT, LegalProfile
from c2b.deposits import legal
from c2b.deposits.legal import Case, Consequence

FACTS: legal.Facts = {
    "closes": datetime(2027, 3, 30, 14, 0, tzinfo=UTC),
    "time_zone": "Asia/Shanghai",
    "grace_days": 7,
    "locale": "en",
}
ZH: legal.Facts = {**FACTS, "locale": "zh_Hans_CN"}


def case(profile: LegalProfile, wanted: Case, facts: legal.Facts = FACTS) -> Consequence:
    return next(each for each in legal.consequences(profile, **facts) if each.case is wanted)


@pytest.mark.parametrize("profile", LegalProfile)
@pytest.mark.parametrize("facts", [FACTS, ZH], ids=["en", "zh"])
def test_every_profile_says_all_four_cases_with_every_value_filled_in(profile: LegalProfile, facts: legal.Facts) -> None:
    shown = legal.consequences(profile, **facts)
    assert [each.case for each in shown] == [Case.MISSED, Case.CANCELLED, Case.UNPAID, Case.UNDELIVERED]
    assert all(each.title and each.text and "%" not in each.text for each in shown)
    assert "2027-03-30 22:00 (Asia/Shanghai)" in shown[1].text
    assert "7" in shown[2].text


@pytest.mark.parametrize("profile", LegalProfile)
def test_the_languages_say_different_words(profile: LegalProfile) -> None:
    zh, en = legal.terms(profile, **ZH), legal.terms(profile, **FACTS)
    assert any("一" <= letter <= "鿿" for letter in zh)
    assert not any("一" <= letter <= "鿿" for letter in en)
    assert len(zh.splitlines()) == len(en.splitlines()) == 6


@pytest.mark.parametrize("profile", LegalProfile)
def test_what_the_button_says_is_in_the_terms(profile: LegalProfile) -> None:
    accepted = legal.terms(profile, **FACTS)
    assert all(each.text in accepted for each in legal.consequences(profile, **FACTS))


def test_only_dingjin_is_ever_kept() -> None:
    assert [profile for profile in LegalProfile if legal.legal(profile).forfeits] == [LegalProfile.CN_DINGJIN]
    assert not case(LegalProfile.CN_DINGJIN, Case.UNPAID).in_full
    assert all(case(profile, Case.UNPAID).in_full for profile in LegalProfile if profile is not LegalProfile.CN_DINGJIN)


def test_dingjin_binds_both_sides_and_names_its_articles() -> None:
    assert "deposit twice" in case(LegalProfile.CN_DINGJIN, Case.UNDELIVERED).text
    assert "双倍返还" in case(LegalProfile.CN_DINGJIN, Case.UNDELIVERED, ZH).text
    assert "587" in case(LegalProfile.CN_DINGJIN, Case.UNPAID).text
    assert "第五百八十六条" in legal.terms(LegalProfile.CN_DINGJIN, **ZH)


def test_the_terms_name_the_cap_that_the_program_keeps() -> None:
    assert f"at most {DEPOSIT_CAP_PERCENT[LegalProfile.CN_DINGJIN]} per cent" in legal.terms(LegalProfile.CN_DINGJIN, **FACTS)


def test_the_two_chinese_words_for_deposit_are_never_mixed_up() -> None:
    assert "订金" not in legal.terms(LegalProfile.CN_DINGJIN, **ZH)
    assert "不是定金" in legal.terms(LegalProfile.CN_PREPAY, **ZH)


def test_europeans_read_of_their_withdrawal_and_americans_of_their_consent_to_delay() -> None:
    assert "14 days" in legal.terms(LegalProfile.EU, **FACTS)
    assert "agree to the delay" in legal.terms(LegalProfile.US, **FACTS)


def test_one_letter_changed_is_another_version_of_the_terms() -> None:
    accepted = legal.terms(LegalProfile.EU, **FACTS)
    assert legal.digest(accepted) == legal.digest(accepted)
    assert legal.digest(accepted) != legal.digest(accepted + ".")
    assert len(legal.digest(accepted)) == 64
