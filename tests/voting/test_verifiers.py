"""Two verifiers that share no line: they agree on every election, and find whatever was tampered with."""

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from c2b.voting import verifying
from c2b.voting.published import verify as alone
from tests.voting import spoilt
from tests.voting.elections import Election, Files, dice, made_up
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
            ("held for several reasons", len(result["holds"]) > 1),
            ("overrides", bool(result["overrides"])),
            ("an override undone", any(each["change"] == "undone" for told in result["published"] for each in told["changes"])),
        }
    assert {what for what, happened in seen if happened} == {what for what, happened in seen if not happened}, "not every case came up"


def test_whatever_is_tampered_with_is_found_a_thousand_times_of_a_thousand(tried: Try) -> None:
    undetected, used = [], Counter[str]()
    for number in range(CAMPAIGNS):
        random = dice(number)
        election = made_up(random, least=3)
        ways = ways_to_spoil(election)
        spoil, files = min(ways, key=lambda way: used[way.__name__]), election.files()
        used[spoil.__name__] += 1
        before = files.copy()
        spoil(files, random)
        assert files != before, spoil.__name__
        if not tried(files):
            undetected.append((number, spoil.__name__))
    assert undetected == []
    assert min(used[way.__name__] for way in EVERY_WAY) >= CAMPAIGNS // len(EVERY_WAY) // 2, used


EVERY_WAY = (*spoilt.ALWAYS, *spoilt.OF_PICKS, *spoilt.OF_HOLDS, *spoilt.OF_OVERRIDES)


def ways_to_spoil(election: Election) -> tuple[Spoil, ...]:
    """Return every way that changes something in this election: what was never held can't be dropped."""
    own = (election.opened, spoilt.OF_PICKS), (election.holds, spoilt.OF_HOLDS), (len(election.history) > 1, spoilt.OF_OVERRIDES)
    return (*spoilt.ALWAYS, *(way for fits, ways in own if fits for way in ways))


CAUGHT_BY: dict[tuple[Spoil, ...], set[str]] = {
    spoilt.OF_BALLOTS: {"input_hash"},
    spoilt.OF_COUNTS: {"input_hash", "output_hash"},
    spoilt.OF_RULES: {"input_hash", "rules_hash"},
    spoilt.OF_CANDIDATES: {"input_hash"},
    (spoilt.change_the_secret,): {"commitment", "output_hash"},
    spoilt.OF_NAMES: {"published_hash"},
    spoilt.OF_HOLDS: {"published_hash"},
    spoilt.OF_OVERRIDES: {"published_hash"},
    (spoilt.invent_a_hold, spoilt.invent_an_override): {"published_hash"},
}
"""Which hashes, noted down elsewhere, catch somebody who changes a thing and then states everything anew."""


@pytest.mark.parametrize("ways", CAUGHT_BY, ids=lambda ways: ways[0].__name__)
def test_who_states_everything_anew_is_caught_by_what_was_published_elsewhere(tried: Try, ways: tuple[Spoil, ...]) -> None:
    for number in range(200):
        random = dice(number)
        election = made_up(random, least=3, opened=False)
        files, way = election.files(), ways[number % len(ways)]
        if way not in ways_to_spoil(election):
            continue
        published = files.anchors
        way(files, random)
        files.restate()
        for name in CAUGHT_BY[ways]:
            assert tried(files, published[name]), (number, name)


def test_a_hash_noted_down_before_the_overrides_still_binds_everything_else(tried: Try) -> None:
    """And it says which overrides came later: those are the brand's to decide."""
    later = 0
    for number in range(60):
        random = dice(number)
        election = made_up(random, least=3, opened=False)
        files = election.files()
        first = files.result["published"][0]["hash"]
        later += len(election.history) > 1
        assert tried(files, first) == []
        (*spoilt.OF_NAMES, spoilt.invent_a_hold, *spoilt.OF_COUNTS)[number % 7](files, random)
        files.restate()
        assert tried(files, first), number
    assert later


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
