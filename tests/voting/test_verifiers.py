"""Two verifiers that share no line: they agree on every election, and find whatever was tampered with."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from c2b.voting import verifying
from c2b.voting.published import verify as alone
from tests.voting import spoilt
from tests.voting.elections import Files, dice, made_up
from tests.voting.spoilt import Spoil

Try = Callable[..., list[str]]
CAMPAIGNS = 1000


@pytest.fixture
def tried(tmp_path: Path) -> Try:
    """Let both verifiers look at a bundle; return what the first found, after a look that the other found something or nothing too."""

    def both(files: Files, *expected: str) -> list[str]:
        path = files.write(tmp_path / "bundle.zip")
        ours = [str(failure) for failure in verifying.verify(path, expected=expected).failures]
        theirs = alone.verify(str(path), "", expected)
        assert bool(ours) == bool(theirs), (ours, theirs)
        return ours

    return both


def test_both_find_nothing_wrong_with_a_thousand_random_campaigns(tried: Try) -> None:
    seen = set()
    for number in range(CAMPAIGNS):
        election = made_up(dice(number))
        files = election.files()
        assert tried(files, *files.anchors.values()) == [], number
        result = files.result
        seen |= {
            ("tie", result["margin"]["tie"]),
            ("held changes the list", bool(result["margin"]["held_would_add"])),
            ("open", election.opened),
            ("no ballots", not files.rows),
            ("no candidates", not result["candidates"]),
            ("withdrawn", any(each["withdrawn"] for each in result["candidates"])),
            ("a category's limit", bool(result["rules"]["max_per_category"])),
            ("held", result["ballots"]["held"] > 0),
        }
    assert {what for what, happened in seen if happened} == {what for what, happened in seen if not happened}, "not every case came up"


def test_whatever_is_tampered_with_is_found_a_thousand_times_of_a_thousand(tried: Try) -> None:
    undetected = []
    for number in range(CAMPAIGNS):
        random = dice(number)
        election = made_up(random, least=3)
        ways = (*spoilt.ALWAYS, *(spoilt.OF_PICKS if election.opened else ()))
        spoil, files = ways[number % len(ways)], election.files()
        before = files.copy()
        spoil(files, random)
        assert files != before, spoil.__name__
        if not tried(files):
            undetected.append((number, spoil.__name__))
    assert undetected == []


CAUGHT_BY: dict[tuple[Spoil, ...], set[str]] = {
    spoilt.OF_BALLOTS: {"input_hash"},
    spoilt.OF_COUNTS: {"input_hash", "output_hash"},
    spoilt.OF_RULES: {"input_hash", "rules_hash"},
    spoilt.OF_CANDIDATES: {"input_hash"},
    (spoilt.change_the_secret,): {"commitment", "output_hash"},
}
"""Which hashes, noted down elsewhere, catch somebody who changes a thing and then states everything anew."""


@pytest.mark.parametrize("ways", CAUGHT_BY, ids=lambda ways: ways[0].__name__)
def test_who_states_everything_anew_is_caught_by_what_was_published_elsewhere(tried: Try, ways: tuple[Spoil, ...]) -> None:
    for number in range(200):
        random = dice(number)
        files = made_up(random, least=3, opened=False).files()
        published = files.anchors
        ways[number % len(ways)](files, random)
        files.restate()
        for name in CAUGHT_BY[ways]:
            assert tried(files, published[name]), (number, name)


def test_without_picks_and_without_anything_noted_down_a_bundle_stated_anew_passes(tried: Try) -> None:
    """What the page on proofs says openly: that is why the hashes are to be compared."""
    random = dice(5)
    files = made_up(random, least=5, opened=False).files()
    files.result["rules"]["votes_each"] = 15
    files.restate()
    spoilt.move_votes(files, random)
    files.restate()
    assert tried(files) == []


@pytest.mark.parametrize("spoil", [*spoilt.OF_COUNTS, *spoilt.OF_PICKS, spoilt.drop_a_ballot, spoilt.flip_held, spoilt.flip_a_version])
def test_with_picks_the_votes_are_counted_anew_whatever_is_stated(tried: Try, spoil: Spoil) -> None:
    for number in range(40):
        random = dice(number)
        election = made_up(random, least=3, opened=True)
        election.ballots = [replace(each, held=False) for each in election.ballots if each.codes]  # each one changes a count
        if not election.ballots:
            continue
        files = election.files()
        spoil(files, random)
        files.restate()
        assert tried(files), number


def test_the_verifier_that_goes_with_the_bundle_knows_nothing_of_ours_and_needs_only_python_39() -> None:
    text = Path(alone.__file__).read_text("utf-8")
    imported = {
        name.name for node in ast.walk(ast.parse(text, feature_version=(3, 9))) if isinstance(node, ast.Import) for name in node.names
    }
    modules = {node.module for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)}
    assert imported == {"argparse", "hashlib", "json", "re", "struct", "sys", "zipfile", "zlib"}
    assert modules == {"__future__", "collections", "collections.abc", "typing"}
