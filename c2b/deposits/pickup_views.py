"""Orders that are collected, as customers and staff see them, and the message that the goods are in the store."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, tuple_
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Candidate, OptionValue, Variant
from c2b.campaigns.rules import text
from c2b.db import Database
from c2b.deposits.handing_over import may_leave
from c2b.deposits.models import Order, OrderLine, Pickup
from c2b.deposits.parcel_views import STEP
from c2b.deposits.pickups import AT_STORE, ON_THE_WAY
from c2b.deposits.rules import Outcome
from c2b.messages.actions import queue
from c2b.people.models import Address, Person
from c2b.stores.models import Store
from c2b.stores.queries import StoreView, view

_LANGUAGE = "zh_Hans_CN"


@dataclass(frozen=True)
class PickupView:
    """Where a customer collects an order, and the code that they show there."""

    store: StoreView
    code: str


def of_orders(session: Session, orders: Collection[int]) -> dict[int, PickupView]:
    """Return where some orders are collected, by the order's key: one statement."""
    query = select(Pickup, Store).join(Store, Store.id == Pickup.store_id).where(Pickup.order_id.in_(orders))
    return {pickup.order_id: PickupView(view(store), pickup.code) for pickup, store in session.execute(query)}


@dataclass(frozen=True)
class Goods:
    """Pieces of one SKU for one store: on their way, waiting there, handed out, and not paid yet."""

    sku: str
    product: str
    options: str
    on_the_way: int
    waiting: int
    handed_out: int
    unpaid: int


@dataclass(frozen=True)
class StoreGoods:
    """What the customers of a store collect there, SKU by SKU."""

    store: StoreView
    goods: tuple[Goods, ...]

    def total(self, what: str) -> int:
        """Return the pieces of all SKUs that are `on_the_way`, `waiting`, `handed_out` or `unpaid`."""
        return sum(getattr(each, what) for each in self.goods)

    @property
    def to_send(self) -> tuple[Goods, ...]:
        """What goes to the store: paid, and not there yet."""
        return tuple(each for each in self.goods if each.on_the_way)


def by_store(session: Session, campaign: Campaign, *, locale: str) -> list[StoreGoods]:
    """Return what is collected where, of confirmed products: one statement, however many orders."""
    first, second = aliased(OptionValue), aliased(OptionValue)
    names = (Variant.sku, Candidate.name, Candidate.name_en, first.value, first.value_en, second.value, second.value_en)
    query = (
        select(Store, *names, *map(_units, _STATES))
        .join(Pickup, Pickup.store_id == Store.id)
        .join(OrderLine, OrderLine.order_id == Pickup.order_id)
        .join(Candidate, Candidate.id == OrderLine.candidate_id)
        .join(Variant, Variant.id == OrderLine.variant_id)
        .outerjoin(first, first.id == Variant.option1_id)
        .outerjoin(second, second.id == Variant.option2_id)
        .where(OrderLine.campaign_id == campaign.id, OrderLine.outcome == Outcome.ALLOCATED)
        .group_by(*Store.__table__.c, *names)
        .order_by(Store.city, Store.name, Store.id, Variant.sku)
    )
    found: dict[StoreView, list[Goods]] = defaultdict(list)
    for store, sku, name, name_en, one, one_en, two, two_en, *units in session.execute(query):
        options = [text(value, value_en, locale) for value, value_en in ((one, one_en), (two, two_en)) if value]
        found[view(store)].append(Goods(sku, text(name, name_en, locale), " / ".join(options), *map(int, units)))
    return [StoreGoods(store, tuple(goods)) for store, goods in found.items()]


_LEFT = OrderLine.handed_over_at.is_not(None)
_STATES = (may_leave() & ON_THE_WAY, may_leave() & AT_STORE, _LEFT, ~may_leave() & ~_LEFT)


def _units(those: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((those, OrderLine.units), else_=0))


def chosen(session: Session, campaign: Campaign) -> dict[str, int]:
    """Return how many orders are collected in each store, by its code."""
    query = select(Store.code, func.count()).join(Pickup, Pickup.store_id == Store.id).join(Order, Order.id == Pickup.order_id)
    return dict(session.execute(query.where(Order.campaign_id == campaign.id).group_by(Store.code)).all())


def tell_pickups(database: Database, payload: Mapping[str, Any], now: datetime) -> None:
    """Tell the customers whose goods came to a store at the instant in `payload`, each once, in short, resumable steps."""
    at = datetime.fromisoformat(payload["at"])
    after: tuple[int, int] | None = (0, 0)
    while after is not None:
        with database.transaction() as session:
            after = _step(session, session.get_one(Campaign, payload["campaign"]), at, after, now)


def _step(session: Session, campaign: Campaign, at: datetime, after: tuple[int, int], now: datetime) -> tuple[int, int] | None:
    address: ColumnElement[bool] = (Address.person_id == Person.id) & (Address.kind == campaign.identity) & Address.verified_at.is_not(None)
    query = (
        select(Pickup, Order.ref, Store, Person.locale, Address.value, Address.id)
        .join(Order, Order.id == Pickup.order_id)
        .join(Store, Store.id == Pickup.store_id)
        .join(Person, Person.id == Order.person_id)
        .join(Address, address)
        .where(Order.campaign_id == campaign.id, Pickup.arrived_at == at, tuple_(Pickup.order_id, Address.id) > after)
        .order_by(Pickup.order_id, Address.id)
    )
    rows = session.execute(query.limit(STEP)).all()
    for pickup, ref, store, spoken, recipient, _key in rows:
        locale = spoken or _LANGUAGE
        fields = {"order": ref, "campaign": text(campaign.title, campaign.title_en, locale), "path": f"/me/orders/{ref}"}
        fields |= {"store": store.name, "where": " ".join(filter(None, (store.city, store.address, store.hours))) or store.name}
        told = {"channel": campaign.identity.value, "recipient": recipient, "template": "pickup_ready"}
        queue(session, event=f"pickup:{pickup.order_id}:{at.isoformat()}", fields=fields, locale=locale, now=now, **told)
    return (rows[-1][0].order_id, rows[-1][5]) if rows else None
