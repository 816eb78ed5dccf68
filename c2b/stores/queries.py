"""The stores, as lists of customers and staff show them."""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.people.models import Staff
from c2b.stores.models import Store, StoreAssistant
from c2b.stores.rules import Spot, distance_km, middle


@dataclass(frozen=True)
class StoreView:
    """A store; `km`: how far it is from what was asked for, None where that can't be said."""

    id: int
    code: str
    name: str
    address: str
    city: str
    spot: Spot | None
    hours: str
    phone: str
    closed_at: datetime | None = None
    km: float | None = None


def stores(session: Session) -> list[StoreView]:
    """Return all stores by city and name, the closed ones last."""
    found = session.scalars(select(Store).order_by(Store.closed_at.is_not(None), Store.city, Store.name, Store.id))
    return [view(store) for store in found]


def view(store: Store) -> StoreView:
    """Return a store as pages show it."""
    spot = None if store.latitude is None or store.longitude is None else (store.latitude, store.longitude)
    values = {name: getattr(store, name) for name in ("id", "code", "name", "address", "city", "hours", "phone", "closed_at")}
    return StoreView(spot=spot, **values)


def store_of(session: Session, staff_id: int) -> StoreView | None:
    """Return the store that a member of staff works in; None: in none of them more than in others."""
    query = select(Store).join(StoreAssistant, StoreAssistant.store_id == Store.id).where(StoreAssistant.staff_id == staff_id)
    found = session.scalars(query).one_or_none()
    return view(found) if found else None


def workplaces(session: Session) -> dict[str, str]:
    """Return the names of the stores that members of staff work in, by their address."""
    query = select(Staff.email, Store.name).join(StoreAssistant, StoreAssistant.staff_id == Staff.id)
    return dict(session.execute(query.join(Store, Store.id == StoreAssistant.store_id)).all())


def near(session: Session, place: str) -> list[StoreView]:
    """Return the open stores, the nearest to `place` first: 0 km where city, address or name says it, then by distance from their middle.

    Without a place, or where no store says it, by city and name.
    """
    there = [store for store in stores(session) if store.closed_at is None]
    named = {store for store in there if _says(store, place.strip().casefold())}
    centre = middle(store.spot for store in named if store.spot)
    measured = [replace(store, km=0.0 if store in named else _km(centre, store.spot)) for store in there]
    return sorted(measured, key=lambda store: (store.km is None, store.km or 0))


def _says(store: StoreView, place: str) -> bool:
    return bool(place) and place in f"{store.city} {store.address} {store.name}".casefold()


def _km(one: Spot | None, other: Spot | None) -> float | None:
    return distance_km(one, other) if one and other else None
