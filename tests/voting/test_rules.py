import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from c2b.errors import Refused
from c2b.voting.rules import SelectionResult, SelectionRules, Tally, choose, fits, free_slots, lot, margin, seed

SEED = b"seed" * 8


def rules(places: int = 2, min_votes: int = 1, max_per_category: int = 0) -> SelectionRules:
    return SelectionRules(places, min_votes, max_per_category)


def selected(*tallies: Tally, by: SelectionRules | None = None, with_seed: bytes = SEED) -> list[str]:
    ranked = choose(tallies, by or rules(), with_seed)
    return [each.tally.code for each in ranked if each.result is SelectionResult.SELECTED]


def test_a_vote_takes_the_first_free_slot() -> None:
    assert [free_slots(taken, 3, 1) for taken in ([], [1, 2], [1, 3], [2, 3])] == [[1], [3], [2], [1]]


def test_several_votes_take_the_first_free_slots_and_none_takes_none() -> None:
    assert free_slots([2], 4, 2) == [1, 3]
    assert free_slots([2], 4, 3) == [1, 3, 4]
    assert free_slots([1, 2], 2, 0) == []


def test_when_all_votes_are_given_the_refusal_says_how_to_get_one_back() -> None:
    with pytest.raises(Refused, match="all 3 votes; take one back"):
        free_slots([1, 2, 3], 3, 1)


def test_more_votes_than_are_free_are_refused_as_a_whole() -> None:
    with pytest.raises(Refused, match="all 4 votes"):
        free_slots([1, 2], 4, 3)


@pytest.mark.parametrize(
    ("kept", "brought", "new", "left"),
    [
        ([], [], [], []),
        ([], [1, 2, 3], [1, 2, 3], []),
        ([1, 2], [3], [3], []),
        ([1, 2], [2, 3], [3], []),
        ([1, 2, 3], [1, 2, 3], [], []),
        ([1, 2], [3, 4], [], [3, 4]),
        ([1, 2, 3], [3, 4], [], [4]),
        ([1], [2, 2, 3], [2, 3], []),
    ],
)
def test_a_draft_is_merged_whole_or_left_for_the_person_to_choose(
    kept: list[int], brought: list[int], new: list[int], left: list[int]
) -> None:
    assert fits(3, kept, brought) == (new, left)


@given(st.lists(st.integers(1, 9), unique=True, max_size=5), st.lists(st.integers(1, 9), max_size=9))
def test_a_merged_ballot_never_exceeds_its_votes_and_loses_nothing(kept: list[int], brought: list[int]) -> None:
    new, left = fits(5, kept, brought)
    assert len(kept) + len(new) <= 5
    assert set(kept) | set(new) | set(left) == set(kept) | set(brought)


def test_the_most_voted_win() -> None:
    assert selected(Tally("A", 1), Tally("B", 3), Tally("C", 2)) == ["B", "C"]


def test_a_candidate_without_votes_never_wins() -> None:
    assert selected(Tally("A", 0), Tally("B", 0), by=rules(places=150, min_votes=0)) == []


def test_below_the_minimum_of_votes_nobody_wins() -> None:
    assert selected(Tally("A", 9), Tally("B", 10), by=rules(min_votes=10)) == ["B"]


def test_a_full_category_makes_room_for_the_next() -> None:
    shirts = [Tally(code, votes, category="shirts") for code, votes in (("A", 9), ("B", 8), ("C", 7))]
    assert selected(*shirts, Tally("D", 1, category="coats"), by=rules(places=3, max_per_category=2)) == ["A", "B", "D"]


def test_a_withdrawn_candidate_does_not_win_and_stands_last() -> None:
    ranked = choose([Tally("A", 9, withdrawn=True), Tally("B", 1), Tally("C", 0)], rules(), SEED)
    assert [(each.rank, each.tally.code, each.result.value) for each in ranked] == [
        (1, "B", "selected"),
        (2, "C", "not_selected"),
        (3, "A", "withdrawn"),
    ]


def test_of_equals_the_smaller_lot_wins() -> None:
    tied = [Tally(code, 5) for code in "ABCDEF"]
    first = min("ABCDEF", key=lambda code: hashlib.sha256(SEED + code.encode()).hexdigest())
    assert selected(*tied, by=rules(places=1)) == [first]


def test_another_seed_draws_other_lots() -> None:
    tied = [Tally(str(code), 5) for code in range(100)]
    assert selected(*tied, by=rules(places=50)) != selected(*tied, by=rules(places=50), with_seed=b"other")


def test_over_many_seeds_equals_win_equally_often() -> None:
    tied = [Tally(code, 5) for code in "AB"]
    wins = sum(selected(*tied, by=rules(places=1), with_seed=n.to_bytes(2)) == ["A"] for n in range(1000))
    assert 440 < wins < 560


tallies = st.lists(
    st.builds(
        Tally,
        code=st.text("ABCDEFGH", min_size=1, max_size=3),
        votes=st.integers(0, 5),
        held=st.integers(0, 3),
        category=st.sampled_from(["", "x", "y"]),
        withdrawn=st.booleans(),
    ),
    unique_by=lambda tally: tally.code,
    max_size=30,
)


@given(tallies, st.integers(1, 10), st.integers(0, 3), st.integers(0, 3))
def test_the_selection_depends_on_nothing_but_its_input(found: list[Tally], places: int, min_votes: int, most: int) -> None:
    by = rules(places, min_votes, most)
    assert choose(found, by, SEED) == choose(sorted(found, key=lambda tally: tally.code), by, SEED) == choose(reversed(found), by, SEED)


@given(tallies, st.integers(1, 10), st.integers(0, 3), st.integers(0, 3))
def test_every_candidate_has_one_rank_and_the_rules_hold(found: list[Tally], places: int, min_votes: int, most: int) -> None:
    ranked = choose(found, rules(places, min_votes, most), SEED)
    won = [each.tally for each in ranked if each.result is SelectionResult.SELECTED]
    assert [each.rank for each in ranked] == list(range(1, len(found) + 1))
    assert len(won) <= places
    assert all(tally.votes >= max(1, min_votes) and not tally.withdrawn for tally in won)
    assert not most or all(sum(tally.category == name for tally in won) <= most for name in ("", "x", "y"))
    lost = [each.tally.votes for each in ranked if each.result is SelectionResult.NOT_SELECTED]
    assert most or not won or not lost or min(tally.votes for tally in won) >= max(lost)


def test_the_seed_binds_secret_and_ballots() -> None:
    assert seed(b"a", b"root") == hashlib.sha256(b"aroot").digest()
    assert len({seed(b"a", b"root"), seed(b"b", b"root"), seed(b"a", b"toor")}) == 3


def test_a_lot_can_be_drawn_by_hand() -> None:
    assert lot(b"seed", "K288") == hashlib.sha256(b"seedK288").hexdigest()


def test_the_margin_tells_the_votes_at_the_cut() -> None:
    found = choose([Tally("A", 9), Tally("B", 5), Tally("C", 3)], rules(), SEED)
    assert margin(found, rules(), SEED) == {
        "last_selected": 5,
        "first_not_selected": 3,
        "tie": False,
        "held_would_add": [],
        "held_would_drop": [],
    }


def test_the_margin_tells_of_a_tie_across_the_line() -> None:
    found = choose([Tally("A", 9), Tally("B", 5), Tally("C", 5)], rules(), SEED)
    assert margin(found, rules(), SEED)["tie"] is True


def test_the_margin_tells_what_held_ballots_would_change() -> None:
    found = choose([Tally("A", 9), Tally("B", 5), Tally("C", 3, held=3)], rules(), SEED)
    told = margin(found, rules(), SEED)
    assert (told["held_would_add"], told["held_would_drop"]) == (["C"], ["B"])


def test_without_winners_there_is_no_tie() -> None:
    found = choose([Tally("A", 0), Tally("B", 0)], rules(), SEED)
    assert margin(found, rules(), SEED)["tie"] is False
