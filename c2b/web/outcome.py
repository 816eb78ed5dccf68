"""What a campaign's vote came to, in words that those who lost can check: each candidate's place, and why it is in or out."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.campaigns.queries import CandidateCard
from c2b.errors import N_
from c2b.production import queries as production
from c2b.production.rules import DecisionFigures
from c2b.ui.filters import number
from c2b.ui.language import locale
from c2b.voting import groups, margins, publication, scenarios
from c2b.voting import queries as voting
from c2b.voting.groups import Hold
from c2b.voting.margins import Cut, Why
from c2b.voting.publication import Version
from c2b.voting.queries import Override, SelectionView
from c2b.voting.rules import Ranked, SelectionResult, SuspicionRule

HELD_FOR = {
    SuspicionRule.BURST: N_("very many at once"),
    SuspicionRule.ONE_TIME_MAIL: N_("throw-away addresses"),
    SuspicionRule.DEVICE: N_("one device"),
    SuspicionRule.TOO_FAST: N_("faster than a person"),
    SuspicionRule.SEQUENTIAL: N_("addresses in a row"),
    SuspicionRule.REFERRER: N_("one link"),
    SuspicionRule.CLIQUE: N_("the same picks"),
    SuspicionRule.BY_HAND: N_("named by staff"),
}
"""What each rule found, in a word."""


@dataclass(frozen=True)
class Line:
    """A candidate's place, and what became of it."""

    ranked: Ranked
    card: CandidateCard
    why: str
    """A sentence for those who are out; empty for those who are in by their votes alone."""
    override: Override | None
    mine: bool
    made: bool | None
    """Whether it is produced; None while that isn't decided, or if it was never offered."""
    although: str = ""
    """Why it is produced although it missed its minimum."""

    @property
    def votes(self) -> int:
        """Counted votes."""
        return self.ranked.tally.votes

    @property
    def held(self) -> int:
        """Votes on held ballots."""
        return self.ranked.tally.held

    @property
    def won(self) -> bool:
        """Whether the votes selected it."""
        return self.ranked.result is SelectionResult.SELECTED

    @property
    def in_(self) -> bool:
        """Whether it can be ordered: selected by votes or by the brand, and not dropped."""
        return self.override.made if self.override else self.won


@dataclass(frozen=True)
class Tie:
    """Candidates with as many votes as each other at a line, in the order of their lots, and how many places there were for them."""

    where: str
    """The category whose limit it was; empty for the line of all."""
    votes: int
    places: int
    lines: list[Line]


@dataclass(frozen=True)
class Outcome:
    """The whole result, best first."""

    view: SelectionView
    lines: list[Line]
    cut: Cut | None
    ties: list[Tie]
    decision: DecisionFigures | None
    holds: list[Hold]
    """What was held, by decision: its rule, its reason, how many ballots and votes."""
    versions: list[Version]
    """Of what is published, oldest first: the hash of the last binds all that stands here."""

    @property
    def selected(self) -> list[Line]:
        """Everything that can be ordered."""
        return [line for line in self.lines if line.in_]

    @property
    def overridden(self) -> list[Line]:
        """Where the brand decided otherwise than the votes."""
        return [line for line in self.lines if line.override]

    @property
    def mine(self) -> list[Line]:
        """The visitor's picks."""
        return [line for line in self.lines if line.mine]

    def named(self, codes: Iterable[str]) -> list[Line]:
        """Return the lines of some codes, best first."""
        wanted = set(codes)
        return [line for line in self.lines if line.card.code in wanted]


def outcome(session: Session, campaign: Campaign, picked: frozenset[int]) -> Outcome | None:
    """Read the stored selection with all that followed from it; None before there is one."""
    view = voting.selection(session, campaign.id)
    if view is None:
        return None
    vote, decision = _Vote(session, campaign, view.places), production.decision(session, campaign.id)
    lines = _lines(session, campaign, vote, decision, picked)
    ties, holds = vote.ties({line.card.code: line for line in lines}), groups.holds(session, campaign.id)
    return Outcome(view, lines, vote.cut, ties, decision, holds, publication.versions(session, campaign))


def _lines(session: Session, campaign: Campaign, vote: "_Vote", decision: DecisionFigures | None, picked: frozenset[int]) -> list[Line]:
    products = decision.products if decision else ()
    made = {product.code: (product.made, product.reason) for product in products}
    overrides = {each.code: each for each in voting.overrides(session, campaign.id)}
    cards = {card.code: card for card in campaigns.candidates(session, campaign.id, locale=locale())}
    found = []
    for each in vote.ranked:
        code = each.tally.code
        became = made.get(code, (None, ""))
        found.append(Line(each, cards[code], vote.why(each), overrides.get(code), cards[code].id in picked, *became))
    return found


class _Vote:
    """What the votes decided, as the selection stored it, and why."""

    def __init__(self, session: Session, campaign: Campaign, places: int) -> None:
        self._rules = rules = replace(scenarios.frozen(campaign).rules, places=places)
        self.ranked = list(scenarios.stored(session, campaign).values())
        self.cut, self._reasons = margins.cut(self.ranked, rules), margins.reasons(self.ranked, rules)
        self._shelves = {shelf.key: shelf for shelf in margins.categories(self.ranked, rules)}
        self._tied = {each.tally.code for _where, line in self._drawn() for each in line.lots}

    def _drawn(self) -> list[tuple[str, Cut]]:
        """Return where lots decided: at the line of all, then within categories that were full."""
        lines = [("", self.cut), *((key, shelf.line) for key, shelf in self._shelves.items())]
        return [(where, line) for where, line in lines if line and line.lots]

    def ties(self, by_code: Mapping[str, Line]) -> list[Tie]:
        """Return who was tied, with the lots that decided."""
        return [
            Tie(where, line.tied_votes, line.lots_in, [by_code[each.tally.code] for each in line.lots]) for where, line in self._drawn()
        ]

    def why(self, each: Ranked) -> str:
        """Say why a candidate is out, or that its lot brought it in; empty for those who are in by their votes alone."""
        why, tied = self._reasons[each.tally.code], each.tally.code in self._tied
        if tied:
            return str(_(_DRAWN[why]))
        words = {Why.WITHDRAWN: self._withdrawn, Why.TOO_FEW: self._too_few, Why.PLACES: self._places, Why.CATEGORY: self._category}
        return words[why](each) if why in words else ""

    @staticmethod
    def _withdrawn(_each: Ranked) -> str:
        return str(_("withdrawn by the brand; its votes went back"))

    def _too_few(self, each: Ranked) -> str:
        if not each.tally.votes:
            return str(_("no vote"))
        return str(_("fewer than the %(least)s votes that the rules ask for", least=number(self._rules.min_votes)))

    def _places(self, each: Ranked) -> str:
        short = (self.cut.tied_votes if self.cut else 0) - each.tally.votes
        return str(ngettext("%(num)s vote fewer than the last selected", "%(num)s votes fewer than the last selected", short))

    def _category(self, each: Ranked) -> str:
        most = self._shelves[each.tally.category].selected
        return str(_("its category was full: the rules take %(most)s of it", most=number(most)))


_OUT_BY_LOT = N_("just as many votes as the last selected; the lot fell to others")
_DRAWN = {Why.SELECTED: N_("tied at the line; its lot was drawn"), Why.PLACES: _OUT_BY_LOT, Why.CATEGORY: _OUT_BY_LOT}
