"""What customers and staff do to pre-orders; each is one transaction, opened by the shell."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, insert, literal, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.audit.two_people import public_reason
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import CampaignState, ordering_is_open
from c2b.deposits import cancelling, legal, places, placing
from c2b.deposits.locking import own_order
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart, Pickup, Place
from c2b.deposits.placing import ShippingAddress, Wanted
from c2b.deposits.refunds import RefundFigures, queue_refunds
from c2b.deposits.rules import ObligationKind, ObligationState, Outcome, RefundReason, may_cancel, payable, time_to_pay
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.payments.models import Payment
from c2b.payments.protocol import Way
from c2b.payments.rules import OPEN, UNHEARD, new_key
from c2b.people.models import Person
from c2b.voting import actions as voting


def place_order(
    session: Session,
    *,
    slug: str,
    person_id: int,
    lines: Sequence[tuple[int, int]],
    address: ShippingAddress | None,
    idempotency_key: str,
    locale: str,
    now: datetime,
) -> str:
    """Write an order of `lines` (variant, units) with its obligations and the terms accepted in `locale`; returns its reference.

    The same form sent twice (`idempotency_key`) is one order. Raises Refused where ordering is closed, a product can't be had or the
    form made an order of other units already; Invalid for what can't be read.
    """
    campaign = _campaign(session, slug)
    session.execute(select(Person.id).where(Person.id == person_id).with_for_update())  # limits count a person's orders one after the other
    if not 0 < len(idempotency_key) <= placing.LONGEST_KEY:
        raise Invalid(N_("This form is damaged; open the page again"), field="idempotency_key")
    if ref := placing.sent_before(session, person_id, idempotency_key, lines):
        return ref
    _require_open(campaign, now)
    address = address or ShippingAddress()
    placing.check_address(campaign, address)
    asked = placing.wanted(session, campaign, lines)
    placing.within_limit(session, campaign, person_id, asked)
    places.require(session, placing.by_candidate(asked), besides=None, now=now)
    order = Order(ref=secrets.token_urlsafe(12), campaign_id=campaign.id, person_id=person_id, placed_at=now, **vars(address))
    order.idempotency_key, order.legal_profile, order.terms_accepted_at = idempotency_key, campaign.legal_profile, now
    order.terms = legal.terms(campaign.legal_profile, **legal.facts(campaign, locale))
    order.terms_hash = legal.digest(order.terms)
    session.add(order)
    session.flush()
    _write_lines(session, order, asked, now)
    return order.ref


def start_payment(session: Session, *, order_ref: str, person_id: int, by: Way, now: datetime) -> str:
    """Write the intent to pay all that is due on an order by a gateway, and take its places; returns the payment's key.

    No gateway is called here. While a payment is open its key is returned and no second one begins. Raises Refused if nothing is due,
    what is due can't be paid now, or a capped product has too few units left.
    """
    order = own_order(session, order_ref, person_id)
    campaign = order.campaign
    running = select(Payment.key).where(Payment.payer == order.ref, Payment.state.in_(OPEN))
    if key := session.scalar(running):
        return key
    due = _due(session, campaign, order, now)
    lines = [line for owed, line in due if line and owed.kind is ObligationKind.DEPOSIT]
    units = placing.by_candidate(lines)
    places.lock(session, units)
    capped = places.require(session, units, besides=order.id, now=now)
    lasts = time_to_pay(campaign, lasts=by.lasts, now=now) if lines else by.lasts
    places.take(session, [line for line in lines if line.candidate_id in capped], until=now + lasts)
    payment = Payment(key=new_key(), payer=order.ref, gateway=by.gateway, merchant=by.merchant, currency=campaign.currency)
    payment.amount, payment.created_at, payment.checked_at = sum(owed.amount for owed, _ in due), now, now
    payment.minutes = lasts // timedelta(minutes=1)
    session.add(payment)
    session.flush()
    session.add_all(PaymentPart(payment_id=payment.id, obligation_id=owed.id, amount=owed.amount) for owed, _ in due)
    session.flush()
    return payment.key


def cancel_line(session: Session, *, order_ref: str, line_id: int, person_id: int, now: datetime) -> None:
    """Cancel one line of a customer's order, see `cancel_order`; one that is cancelled already stays so."""
    order = own_order(session, order_ref, person_id)
    line = session.scalar(select(OrderLine).where(OrderLine.order_id == order.id, OrderLine.id == line_id))
    if line is None:
        raise NotFound(N_("There is no such line in this order"))
    if line.outcome is not Outcome.CANCELLED:
        _cancel(session, order.campaign, select(OrderLine.id).where(OrderLine.id == line_id), now)


def cancel_order(session: Session, *, order_ref: str, person_id: int, now: datetime) -> None:
    """Cancel all lines of a customer's order that still stand, until ordering closes: what was paid goes back.

    While nobody knows what became of the payment the cancelling waits for the answer (`cancel_requested_at`). Raises Refused when
    ordering has closed.
    """
    order = own_order(session, order_ref, person_id)
    standing = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.outcome == Outcome.OPEN)
    if session.scalars(standing).first() is not None:
        _cancel(session, order.campaign, select(OrderLine.id).where(OrderLine.order_id == order.id), now)


def cancel_campaign(session: Session, *, slug: str, reason: str, actor: str, now: datetime) -> RefundFigures:
    """End a campaign before its decision and send everything back; repeated it does nothing. `reason` is public.

    Raises Refused once it is decided and without the second person that the campaign asks for, Invalid without a reason.
    """
    campaign = _campaign(session, slug, alone=True)
    if campaign.state is CampaignState.CANCELLED:
        return RefundFigures(0, 0)
    cancelling.require_going_on(campaign)
    public = public_reason(reason)
    cancelling.require_two(session, campaign, cancelling.cancelling(campaign), reason=public, actor=actor)
    lines = select(OrderLine.id).where(OrderLine.campaign_id == campaign.id)
    figures = end_lines(session, lines=lines, reason=RefundReason.CAMPAIGN_CANCELLED, now=now)
    before = campaign.state
    campaign.state, campaign.reason = CampaignState.CANCELLED, public
    after = {"state": campaign.state.value} | _json(figures)
    record(
        session,
        actor=actor,
        action=cancelling.ACTION,
        campaign=slug,
        before={"state": before.value},
        after=after,
        reason=reason,
        now=now,
    )
    return figures


def withdraw(session: Session, *, slug: str, code: str, reason: str, actor: str, now: datetime) -> RefundFigures:
    """Take a candidate out, with a public `reason`: its votes go back while voting is open, its deposits always; repeated it does nothing.

    Raises Refused once the campaign is decided or cancelled and without the second person that it asks for, Invalid without a reason.
    """
    campaign = _campaign(session, slug, alone=True)
    candidate = session.scalar(select(Candidate).where(Candidate.campaign_id == campaign.id, Candidate.code == code))
    if candidate is None:
        raise NotFound(N_("Campaign %(slug)s has no candidate %(code)s"), slug=slug, code=code)
    if candidate.withdrawn_at is not None:
        return RefundFigures(0, 0)
    if campaign.state in (CampaignState.DECIDED, CampaignState.COMPLETED, CampaignState.CANCELLED):
        raise Refused(N_("Campaign %(slug)s is over; %(code)s can’t be withdrawn any more"), slug=slug, code=code)
    public = public_reason(reason)
    cancelling.require_two(session, campaign, cancelling.withdrawing(campaign, code), reason=public, actor=actor)
    can_vote_anew = _votes_may_change(campaign, now)
    # Who asked in time and waited until voting had closed comes after the close: the votes that were counted stay.
    candidate.withdrawn_at = now if can_vote_anew else max(now, campaign.voting_closes or now)
    candidate.withdrawn_reason = public
    session.flush()
    votes = voting.give_back(session, campaign_id=campaign.id, candidate_id=candidate.id, now=now) if can_vote_anew else 0
    lines = select(OrderLine.id).where(OrderLine.campaign_id == campaign.id, OrderLine.candidate_id == candidate.id)
    figures = end_lines(session, lines=lines, reason=RefundReason.CANCELLED, now=now)
    after = {"votes_given_back": votes} | _json(figures)
    record(session, actor=actor, action=cancelling.WITHDRAW, campaign=slug, object=code, after=after, reason=reason, now=now)
    return figures


def _votes_may_change(campaign: Campaign, now: datetime) -> bool:
    """Tell whether voting has not closed, by the state and by the clock: a worker that closes it late lets nothing in."""
    before = campaign.state in (CampaignState.DRAFT, CampaignState.SCHEDULED, CampaignState.VOTING)
    return before and (campaign.voting_closes is None or now < campaign.voting_closes)


def end_lines(session: Session, *, lines: Select[int], reason: RefundReason, now: datetime) -> RefundFigures:
    """Cancel those of `lines` that are still open: money goes back, nothing more is owed, places are free. Set-based.

    Orders or campaign are locked by the caller.
    """
    standing = select(OrderLine.id).where(OrderLine.id.in_(lines), OrderLine.outcome == Outcome.OPEN)
    figures = queue_refunds(session, lines=standing, reason=reason, now=now)
    session.execute(delete(Place).where(Place.line_id.in_(standing)))
    session.execute(
        update(Obligation)
        .where(Obligation.line_id.in_(standing), Obligation.state == ObligationState.DUE)
        .values(state=ObligationState.VOID)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(OrderLine)
        .where(OrderLine.id.in_(lines), OrderLine.outcome == Outcome.OPEN)
        .values(outcome=Outcome.CANCELLED, ended_at=now)
        .execution_options(synchronize_session=False)
    )
    session.expire_all()
    return figures


def _cancel(session: Session, campaign: Campaign, lines: Select[int], now: datetime) -> None:
    if not may_cancel(campaign, now):
        raise Refused(N_("Ordering has closed; this order can’t be cancelled any more"))
    unheard = (
        select(Obligation.line_id)
        .join(PaymentPart, PaymentPart.obligation_id == Obligation.id)
        .join(Payment, Payment.id == PaymentPart.payment_id)
        .where(Payment.state.in_(UNHEARD), Obligation.line_id.in_(lines))
    )
    waiting = list(session.scalars(unheard))
    if waiting:
        requested = update(OrderLine).where(OrderLine.id.in_(waiting), OrderLine.cancel_requested_at.is_(None))
        session.execute(requested.values(cancel_requested_at=now))
    end_lines(session, lines=lines.where(OrderLine.id.not_in(waiting)), reason=RefundReason.CANCELLED, now=now)


def _campaign(session: Session, slug: str, *, alone: bool = False) -> Campaign:
    """Lock a campaign: beside others who order, or alone for what changes it as a whole."""
    wanted = select(Campaign).where(Campaign.slug == slug).execution_options(populate_existing=True)
    found = session.scalar(wanted.with_for_update() if alone else wanted.with_for_update(key_share=True, read=True))
    if found is None:
        raise NotFound(N_("There is no campaign “%(slug)s”"), slug=slug)
    return found


def _due(session: Session, campaign: Campaign, order: Order, now: datetime) -> Sequence[tuple[Obligation, OrderLine | None]]:
    """Return what is owed and can be paid now, with the lines that it is for; raises Refused where that is nothing."""
    due = [
        (owed, line)
        for owed, line in session.execute(
            select(Obligation, OrderLine)
            .outerjoin(OrderLine, OrderLine.id == Obligation.line_id)
            .where(Obligation.order_id == order.id, Obligation.state == ObligationState.DUE)
            .order_by(Obligation.id)
        )
    ]
    if not due:
        raise Refused(N_("Nothing is due on this order"))
    kinds = payable(campaign, {owed.kind for owed, _ in due}, now)
    if not kinds:
        if any(owed.kind is ObligationKind.DEPOSIT for owed, _ in due):
            _require_open(campaign, now)
        raise Refused(N_("The balance can’t be paid now; the order’s page says from when until when"))
    _require_place(session, order, kinds)
    return [(owed, line) for owed, line in due if owed.kind in kinds]


def _require_place(session: Session, order: Order, kinds: Collection[ObligationKind]) -> None:
    """Raise Refused where more than the deposit is paid for goods that nobody said where to bring."""
    if set(kinds) - {ObligationKind.DEPOSIT} and not order.address and session.get(Pickup, order.id) is None:
        raise Refused(N_("Say first where the goods go; then pay the balance"))


def _require_open(campaign: Campaign, now: datetime) -> None:
    if not ordering_is_open(campaign, now):
        raise Refused(N_("Pre-orders are closed now; nothing was ordered or paid"))


def _write_lines(session: Session, order: Order, asked: Sequence[Wanted], now: datetime) -> None:
    rows = [
        {
            "campaign_id": order.campaign_id,
            "order_id": order.id,
            "candidate_id": each.candidate_id,
            "variant_id": each.variant_id,
            "units": each.units,
            "unit_price": each.unit_price,
            "deposit": each.deposit_per_unit * each.units,
        }
        for each in asked
    ]
    session.execute(insert(OrderLine), rows)
    kind, due_at = literal(ObligationKind.DEPOSIT, Obligation.kind.type), literal(now, Obligation.due_at.type)
    owed = select(OrderLine.order_id, OrderLine.id, kind, OrderLine.deposit, due_at).where(OrderLine.order_id == order.id)
    columns = ["order_id", "line_id", "kind", "amount", "due_at"]
    session.execute(insert(Obligation).from_select(columns, owed.order_by(OrderLine.id)))


def _json(figures: RefundFigures) -> dict[str, int]:
    return {"refunds": figures.count, "refund_amount": figures.amount}
