"""Decisions about ballots and the selection: pure."""

import enum
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from c2b.errors import N_, Refused


class BallotSource(enum.StrEnum):
    """Where a ballot comes from; a draft is a guest's and never counts."""

    DRAFT = "draft"
    VERIFIED = "verified"
    STORE = "store"
    IMPORTED = "imported"


class SelectionResult(enum.StrEnum):
    """What became of a candidate in the vote."""

    SELECTED = "selected"
    NOT_SELECTED = "not_selected"
    WITHDRAWN = "withdrawn"


class SuspicionRule(enum.StrEnum):
    """What makes a group of ballots suspicious, in the order of what it is worth."""

    BURST = "burst"
    ONE_TIME_MAIL = "one_time_mail"
    DEVICE = "device"
    TOO_FAST = "too_fast"
    SEQUENTIAL = "sequential"
    REFERRER = "referrer"
    CLIQUE = "clique"
    BY_HAND = "by_hand"
    """No rule: staff named the ballot by its serial."""


class SuspicionState(enum.StrEnum):
    """What staff decided about a suspicious group; reversible until the selection."""

    OPEN = "open"
    HELD = "held"
    ASKED = "asked"
    KEPT = "kept"


# Ballots


@dataclass(frozen=True)
class Touch:
    """Where a tap came from, as far as the detection of stuffed ballots may know it; empty: not known."""

    device: str = ""
    """Keyed hash of user agent and network."""
    agent: str = ""
    """Keyed hash of the user agent alone, 16 hexadecimal digits."""
    referrer: str = ""
    """Host of the page that led to the first visit, or the source of a short link."""


def free_slots(taken: Iterable[int], votes_each: int, wanted: int) -> list[int]:
    """Return the first `wanted` free slots of a ballot; raises Refused when it has fewer, saying how to get one back."""
    used = set(taken)
    free = [slot for slot in range(1, votes_each + 1) if slot not in used][:wanted]
    if len(free) < wanted:
        raise Refused(N_("You have given all %(votes)s votes; take one back from another product first"), votes=votes_each)
    return free


def fits(votes_each: int, kept: Iterable[int], brought: Sequence[int]) -> tuple[list[int], list[int]]:
    """Merge `brought` picks into the `kept` ones: return what is added, and what is left over for the person to choose from.

    What both have is neither: it is one vote. If all fit, all are added; if not, none is, for nobody else may choose.
    """
    own = set(kept)
    new = [pick for pick in dict.fromkeys(brought) if pick not in own]
    return (new, []) if len(own) + len(new) <= votes_each else ([], new)


# The selection


@dataclass(frozen=True)
class Tally:
    """What a candidate got: counted votes, and those of held ballots."""

    code: str
    votes: int
    held: int = 0
    category: str = ""
    withdrawn: bool = False


@dataclass(frozen=True)
class Ranked:
    """A candidate's place; `tie_key` decides among equals, the smaller one wins."""

    rank: int
    tally: Tally
    tie_key: str
    result: SelectionResult


@dataclass(frozen=True)
class SelectionRules:
    """The frozen rules of the vote; `max_per_category` 0: no limit."""

    places: int
    min_votes: int
    max_per_category: int


def seed(secret: bytes, ballot_root: bytes) -> bytes:
    """Return the seed of the lots: nobody knows it without the secret, and who has the secret can't choose it after the vote."""
    return hashlib.sha256(secret + ballot_root).digest()


def lot(seed: bytes, code: str) -> str:
    """Return the candidate's lot in hexadecimal: sha256(seed || code)."""
    return hashlib.sha256(seed + code.encode()).hexdigest()


def choose(tallies: Iterable[Tally], rules: SelectionRules, seed: bytes) -> list[Ranked]:
    """Rank all candidates, best first, and select the first `places` of them.

    Most counted votes first, of equals the smaller lot. A candidate without votes never wins, however many places are free;
    nor one below `min_votes`, of a full category, or withdrawn (these come last).
    """
    drawn = [(tally, lot(seed, tally.code)) for tally in tallies]
    drawn.sort(key=lambda each: (each[0].withdrawn, -each[0].votes, each[1]))
    taken: Counter[str] = Counter()
    ranked = []
    for rank, (tally, tie_key) in enumerate(drawn, start=1):
        result = _result(tally, rules, taken)
        if result is SelectionResult.SELECTED:
            taken[tally.category] += 1
        ranked.append(Ranked(rank, tally, tie_key, result))
    return ranked


def _result(tally: Tally, rules: SelectionRules, taken: Counter[str]) -> SelectionResult:
    if tally.withdrawn:
        return SelectionResult.WITHDRAWN
    enough = tally.votes >= max(1, rules.min_votes)
    room = not rules.max_per_category or taken[tally.category] < rules.max_per_category
    wins = all((enough, room, taken.total() < rules.places))
    return SelectionResult.SELECTED if wins else SelectionResult.NOT_SELECTED


def margin(ranked: Sequence[Ranked], rules: SelectionRules, seed: bytes) -> dict[str, Any]:
    """Return how close it was: votes of the last selected and of the best left out, and whether a lot decided between them.

    Also which candidates would come in or fall out if held ballots were counted.
    """
    inside = [each.tally.votes for each in ranked if each.result is SelectionResult.SELECTED]
    outside = [each.tally.votes for each in ranked if each.result is SelectionResult.NOT_SELECTED]
    last, first = min(inside, default=0), max(outside, default=0)
    everything = (replace(each.tally, votes=each.tally.votes + each.tally.held, held=0) for each in ranked)
    with_held, now = _selected(choose(everything, rules, seed)), _selected(ranked)
    return {
        "last_selected": last,
        "first_not_selected": first,
        "tie": bool(inside) and last == first,
        "held_would_add": sorted(with_held - now),
        "held_would_drop": sorted(now - with_held),
    }


def _selected(ranked: Iterable[Ranked]) -> set[str]:
    return {each.tally.code for each in ranked if each.result is SelectionResult.SELECTED}
