"""How close a selection was, and what kept each candidate out of it: pure, from ranks and rules alone."""

import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse

from c2b.voting.rules import Ranked, SelectionResult, SelectionRules


class Why(enum.StrEnum):
    """Why a candidate is in, or what kept it out; the first of these that is true."""

    SELECTED = "selected"
    WITHDRAWN = "withdrawn"
    TOO_FEW = "too_few"
    """No vote at all, or fewer than the rules ask for."""
    PLACES = "places"
    """All places had gone to better ones."""
    CATEGORY = "category"
    """Its category had all that it may have."""


_OF_RESULT = {SelectionResult.SELECTED: Why.SELECTED, SelectionResult.WITHDRAWN: Why.WITHDRAWN}


def reasons(ranked: Sequence[Ranked], rules: SelectionRules) -> dict[str, Why]:
    """Return for each candidate's code why it is in or out; `ranked` is best first."""
    taken, found = 0, {}
    for each in ranked:
        found[each.tally.code] = _OF_RESULT.get(each.result) or _left_out(each, rules, full=taken >= rules.places)
        taken += each.result is SelectionResult.SELECTED
    return found


def _left_out(each: Ranked, rules: SelectionRules, *, full: bool) -> Why:
    if each.tally.votes < max(1, rules.min_votes):
        return Why.TOO_FEW
    return Why.PLACES if full else Why.CATEGORY


@dataclass(frozen=True)
class Cut:
    """The line: the last who came in, and the first who had to stay out although they had enough votes."""

    inside: Ranked
    outside: Ranked | None
    """None: nobody stayed out for want of room."""
    lots: tuple[Ranked, ...] = ()
    """Everybody with just as many votes, in the order of their lots, where some are in and some are out."""

    @property
    def votes(self) -> int:
        """What the last one in has more than the first one out; 0 is a tie."""
        return self.inside.tally.votes - (self.outside.tally.votes if self.outside else 0)

    @property
    def tied_votes(self) -> int:
        """The votes that all who are tied at the line have."""
        return self.inside.tally.votes

    @property
    def lots_in(self) -> int:
        """How many of those who are tied came in."""
        return sum(map(_is_in, self.lots))


def cut(ranked: Sequence[Ranked], rules: SelectionRules) -> Cut | None:
    """Return the line of the whole list, between those with a place and those that found none left; None: nobody is in."""
    return _line(_only(ranked, reasons(ranked, rules), Why.SELECTED, Why.PLACES))


def _only(ranked: Iterable[Ranked], why: Mapping[str, Why], *wanted: Why) -> list[Ranked]:
    return [each for each in ranked if why[each.tally.code] in wanted]


def _is_in(each: Ranked) -> bool:
    return each.result is SelectionResult.SELECTED


def _line(contest: Sequence[Ranked]) -> Cut | None:
    """Return the line between those of a contest who are in and those who are out; best first."""
    inside, outside = list(filter(_is_in, contest)), list(filterfalse(_is_in, contest))
    if not inside:
        return None
    last, first = inside[-1], outside[0] if outside else None
    tied = tuple(each for each in contest if each.tally.votes == last.tally.votes)
    return Cut(last, first, tied if first in tied else ())


def near(ranked: Sequence[Ranked], line: Cut, *, votes: int) -> tuple[int, int]:
    """Return how many are in, and how many out, with at most `votes` between them and the last one in."""
    close = [each for each in ranked if abs(each.tally.votes - line.tied_votes) <= votes and not each.tally.withdrawn]
    inside = sum(map(_is_in, close))
    return inside, len(close) - inside


@dataclass(frozen=True)
class Category:
    """What a category brought into the selection."""

    key: str
    members: tuple[Ranked, ...]
    """All its candidates, best first."""
    kept_out: tuple[Ranked, ...]
    """Who had votes enough, found places free, and stayed out because the category was full."""
    line: Cut | None
    """Its own line, where the category's limit kept somebody out."""

    @property
    def votes(self) -> int:
        """Counted votes of its candidates."""
        return sum(each.tally.votes for each in self.members)

    @property
    def held(self) -> int:
        """Votes for its candidates on held ballots."""
        return sum(each.tally.held for each in self.members)

    @property
    def selected(self) -> int:
        """How many of them are in."""
        return sum(map(_is_in, self.members))


def categories(ranked: Sequence[Ranked], rules: SelectionRules) -> list[Category]:
    """Return each category that candidates have, the one with most votes first."""
    why = reasons(ranked, rules)
    alike = defaultdict[str, list[Ranked]](list)
    for each in ranked:
        alike[each.tally.category].append(each)
    found = [_category(key, same, why) for key, same in alike.items()]
    return sorted(found, key=lambda category: (-category.votes, category.key))


def _category(key: str, members: Sequence[Ranked], why: Mapping[str, Why]) -> Category:
    kept_out = tuple(_only(members, why, Why.CATEGORY))
    line = _line(_only(members, why, Why.SELECTED, Why.CATEGORY)) if kept_out else None
    return Category(key, tuple(members), kept_out, line)


def moved(before: Iterable[Ranked], after: Iterable[Ranked]) -> tuple[list[str], list[str]]:
    """Return the codes that `after` selects and `before` doesn't, then those that it no longer selects; each best first."""
    was, is_ = _selected(before), _selected(after)
    return [code for code in is_ if code not in was], [code for code in was if code not in is_]


def _selected(ranked: Iterable[Ranked]) -> dict[str, None]:
    """Return who is selected, as keys: they stay in their order, and are found at once."""
    return {each.tally.code: None for each in filter(_is_in, ranked)}
