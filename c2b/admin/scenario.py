"""What other rules the selection desk is asked to try: a scenario is an address, and changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from flask_babel import gettext as _

from c2b.campaigns.models import Campaign
from c2b.ui.filters import number
from c2b.voting import scenarios
from c2b.voting.rules import SelectionRules
from c2b.voting.scenarios import Scenario

LEAST = {"places": 1, "min_votes": 0, "max_per_category": 0}
"""The numbers that a scenario changes, each with the least that it may be."""
MOST = 100_000
HELD = "held"


@dataclass(frozen=True)
class Asked:
    """The scenario of an address: what was typed into each field, what is wrong with it, and what follows."""

    typed: dict[str, str]
    errors: dict[str, str]
    scenario: Scenario
    own: bool
    """Whether these are the campaign's own rules."""

    def address(self, page: str, **more: str) -> str:
        """Return the address of this scenario on `page`, or of the page itself while it shows the campaign's own rules."""
        return page + "?" + urlencode(({} if self.own else {name: value for name, value in self.typed.items() if value}) | more)


def asked(campaign: Campaign, sent: Mapping[str, str]) -> Asked:
    """Read a scenario from an address; what isn't there is as frozen, and what can't be read is named beside its field."""
    own = scenarios.frozen(campaign)
    typed = {name: sent.get(name, "").strip() or str(getattr(own.rules, name)) for name in LEAST}
    wrong = {name: _fitting(name) for name in LEAST if not _fits(name, typed[name])}
    chosen = own if wrong else Scenario(_rules(typed), count_held=bool(sent.get(HELD)))
    return Asked(typed | {HELD: sent.get(HELD, "")}, wrong, chosen, own=chosen == own)


def _rules(typed: Mapping[str, str]) -> SelectionRules:
    return SelectionRules(**{name: int(value) for name, value in typed.items()})


def _fitting(name: str) -> str:
    return str(_("Write a whole number from %(least)s to %(most)s", least=LEAST[name], most=number(MOST)))


def _fits(name: str, typed: str) -> bool:
    return typed.isdecimal() and len(typed) <= len(str(MOST)) and LEAST[name] <= int(typed) <= MOST
