"""Stores are made and updated from a list, closed and opened again."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.catalogue import ImportReport, import_list
from c2b.campaigns.importing.listing import Listing
from c2b.errors import N_, NotFound
from c2b.people.models import Staff
from c2b.people.rules import Role
from c2b.stores.models import Store, StoreAssistant


def import_stores(session: Session, *, stores: Listing, actor: str, now: datetime, skip_bad: bool = False) -> ImportReport:
    """Make or update stores by their code; none is removed or opened again. With a problem nothing is written unless `skip_bad`."""
    blank = {"address": "", "city": "", "latitude": None, "longitude": None, "hours": "", "phone": "", "closed_at": None}
    return import_list(session, Store, stores, blank=blank, action="stores.import", actor=actor, now=now, skip_bad=skip_bad)


def employ(session: Session, *, email: str, role: Role, store: str, actor: str, now: datetime) -> None:
    """Say where somebody with this role works: an assistant in the store with this code, or without one where they did; others in none.

    Raises NotFound.
    """
    is_assistant = role is Role.ASSISTANT
    if store or not is_assistant:
        assign(session, email=email, code=store if is_assistant else "", actor=actor, now=now)


def assign(session: Session, *, email: str, code: str, actor: str, now: datetime) -> None:
    """Say in which store a member of staff works, who hands out there and nowhere else; empty: in none of them more than in others.

    Raises NotFound.
    """
    member = session.scalars(select(Staff).where(Staff.email == email.strip().lower())).one()
    known = session.get(StoreAssistant, member.id)
    wanted = _store(session, code).id if code else None
    if wanted == (known.store_id if known else None):
        return
    session.execute(delete(StoreAssistant).where(StoreAssistant.staff_id == member.id))
    session.expire_all()
    if wanted:
        session.add(StoreAssistant(staff_id=member.id, store_id=wanted))
    record(session, actor=actor, action="stores.assign", object=member.email, after={"store": code}, now=now)


def close(session: Session, *, code: str, actor: str, now: datetime) -> str:
    """Let nobody choose a store from now on; returns its name. Raises NotFound."""
    return _set_closed(session, code, now, action="stores.close", actor=actor, now=now)


def reopen(session: Session, *, code: str, actor: str, now: datetime) -> str:
    """Let a closed store be chosen again; returns its name. Raises NotFound."""
    return _set_closed(session, code, None, action="stores.reopen", actor=actor, now=now)


def _set_closed(session: Session, code: str, at: datetime | None, *, action: str, actor: str, now: datetime) -> str:
    store = _store(session, code)
    if (store.closed_at is None) != (at is None):
        store.closed_at = at
        record(session, actor=actor, action=action, object=code, now=now)
    return store.name


def _store(session: Session, code: str) -> Store:
    found = session.scalars(select(Store).where(Store.code == code).with_for_update()).one_or_none()
    if found is None:
        raise NotFound(N_("There is no store %(code)s"), code=code[:40])
    return found
