"""Confirmed products that can't be delivered, to anybody or to those whom a short delivery leaves out: everything paid goes back."""

from datetime import datetime

from sqlalchemy import Select, String, cast, literal, select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.audit.two_people import Step, public_reason
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate
from c2b.db import Instant
from c2b.deposits.cancelling import require_two
from c2b.deposits.legal import legal
from c2b.deposits.models import Order, OrderLine, SellerDefault
from c2b.deposits.refunds import RefundFigures, queue_refunds
from c2b.deposits.rules import SENT, Outcome, RefundReason
from c2b.errors import N_, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.ledger import actions as ledger
from c2b.ledger import rules as accounts
from c2b.production import ending, sharing
from c2b.production.making import Opened
from c2b.production.rules import ProductionOrderState
from c2b.production.sharing import Shortage

CANNOT_DELIVER, SHARE_OUT = "production.cannot_deliver", "production.share_out"
"""Their names in the audit log and in approvals."""


def undelivering(campaign: Campaign, code: str) -> Step:
    """Return the step of not delivering a product."""
    return Step(campaign.slug, CANNOT_DELIVER, code)


def sharing_out(campaign: Campaign, number: str, short: Shortage) -> Step:
    """Return the step of sharing out a production order exactly like this."""
    return Step(campaign.slug, SHARE_OUT, f"{number} {short.digest}")


def cannot_deliver(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> int:
    """Give everything back for a confirmed product that can't be delivered; `reason` is public. Returns how many lines ended.

    Under a profile with double return (`penalty_percent`) the penalty is booked as owed to the customers, and finance pays it out.
    Raises NotFound, Invalid without a reason, Refused without the second person that the campaign asks for.
    """
    campaign = locked(session, slug)
    candidate = session.scalar(select(Candidate).where(Candidate.campaign_id == campaign.id, Candidate.code == code))
    if candidate is None:
        raise NotFound(N_("There is no product %(code)s in this campaign"), code=code)
    require_two(session, campaign, undelivering(campaign, code), reason=public_reason(reason), actor=actor)
    waits = (OrderLine.outcome == Outcome.ALLOCATED) & OrderLine.fulfilment.not_in(SENT)
    query = select(OrderLine.id).where(OrderLine.candidate_id == candidate.id, waits)
    lines, figures = give_back(session, campaign, lines=query, reason=reason, now=now)
    if lines:
        after = {"lines": lines, "refunds": figures.count, "refund_amount": figures.amount}
        record(session, actor=actor, action=CANNOT_DELIVER, campaign=slug, object=code, after=after, reason=reason.strip(), now=now)
    return lines


def give_back(session: Session, campaign: Campaign, *, lines: Select[int], reason: str, now: datetime) -> tuple[int, RefundFigures]:
    """End confirmed `lines` (ids) by the seller's fault and return everything paid; returns how many, and what goes back.

    `reason` is public; raises Invalid without one. The units become extra stock, customers are told by a job for each product. The
    campaign is locked by the caller.
    """
    why = public_reason(reason)
    count = ending.mark(session, campaign, lines, now)
    if not count:
        return 0, RefundFigures(0, 0)
    _note(session, campaign, why, now)
    if legal(campaign.legal_profile).doubles:
        _penalty(session, campaign, now)
    figures = queue_refunds(session, lines=ending.marked(campaign, now), reason=RefundReason.UNDELIVERED, now=now)
    ending.to_stock(session, campaign, now)  # whatever of it still comes is nobody's
    ending.close(session, campaign, now)
    ending.return_shipping(session, campaign, now, reason=RefundReason.UNDELIVERED)
    return count, figures


def _note(session: Session, campaign: Campaign, why: str, now: datetime) -> None:
    """Keep the reason for each product, and let its customers be told."""
    products = select(OrderLine.candidate_id).where(OrderLine.id.in_(ending.marked(campaign, now))).distinct()
    for candidate in session.scalars(products.order_by(OrderLine.candidate_id)).all():
        session.add(SellerDefault(candidate_id=candidate, campaign_id=campaign.id, reason=why, at=now))
        payload = {"campaign": campaign.id, "candidate": candidate, "at": now.isoformat()}
        key = f"production.tell_undelivered:{candidate}:{now.isoformat()}"
        enqueue(session, kind="production.tell_undelivered", payload=payload, key=key, now=now)
    session.flush()


def _penalty(session: Session, campaign: Campaign, now: datetime) -> None:
    """Book what the seller owes besides the refund: the deposit once more (Civil Code of China, art. 587)."""
    rows = (
        select(
            literal("penalty:").concat(cast(OrderLine.id, String)),
            literal(accounts.PENALTY),
            literal(accounts.OWED).concat(Order.ref),
            OrderLine.deposit,
            literal(campaign.currency),
            literal("penalty"),
            literal(campaign.slug),
            literal(now, Instant()),
        )
        .join(Order, Order.id == OrderLine.order_id)
        .where(OrderLine.id.in_(ending.marked(campaign, now)), OrderLine.deposit > 0)
    )
    ledger.post_rows(session, rows)


def share_out(at: Opened, *, expected: str, reason: str) -> int:
    """Give what came to the earliest depositors and everything back to the others; returns how many lines ended.

    `expected` is the digest of the preview that was looked at (`sharing.shortage`). What didn't come is taken off the order by a revision.
    Raises Refused before anything came, if others than in the preview would get nothing and without the second
    person that the campaign asks for; Invalid without the public reason.
    """
    if at.order.state is not ProductionOrderState.RECEIVED:
        raise Refused(N_("Enter the deliveries first; then what came is shared out"))
    short = sharing.shortage(at.session, at.campaign, at.order.id)
    if short.digest != expected:
        raise Refused(N_("Deliveries or orders changed since you looked; look at the new list first"))
    step = sharing_out(at.campaign, at.order.number, short)
    require_two(at.session, at.campaign, step, reason=public_reason(reason), actor=at.actor)
    lines = select(OrderLine.id).where(OrderLine.id.in_([each.line for each in short.lines]))
    count, figures = give_back(at.session, at.campaign, lines=lines, reason=reason, now=at.now)
    if count:
        _trim(at, reason)
        after = {"lines": count, "units": short.units, "refunds": figures.count, "refund_amount": figures.amount}
        at.log(SHARE_OUT, after, reason)
    return count


def _trim(at: Opened, reason: str) -> None:
    """Take off the order what it was short of: what those who get nothing left to the stock never came."""
    came, changed = at.arrived(), []
    for line in at.lines():
        before, kept = line.units_ordered + line.units_extra, max(came.get(line.line, 0), line.units_ordered)
        if 0 < kept < before:
            line.units_extra = kept - line.units_ordered
            changed.append((line, before))
    if changed:
        at.revise(changed, reason)
