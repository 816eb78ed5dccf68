"""An order as its customer sees it, put together from order, books, payments and refunds by a fixed number of statements."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import CandidateDetail, PictureRow
from c2b.campaigns.rules import CampaignState, text
from c2b.deposits import legal, second_choice
from c2b.deposits.after import After, DelayView, delays, entries, reminders, withdrawals
from c2b.deposits.leaving import WayOut, way_out
from c2b.deposits.legal import Consequence
from c2b.deposits.models import Order, OrderLine, SellerDefault, Withdrawal
from c2b.deposits.order_money import Owed, owed_by, payments_of
from c2b.deposits.parcel_views import ParcelView, of_orders
from c2b.deposits.payment_view import PaymentView, payment_view
from c2b.deposits.pickup_views import PickupView
from c2b.deposits.pickup_views import of_orders as collected
from c2b.deposits.placing import ADDRESS
from c2b.deposits.rights import Right
from c2b.deposits.rules import (
    SENT,
    Fulfilment,
    Money,
    ObligationKind,
    ObligationState,
    Outcome,
    RefundReason,
    balance_ends,
    may_cancel,
    money_state,
    payable,
)
from c2b.deposits.second_choice import SecondChoice
from c2b.deposits.standing import standings
from c2b.deposits.timeline import Entry, timeline
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState


@dataclass(frozen=True)
class LineView:
    """A line of an order: three separate things, outcome, money and fulfilment; `deposit` and `balance` of the whole line."""

    id: int
    code: str
    name: str
    label: str
    sku: str
    picture: PictureRow | None
    units: int
    unit_price: int
    final_unit_price: int | None
    deposit: int
    balance: int
    """What is still to come: final once decided, before that at most."""
    outcome: Outcome
    money: Money
    fulfilment: Fulfilment
    cancel_requested: bool
    after: After = field(default_factory=After)
    second: SecondChoice = field(default_factory=SecondChoice)


@dataclass(frozen=True)
class OrderView:
    """An order with what is owed when, what happened, and what happens otherwise."""

    ref: str
    slug: str
    title: str
    currency: str
    time_zone: str
    campaign_state: CampaignState
    placed_at: datetime
    ordering_closes: datetime
    balance_due: datetime | None
    lines: tuple[LineView, ...]
    due: int
    """To be paid now."""
    is_balance: bool
    """What is to be paid now is the balance, with the shipping."""
    is_shipping: bool
    """What is to be paid now is the shipping alone: the balance is paid, and it is to be sent after all."""
    shipping: int
    """Of the whole order; 0 while it isn't known or owed."""
    pay_until: datetime | None
    """Until when what is due now can be paid; None: it has no end."""
    pays_from: datetime | None
    """From when the balance can be paid, while it can't yet."""
    payment: PaymentView | None
    """The last one begun."""
    timeline: tuple[Entry, ...]
    consequences: tuple[Consequence, ...]
    terms: str
    may_pay: bool
    may_cancel: bool
    countries: tuple[str, ...]
    recipient: str
    phone: str
    country: str
    postal_code: str
    address: str
    parcels: tuple[ParcelView, ...] = ()
    pickup: PickupView | None = None
    """Where the customer collects it; None: it is sent."""

    @property
    def may_leave(self) -> bool:
        """Whether a line can be withdrawn from or sent back without a reason."""
        return any(line.after.way_out for line in self.lines)

    @property
    def leaves_by_withdrawal(self) -> bool:
        """Whether that is a withdrawal, so before the goods come too."""
        return any(line.after.way_out and line.after.way_out.leaving.right is Right.WITHDRAWAL for line in self.lines)

    @property
    def running(self) -> PaymentView | None:
        """The payment that has to end before another may begin: one that is open, or that a person looks at."""
        stays = self.payment and (self.payment.is_open or self.payment.state is PaymentState.MISMATCH)
        return self.payment if stays else None

    @property
    def pickup_code(self) -> str:
        """What whoever collects it shows in the store; empty while nothing waits there."""
        waits = any(line.fulfilment is Fulfilment.READY and line.outcome is Outcome.ALLOCATED for line in self.lines)
        return self.pickup.code if self.pickup and waits else ""

    @property
    def lacks_place(self) -> bool:
        """Whether nobody has said yet where it goes."""
        return not self.address and self.pickup is None

    @property
    def stands(self) -> bool:
        """Whether anything of it is still ordered."""
        return any(line.outcome in (Outcome.OPEN, Outcome.ALLOCATED) for line in self.lines)

    @property
    def may_move(self) -> bool:
        """Whether it can still go elsewhere: nothing has left, is packed or waits in a store."""
        has_left = any(line.fulfilment in SENT for line in self.lines)
        return self.stands and not has_left and not self.parcels

    @property
    def is_prepaid(self) -> bool:
        """Whether its deposits are never kept, whatever happens."""
        return all(each.in_full for each in self.consequences)

    @property
    def is_over(self) -> bool:
        """Whether a balance wasn't paid in time and can't be any more, and nothing has followed from it yet."""
        return not (self.may_pay or self.running) and any(line.money is Money.OVERDUE for line in self.lines)

    @property
    def is_paid(self) -> bool:
        """Whether all that stands is paid, the balance too."""
        return {line.money for line in self.lines if line.outcome in (Outcome.OPEN, Outcome.ALLOCATED)} == {Money.PAID}

    @property
    def deposit(self) -> int:
        """Deposits of all lines that stand."""
        return sum(line.deposit for line in self.lines if line.outcome in (Outcome.OPEN, Outcome.ALLOCATED))

    @property
    def balance(self) -> int:
        """Balances of all lines that stand: final once decided, before that at most."""
        return sum(line.balance for line in self.lines)


def views(session: Session, wanted: Select[Order], *, locale: str, now: datetime) -> list[OrderView]:
    """Return the orders that `wanted` asks for, in its order; the number of statements doesn't depend on how many."""
    orders = list(session.scalars(wanted))
    ids = [each.id for each in orders]
    theirs = select(Campaign).where(Campaign.id.in_(select(Order.campaign_id).where(Order.id.in_(ids))))
    found = {each.id: each for each in session.scalars(theirs)}
    lines = _lines(session, orders, found, locale, now)
    payments, refunds = payments_of(session, [each.ref for each in orders])
    told = reminders(session, [each.ref for each in orders])
    owed = owed_by(session, ids)
    parcels, pickups = of_orders(session, ids, locale=locale), collected(session, ids)
    return [
        _view(
            each,
            found[each.campaign_id],
            lines=lines[each.id],
            payments=payments[each.ref],
            refunds=refunds[each.ref],
            told=told.get(each.ref, []),
            owed=owed.get(each.id, Owed()),
            ways={"parcels": parcels.get(each.id, ()), "pickup": pickups.get(each.id)},
            locale=locale,
            now=now,
        )
        for each in orders
    ]


def _view(
    order: Order,
    campaign: Campaign,
    *,
    lines: Sequence[tuple[OrderLine, LineView]],
    payments: Sequence[Payment],
    refunds: Mapping[Refund, RefundReason],
    told: Sequence[Entry],
    owed: Owed,
    ways: Mapping[str, Any],
    locale: str,
    now: datetime,
) -> OrderView:
    shown = tuple(view for _, view in lines)
    return OrderView(
        ref=order.ref,
        slug=campaign.slug,
        title=text(campaign.title, campaign.title_en, locale),
        currency=campaign.currency,
        time_zone=campaign.time_zone,
        campaign_state=campaign.state,
        placed_at=order.placed_at,
        ordering_closes=campaign.ordering_closes,
        balance_due=campaign.balance_due,
        lines=shown,
        payment=payment_view(payments[-1], campaign.slug) if payments else None,
        timeline=_timeline(order, lines, payments, refunds, told),
        consequences=legal.consequences(campaign.legal_profile, **legal.facts(campaign, locale)),
        terms=order.terms,
        countries=tuple(campaign.countries),
        **{name: getattr(order, name) for name in ADDRESS},
        **ways,
        **_to_pay(campaign, owed, now),
        may_cancel=_may_cancel(campaign, shown, now),
    )


def _to_pay(campaign: Campaign, owed: Owed, now: datetime) -> dict[str, Any]:
    """Return what can be paid now and until when, and what the shipping is."""
    due = {kind: amount for (kind, state), amount in owed.items() if state is ObligationState.DUE}
    kinds = payable(campaign, due, now)
    is_balance = bool(kinds - {ObligationKind.DEPOSIT})
    balance_until = balance_ends(campaign) if ObligationKind.BALANCE in kinds else None
    opens = campaign.balance_opens if due.get(ObligationKind.BALANCE) else None
    return {
        "pays_from": opens if opens and now < opens else None,
        "due": sum(due[kind] for kind in kinds),
        "may_pay": bool(kinds),
        "is_balance": is_balance,
        "is_shipping": kinds == {ObligationKind.SHIPPING},
        "shipping": owed[ObligationKind.SHIPPING, ObligationState.DUE] + owed[ObligationKind.SHIPPING, ObligationState.PAID],
        "pay_until": balance_until if is_balance else campaign.ordering_closes,
    }


def _may_cancel(campaign: Campaign, lines: Sequence[LineView], now: datetime) -> bool:
    return any(line.outcome is Outcome.OPEN for line in lines) and may_cancel(campaign, now)


def _timeline(
    order: Order,
    lines: Sequence[tuple[OrderLine, LineView]],
    payments: Sequence[Payment],
    refunds: Mapping[Refund, RefundReason],
    told: Sequence[Entry],
) -> tuple[Entry, ...]:
    more = [*told, *(entry for _, view in lines for entry in entries(view.name, view.after))]
    undelivered = {line.id: view.after.undelivered for line, view in lines}
    return timeline(order, [(line, view.name, view.money) for line, view in lines], payments, refunds, more, undelivered=undelivered)


def _lines(
    session: Session, orders: Sequence[Order], of: Mapping[int, Campaign], locale: str, now: datetime
) -> dict[int, list[tuple[OrderLine, LineView]]]:
    of_orders = OrderLine.order_id.in_([order.id for order in orders])
    defaulted = (SellerDefault.candidate_id == OrderLine.candidate_id) & (SellerDefault.at == OrderLine.ended_at)
    rows = session.execute(
        select(OrderLine, Candidate, SellerDefault.reason)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .outerjoin(SellerDefault, defaulted)
        .where(of_orders)
        .order_by(OrderLine.id)
    ).all()
    candidates = list({candidate.id: candidate for _, candidate, _ in rows}.values())
    details = {each.card.id: each for each in campaigns.details(session, candidates, locale=locale)}
    books = standings(session, lines=select(OrderLine.id).where(of_orders))
    every = [line for line, _, _ in rows]
    left, late, together = withdrawals(session, every), delays(session, every), second_choice.by_order(every)
    by_id = {order.id: order for order in orders}
    found: dict[int, list[tuple[OrderLine, LineView]]] = defaultdict(list)
    for line, _, undelivered in rows:
        order = by_id[line.order_id]
        zone = of[order.campaign_id].time_zone
        way = None if line.id in left else way_out(order, line, books[line.id], time_zone=zone, now=now)
        after = replace(_after(line, left.get(line.id), late.get(line.id), way, now), undelivered=undelivered or "")
        product = details[line.candidate_id]
        second = second_choice.second_choice(line, product, together[line.order_id])
        view = _line(line, product, money_state(books[line.id], now), after)
        found[line.order_id].append((line, replace(view, second=second)))
    return found


def _after(line: OrderLine, left: Withdrawal | None, late: DelayView | None, way: WayOut | None, now: datetime) -> After:
    waits = line.outcome is Outcome.ALLOCATED and line.handed_over_at is None
    return After(
        handed_over_at=line.handed_over_at,
        withdrawn_at=left.received_at if left else None,
        came_back_at=left.came_back_at if left else None,
        delay=late if line.reserved_at else None,
        way_out=way,
        asked=waits and late is not None and late.answer_by is not None and now < late.answer_by,
    )


def _line(line: OrderLine, product: CandidateDetail, money: Money, after: After) -> LineView:
    variant = next(each for each in product.variants if each.id == line.variant_id)
    price = line.unit_price if line.final_unit_price is None else line.final_unit_price
    stands = line.outcome in (Outcome.OPEN, Outcome.ALLOCATED)
    return LineView(
        id=line.id,
        code=product.card.code,
        name=product.card.name,
        label=variant.label,
        sku=variant.sku,
        picture=product.picture_of(variant),
        units=line.units,
        unit_price=line.unit_price,
        final_unit_price=line.final_unit_price,
        deposit=line.deposit,
        balance=max(price * line.units - line.deposit, 0) if stands else 0,
        outcome=line.outcome,
        money=money,
        fulfilment=line.fulfilment,
        cancel_requested=line.cancel_requested_at is not None,
        after=after,
    )
