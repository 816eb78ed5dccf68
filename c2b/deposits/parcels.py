"""Parcels: what left for whom in which parcel, told to the customer; delivered, their goods are handed over."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.importing.findings import Findings
from c2b.campaigns.models import Campaign, Variant
from c2b.db import Base, insert_rows
from c2b.deposits.handing_over import hand_over, is_collected
from c2b.deposits.models import Obligation, Order, OrderLine, Parcel, ParcelLine, Withdrawal
from c2b.deposits.parcel_file import Entries, Entry
from c2b.deposits.rules import Fulfilment, ObligationState, Outcome
from c2b.errors import N_, Invalid, Refused
from c2b.jobs.actions import enqueue

_AT_ONCE = 500
"""Keys in one statement."""
_Name = tuple[int, str, str]
"""A parcel by order, carrier and number."""


@dataclass
class _Line:
    """A line of an order that the file names: what may leave of it, why nothing may, and in which parcels it is."""

    id: int
    order_id: int
    order: str
    units: int
    why: tuple[str, str] | None
    parcels: dict[tuple[str, str], tuple[int, int, date | None]]
    """By carrier and number: the parcel's key, units in it, the day it was delivered."""

    @property
    def left(self) -> int:
        """Units that aren't in a parcel."""
        return self.units - sum(units for _, units, _ in self.parcels.values())


@dataclass(frozen=True)
class Sent:
    """What an import of parcels did, or would do; `delivered`: lines whose goods are handed over by it."""

    written: bool
    parcels: int
    delivered: int
    unchanged: int
    findings: Findings


def enter(session: Session, *, slug: str, entries: Entries, actor: str, now: datetime) -> Sent:
    """Enter the parcels of a file, all or none; the same file again changes nothing, with days of delivery filled in those are entered.

    Nothing more leaves than was ordered and paid. Goods whose units were all delivered are handed over. Customers of new parcels are told
    by a job. Raises NotFound.
    """
    campaign = locked(session, slug)
    lines = _lines(session, campaign, sorted({entry.order for entry in entries.rows}))
    found = _sorted(entries, lines)
    if entries.findings.problems:
        return Sent(written=False, parcels=0, delivered=0, unchanged=found.unchanged, findings=entries.findings)
    _leave(session, [line.id for _, line in found.new if line.left == 0])
    if count := _pack(session, found.new, now):
        payload, key = {"campaign": campaign.id, "at": now.isoformat()}, f"deposits.tell_parcels:{campaign.id}:{now.isoformat()}"
        enqueue(session, kind="deposits.tell_parcels", payload=payload, key=key, now=now)
    delivered = _deliver(session, campaign, found.done, entries.findings, actor=actor, now=now)
    if count or delivered:
        after = {"parcels": count, "delivered_lines": delivered}
        record(session, actor=actor, action="deposits.enter_parcels", campaign=slug, after=after, now=now)
    return Sent(written=True, parcels=count, delivered=delivered, unchanged=found.unchanged, findings=entries.findings)


_NOT_CONFIRMED = (N_("this product isn’t confirmed for this order, or was left"), N_("take the row out"))
_HANDED_OVER = (N_("these goods were handed over already"), N_("take the row out"))
_NOT_PAID = (N_("the balance or the shipping isn’t paid yet"), N_("keep the goods until it is; take the row out"))
_COLLECTED = (N_("the customer collects this order in a store"), N_("send it there; take the row out"))
_WITHDRAWN = (N_("the customer has withdrawn from this"), N_("keep the goods; take the row out"))


def _lines(session: Session, campaign: Campaign, refs: list[str]) -> dict[tuple[str, str], _Line]:
    """Return the lines of some orders by order and SKU: two statements for each five hundred orders."""
    found: dict[tuple[str, str], _Line] = {}
    for chunk in _chunks(refs):
        own = (Order.campaign_id == campaign.id) & Order.ref.in_(chunk)
        by_id = {}
        for ref, sku, *facts in session.execute(_line_facts().where(own)):
            by_id[facts[0]] = found[ref, sku] = _line(ref, facts)
        packed = select(ParcelLine.line_id, Parcel.carrier, Parcel.number, Parcel.id, ParcelLine.units, Parcel.delivered_on)
        packed = packed.join(Parcel, Parcel.id == ParcelLine.parcel_id).join(Order, Order.id == Parcel.order_id)
        for line, carrier, number, key, units, delivered in session.execute(packed.where(own)):
            by_id[line].parcels[carrier, number] = (key, units, delivered)
    return found


def _line_facts() -> Any:
    of_line = or_(Obligation.line_id == OrderLine.id, Obligation.line_id.is_(None))
    due = select(Obligation.id).where(Obligation.order_id == Order.id, of_line, Obligation.state == ObligationState.DUE)
    left = select(Withdrawal.line_id).where(Withdrawal.line_id == OrderLine.id)
    return (
        select(Order.ref, Variant.sku, OrderLine.id, Order.id, OrderLine.units, OrderLine.outcome, OrderLine.handed_over_at)
        .add_columns(due.correlate(Order, OrderLine).exists(), left.correlate(OrderLine).exists(), is_collected())
        .join(OrderLine, OrderLine.order_id == Order.id)
        .join(Variant, Variant.id == OrderLine.variant_id)
    )


def _line(ref: str, facts: Sequence[Any]) -> _Line:
    key, order_id, units, outcome, handed_over, is_due, has_left, collects = facts
    reasons = (
        (outcome is not Outcome.ALLOCATED, _NOT_CONFIRMED),
        (handed_over is not None, _HANDED_OVER),
        (has_left, _WITHDRAWN),
        (collects, _COLLECTED),
        (is_due, _NOT_PAID),
    )
    return _Line(key, order_id, ref, units, next((why for stands, why in reasons if stands), None), {})


def _leave(session: Session, lines: list[int]) -> None:
    """Note that nothing of some lines is here any more."""
    for chunk in _chunks(lines):
        gone = update(OrderLine).where(OrderLine.id.in_(chunk)).values(fulfilment=Fulfilment.SHIPPED)
        session.execute(gone, execution_options={"synchronize_session": False})
    session.expire_all()


@dataclass
class _Sorted:
    """The rows of a file by what they ask for; what can't be went to the findings."""

    new: list[tuple[Entry, _Line]]
    done: list[tuple[Entry, _Line]]
    unchanged: int = 0


def _sorted(entries: Entries, lines: Mapping[tuple[str, str], _Line]) -> _Sorted:
    found, orders = _Sorted([], []), {order for order, _sku in lines}
    for entry in entries.rows:
        line = lines.get((entry.order, entry.sku))
        if line is None:
            _unknown(entries, entry, is_order_known=entry.order in orders)
        else:
            _sort(found, entries, entry, line)
    return found


def _sort(found: _Sorted, entries: Entries, entry: Entry, line: _Line) -> None:
    known = line.parcels.get((entry.carrier, entry.number))
    if known is None:
        if _fits(entries, entry, line):
            line.parcels[entry.carrier, entry.number] = (0, entry.units, None)
            found.new.append((entry, line))
    elif known[1] != entry.units:
        _wrong(entries, entry, "units", N_("this parcel holds %(units)s of it already"), _TAKE_OUT, units=known[1])
    else:
        found.unchanged += 1
    if entry.delivered and not (known and known[2]):
        found.done.append((entry, line))


_TAKE_OUT = N_("take the parcel out on the page of shipping, then import it again; or take the row out")


def _unknown(entries: Entries, entry: Entry, *, is_order_known: bool) -> None:
    if is_order_known:
        _wrong(entries, entry, "sku", N_("this order has no such SKU"), N_("copy it from the export of shipments"))
    else:
        _wrong(entries, entry, "order", N_("there is no such order in this campaign"), N_("copy its number from the export of shipments"))


def _fits(entries: Entries, entry: Entry, line: _Line) -> bool:
    if line.why:
        _wrong(entries, entry, "order", *line.why)
    elif entry.units > line.left:
        _wrong(entries, entry, "units", N_("only %(left)s of it are left to send"), N_("correct the number"), left=line.left)
    else:
        return True
    return False


def _wrong(entries: Entries, entry: Entry, own: str, message: str, repair: str, **values: Any) -> None:
    shown = str(getattr(entry, own))
    entries.findings.problem(message, repair, row=entry.row, column=entries.columns[own], value=shown, **values)


def _pack(session: Session, new: Iterable[tuple[Entry, _Line]], now: datetime) -> int:
    """Store new parcels and what they hold; returns how many parcels are new."""
    held: dict[_Name, list[tuple[Entry, _Line]]] = defaultdict(list)
    for entry, line in new:
        held[line.order_id, entry.carrier, entry.number].append((entry, line))
    known = _keys(session, held)
    rows = [_row(name, own[0][0], now) for name, own in held.items() if name not in known]
    _insert(session, Parcel, rows)
    keys = known | _keys(session, held)
    inside = ((keys[name], pair) for name, own in held.items() for pair in own)
    _insert(session, ParcelLine, [{"parcel_id": key, "line_id": line.id, "units": entry.units} for key, (entry, line) in inside])
    return len(rows)


def _row(name: _Name, first: Entry, now: datetime) -> dict[str, Any]:
    order, carrier, number = name
    return {"order_id": order, "carrier": carrier, "number": number, "sent_on": first.sent, "delivered_on": None, "entered_at": now}


def _insert(session: Session, table: type[Base], rows: list[dict[str, Any]]) -> None:
    if rows:
        insert_rows(session, table, rows)


def _keys(session: Session, held: Collection[_Name]) -> dict[_Name, int]:
    found: dict[_Name, int] = {}
    for chunk in _chunks(sorted({order for order, _, _ in held})):
        query = select(Parcel.order_id, Parcel.carrier, Parcel.number, Parcel.id).where(Parcel.order_id.in_(chunk))
        found |= {(order, carrier, number): key for order, carrier, number, key in session.execute(query)}
    return found


def _deliver(
    session: Session, campaign: Campaign, done: Iterable[tuple[Entry, _Line]], findings: Findings, *, actor: str, now: datetime
) -> int:
    """Note that parcels were delivered, and hand over the lines whose units all were; returns how many lines that is."""
    by_order: dict[str, list[tuple[Entry, _Line]]] = defaultdict(list)
    for entry, line in done:
        by_order[line.order].append((entry, line))
        named = (Parcel.order_id == line.order_id) & (Parcel.carrier == entry.carrier) & (Parcel.number == entry.number)
        session.execute(update(Parcel).where(named).values(delivered_on=entry.delivered))
    count = 0
    for order, own in by_order.items():
        last = max(entry.delivered or date.min for entry, _ in own)
        ends = datetime.combine(last + timedelta(days=1), time(), ZoneInfo(campaign.time_zone))
        facts: dict[str, Any] = {"lines": _all_there(session, {line.id for _, line in own}), "at": min(ends - timedelta(seconds=1), now)}
        try:
            with session.begin_nested():
                count += hand_over(session, order_ref=order, how=Fulfilment.SHIPPED, actor=actor, now=now, **facts)
        except (Refused, Invalid) as problem:  # the parcel came all the same; the rest is a person's to look at
            findings.notice(problem.message, row=own[0][0].row, value=order, **problem.values)
    return count


def _all_there(session: Session, lines: Collection[int]) -> list[int]:
    """Return those of some lines whose units were all delivered."""
    there = func.coalesce(func.sum(ParcelLine.units).filter(Parcel.delivered_on.is_not(None)), 0)
    query = (
        select(OrderLine.id)
        .join(ParcelLine, ParcelLine.line_id == OrderLine.id)
        .join(Parcel, Parcel.id == ParcelLine.parcel_id)
        .where(OrderLine.id.in_(lines))
        .group_by(OrderLine.id, OrderLine.units)
        .having(there == OrderLine.units)
    )
    return list(session.scalars(query.order_by(OrderLine.id)))


def _chunks(keys: list[Any]) -> Iterator[list[Any]]:
    return (keys[first : first + _AT_ONCE] for first in range(0, len(keys), _AT_ONCE))
