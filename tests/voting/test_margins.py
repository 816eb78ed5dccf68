"""How close it was, in tables: what kept each candidate out, who was tied, and what a category's limit did."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.voting import margins, rules
from c2b.voting.margins import Why
from c2b.voting.rules import Ranked, SelectionResult, SelectionRules, Tally

SEED = b"seed"
KNITS, SHIRTS = "knits", "shirts"


def by_lot(*codes: str) -> list[str]:
    """Return codes in the order of their lots."""
    return sorted(codes, key=lambda code: rules.lot(SEED, code))


def votes(**given: int) -> list[Tally]:
    return [Tally(code, count) for code, count in given.items()]


def run(tallies: Sequence[Tally], places: int, least: int = 0, most: int = 0) -> tuple[list[Ranked], SelectionRules]:
    chosen = SelectionRules(places, least, most)
    return rules.choose(tallies, chosen, SEED), chosen


def codes(ranked: Sequence[Ranked]) -> list[str]:
    return [each.tally.code for each in ranked]


def test_each_candidate_knows_what_kept_it_out() -> None:
    tallies = [
        Tally("A", 9, category=KNITS),
        Tally("B", 8, category=KNITS),
        Tally("C", 7, category=SHIRTS),
        Tally("D", 6, category=SHIRTS),
        Tally("E", 1, category="coats"),
        Tally("F", 20, withdrawn=True),
        Tally("G", 0),
    ]
    why = margins.reasons(*run(tallies, places=2, least=2, most=1))
    assert why == {
        "A": Why.SELECTED,
        "B": Why.CATEGORY,
        "C": Why.SELECTED,
        "D": Why.PLACES,
        "E": Why.TOO_FEW,
        "G": Why.TOO_FEW,
        "F": Why.WITHDRAWN,
    }


def test_once_every_place_is_taken_the_places_are_the_reason_whatever_the_category() -> None:
    tallies = [Tally("A", 3, category=KNITS), Tally("B", 2, category=KNITS)]
    assert margins.reasons(*run(tallies, places=1, most=1))["B"] is Why.PLACES


def test_without_any_minimum_one_vote_is_still_needed() -> None:
    assert margins.reasons(*run(votes(A=1, B=0), places=5)) == {"A": Why.SELECTED, "B": Why.TOO_FEW}


def test_the_margin_is_what_the_last_one_in_has_more_than_the_first_one_out() -> None:
    line = margins.cut(*run(votes(A=9, B=7, C=4, D=1), places=2))
    assert line is not None
    assert (line.inside.tally.code, line.tied_votes, line.votes) == ("B", 7, 3)
    assert line.outside is not None
    assert line.outside.tally.code == "C"
    assert line.lots == ()


def test_a_tie_names_everybody_with_as_many_votes_in_the_order_of_their_lots() -> None:
    line = margins.cut(*run(votes(A=9, B=5, C=5, D=5, E=4), places=3))
    assert line is not None
    assert codes(line.lots) == by_lot("B", "C", "D")
    assert (line.votes, line.tied_votes, line.lots_in) == (0, 5, 2)


def test_equals_who_all_came_in_are_no_tie() -> None:
    line = margins.cut(*run(votes(A=5, B=5, C=4), places=2))
    assert line is not None
    assert (line.lots, line.votes) == ((), 1)


def test_where_votes_fill_fewer_places_than_there_are_nobody_is_left_out() -> None:
    line = margins.cut(*run(votes(A=5, B=3, C=0), places=9))
    assert line is not None
    assert (line.outside, line.lots, line.votes) == (None, (), 3)


def test_those_with_too_few_votes_are_not_the_first_ones_out() -> None:
    line = margins.cut(*run(votes(A=5, B=5, C=2), places=3, least=3))
    assert line is not None
    assert line.outside is None


@pytest.mark.parametrize("tallies", [[], votes(A=0, B=0), [Tally("A", 3, withdrawn=True)]])
def test_where_nobody_is_selected_there_is_no_line(tallies: list[Tally]) -> None:
    assert margins.cut(*run(tallies, places=3)) is None


def test_who_stays_out_by_its_category_says_nothing_about_the_line_of_all() -> None:
    tallies = [Tally("A", 9, category=KNITS), Tally("B", 8, category=KNITS), Tally("C", 3, category=SHIRTS), Tally("D", 2)]
    line = margins.cut(*run(tallies, places=2, most=1))
    assert line is not None
    assert (line.inside.tally.code, line.votes) == ("C", 1)


def test_those_close_to_the_line_are_counted_on_either_side() -> None:
    ranked, chosen = run([*votes(A=20, B=12, C=10, D=9, E=5, F=4), Tally("G", 10, withdrawn=True)], places=3)
    line = margins.cut(ranked, chosen)
    assert line is not None
    assert margins.near(ranked, line, votes=5) == (2, 2)
    assert margins.near(ranked, line, votes=0) == (1, 0)


def test_a_full_category_names_who_stays_out_by_it_and_its_own_tie() -> None:
    tallies = [Tally(code, count, 1, KNITS) for code, count in (("A", 9), ("B", 6), ("C", 6), ("D", 0))] + [Tally("E", 2, 0, SHIRTS)]
    knits, shirts = margins.categories(*run(tallies, places=5, most=2))
    first, second = by_lot("B", "C")
    assert (knits.key, len(knits.members), knits.votes, knits.held, knits.selected) == (KNITS, 4, 21, 4, 2)
    assert codes(knits.kept_out) == [second]
    assert knits.line is not None
    assert codes(knits.line.lots) == [first, second]
    assert (shirts.key, shirts.selected, shirts.kept_out, shirts.line) == (SHIRTS, 1, (), None)


def test_categories_stand_by_their_votes_and_equal_ones_by_name() -> None:
    tallies = [Tally("A", 1, category="b"), Tally("B", 1, category="a"), Tally("C", 2, category="c"), Tally("D", 0)]
    assert [each.key for each in margins.categories(*run(tallies, places=1))] == ["c", "a", "b", ""]


def test_what_moves_between_two_runs_is_named_best_first() -> None:
    before, _ = run(votes(A=9, B=7, C=4, D=3), places=2)
    after, _ = run(votes(A=1, B=7, C=8, D=9), places=2)
    assert margins.moved(before, after) == (["D", "C"], ["A", "B"])
    assert margins.moved(before, before) == ([], [])


@given(
    st.lists(st.tuples(st.integers(0, 6), st.sampled_from("xyz"), st.booleans()), max_size=30),
    st.integers(1, 12),
    st.integers(0, 3),
    st.integers(0, 4),
)
def test_whatever_the_votes_the_reasons_are_those_of_the_rules(
    given_votes: list[tuple[int, str, bool]], places: int, least: int, most: int
) -> None:
    tallies = [Tally(f"K{at}", count, 0, category, withdrawn) for at, (count, category, withdrawn) in enumerate(given_votes)]
    ranked, chosen = run(tallies, places, least, most)
    why = margins.reasons(ranked, chosen)
    line = margins.cut(ranked, chosen)
    places_out = [each for each in ranked if why[each.tally.code] is Why.PLACES]
    assert all((why[each.tally.code] is Why.SELECTED) is (each.result is SelectionResult.SELECTED) for each in ranked)
    assert not places_out or sum(each.result is SelectionResult.SELECTED for each in ranked) == places
    assert (line is None) is (Why.SELECTED not in why.values())
    if line:
        assert line.votes >= 0
        assert bool(line.lots) is (line.votes == 0)
        assert 0 < line.lots_in < len(line.lots) or not line.lots
    for category in margins.categories(ranked, chosen):
        assert not most or category.selected <= most
        assert not category.kept_out or category.selected == most
