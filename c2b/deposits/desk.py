"""What staff read of orders and refunds: lists with a filter, one order, and sums. Amounts are minor units."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, String, case, cast, exists, func, literal, or_, select
from sqlalchemy.orm import Session, joinedload

from c2b.campaigns.models import Candidate, Variant
from c2b.campaigns.rules import text
from c2b.deposits import runs
from c2b.deposits.models import Order, OrderLine, Pickup, RefundLine, Withdrawal
from c2b.deposits.rules import Fulfilment, Outcome, RefundReason
from c2b.errors import N_, NotFound
from c2b.ledger.models import Transfer
from c2b.payments.models import Payment, Refund
from c2b.payments.rules import PaymentState, RefundState
from c2b.people.models import Address
from c2b.people.rules import mask
from c2b.stores.models import Store

PAGE = 50


@dataclass(frozen=True)
class Totals:
    """What stands in a campaign's books of orders: with a captured deposit, and not cancelled or missed."""

    orders: int
    units: int
    deposits: int


@dataclass(frozen=True)
class OrderRow:
    """One order in a list; `units` and `deposit` are of all its lines."""

    ref: str
    placed_at: datetime
    customer: str
    """Masked address."""
    codes: tuple[str, ...]
    units: int
    deposit: int
    outcomes: frozenset[Outcome]
    paid: bool


@dataclass(frozen=True)
class LineRow:
    """One line of an order."""

    code: str
    name: str
    variant: str
    second: str
    """What its customer takes instead, while nothing is decided; empty where nothing was named."""
    ordered: str
    """What was ordered, where it became the second choice."""
    sku: str
    units: int
    unit_price: int
    final_unit_price: int | None
    deposit: int
    outcome: Outcome
    fulfilment: Fulfilment
    paid: bool
    id: int
    handed_over_at: datetime | None
    left: Withdrawal | None
    """How and when its customer withdrew or announced that it comes back."""

    @property
    def to_hand_over(self) -> bool:
        """Whether its customer still waits for the goods."""
        return self.outcome is Outcome.ALLOCATED and self.handed_over_at is None

    @property
    def to_come_back(self) -> bool:
        """Whether goods are on their way back."""
        return self.left is not None and self.handed_over_at is not None and self.left.came_back_at is None


@dataclass(frozen=True)
class RefundRow:
    """One refund: a call to a gateway for one payment, whatever number of lines it returns."""

    key: str
    order: str
    codes: tuple[str, ...]
    reasons: frozenset[RefundReason]
    amount: int
    currency: str
    gateway: str
    state: RefundState
    attempts: int
    queued_at: datetime
    next_attempt_at: datetime
    settled_at: datetime | None
    last_error: str
    """The gateway's words, or the reference under which a person paid."""
    resolved_at: datetime | None = None
    """When a person dealt with it."""
    withheld_at: datetime | None = None
    """Since when it waits for a dispute; of one that a person needn't deal with: the bank gave its customer the money."""
    bounced_at: datetime | None = None
    """When it came back after it was settled."""
    sent_at: datetime | None = None
    """The first time."""


@dataclass(frozen=True)
class Mismatch:
    """A payment that brought something else than was asked for, and waits for a person."""

    key: str
    order: str
    gateway: str
    at: datetime
    amount: int
    """Asked for, minor units of `currency`."""
    currency: str
    came: int
    """Minor units of `came_currency`; 0: nothing is booked."""
    came_currency: str
    note: str

    @property
    def is_enough(self) -> bool:
        """Whether it can be taken: what is due is paid by it, and something may be left."""
        return self.came >= self.amount and self.is_same

    @property
    def is_same(self) -> bool:
        """Whether it came in the currency of the order, so that it can go back by itself."""
        return self.came_currency == self.currency


@dataclass(frozen=True)
class OrderDetail:
    """An order with everything that happened to its money."""

    row: OrderRow
    lines: tuple[LineRow, ...]
    payments: tuple[Payment, ...]
    refunds: tuple[RefundRow, ...]
    recipient: str
    phone: str
    address: str
    store: str
    """Where it is collected; empty: it is sent."""
    terms_accepted_at: datetime
    legal_profile: str


def totals(session: Session, campaign_id: int) -> Totals:
    """Return the sums over lines whose deposit is held."""
    units, deposits = (func.coalesce(func.sum(column), 0) for column in (OrderLine.units, OrderLine.deposit))
    stands = (OrderLine.reserved_at.is_not(None), OrderLine.outcome.in_((Outcome.OPEN, Outcome.ALLOCATED)))
    query = select(func.count(OrderLine.order_id.distinct()), units, deposits).where(OrderLine.campaign_id == campaign_id, *stands)
    orders, units_held, deposits_held = session.execute(query).one()
    return Totals(orders, int(units_held), int(deposits_held))


def orders(
    session: Session, campaign_id: int, *, search: str = "", outcome: Outcome | None = None, paid: bool | None = None, page: int = 1
) -> tuple[list[OrderRow], int]:
    """Return one page of a campaign's orders, the newest first, and how many there are in all.

    `search` finds a reference's beginning, an address, or a candidate's code; `paid`: whether any line's deposit was captured.
    """
    query = select(Order).where(Order.campaign_id == campaign_id, *_filters(search.strip(), outcome, paid=paid))
    count = session.scalars(select(func.count()).select_from(query.subquery())).one()
    newest = query.order_by(Order.placed_at.desc(), Order.id.desc()).limit(PAGE).offset((page - 1) * PAGE)
    return _rows(session, session.scalars(newest).all()), count


def _filters(search: str, outcome: Outcome | None, *, paid: bool | None) -> list[ColumnElement[bool]]:
    own = OrderLine.order_id == Order.id
    found: list[ColumnElement[bool]] = []
    if search:
        by_address = exists().where(Address.person_id == Order.person_id, func.lower(Address.value) == search.lower())
        by_code = exists().where(own, OrderLine.candidate_id == Candidate.id, func.lower(Candidate.code) == search.lower())
        found.append(or_(Order.ref.startswith(search, autoescape=True), by_address, by_code))
    if outcome:
        found.append(exists().where(own, OrderLine.outcome == outcome))
    if paid is not None:
        captured = exists().where(own, OrderLine.reserved_at.is_not(None))
        found.append(captured if paid else ~captured)
    return found


def _rows(session: Session, found: Sequence[Order]) -> list[OrderRow]:
    lines: dict[int, list[OrderLine]] = defaultdict(list)
    query = select(OrderLine).where(OrderLine.order_id.in_([order.id for order in found])).order_by(OrderLine.id)
    for line in session.scalars(query.options(joinedload(OrderLine.candidate))):
        lines[line.order_id].append(line)
    addresses = _addresses(session, found)
    return [_row(order, lines[order.id], addresses.get(order.person_id, "")) for order in found]


def _addresses(session: Session, found: Sequence[Order]) -> dict[int, str]:
    """Return each customer's first address, masked, by person; a guest has none."""
    people = select(Address).where(Address.person_id.in_([order.person_id for order in found])).order_by(Address.id.desc())
    return {address.person_id: mask(address.kind, address.value) for address in session.scalars(people)}


def _row(order: Order, lines: Sequence[OrderLine], customer: str) -> OrderRow:
    return OrderRow(
        ref=order.ref,
        placed_at=order.placed_at,
        customer=customer,
        codes=tuple(dict.fromkeys(line.candidate.code for line in lines)),
        units=sum(line.units for line in lines),
        deposit=sum(line.deposit for line in lines),
        outcomes=frozenset(line.outcome for line in lines),
        paid=any(line.reserved_at for line in lines),
    )


def order(session: Session, campaign_id: int, ref: str, *, locale: str) -> OrderDetail:
    """Return one order of the campaign; raises NotFound."""
    found = session.scalars(select(Order).where(Order.campaign_id == campaign_id, Order.ref == ref)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no order %(ref)s in this campaign"), ref=ref)
    lines = select(OrderLine).where(OrderLine.order_id == found.id).order_by(OrderLine.id)
    left = {each.line_id: each for each in session.scalars(select(Withdrawal).where(Withdrawal.order_id == found.id))}
    return OrderDetail(
        row=_rows(session, [found])[0],
        lines=tuple(_line(line, left.get(line.id), locale) for line in session.scalars(lines)),
        payments=tuple(session.scalars(select(Payment).where(Payment.payer == ref).order_by(Payment.id))),
        refunds=tuple(_refund_rows(session, select(Refund).join(Payment).where(Payment.payer == ref).order_by(Refund.id))),
        recipient=found.recipient,
        phone=found.phone,
        address=" ".join(part for part in (found.country, found.postal_code, found.address) if part),
        store=session.scalar(select(Store.name).join(Pickup, Pickup.store_id == Store.id).where(Pickup.order_id == found.id)) or "",
        terms_accepted_at=found.terms_accepted_at,
        legal_profile=found.legal_profile.value,
    )


def _line(line: OrderLine, left: Withdrawal | None, locale: str) -> LineRow:
    return LineRow(
        code=line.candidate.code,
        name=text(line.candidate.name, line.candidate.name_en, locale),
        variant=_called(line.variant, locale),
        second=_called(line.second, locale) if line.outcome is Outcome.OPEN else "",
        ordered=_called(line.first, locale),
        sku=line.variant.sku,
        units=line.units,
        unit_price=line.unit_price,
        final_unit_price=line.final_unit_price,
        deposit=line.deposit,
        outcome=line.outcome,
        fulfilment=line.fulfilment,
        paid=line.reserved_at is not None,
        id=line.id,
        handed_over_at=line.handed_over_at,
        left=left,
    )


def _called(variant: Variant | None, locale: str) -> str:
    options = (variant.option1, variant.option2) if variant else ()
    return " / ".join(text(value.value, value.value_en, locale) for value in options if value)


def open_payments(session: Session, campaign_id: int) -> tuple[int, int]:
    """Return number and sum of payments that nobody knows the end of yet."""
    unsettled = (PaymentState.STARTED, PaymentState.PENDING, PaymentState.UNKNOWN)
    query = select(func.count(), func.coalesce(func.sum(Payment.amount), 0)).join(Order, Order.ref == Payment.payer)
    count, amount = session.execute(query.where(Order.campaign_id == campaign_id, Payment.state.in_(unsettled))).one()
    return count, int(amount)


def mismatches(session: Session, campaign_id: int, *, order: str = "") -> list[Mismatch]:
    """Return the campaign's payments (or one order's) that don't match and wait for a person, oldest first."""
    query = (
        select(Payment, Transfer)
        .join(Order, Order.ref == Payment.payer)
        .outerjoin(Transfer, Transfer.id == literal("mis:").concat(Payment.key))
        .where(Order.campaign_id == campaign_id, Payment.state == PaymentState.MISMATCH)
        .order_by(Payment.id)
    )
    rows = session.execute(query.where(Order.ref == order) if order else query)
    return [_mismatch(payment, came) for payment, came in rows]


def _mismatch(payment: Payment, came: Transfer | None) -> Mismatch:
    asked = (payment.key, payment.payer, payment.gateway, payment.settled_at or payment.checked_at, payment.amount, payment.currency)
    return Mismatch(*asked, came.amount if came else 0, came.currency if came else payment.currency, payment.note)


def refund_sums(session: Session, campaign_id: int) -> dict[RefundState, tuple[int, int]]:
    """Return number and sum of the campaign's refunds by state; a state without any has zeros.

    What a person paid out by hand counts as settled; what was sent anew doesn't count, its successor does.
    """
    state = _STATE.label("standing")
    query = select(state, func.count(), func.sum(Refund.amount)).where(runs.of_campaign(campaign_id), ~runs.REPLACED).group_by(state)
    found = {RefundState(name): (count, int(amount)) for name, count, amount in session.execute(query)}
    return {each: found.get(each, (0, 0)) for each in RefundState}


_STATE = case(
    (runs.TO_DO, RefundState.FAILED.value),
    (Refund.state == RefundState.FAILED, RefundState.SETTLED.value),
    else_=cast(Refund.state, String),
)
"""Where a refund stands for people."""


def refunds(session: Session, campaign_id: int, *, state: RefundState | None = None, page: int = 1) -> list[RefundRow]:
    """Return one page of the campaign's refunds as `refund_sums` counts them, the longest waiting first."""
    query = select(Refund).where(runs.of_campaign(campaign_id), ~runs.REPLACED).order_by(Refund.queued_at, Refund.id)
    if state:
        query = query.where(_STATE.in_((state.value,)))
    return _refund_rows(session, query.limit(PAGE).offset((page - 1) * PAGE))


def undecided_refund(session: Session, campaign_id: int, key: str) -> RefundRow | None:
    """Return one of the campaign's refunds that waits for a person: it failed, or nobody knows its end; None: there is no such one."""
    waits = or_(runs.TO_DO, Refund.state == RefundState.UNKNOWN)
    return next(iter(_refund_rows(session, select(Refund).where(Refund.key == key, runs.of_campaign(campaign_id), waits))), None)


def _refund_rows(session: Session, query: Select[Refund]) -> list[RefundRow]:
    found = session.scalars(query.options(joinedload(Refund.payment))).all()
    parts: dict[int, list[tuple[str | None, RefundReason]]] = defaultdict(list)
    lines = (
        select(RefundLine.refund_id, Candidate.code, RefundLine.reason)
        .outerjoin(OrderLine, OrderLine.id == RefundLine.line_id)
        .outerjoin(Candidate, Candidate.id == OrderLine.candidate_id)
        .where(RefundLine.refund_id.in_([refund.id for refund in found]))
        .order_by(RefundLine.id)
    )
    for key, code, reason in session.execute(lines):
        parts[key].append((code, reason))
    return [_refund_row(refund, parts[refund.id]) for refund in found]


def _refund_row(refund: Refund, parts: Sequence[tuple[str | None, RefundReason]]) -> RefundRow:
    return RefundRow(
        key=refund.key,
        order=refund.payment.payer,
        codes=tuple(dict.fromkeys(code for code, _ in parts if code)),
        reasons=frozenset(reason for _, reason in parts),
        amount=refund.amount,
        currency=refund.payment.currency,
        gateway=refund.payment.gateway,
        state=refund.state,
        attempts=refund.attempts,
        queued_at=refund.queued_at,
        next_attempt_at=refund.next_attempt_at,
        settled_at=refund.settled_at,
        last_error=refund.last_error,
        resolved_at=refund.resolved_at,
        withheld_at=refund.withheld_at,
        bounced_at=refund.bounced_at,
        sent_at=refund.sent_at,
    )
