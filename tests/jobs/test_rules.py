from datetime import timedelta

import pytest

from c2b.jobs.rules import describe, wait
from c2b.money import parse


@pytest.mark.parametrize(("attempts", "seconds"), [(1, 10), (2, 40), (3, 160), (4, 640), (8, 21600)])
def test_each_wait_is_four_times_the_last_and_never_over_six_hours(attempts: int, seconds: int) -> None:
    assert wait(attempts) == timedelta(seconds=seconds)


def test_an_error_is_described_by_kind_and_place_and_never_by_its_text() -> None:
    with pytest.raises(Exception, match=r"anna@example\.com") as caught:
        parse("anna@example.com", "CNY")
    assert describe(caught.value).startswith("Invalid at c2b/money.py:")
    assert "anna" not in describe(caught.value)


def test_an_error_from_elsewhere_is_described_by_its_kind() -> None:
    assert describe(TimeoutError("anna@example.com")) == "TimeoutError"
