"""The campaign's timetable as one bar: how wide each phase is drawn and where the present instant stands in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, states
from c2b.errors import N_

LEAST, MOST = 9, 40
"""Shares that a phase is drawn with at least and at most, so that short ones can be read and long ones leave room."""


@dataclass(frozen=True)
class Phase:
    """A stretch of the campaign between two instants; `kind` is done, now or later."""

    name: str
    begins: datetime
    ends: datetime
    weight: int
    kind: str


def settled(campaign: Campaign) -> datetime:
    """Return the instant from which the decision waits for no payment any more."""
    return campaign.ordering_closes + timedelta(hours=campaign.settle_hours)


def phases(campaign: Campaign, now: datetime) -> list[Phase]:
    """Return the campaign's phases in order, by its instants."""
    stretches = _stretches(campaign)
    whole = max((stretches[-1][2] - stretches[0][1]) / timedelta(hours=1), 1)
    reached = _reached(campaign)
    found = []
    for name, begins, ends, until in stretches:
        kind = "done" if until in reached and ends <= now else "now" if begins <= now else "later"
        weight = round(min(max((ends - begins) / timedelta(hours=1) / whole * 100, LEAST), MOST))
        found.append(Phase(name, begins, ends, weight, kind))
    return found


def _stretches(campaign: Campaign) -> list[tuple[str, datetime, datetime, CampaignState]]:
    """Return each phase with its instants and the state whose entering ends it."""
    start, end = campaign.voting_opens or campaign.ordering_opens, settled(campaign)
    found = (
        (N_("Prepare"), min(campaign.created_at, start), start, CampaignState.VOTING),
        (N_("Voting"), campaign.voting_opens, campaign.voting_closes, CampaignState.TALLY),
        (N_("Sampling"), campaign.voting_closes, campaign.ordering_opens, CampaignState.ORDERING),
        (N_("Ordering"), campaign.ordering_opens, campaign.ordering_closes, CampaignState.SETTLING),
        (N_("Decision"), campaign.ordering_closes, end, CampaignState.DECIDED),
        (N_("Making and delivery"), end, _delivered(campaign, end), CampaignState.COMPLETED),
    )
    return [(name, begins, max(begins, ends), until) for name, begins, ends, until in found if begins and ends]


def _delivered(campaign: Campaign, decided: datetime) -> datetime | None:
    """Return when the goods are expected; None where the campaign says no day after the decision."""
    if campaign.delivery_expected is None:
        return None
    delivered = datetime.combine(campaign.delivery_expected, decided.timetz())
    return delivered if delivered > decided else None


def _reached(campaign: Campaign) -> set[CampaignState]:
    own = states(campaign)
    return set(own[: own.index(campaign.state) + 1]) if campaign.state in own else set()


def place(found: list[Phase], now: datetime) -> float | None:
    """Return where `now` is in the bar, from 0 to 1; None outside of it."""
    before, whole = 0.0, sum(phase.weight for phase in found)
    for phase in found:
        if phase.begins <= now < phase.ends:
            return (before + phase.weight * ((now - phase.begins) / (phase.ends - phase.begins))) / whole
        before += phase.weight
    return None
