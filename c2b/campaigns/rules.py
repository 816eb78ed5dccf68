"""What a campaign may do when: its states, its instants, and what each write checks."""

import enum
import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from c2b.errors import N_, Refused, Sentences


class CampaignState(enum.StrEnum):
    """The life of a campaign, in order; `cancelled` is reachable before `decided`."""

    DRAFT = "draft"
    SCHEDULED = "scheduled"
    VOTING = "voting"
    TALLY = "tally"
    SELECTED = "selected"
    ORDERING = "ordering"
    SETTLING = "settling"
    DECIDED = "decided"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


CATALOGUE_OPEN = (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.SELECTED)
"""While candidates, or after the selection their offers, can be imported."""


class LegalProfile(enum.StrEnum):
    """Which law's caps, texts and forfeits hold."""

    CN_DINGJIN = "CN_DINGJIN"
    CN_PREPAY = "CN_PREPAY"
    EU = "EU"
    US = "US"
    GENERIC = "GENERIC"


class Timetable(Protocol):
    """The facts of a campaign that decide what may happen when; its row has them, and so may any other value."""

    @property
    def state(self) -> CampaignState:
        """Where the campaign stands."""

    @property
    def paused(self) -> bool:
        """Whether votes and orders are stopped."""

    @property
    def voting_opens(self) -> datetime | None:
        """Empty with `voting_closes`: the campaign starts at pre-order."""

    @property
    def voting_closes(self) -> datetime | None:
        """The first instant at which no vote is taken any more."""

    @property
    def ordering_opens(self) -> datetime:
        """The first instant of the pre-orders."""

    @property
    def ordering_closes(self) -> datetime:
        """The first instant at which no order is taken any more."""


@dataclass(frozen=True)
class Missing:
    """One thing that a phase still lacks: `message` is a template for `values`; a `warning` stops nothing."""

    message: str
    values: Mapping[str, Any] = field(default_factory=dict)
    warning: bool = False

    def __str__(self) -> str:
        return self.message % self.values if self.values else self.message


class NotReady(Refused):
    """A phase can't begin; `missing` lists everything that it lacks."""

    def __init__(self, *, slug: str, state: CampaignState, missing: Sequence[Missing]) -> None:
        what = Sentences(tuple(missing))
        super().__init__(N_("Campaign %(slug)s isn't ready for “%(state)s”: %(what)s"), slug=slug, state=state.value, what=what)
        self.missing = list(missing)


DEPOSIT_CAP_PERCENT: Mapping[LegalProfile, int] = {LegalProfile.CN_DINGJIN: 20}
"""What the law lets a deposit be at most, of the lowest price; Civil Code of China, art. 586, for 定金."""

_WITH_VOTING = (
    CampaignState.DRAFT,
    CampaignState.SCHEDULED,
    CampaignState.VOTING,
    CampaignState.TALLY,
    CampaignState.SELECTED,
    CampaignState.ORDERING,
    CampaignState.SETTLING,
    CampaignState.DECIDED,
    CampaignState.COMPLETED,
)
_BEGINS = {
    "voting_opens": CampaignState.VOTING,
    "voting_closes": CampaignState.TALLY,
    "ordering_opens": CampaignState.ORDERING,
    "ordering_closes": CampaignState.SETTLING,
}
"""Which state each instant brings."""
_AFTER_VOTING = frozenset({"ordering_opens", "ordering_closes", "balance_opens", "balance_due", "delivery_expected"})
_LEFT_BY_A_RUN = {
    CampaignState.TALLY: N_("Campaign %(slug)s waits for the selection: run c2b select %(slug)s"),
    CampaignState.SETTLING: N_("Campaign %(slug)s waits for the decision: run c2b decide %(slug)s"),
    CampaignState.DECIDED: N_("Campaign %(slug)s is decided; it completes by itself when every product is completed or missed"),
}


def voting_is_open(campaign: Timetable, now: datetime) -> bool:
    """Say whether a vote counts at `now`: stored state, not paused, and the clock; the closing instant itself is too late."""
    return campaign.state is CampaignState.VOTING and not campaign.paused and _within(campaign.voting_opens, now, campaign.voting_closes)


def ordering_is_open(campaign: Timetable, now: datetime) -> bool:
    """Say whether a pre-order may be placed at `now`: stored state, not paused, and the clock."""
    is_open = _within(campaign.ordering_opens, now, campaign.ordering_closes)
    return campaign.state is CampaignState.ORDERING and not campaign.paused and is_open


def _within(opens: datetime | None, now: datetime, closes: datetime | None) -> bool:
    return opens is not None and closes is not None and opens <= now < closes


def has_voting(campaign: Timetable) -> bool:
    """Say whether the rules have a voting phase; without one every candidate counts as selected."""
    return campaign.voting_opens is not None


def states(campaign: Timetable) -> tuple[CampaignState, ...]:
    """Return the campaign's states in order, without those that its rules leave out."""
    skipped = () if has_voting(campaign) else (CampaignState.VOTING, CampaignState.TALLY)
    return tuple(state for state in _WITH_VOTING if state not in skipped)


def steps(campaign: Timetable, *, slug: str, to: CampaignState) -> tuple[CampaignState, ...]:
    """Return the states to enter on the way to `to`, in order; none if the campaign is or was there already.

    Raises Refused where the way leads through the selection or the decision, which nothing else may stand in for,
    or to a state that this campaign never has.
    """
    if campaign.state is CampaignState.CANCELLED:
        raise Refused(N_("Campaign %(slug)s is cancelled and stays so"), slug=slug)
    own = states(campaign)
    if to not in own:
        raise Refused(N_("Campaign %(slug)s never is “%(state)s”"), slug=slug, state=to.value)
    way = own[own.index(campaign.state) : own.index(to) + 1]
    for left in way[:-1]:
        if left in _LEFT_BY_A_RUN:
            raise Refused(_LEFT_BY_A_RUN[left], slug=slug)
    return way[1:]


def due(campaign: Timetable, now: datetime) -> CampaignState | None:
    """Return the state that the timetable brings at `now`, one step ahead; None: nothing is due.

    A draft waits for a person, `tally` for the selection, `settling` for the decision.
    """
    ordering = (CampaignState.ORDERING, campaign.ordering_opens)
    ahead = {
        CampaignState.SCHEDULED: (
            (CampaignState.VOTING, campaign.voting_opens) if has_voting(campaign) else (CampaignState.SELECTED, campaign.ordering_opens)
        ),
        CampaignState.VOTING: (CampaignState.TALLY, campaign.voting_closes),
        CampaignState.SELECTED: ordering,
        CampaignState.ORDERING: (CampaignState.SETTLING, campaign.ordering_closes),
    }
    state, instant = ahead.get(campaign.state, (None, None))
    return state if instant is not None and instant <= now else None


def instants_moved(campaign: Timetable, *, to: CampaignState, now: datetime) -> dict[str, datetime]:
    """Return the instants that lie after `now` though entering `to` means that they have come; a phase may have length zero."""
    return {name: now for name in _begun(campaign, to) if now < (getattr(campaign, name) or now)}


def _begun(campaign: Timetable, at: CampaignState) -> set[str]:
    """Return the instants that have come when the campaign is in the state `at`."""
    own = states(campaign)
    return {name for name, state in _BEGINS.items() if at in own and state in own and own.index(state) <= own.index(at)}


def is_history(campaign: Timetable, name: str) -> bool:
    """Say whether the column `name` is an instant that has come: advancing may have moved it, and no file moves it again."""
    return name in _begun(campaign, campaign.state)


def frozen(campaign: Timetable, names: Iterable[str]) -> list[str]:
    """Return which of the columns `names` can't be changed any more: the rules once voting opens, the later instants once ordering does."""
    if campaign.state in (CampaignState.DRAFT, CampaignState.SCHEDULED):
        return []
    movable = _AFTER_VOTING if campaign.state in (CampaignState.TALLY, CampaignState.SELECTED) else frozenset()
    return sorted(set(names) - movable)


def too_late(campaign: Timetable, *, to: CampaignState, now: datetime) -> list[Missing]:
    """Return what the clock says against entering `to`: a phase that would be over when it begins."""
    voting = N_("voting closed on %(at)s already; set a later time in its settings")
    ordering = N_("ordering closed on %(at)s already; set a later time in its settings")
    closes: dict[CampaignState, list[tuple[str, datetime | None]]] = {
        CampaignState.VOTING: [(voting, campaign.voting_closes), (ordering, campaign.ordering_closes)],
        CampaignState.ORDERING: [(ordering, campaign.ordering_closes)],
    }
    over = [Missing(message, {"at": at}) for message, at in closes.get(to, []) if at is not None and at <= now]
    return over[:1]


def commitment(secret: bytes) -> str:
    """Return what is published of a campaign's secret when voting opens: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret).hexdigest()


def text(zh: str, en: str, locale: str) -> str:
    """Choose the text for `locale`: the English one for English if there is one, else the first language's."""
    return en if locale.startswith("en") and en else zh
