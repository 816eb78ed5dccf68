"""Balances that nobody paid, and confirmed lines that are left: what becomes of them, their money and their units."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Select, String, cast, exists, func, literal, select
from sqlalchemy.orm import Session

from c2b.audit.actions import approve, record
from c2b.audit.queries import approvers
from c2b.audit.rules import is_staff
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Instant
from c2b.deposits import reminding
from c2b.deposits.leaving import emptied
from c2b.deposits.legal import Legal, legal
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart
from c2b.deposits.refunds import queue_refunds, queue_shipping
from c2b.deposits.rules import ObligationKind, ObligationState, Outcome, RefundReason, balance_ends
from c2b.errors import N_, Invalid, Refused
from c2b.jobs.actions import enqueue
from c2b.ledger import actions as ledger
from c2b.ledger import rules as accounts
from c2b.ledger.models import GuardedAccount
from c2b.messages.models import Message
from c2b.messages.rules import MessageState
from c2b.payments.models import Payment
from c2b.payments.rules import UNSETTLED
from c2b.production import ending

_NEVER = datetime.max.replace(tzinfo=UTC)
FORFEIT = "production.forfeit"
"""Its name in the audit log and in approvals."""


@dataclass(frozen=True)
class DefaultFigures:
    """What became of unpaid balances: lines and minor units kept and returned, and lines that wait for a person."""

    forfeited: int
    forfeited_amount: int
    returned: int
    returned_amount: int
    waiting: int
    """Nobody's reminder was delivered, so their deposit may not be kept."""


def over(session: Session, *, now: datetime) -> list[str]:
    """Return the decided campaigns whose grace is over and some of whose balances are still due."""
    open_ones = select(Campaign).where(Campaign.state.in_((CampaignState.DECIDED, CampaignState.COMPLETED)), Campaign.balance_due <= now)
    campaigns = session.scalars(open_ones.order_by(Campaign.id)).all()
    return [each.slug for each in campaigns if _has_ended(each, now) and session.scalars(unpaid(each).limit(1)).first() is not None]


def settle(session: Session, *, slug: str, actor: str, now: datetime) -> DefaultFigures:
    """End the lines whose balance wasn't paid within the grace: the legal profile says whether the deposit is kept or goes back.

    A deposit is kept only where a reminder was delivered (domain.md 5), and where the campaign asks for two people only once a second
    one has agreed to exactly these, see `forfeits`. While a payment of an order runs, or finance decides about another amount, its
    lines wait. The units become extra stock of their production orders. Repeated it does nothing. A constant number of statements.
    """
    campaign = locked(session, slug)
    if not _has_ended(campaign, now):
        raise Refused(N_("The balance of %(slug)s can still be paid; nothing ends before the grace is over"), slug=slug)
    rules = legal(campaign.legal_profile)
    keeps = rules.forfeits
    figures = DefaultFigures(0, 0, 0, 0, 0)
    marked = ending.mark(session, campaign, _ending(campaign, rules), now)
    if marked and keeps and campaign.two_person and not _are_two(session, campaign, actor, now):
        ending.unmark(session, campaign, now)
    elif marked:
        figures = _forfeit(session, campaign, now) if keeps else _return(session, campaign, now)
        _end(session, campaign, now)
        action = FORFEIT if keeps else "production.return_unpaid"
        record(session, actor=actor, action=action, campaign=slug, after=vars(figures), now=now)
    waiting = session.scalar(select(func.count()).select_from(unpaid(campaign).subquery())) or 0
    return replace(figures, waiting=waiting)


def forfeits(session: Session, *, slug: str, now: datetime) -> tuple[int, int, str]:
    """Return how many lines would lose their deposit now, how much that is, and the digest of exactly these that people agree to."""
    campaign = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
    rules = legal(campaign.legal_profile)
    if not _has_ended(campaign, now) or not rules.forfeits:
        return 0, 0, ""
    kept = _kept(session, _ending(campaign, rules))
    return len(kept), sum(kept.values()), _digest(kept)


def agree_to_forfeit(session: Session, *, slug: str, actor: str, now: datetime) -> None:
    """Agree, as one of two people, that deposits are kept; raises Refused before the grace is over and where nothing would be kept."""
    campaign = locked(session, slug)
    count, _, digest = forfeits(session, slug=campaign.slug, now=now)
    if not count:
        raise Refused(N_("No deposit of %(slug)s would be kept now"), slug=slug)
    approve(session, campaign=slug, action=FORFEIT, digest=digest, actor=actor, now=now)


def release(session: Session, *, slug: str, line: int | None, reason: str, actor: str, now: datetime) -> DefaultFigures:
    """Return the deposits of lines whose balance wasn't paid and whose reminder nobody got: of one `line`, or (None) of all.

    Raises Refused before the grace is over and where no such line waits, Invalid without a reason.
    """
    campaign = locked(session, slug)
    if not reason.strip():
        raise Invalid(N_("Say why; the audit log keeps it"), field="reason")
    silent = unpaid(campaign).where(~reminded(campaign))
    if line is not None:
        silent = silent.where(OrderLine.id == line)
    if not _has_ended(campaign, now) or not ending.mark(session, campaign, silent, now):
        raise Refused(N_("No such line waits for a person"))
    figures = _return(session, campaign, now)
    _end(session, campaign, now)
    after = {"lines": figures.returned, "refund_amount": figures.returned_amount}
    record(session, actor=actor, action="production.release", campaign=slug, after=after, reason=reason.strip(), now=now)
    return figures


def end_left(session: Session, campaign: Campaign, *, lines: Select[int], reason: RefundReason, now: datetime) -> int:
    """End confirmed `lines` (ids) that are left before the goods come; returns what goes back, minor units.

    The shipping goes too where nothing of an order is left. The units become extra stock. Campaign or orders are locked by the caller.
    """
    waiting = select(OrderLine.id).where(
        OrderLine.id.in_(lines), OrderLine.outcome == Outcome.ALLOCATED, OrderLine.handed_over_at.is_(None)
    )
    if not ending.mark(session, campaign, waiting, now):
        return 0
    figures = queue_refunds(session, lines=ending.marked(campaign, now), reason=reason, now=now)
    ending.to_stock(session, campaign, now)
    ending.close(session, campaign, now)
    just_left = select(OrderLine.order_id).where(OrderLine.campaign_id == campaign.id, OrderLine.ended_at == now)
    queue_shipping(session, orders=emptied(just_left), reason=reason, now=now)
    return figures.amount


def _has_ended(campaign: Campaign, now: datetime) -> bool:
    ends = balance_ends(campaign)
    return ends is not None and now >= ends


def _ending(campaign: Campaign, rules: Legal) -> Select[int]:
    """Choose the unpaid lines that end: where the deposit is kept only those whose customer was reminded."""
    return unpaid(campaign).where(reminded(campaign)) if rules.forfeits and not rules.forfeits_unreminded else unpaid(campaign)


def unpaid(campaign: Campaign) -> Select[int]:
    """Return a query of the allocated lines whose balance is due, without those for which a payment runs or waits for a person."""
    due = (Obligation.line_id == OrderLine.id) & (Obligation.kind == ObligationKind.BALANCE) & (Obligation.state == ObligationState.DUE)
    runs = (
        select(Payment.id)
        .join(PaymentPart, PaymentPart.payment_id == Payment.id)
        .where(PaymentPart.obligation_id == Obligation.id, Payment.state.in_(UNSETTLED))
    )
    allocated = (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.ALLOCATED)
    return select(OrderLine.id).join(Obligation, due).where(allocated, ~runs.correlate(Obligation).exists())


def reminded(campaign: Campaign) -> ColumnElement[bool]:
    """Say that a reminder of a line's order was delivered while it could still be paid: whoever carries it took it without a refusal."""
    told = (Message.about == Order.ref) & Message.event.startswith(reminding.EVENT)
    in_time = (Message.state == MessageState.SENT) & (Message.sent_at < (balance_ends(campaign) or _NEVER))
    sent = select(Message.id).join(Order, Order.id == OrderLine.order_id).where(told, in_time)
    return exists(sent.correlate(OrderLine))


def _kept(session: Session, lines: Select[int]) -> dict[int, int]:
    """Return what is held of each line that ends, minor units by line id."""
    held = func.coalesce(GuardedAccount.credits - GuardedAccount.debits, 0)
    query = select(OrderLine.id, held).outerjoin(GuardedAccount, GuardedAccount.account == ending.account())
    return {line: int(amount) for line, amount in session.execute(query.where(OrderLine.id.in_(lines)).order_by(OrderLine.id))}


def _digest(kept: Mapping[int, int]) -> str:
    """Return what an agreement is to: these deposits of these lines and no other ones."""
    return hashlib.sha256("\n".join(f"{line}:{amount}" for line, amount in kept.items()).encode()).hexdigest()


def _are_two(session: Session, campaign: Campaign, actor: str, now: datetime) -> bool:
    """Say whether two people want exactly what is marked to end; the worker, which comes by the clock, is nobody."""
    digest = _digest(_kept(session, ending.marked(campaign, now)))
    agreed = set(approvers(session, campaign=campaign.slug, action=FORFEIT, digest=digest))
    return len(agreed | {actor} if is_staff(actor) else agreed) > 1


def _forfeit(session: Session, campaign: Campaign, now: datetime) -> DefaultFigures:
    held = GuardedAccount.credits - GuardedAccount.debits
    rows = (
        select(
            literal("forfeit:").concat(cast(OrderLine.id, String)),
            ending.account(),
            literal(accounts.FORFEIT),
            held,
            literal(campaign.currency),
            literal("forfeited"),
            literal(campaign.slug),
            literal(now, Instant()),
        )
        .select_from(OrderLine)
        .join(GuardedAccount, GuardedAccount.account == ending.account())
        .where(OrderLine.id.in_(ending.marked(campaign, now)), held > 0)
    )
    sums = rows.with_only_columns(func.count(), func.coalesce(func.sum(held), 0), maintain_column_froms=True)
    count, amount = session.execute(sums).one()
    ledger.post_rows(session, rows)
    return DefaultFigures(int(count), int(amount), 0, 0, 0)


def _return(session: Session, campaign: Campaign, now: datetime) -> DefaultFigures:
    lines = session.scalar(select(func.count()).select_from(ending.marked(campaign, now).subquery())) or 0
    figures = queue_refunds(session, lines=ending.marked(campaign, now), reason=RefundReason.UNPAID, now=now)
    return DefaultFigures(0, 0, lines, figures.amount, 0)


def _end(session: Session, campaign: Campaign, now: datetime) -> None:
    """Make the units extra stock, end the lines, and send back the shipping of orders in which nothing is left."""
    ending.to_stock(session, campaign, now)
    ending.close(session, campaign, now)
    ending.return_shipping(session, campaign, now, reason=RefundReason.UNPAID)
    payload = {"campaign": campaign.id, "at": now.isoformat()}
    enqueue(
        session, kind="production.tell_defaults", payload=payload, key=f"production.tell_defaults:{campaign.id}:{now.isoformat()}", now=now
    )
