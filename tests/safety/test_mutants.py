"""The list of wrong rules is about the program as it is now; that each is noticed is tried by hand, see `mutants`."""

import pytest

from tests.safety.mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mutant_breaks_a_rule_that_stands_there_once(mutant: Mutant) -> None:
    assert (ROOT / "c2b" / mutant.file).read_text().count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert all((ROOT / test).is_file() for test in mutant.tests)


def test_mutants_have_names_of_their_own() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)
