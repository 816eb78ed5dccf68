"""Deadlines at the edge: which day counts, where a day ends, what silence means."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from c2b.campaigns.rules import LegalProfile
from c2b.deposits.legal import cap_percent, leaving_of, legal
from c2b.deposits.rights import (
    CN_RETURN,
    EEA_COUNTRIES,
    EU_COUNTRIES,
    EU_WITHDRAWAL,
    US_DELAY,
    Leaving,
    Right,
    as_list,
    leaves_until,
    question,
)

SHANGHAI, AZORES = ZoneInfo("Asia/Shanghai"), ZoneInfo("Atlantic/Azores")
SECOND = timedelta(seconds=1)
NOW = datetime(2027, 5, 1, tzinfo=UTC)


def at(zone: ZoneInfo, *when: int) -> datetime:
    return datetime(*when, tzinfo=zone)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize(
    ("leaving", "zone", "handed_over", "ends"),
    [
        # Wednesday 2 June 2027; a return in China ends with Wednesday the 9th
        (CN_RETURN, "Asia/Shanghai", at(SHANGHAI, 2027, 6, 2, 0, 0, 0), at(SHANGHAI, 2027, 6, 10)),
        (CN_RETURN, "Asia/Shanghai", at(SHANGHAI, 2027, 6, 2, 23, 59, 59), at(SHANGHAI, 2027, 6, 10)),
        (CN_RETURN, "Asia/Shanghai", at(SHANGHAI, 2027, 6, 3, 0, 0, 0), at(SHANGHAI, 2027, 6, 11)),
        # its last day would be a Saturday, a Sunday: the following Monday is the last
        (CN_RETURN, "Asia/Shanghai", at(SHANGHAI, 2027, 6, 5, 12), at(SHANGHAI, 2027, 6, 15)),
        (CN_RETURN, "Asia/Shanghai", at(SHANGHAI, 2027, 6, 6, 12), at(SHANGHAI, 2027, 6, 15)),
        # shown elsewhere, a day has to end in China too
        (CN_RETURN, "Pacific/Kiritimati", at(SHANGHAI, 2027, 6, 2, 12), at(SHANGHAI, 2027, 6, 10)),
        # fourteen days in Europe, until midnight in its westernmost zone
        (EU_WITHDRAWAL, "Europe/Berlin", at(AZORES, 2027, 6, 2, 12), at(AZORES, 2027, 6, 17)),
        (EU_WITHDRAWAL, "Asia/Shanghai", at(AZORES, 2027, 6, 2, 12), at(AZORES, 2027, 6, 17)),
        # a shop further west keeps its own midnight
        (EU_WITHDRAWAL, "America/Los_Angeles", at(AZORES, 2027, 6, 2, 12), at(ZoneInfo("America/Los_Angeles"), 2027, 6, 17)),
        # over the end of summer time: 25 hours in one day change nothing
        (EU_WITHDRAWAL, "Atlantic/Azores", at(AZORES, 2027, 10, 20, 12), at(AZORES, 2027, 11, 4)),
    ],
)
def test_the_day_of_the_goods_is_not_counted_and_the_last_day_ends_at_midnight(
    leaving: Leaving, zone: str, handed_over: datetime, ends: datetime
) -> None:
    assert leaves_until(leaving, handed_over, zone) == ends


@pytest.mark.parametrize(
    ("profile", "country", "right", "days"),
    [
        (LegalProfile.CN_DINGJIN, "CN", Right.RETURN, 7),
        (LegalProfile.CN_PREPAY, "", Right.RETURN, 7),
        (LegalProfile.CN_DINGJIN, "DE", Right.WITHDRAWAL, 14),
        (LegalProfile.EU, "", Right.WITHDRAWAL, 14),
        (LegalProfile.EU, "CH", Right.WITHDRAWAL, 14),
        (LegalProfile.US, "NO", Right.WITHDRAWAL, 14),
        (LegalProfile.GENERIC, "IS", Right.WITHDRAWAL, 14),
    ],
)
def test_where_goods_go_decides_before_the_profile(profile: LegalProfile, country: str, right: Right, days: int) -> None:
    found = leaving_of(profile, country)
    assert found is not None
    assert (found.right, found.days) == (right, days)


@pytest.mark.parametrize(("profile", "country"), [(LegalProfile.US, "US"), (LegalProfile.GENERIC, "GB"), (LegalProfile.GENERIC, "")])
def test_elsewhere_no_law_lets_a_customer_leave_without_a_reason(profile: LegalProfile, country: str) -> None:
    assert leaving_of(profile, country) is None


def test_the_countries_are_the_members_and_the_three_of_the_eea() -> None:
    assert (len(EU_COUNTRIES), len(EEA_COUNTRIES)) == (27, 30)
    assert "GB" not in EEA_COUNTRIES
    assert as_list(EEA_COUNTRIES).startswith("AT BE BG CY")


@pytest.mark.parametrize(
    ("is_first", "new", "last", "silence_agrees"),
    [
        (True, date(2027, 7, 1), date(2027, 7, 1), True),  # 30 days after 1 June
        (True, date(2027, 7, 2), date(2027, 7, 1), False),  # 31: without a yes it ends 30 days after the old day
        (False, date(2027, 6, 3), date(2027, 6, 1), False),  # a second one: by the old day
    ],
)
def test_what_silence_means_depends_on_how_long_and_how_often(is_first: bool, new: date, last: date, silence_agrees: bool) -> None:  # noqa: FBT001
    asked = question(US_DELAY, is_first=is_first, old=date(2027, 6, 1), new=new, time_zone="America/New_York", now=NOW)
    assert asked.answer_by == datetime.combine(last + timedelta(days=1), datetime.min.time(), ZoneInfo("America/New_York"))
    assert asked.silence_agrees is silence_agrees


def test_who_is_asked_late_still_has_three_days() -> None:
    late = datetime(2027, 6, 1, 20, tzinfo=UTC)
    asked = question(US_DELAY, is_first=False, old=date(2027, 6, 1), new=date(2027, 6, 20), time_zone="UTC", now=late)
    assert asked.answer_by == late + timedelta(days=3)


def test_only_america_asks_and_nobody_keeps_an_unreminded_deposit() -> None:
    assert [profile for profile in LegalProfile if legal(profile).delay] == [LegalProfile.US]
    assert not any(legal(profile).forfeits_unreminded for profile in LegalProfile)
    assert {profile: cap_percent(profile) for profile in LegalProfile} == {
        profile: 20 if profile is LegalProfile.CN_DINGJIN else None for profile in LegalProfile
    }
