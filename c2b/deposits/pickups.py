"""Orders that are collected in a store: chosen by the customer, announced when the goods are there, handed out once."""

import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, insert, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import CampaignState
from c2b.campaigns.rules import text as text_in
from c2b.deposits.handing_over import hand_over, may_leave
from c2b.deposits.locking import order_by_ref, own_order
from c2b.deposits.models import Obligation, Order, OrderLine, ParcelLine, Pickup
from c2b.deposits.rules import SENT, Fulfilment, ObligationKind, ObligationState, Outcome
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.jobs.actions import enqueue
from c2b.payments.models import Payment
from c2b.payments.rules import OPEN
from c2b.stores.models import Store

_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""None that a person takes for another."""
LENGTH = 8
AT_STORE = OrderLine.fulfilment == Fulfilment.READY
ON_THE_WAY = OrderLine.fulfilment.not_in(SENT)
_SHIPPING = Obligation.kind == ObligationKind.SHIPPING


def movable(session: Session, *, order_ref: str, person_id: int) -> Order:
    """Lock a customer's own order; raises NotFound, Refused once goods have left or wait in a store."""
    order = own_order(session, order_ref, person_id)
    packed = select(ParcelLine.line_id).where(ParcelLine.line_id == OrderLine.id).exists()
    gone = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.fulfilment.in_(SENT) | packed)
    if session.scalars(gone.limit(1)).first() is not None:
        raise Refused(N_("Some of it has left already; write to us if the rest should go elsewhere"))
    return order


def choose(session: Session, *, order_ref: str, person_id: int, store: str, now: datetime) -> str:
    """Let a customer collect their own order in the store with this code, without shipping costs; returns the store's name.

    Raises NotFound, Invalid (field `store`) for no open store, Refused once goods have left, while a payment runs, and where the
    shipping is paid.
    """
    order = movable(session, order_ref=order_ref, person_id=person_id)
    found = session.scalars(select(Store).where(Store.code == store, Store.closed_at.is_(None))).one_or_none()
    if found is None:
        raise Invalid(N_("Choose one of the stores"), field="store")
    _require_free(session, order)
    due = (Obligation.order_id == order.id) & _SHIPPING & (Obligation.state == ObligationState.DUE)
    session.execute(update(Obligation).where(due).values(state=ObligationState.VOID))
    known = session.get(Pickup, order.id)
    if known is None:
        session.add(Pickup(order_id=order.id, store_id=found.id, code=new_code(), chosen_at=now))
    else:
        known.store_id, known.chosen_at = found.id, now
    session.flush()
    return found.name


def _require_free(session: Session, order: Order) -> None:
    """Raise Refused where money for the shipping is here or on its way."""
    running = select(Payment.id).where(Payment.payer == order.ref, Payment.state.in_(OPEN))
    if session.scalars(running.limit(1)).first() is not None:
        raise Refused(N_("A payment is being processed; choose the store when its result is known"))
    paid = select(Obligation.id).where(Obligation.order_id == order.id, _SHIPPING, Obligation.state == ObligationState.PAID)
    if session.scalars(paid.limit(1)).first() is not None:
        raise Refused(N_("The shipping is paid already; write to us if you would rather collect it"))


def new_code() -> str:
    """Return a code that nobody guesses: one of 31 letters and digits, eight times."""
    return "".join(secrets.choice(_LETTERS) for _ in range(LENGTH))


def drop(session: Session, order: Order, now: datetime) -> None:
    """Let an order be sent after all: its shipping is owed as everybody's is. The caller holds the order's lock."""
    known = session.get(Pickup, order.id)
    if known is None:
        return
    session.delete(known)
    if _owes_shipping(session, order):
        _owe_shipping(session, order, now)
    session.flush()


def _owe_shipping(session: Session, order: Order, now: datetime) -> None:
    """Let the shipping be due: what was due before, or a first one."""
    void = (Obligation.order_id == order.id) & _SHIPPING & (Obligation.state == ObligationState.VOID)
    again = session.execute(update(Obligation).where(void).values(state=ObligationState.DUE).returning(Obligation.id)).first()
    if again is None:
        due_at = order.campaign.balance_due or now
        owed = {"order_id": order.id, "kind": ObligationKind.SHIPPING, "amount": order.campaign.shipping, "due_at": due_at}
        session.execute(insert(Obligation).values(**owed, state=ObligationState.DUE))


def _owes_shipping(session: Session, order: Order) -> bool:
    decided = order.campaign.state in (CampaignState.DECIDED, CampaignState.COMPLETED)
    made = select(OrderLine.id).where(OrderLine.order_id == order.id, OrderLine.outcome == Outcome.ALLOCATED)
    return bool(decided and order.campaign.shipping and session.scalars(made.limit(1)).first())


def arrive(session: Session, *, slug: str, store: str, came: Mapping[str, int], actor: str, now: datetime) -> int:
    """Note the pieces by SKU that came to a store; returns how many lines of its customers are ready now.

    Where fewer came than are on their way, whole lines are ready by the time of their deposit. Customers are told by a job. Raises
    NotFound; Refused without a piece, for more than are on their way, and where they complete no line. Few statements, however many
    orders.
    """
    campaign, there, quietly = locked(session, slug), _store(session, store), {"synchronize_session": False}
    pieces = {sku: units for sku, units in came.items() if units}
    if not pieces:
        raise Refused(N_("Enter how many pieces have arrived"))
    _require_sent(session, campaign, there, pieces)
    lines = _earliest(campaign, there, pieces).subquery()
    session.execute(update(Pickup).where(Pickup.order_id.in_(select(lines.c.order_id))).values(arrived_at=now), execution_options=quietly)
    ready = update(OrderLine).where(OrderLine.id.in_(select(lines.c.id))).values(fulfilment=Fulfilment.READY)
    count = len(session.scalars(ready.returning(OrderLine.id), execution_options=quietly).all())
    if not count:
        raise Refused(N_("These pieces complete nobody’s order line yet; enter them when the rest is there"))
    session.expire_all()
    payload, key = {"campaign": campaign.id, "at": now.isoformat()}, f"deposits.tell_pickups:{campaign.id}:{now.isoformat()}"
    enqueue(session, kind="deposits.tell_pickups", payload=payload, key=key, now=now)
    record(session, actor=actor, action="deposits.arrive", campaign=slug, object=store, after={"lines": count, "pieces": pieces}, now=now)
    return count


def _require_sent(session: Session, campaign: Campaign, there: Store, pieces: Mapping[str, int]) -> None:
    """Raise Refused where more pieces of a SKU would have come than a store's customers wait for."""
    waits = _lines_of(campaign, there, pieces, ON_THE_WAY).with_only_columns(Variant.sku, func.sum(OrderLine.units))
    sent = {sku: int(units) for sku, units in session.execute(waits.group_by(Variant.sku))}
    for sku, units in pieces.items():
        most = sent.get(sku, 0)
        if units > most:
            raise Refused(
                N_("%(store)s waits for %(most)s of %(sku)s, not for %(units)s"),
                sku=sku,
                most=most,
                store=there.name,
                units=units,
            )


def _earliest(campaign: Campaign, there: Store, pieces: Mapping[str, int]) -> Select[int, int]:
    """Select the lines for which the pieces that came are enough, the earliest deposits first; none is ready in part."""
    so_far = func.sum(OrderLine.units).over(partition_by=OrderLine.variant_id, order_by=(OrderLine.reserved_at, OrderLine.id))
    lines = _lines_of(campaign, there, pieces, ON_THE_WAY).add_columns(Variant.sku, so_far.label("so_far")).subquery()
    return select(lines.c.id, lines.c.order_id).where(lines.c.so_far <= case(dict(pieces), value=lines.c.sku))


def _of_campaign(campaign: Campaign) -> ColumnElement[bool]:
    return Pickup.order_id.in_(select(Order.id).where(Order.campaign_id == campaign.id))


def _store(session: Session, code: str) -> Store:
    found = session.scalars(select(Store).where(Store.code == code)).one_or_none()
    if found is None:
        raise NotFound(N_("There is no store %(code)s"), code=code[:40])
    return found


def _lines_of(campaign: Campaign, store: Store, skus: Collection[str], where: ColumnElement[bool]) -> Select[int, int]:
    """Select the lines of some SKUs, with their orders, that a store's customers wait for."""
    query = select(OrderLine.id, OrderLine.order_id).join(Pickup, Pickup.order_id == OrderLine.order_id)
    query = query.join(Variant, Variant.id == OrderLine.variant_id)
    own = (OrderLine.campaign_id == campaign.id) & (Pickup.store_id == store.id) & may_leave()
    return query.where(own, where, Variant.sku.in_(skus))


def not_there(session: Session, *, slug: str, store: str, sku: str, actor: str, now: datetime) -> int:
    """Take back that a SKU arrived in a store, where that was entered wrongly; returns how many lines wait for it again.

    What was handed out stays so; customers of whom nothing waits there any more aren't told that it does. Raises NotFound, Refused
    where nothing of it waits there.
    """
    campaign, there, quietly = locked(session, slug), _store(session, store), {"synchronize_session": False}
    wrong = _lines_of(campaign, there, [sku], AT_STORE).subquery()
    back = update(OrderLine).where(OrderLine.id.in_(select(wrong.c.id))).values(fulfilment=Fulfilment.NONE)
    count = len(session.scalars(back.returning(OrderLine.id), execution_options=quietly).all())
    waits = select(OrderLine.id).where(OrderLine.order_id == Pickup.order_id, AT_STORE).exists()
    empty = update(Pickup).where(Pickup.store_id == there.id, _of_campaign(campaign), ~waits).values(arrived_at=None)
    session.execute(empty, execution_options=quietly)
    if not count:
        raise Refused(N_("Nothing of this waits in %(store)s"), store=there.name)
    session.expire_all()
    record(session, actor=actor, action="deposits.not_there", campaign=slug, object=store, before={"lines": count, "sku": sku}, now=now)
    return count


@dataclass(frozen=True)
class Waiting:
    """What waits in a store under a code: the order, and its goods as name, SKU and units."""

    order: str
    store: str
    goods: tuple[tuple[str, str, int], ...]

    @property
    def units(self) -> int:
        """All pieces."""
        return sum(units for _, _, units in self.goods)


def waiting(session: Session, *, code: str, store_id: int | None, locale: str) -> Waiting:
    """Return what can be handed out for a code; raises as `hand_out`."""
    pickup, order, store = _by_code(session, code, store_id)
    rows = session.execute(
        select(Candidate.name, Candidate.name_en, Variant.sku, OrderLine.units)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .where(OrderLine.order_id == pickup.order_id, may_leave(), AT_STORE)
        .order_by(OrderLine.id)
    )
    goods = tuple((text_in(name, name_en, locale), sku, units) for name, name_en, sku, units in rows)
    if not goods:
        raise _nothing(session, pickup)
    return Waiting(order.ref, store.name, goods)


def hand_out(session: Session, *, code: str, store_id: int | None, actor: str, now: datetime) -> int:
    """Hand out what waits under a code, in the store of who asks (None: in any); returns how many lines that is.

    At two counters at once only one does: the other is refused. Raises Invalid (field `code`) for an unknown code; Refused in another
    store, before the goods are there, and once they were handed out.
    """
    pickup, order, _ = _by_code(session, code, store_id)
    order_by_ref(session, order.ref)
    ready = select(OrderLine.id).where(OrderLine.order_id == pickup.order_id, may_leave(), AT_STORE)
    lines = session.scalars(ready.order_by(OrderLine.id)).all()
    if not lines:
        raise _nothing(session, pickup)
    return hand_over(session, order_ref=order.ref, lines=lines, how=Fulfilment.PICKED_UP, at=now, actor=actor, now=now)


def _by_code(session: Session, code: str, store_id: int | None) -> tuple[Pickup, Order, Store]:
    plain = "".join(code.upper().split()).replace("-", "")
    found = select(Pickup, Order, Store).join(Order, Order.id == Pickup.order_id).join(Store, Store.id == Pickup.store_id)
    row = session.execute(found.where(Pickup.code == plain)).one_or_none() if len(plain) == LENGTH else None
    if row is None:
        raise Invalid(N_("No order has this code; read it again from the customer’s order page"), field="code")
    pickup, order, store = row
    if store_id not in (None, store.id):
        raise Refused(N_("These goods are collected in %(store)s"), store=store.name)
    return pickup, order, store


def _nothing(session: Session, pickup: Pickup) -> Refused:
    """Say why nothing can be handed out."""
    last = select(func.max(OrderLine.handed_over_at)).where(OrderLine.order_id == pickup.order_id)
    if session.scalar(last) is not None:
        return Refused(N_("This was handed out already; nothing more of this order is here"))
    return Refused(N_("Nothing of this order is in the store yet"))
