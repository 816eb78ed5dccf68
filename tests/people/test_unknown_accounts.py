import time

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import VerifyMismatchError

from c2b.people import actions

NOBODYS = actions._NOBODYS
"""The shop's own, kept before the tests take one that is less work."""


def test_what_is_checked_for_nobody_costs_what_a_real_password_costs() -> None:
    real = PasswordHasher().hash("correct horse battery")
    assert extract_parameters(NOBODYS) == extract_parameters(real)
    assert len(NOBODYS) == len(real)


@pytest.mark.parametrize("password", ["", "x", "correct horse battery", "密码" * 20])
def test_no_password_is_nobodys(password: str) -> None:
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(NOBODYS, password)


def test_every_process_has_another_one() -> None:
    assert actions._unmatchable(PasswordHasher()) != actions._unmatchable(PasswordHasher())


def test_making_it_hashes_nothing() -> None:
    slow = PasswordHasher(time_cost=200, memory_cost=1 << 20)
    began = time.process_time()
    made = actions._unmatchable(slow)
    assert time.process_time() - began < 0.1
    assert extract_parameters(made).time_cost == 200
