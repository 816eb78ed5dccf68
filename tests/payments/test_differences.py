"""What is a difference between intent, ledger and statement, as a table."""

from dataclasses import replace

import pytest

from c2b.payments.rules import CaseKind, Sides, difference, taken

AGREED = Sides(is_refund=False, moved=True, here=5980, booked=5980, there=5980, same_currency=True, covered=True)


@pytest.mark.parametrize(
    ("changes", "payment", "refund"),
    [
        ({}, None, None),
        ({"there": 5979}, CaseKind.OTHER_AMOUNT, CaseKind.OTHER_AMOUNT),
        ({"there": 0}, CaseKind.OTHER_AMOUNT, CaseKind.OTHER_AMOUNT),
        ({"same_currency": False}, CaseKind.OTHER_AMOUNT, CaseKind.OTHER_AMOUNT),
        ({"booked": 5979}, CaseKind.BOOKS, CaseKind.BOOKS),
        ({"booked": 0, "there": None, "covered": False}, CaseKind.BOOKS, CaseKind.BOOKS),
        ({"there": 1, "booked": 1}, CaseKind.OTHER_AMOUNT, CaseKind.OTHER_AMOUNT),
        ({"there": None}, CaseKind.CAPTURED_HERE, CaseKind.REFUND_HERE),
        ({"there": None, "covered": False}, None, None),
        ({"moved": False, "here": 5980, "booked": 0}, CaseKind.CAPTURED_THERE, CaseKind.REFUND_THERE),
        ({"moved": False, "booked": 0, "covered": False}, CaseKind.CAPTURED_THERE, CaseKind.REFUND_THERE),
        ({"moved": False, "booked": 0, "there": 0}, None, None),
        ({"moved": False, "booked": 0, "there": None}, None, None),
    ],
)
def test_three_sides_agree_or_differ_in_one_way(changes: dict[str, int], payment: CaseKind | None, refund: CaseKind | None) -> None:
    assert difference(replace(AGREED, **changes)) is payment  # type: ignore[arg-type]  # named fields
    assert difference(replace(AGREED, is_refund=True, **changes)) is refund  # type: ignore[arg-type]  # named fields


@pytest.mark.parametrize(
    ("amount", "fee", "is_fee", "expected"), [(5980, 35, False, 35), (-5000, -30, False, -30), (-990, 0, True, 990), (0, 990, True, 990)]
)
def test_a_fee_is_taken_of_a_line_or_is_one(amount: int, fee: int, *, is_fee: bool, expected: int) -> None:
    assert taken(amount, fee, is_fee=is_fee) == expected
