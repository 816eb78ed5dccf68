"""What votes were worth: from those who saw a candidate to the goods that stayed, for next season's plan."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Select, case, func, select
from sqlalchemy.orm import Session

from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign
from c2b.deposits.models import Obligation, Order, OrderLine
from c2b.deposits.rules import Fulfilment, ObligationKind, ObligationState, Outcome
from c2b.voting import queries as voting
from c2b.voting.models import VoteEvent


@dataclass(frozen=True)
class Stage:
    """How many got how far with a candidate or a category: viewers, counted votes, and units."""

    code: str
    """Of the candidate; empty for a category."""
    name: str
    category: str
    viewers: int = 0
    votes: int = 0
    ordered: int = 0
    """Units whose deposit was paid, whatever became of them."""
    confirmed: int = 0
    paid: int = 0
    """Confirmed units whose whole price is paid."""
    delivered: int = 0
    returned: int = 0

    @property
    def worth(self) -> int | None:
        """Units with a deposit for a hundred votes; None without votes."""
        return self.ordered * 100 // self.votes if self.votes else None


def funnel(session: Session, campaign: Campaign, *, locale: str) -> list[Stage]:
    """Return every candidate's way in the order of the file: a constant number of statements. Counts are the caller's to show or hide."""
    viewers, votes = voting.views(session, campaign.id), voting.counts(session, campaign.id)
    units = {row[0]: row[1:] for row in session.execute(_units().where(OrderLine.campaign_id == campaign.id))}
    found = []
    for card in campaigns.candidates(session, campaign.id, locale=locale):
        counted = votes[card.id].votes if card.id in votes else 0
        sums = map(int, units.get(card.id, (0, 0, 0, 0, 0)))
        found.append(Stage(card.code, card.name, card.category, viewers.get(card.id, 0), counted, *sums))
    return found


def _units() -> Select[int, *tuple[int, ...]]:
    paid = select(Obligation.id).where(Obligation.line_id == OrderLine.id, Obligation.kind == ObligationKind.BALANCE)
    owes = paid.where(Obligation.state != ObligationState.PAID).correlate(OrderLine).exists()
    confirmed = OrderLine.outcome == Outcome.ALLOCATED
    stages = (
        OrderLine.reserved_at.is_not(None),
        confirmed,
        confirmed & ~owes,
        OrderLine.handed_over_at.is_not(None),
        OrderLine.fulfilment == Fulfilment.RETURNED,
    )
    sums = (func.sum(case((stage, OrderLine.units), else_=0)) for stage in stages)
    return select(OrderLine.candidate_id, *sums).group_by(OrderLine.candidate_id)


def by_category(rows: Iterable[Stage]) -> list[Stage]:
    """Return the sums of each category, in the order in which they first stand."""
    found: dict[str, Stage] = {}
    for row in rows:
        before = found.get(row.category, Stage("", row.category, row.category))
        numbers = ("viewers", "votes", "ordered", "confirmed", "paid", "delivered", "returned")
        found[row.category] = replace(before, **{name: getattr(before, name) + getattr(row, name) for name in numbers})
    return list(found.values())


@dataclass(frozen=True)
class Source:
    """A link or site that led people here: how many voted, how many of them ordered. Counted, never rewarded."""

    name: str
    voters: int
    buyers: int


def sources(session: Session, campaign: Campaign) -> list[Source]:
    """Return where voters came from, most voters first; an empty name: nothing led them here. One statement."""
    came = select(VoteEvent.person_id, func.max(VoteEvent.referrer).label("source")).where(VoteEvent.campaign_id == campaign.id)
    voter = came.group_by(VoteEvent.person_id).subquery()
    bought = select(Order.id).join(OrderLine, OrderLine.order_id == Order.id)
    buys = bought.where(Order.campaign_id == campaign.id, Order.person_id == voter.c.person_id, OrderLine.reserved_at.is_not(None))
    buyers = func.sum(case((buys.correlate(voter).exists(), 1), else_=0))
    query = select(voter.c.source, func.count(), buyers).group_by(voter.c.source).order_by(func.count().desc(), voter.c.source)
    return [Source(name, int(voters), int(count)) for name, voters, count in session.execute(query)]
