"""What the selection desk shows of a scenario: what its rules select, what that changes, and how close it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import Session

from c2b.admin.overview import rank_chart
from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.errors import N_
from c2b.ui.language import locale
from c2b.voting import margins, scenarios
from c2b.voting.margins import Category, Cut, Why
from c2b.voting.rules import Ranked, SelectionResult
from c2b.voting.scenarios import Scenario, Votes

NEAR = 6
"""Rows shown on either side of the line."""
CLOSE = 5
"""Votes that count as close to the line."""
NOTES = {
    Why.TOO_FEW: N_("too few votes"),
    Why.CATEGORY: N_("its category is full"),
}
"""What stands under a result that the line alone doesn't explain."""


@dataclass(frozen=True)
class Line:
    """A candidate's place as the desk shows it."""

    ranked: Ranked
    card: CandidateCard
    note: str = ""
    tied: bool = False
    """With others at the line, so that the lot decided."""
    held_moves: bool = False
    """Counting the held ballots would bring it in or throw it out."""
    came_in: bool = False
    fell_out: bool = False


@dataclass(frozen=True)
class Shelf:
    """A category's row: what it is called, what it brings in, and what it brings in by the frozen rules."""

    name: str
    found: Category
    frozen: int


@dataclass(frozen=True)
class Outcome:
    """What a scenario comes to, beside what the frozen rules come to."""

    count: int
    """Of all candidates."""
    selected: int
    frozen: int
    """Of the frozen rules: how many they select."""
    cut: Cut | None
    close: tuple[int, int]
    above: list[Line]
    below: list[Line]
    all: bool
    came_in: list[Line]
    fell_out: list[Line]
    held_in: list[Line]
    held_out: list[Line]
    shelves: list[Shelf]
    chart: Markup | None

    @property
    def full(self) -> list[Shelf]:
        """The categories whose limit kept somebody out."""
        return [shelf for shelf in self.shelves if shelf.found.kept_out]


class _Runs:
    """A scenario's run beside those that it is compared with: the frozen rules, and itself with held ballots counted (or not)."""

    def __init__(self, votes: Votes, wanted: Scenario, own: Scenario) -> None:
        self.keys, self.rules, self.own = votes.keys, wanted.rules, own.rules
        self.this, self.frozen = votes.ranked(wanted), votes.ranked(own)
        other = votes.ranked(Scenario(wanted.rules, count_held=not wanted.count_held))
        self.cut, self.why = margins.cut(self.this, wanted.rules), margins.reasons(self.this, wanted.rules)
        self.came_in, self.fell_out = margins.moved(self.frozen, self.this)
        self.held_in, self.held_out = margins.moved(self.this, other)

    def line(self, each: Ranked, cards: Mapping[int, CandidateCard]) -> Line:
        """Return a candidate's row."""
        code = each.tally.code
        return Line(
            ranked=each,
            card=cards[self.keys[code]],
            note=NOTES.get(self.why[code], ""),
            tied=self.cut is not None and each in self.cut.lots,
            held_moves=code in (*self.held_in, *self.held_out),
            came_in=code in self.came_in,
            fell_out=code in self.fell_out,
        )


def outcome(session: Session, campaign: Campaign, wanted: Scenario, *, everything: bool) -> Outcome:
    """Read the votes once, and rank them by the scenario and by the frozen rules."""
    runs = _Runs(scenarios.votes(session, campaign), wanted, scenarios.frozen(campaign))
    cards = {card.id: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    lines = [runs.line(each, cards) for each in runs.this]
    by_code = {line.card.code: line for line in lines}
    above, below, whole = _around(lines, runs.cut, everything=everything)
    shelves = _shelves(session, campaign, runs)
    return Outcome(
        count=len(lines),
        selected=_selected(runs.this),
        frozen=_selected(runs.frozen),
        cut=runs.cut,
        close=margins.near(runs.this, runs.cut, votes=CLOSE) if runs.cut else (0, 0),
        above=above,
        below=below,
        all=whole,
        came_in=list(map(by_code.__getitem__, runs.came_in)),
        fell_out=list(map(by_code.__getitem__, runs.fell_out)),
        held_in=list(map(by_code.__getitem__, runs.held_in)),
        held_out=list(map(by_code.__getitem__, runs.held_out)),
        shelves=shelves,
        chart=_chart(runs.this, runs.cut),
    )


def _selected(ranked: Sequence[Ranked]) -> int:
    return sum(each.result is SelectionResult.SELECTED for each in ranked)


def _around(lines: list[Line], cut: Cut | None, *, everything: bool) -> tuple[list[Line], list[Line], bool]:
    """Return the rows down to the last one selected and those after it: the nearest, or all; and whether that is all."""
    at = cut.inside.rank if cut else 0
    above, below = lines[:at], lines[at:]
    if everything or len(lines) <= 2 * NEAR:
        return above, below, True
    return above[-NEAR:], below[:NEAR], False


def _shelves(session: Session, campaign: Campaign, runs: _Runs) -> list[Shelf]:
    names = {key: name for key, name, __ in campaigns.categories(session, campaign.id, locale=locale())}
    before = {each.key: each.selected for each in margins.categories(runs.frozen, runs.own)}
    now = margins.categories(runs.this, runs.rules)
    return [Shelf(names.get(each.key, _("no category")), each, before[each.key]) for each in now]


def _chart(ranked: list[Ranked], cut: Cut | None) -> Markup | None:
    votes = [each.tally.votes for each in ranked if not each.tally.withdrawn]
    return rank_chart(votes, cut.inside.rank) if cut else None
