"""What the overview shows of a campaign: its timetable, its numbers, and what waits for a person."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.orm import Session

from c2b.admin import counts, timetable
from c2b.admin.money_words import WORDS
from c2b.campaigns import queries, readiness
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState, Missing, has_voting, states
from c2b.deposits import desk, finance
from c2b.errors import N_
from c2b.messages import queries as messages
from c2b.payments.rules import CaseKind, RefundState
from c2b.people.rules import Permission
from c2b.ui.filters import instant_text, number
from c2b.ui.shell import parts, staff
from c2b.voting import history, suspicions
from c2b.voting.queries import Turnout, turnout
from c2b.voting.queries import counts as vote_counts
from c2b.work import gates

MOST_CHORES = 5


@dataclass(frozen=True)
class Chore:
    """One thing that waits for a person: how bad, what, why, and where to do it: a page of the campaign, or an address."""

    kind: str
    word: str
    what: str
    why: str
    endpoint: str = ""
    address: str = ""


@dataclass(frozen=True)
class Situation:
    """Everything on the overview; `turnout`, `days` and `ranks` are None while counts are closed to this person."""

    phases: list[timetable.Phase]
    at: float | None
    candidates: int
    money: desk.Totals
    refunds: dict[RefundState, tuple[int, int]]
    chores: list[Chore]
    next_state: CampaignState | None
    turnout: Turnout | None
    days: list[history.DayVotes] | None
    ranks: list[int] | None
    looked_at: datetime | None


def situation(session: Session, campaign: Campaign, now: datetime) -> Situation:
    """Read everything that the overview shows."""
    phases = timetable.phases(campaign, now)
    refunds = desk.refund_sums(session, campaign.id)
    shown = has_voting(campaign) and counts.visible(session, campaign)
    ids = queries.candidate_ids(session, campaign.id)
    return Situation(
        phases=phases,
        at=timetable.place(phases, now),
        candidates=len(ids),
        money=desk.totals(session, campaign.id),
        refunds=refunds,
        chores=list(_chores(session, campaign, refunds, now))[:MOST_CHORES],
        next_state=next_state(campaign),
        turnout=turnout(session, campaign.id) if shown else None,
        days=history.votes_by_day(session, campaign.id, time_zone=campaign.time_zone) if shown else None,
        ranks=_ranks(session, campaign, len(ids)) if shown else None,
        looked_at=counts.looked_at(session, campaign),
    )


def _ranks(session: Session, campaign: Campaign, candidates: int) -> list[int]:
    found = sorted((count.votes for count in vote_counts(session, campaign.id).values()), reverse=True)
    return found + [0] * (candidates - len(found))


def next_state(campaign: Campaign) -> CampaignState | None:
    """Return the state that a person can move the campaign on to; what ends by a run or by itself has none."""
    own = states(campaign)
    waits = (CampaignState.TALLY, CampaignState.SETTLING, CampaignState.DECIDED, CampaignState.COMPLETED)
    return None if campaign.state in waits or campaign.state not in own else own[own.index(campaign.state) + 1]


def _chores(session: Session, campaign: Campaign, refunds: dict[RefundState, tuple[int, int]], now: datetime) -> Iterator[Chore]:
    if campaign.paused:
        yield Chore("bad", _("Paused"), _("Votes and orders are stopped"), campaign.reason)
    if campaign.state is CampaignState.TALLY:
        yield Chore("bad", _("Run"), _("The selection is waiting"), _("Voting has closed; nothing moves on before it"), "selection")
    if campaign.state is CampaignState.SETTLING:
        settled = instant_text(timetable.settled(campaign), campaign.time_zone)
        yield Chore("bad", _("Run"), _("The decision is waiting"), _("Payments settle until %(at)s at the latest", at=settled), "decision")
    if failed := refunds[RefundState.FAILED][0]:
        yield Chore(
            "bad", _("Check"), _("%(count)s refunds failed", count=number(failed)), _("The money is owed and waits for a person"), "refunds"
        )
    yield from _undelivered(session)
    yield from _money_cases(session, campaign)
    yield from _suspicious(session, campaign)
    yield from _missing(readiness.check(session, campaign, gates=gates(parts().settings), now=now))


def _undelivered(session: Session) -> Iterator[Chore]:
    """Messages are the shop's, so every campaign's overview says it, to those who may look at them."""
    found = messages.failed(session) if staff().may(Permission.DEPOSITS) else 0
    if found:
        what = ngettext("%(num)s message could not be delivered", "%(num)s messages could not be delivered", found)
        why = _("The customer doesn’t know it yet; a deadline may wait for it")
        yield Chore("bad", _("Check"), what, why, address=url_for("admin.messages", state="failed"))


def _money_cases(session: Session, campaign: Campaign) -> Iterator[Chore]:
    """Name the worst of what differs about money; refused refunds stand in a line of their own."""
    found = finance.counts(session, campaign=campaign.slug) if staff().may(Permission.DEPOSITS) else {}
    found.pop(CaseKind.REFUND_FAILED, None)
    if found:
        worst = next(iter(found))
        what = ngettext("%(num)s case about money is open", "%(num)s cases about money are open", sum(found.values()))
        yield Chore(WORDS[worst].tone, _("Check"), what, _(WORDS[worst].title), "money")


def _suspicious(session: Session, campaign: Campaign) -> Iterator[Chore]:
    found = suspicions.waiting(session, campaign.id)
    if found and campaign.state in (CampaignState.VOTING, CampaignState.TALLY):
        what = ngettext("%(num)s group of suspicious ballots waits", "%(num)s groups of suspicious ballots wait", found)
        yield Chore("warn", _("Decide"), what, _("They count until somebody decides; after the selection nobody can"), "trust")


_WHERE = {"code": "candidates", "slug": "importing", "asked": "settings", "identity": "settings", "at": "settings"}
"""The page where something is repaired, by what its sentence names."""
_URGENCY = {True: ("warn", N_("Watch")), False: ("bad", N_("Missing"))}


def _missing(found: list[Missing]) -> Iterator[Chore]:
    """Fold the same sentence about many candidates into one line, what stops the next phase first."""
    alike = defaultdict[str, list[Missing]](list)
    for thing in found:
        alike[thing.message].append(thing)
    for thing, *more in sorted(alike.values(), key=lambda same: same[0].warning):
        kind, word = _URGENCY[thing.warning]
        what = str(_(thing.message, **thing.values))
        why = _("and %(count)s more like this", count=number(len(more))) if more else ""
        yield Chore(kind, _(word), what[:1].upper() + what[1:], why, next((_WHERE[name] for name in thing.values if name in _WHERE), ""))


ADVANCE: dict[CampaignState, tuple[str, str]] = {
    CampaignState.SCHEDULED: (N_("Schedule it"), N_("Voting then opens by the clock.")),
    CampaignState.VOTING: (N_("Open voting now"), N_("Rules and candidates are frozen from then on.")),
    CampaignState.TALLY: (N_("Close voting now"), N_("No vote is taken any more; the selection comes next.")),
    CampaignState.SELECTED: (N_("Freeze the candidates now"), N_("Every candidate counts as selected; ordering opens by the clock.")),
    CampaignState.ORDERING: (N_("Open ordering now"), N_("Offers are frozen from then on.")),
    CampaignState.SETTLING: (N_("Close ordering now"), N_("No order is taken any more; the decision comes next.")),
}
"""What the button of the next phase says, and what follows from it."""
