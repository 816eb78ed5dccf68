"""Parcels as customers and staff see them, and the message that one is on its way."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.handing_over import is_collected, may_leave
from c2b.deposits.models import Order, OrderLine, Parcel, ParcelLine
from c2b.deposits.rules import Fulfilment
from c2b.errors import N_, NotFound, Refused
from c2b.messages.actions import queue
from c2b.people.models import Address, Person

STEP = 200
MOST = 100
"""Parcels listed at once."""
_LANGUAGE = "zh_Hans_CN"
_TRACKED_AT = {
    "DHL": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=",
    "UPS": "https://www.ups.com/track?tracknum=",
    "FEDEX": "https://www.fedex.com/fedextrack/?trknbr=",
}


@dataclass(frozen=True)
class ParcelView:
    """A parcel with what it holds: name or SKU, and units."""

    id: int
    order: str
    carrier: str
    number: str
    sent_on: date
    delivered_on: date | None
    goods: tuple[tuple[str, int], ...]

    @property
    def address(self) -> str:
        """Where its carrier shows the way of it; empty for carriers that we can't name surely."""
        begins = _TRACKED_AT.get(self.carrier.upper().split(" ")[0], "")
        return begins + self.number if begins and self.number.isalnum() else ""


def of_orders(session: Session, orders: Collection[int], *, locale: str) -> dict[int, tuple[ParcelView, ...]]:
    """Return the parcels of some orders by the order's key, the first sent first: one statement."""
    found: dict[int, list[ParcelView]] = defaultdict(list)
    query = _rows().where(Parcel.order_id.in_(orders)).order_by(Parcel.sent_on, Parcel.id, ParcelLine.line_id)
    for parcel, goods in _grouped(session, query, lambda row: text(row.name, row.name_en, locale)):
        found[parcel.order_id].append(goods)
    return {order: tuple(parcels) for order, parcels in found.items()}


def latest(session: Session, campaign: Campaign, *, search: str = "") -> list[ParcelView]:
    """Return the campaign's last parcels, or those of an order or number that is looked for; goods by SKU."""
    chosen = select(Parcel.id).join(Order, Order.id == Parcel.order_id).where(Order.campaign_id == campaign.id)
    if search:
        chosen = chosen.where(or_(Order.ref == search, Parcel.number == search))
    query = _rows().where(Parcel.id.in_(chosen.order_by(Parcel.id.desc()).limit(MOST))).order_by(Parcel.id.desc(), ParcelLine.line_id)
    return [goods for _, goods in _grouped(session, query, lambda row: row.sku)]


def _rows() -> Any:
    return (
        select(Parcel, Order.ref, ParcelLine.units, Variant.sku, Candidate.name, Candidate.name_en)
        .join(Order, Order.id == Parcel.order_id)
        .join(ParcelLine, ParcelLine.parcel_id == Parcel.id)
        .join(OrderLine, OrderLine.id == ParcelLine.line_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
    )


def _grouped(session: Session, query: Any, name: Any) -> list[tuple[Parcel, ParcelView]]:
    held: dict[int, list[tuple[str, int]]] = defaultdict(list)
    parcels: dict[int, tuple[Parcel, str]] = {}
    for row in session.execute(query):
        parcels[row.Parcel.id] = (row.Parcel, row.ref)
        held[row.Parcel.id].append((name(row), row.units))
    return [
        (each, ParcelView(key, ref, each.carrier, each.number, each.sent_on, each.delivered_on, tuple(held[key])))
        for key, (each, ref) in parcels.items()
    ]


@dataclass(frozen=True)
class Shipping:
    """How far the delivery of a campaign is: orders and units that can leave, units that left and that were delivered."""

    orders: int
    units: int
    sent: int
    delivered: int


def shipping(session: Session, campaign: Campaign) -> Shipping:
    """Return how far delivery is: two statements."""
    packed = select(func.coalesce(func.sum(ParcelLine.units), 0)).where(ParcelLine.line_id == OrderLine.id).correlate(OrderLine)
    left = OrderLine.units - packed.scalar_subquery()
    ready = (OrderLine.campaign_id == campaign.id) & may_leave() & ~is_collected()
    waits = select(func.count(OrderLine.order_id.distinct()), func.coalesce(func.sum(left), 0))
    orders, units = session.execute(waits.where(ready, left > 0)).one()
    done = func.coalesce(func.sum(ParcelLine.units).filter(Parcel.delivered_on.is_not(None)), 0)
    gone = select(func.coalesce(func.sum(ParcelLine.units), 0), done).join(Parcel, Parcel.id == ParcelLine.parcel_id)
    sent, delivered = session.execute(gone.join(Order, Order.id == Parcel.order_id).where(Order.campaign_id == campaign.id)).one()
    return Shipping(int(orders), int(units), int(sent), int(delivered))


def take_out(session: Session, *, slug: str, parcel: int, actor: str, now: datetime) -> str:
    """Remove a parcel that was entered wrongly and return its number; raises NotFound, Refused once it was delivered."""
    campaign = locked(session, slug)
    query = select(Parcel, Order.ref).join(Order, Order.id == Parcel.order_id)
    row = session.execute(query.where(Parcel.id == parcel, Order.campaign_id == campaign.id)).one_or_none()
    if row is None:
        raise NotFound(N_("There is no such parcel"))
    found, ref = row
    if found.delivered_on:
        raise Refused(N_("This parcel was delivered; its goods are handed over"))
    before = {"carrier": found.carrier, "number": found.number}
    inside = select(ParcelLine.line_id).where(ParcelLine.parcel_id == found.id)
    here = update(OrderLine).where(OrderLine.id.in_(inside)).values(fulfilment=Fulfilment.NONE)
    session.execute(here, execution_options={"synchronize_session": False})
    session.execute(delete(ParcelLine).where(ParcelLine.parcel_id == found.id))
    session.delete(found)
    session.flush()
    record(session, actor=actor, action="deposits.take_out_parcel", campaign=slug, object=ref, before=before, now=now)
    return str(before["number"])


def tell_parcels(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers of the parcels that were entered at the instant in `payload`, each once, in short, resumable steps."""
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, payload["campaign"]), datetime.fromisoformat(payload["at"]), after, now)


def _step(session: Session, campaign: Campaign, at: datetime, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    address = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    query = (
        select(Parcel, Order.ref, Person.locale, Address.value, Address.id)
        .join(Order, Order.id == Parcel.order_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .where(Order.campaign_id == campaign.id, Parcel.entered_at == at, tuple_(Parcel.id, Address.id) > after)
        .order_by(Parcel.id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for parcel, ref, spoken, recipient, _key in rows:
        locale = spoken or _LANGUAGE
        fields = {"order": ref, "campaign": text(campaign.title, campaign.title_en, locale), "path": f"/me/orders/{ref}"}
        fields |= {"carrier": parcel.carrier, "number": parcel.number}
        told = {"channel": campaign.identity.value, "recipient": recipient, "template": "parcel_sent"}
        queue(session, event=f"parcel:{parcel.id}", fields=fields, locale=locale, now=now, **told)
    return (rows[-1][0].id, rows[-1][4]) if rows else None
