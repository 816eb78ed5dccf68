"""A production order on its way: approved, sent, changed, delivered in parts, closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.models import Campaign
from c2b.errors import N_, Invalid, NotFound, Refused
from c2b.production import sharing
from c2b.production.models import ProductionOrder, ProductionOrderLine, ProductionRevision, ProductionStep, Receipt, ReceiptLine
from c2b.production.progress import arrived
from c2b.production.rules import Grade, ProductionOrderState, is_revised, next_states, takes_goods

Units = Mapping[int, int]
"""Units by the number of a line."""


@dataclass(frozen=True)
class Words:
    """What a person says with a step: the day that the supplier promised, if it did, and a note."""

    expected: date | None = None
    note: str = ""


@dataclass(frozen=True)
class Opened:
    """A production order that somebody works on, its campaign locked."""

    session: Session
    campaign: Campaign
    order: ProductionOrder
    actor: str
    now: datetime

    def lines(self) -> list[ProductionOrderLine]:
        """Return its lines as they are now."""
        query = select(ProductionOrderLine).where(ProductionOrderLine.production_order_id == self.order.id)
        return list(self.session.scalars(query.order_by(ProductionOrderLine.line).execution_options(populate_existing=True)))

    def arrived(self) -> Units:
        """Return the good pieces that came, by the number of a line."""
        return arrived(self.session, self.order.id)

    def step(self, to: ProductionOrderState, said: Words) -> None:
        """Enter a state."""
        self.order.state = to
        told = {"state": to, "at": self.now, "actor": self.actor, "expected": said.expected, "note": said.note.strip()}
        self.session.add(ProductionStep(production_order_id=self.order.id, **told))
        self.session.flush()

    def revise(self, changed: Sequence[tuple[ProductionOrderLine, int]], reason: str) -> None:
        """Keep lines, whose units were others before, as a new revision, if the factory has the order; raises Invalid without a reason."""
        if not is_revised(self.order.state):
            return
        if not reason.strip():
            raise Invalid(N_("The factory has the order: say why it changes"), field="reason")
        self.order.revision += 1
        told = {"revision": self.order.revision, "reason": reason.strip(), "at": self.now, "actor": self.actor}
        for line, before in changed:
            self.session.add(ProductionRevision(line_id=line.id, before=before, after=line.units_ordered + line.units_extra, **told))
        self.session.flush()

    def log(self, action: str, after: Mapping[str, Any], reason: str = "") -> None:
        """Write what was done into the audit log."""
        slug, number = self.campaign.slug, self.order.number
        told: dict[str, Any] = {"after": dict(after), "reason": reason.strip()}
        record(self.session, actor=self.actor, action=action, campaign=slug, object=number, now=self.now, **told)


def opened(session: Session, *, slug: str, number: str, actor: str, now: datetime) -> Opened:
    """Open a production order to work on it; raises NotFound."""
    campaign = locked(session, slug)
    query = select(ProductionOrder).where(ProductionOrder.campaign_id == campaign.id, ProductionOrder.number == number)
    order = session.scalars(query.execution_options(populate_existing=True)).one_or_none()
    if order is None:
        raise NotFound(N_("There is no production order %(number)s in this campaign"), number=number)
    return Opened(session, campaign, order, actor, now)


def advance(at: Opened, to: ProductionOrderState, said: Words) -> None:
    """Move a production order on; raises Refused where `to` isn't one of its next states.

    Closing asks for a note while pieces are missing, and that what came is shared out first where customers wait for more.
    """
    if to not in next_states(at.order.state):
        wrong = N_("%(number)s is “%(state)s” and can’t become “%(to)s” now")
        raise Refused(wrong, number=at.order.number, state=at.order.state.value, to=to.value)
    if to is ProductionOrderState.CLOSED:
        _closes(at, said)
    at.step(to, said)
    at.log("production.advance", {"state": to.value, "expected": said.expected and said.expected.isoformat()}, said.note)


def _closes(at: Opened, said: Words) -> None:
    if sharing.shortage(at.session, at.campaign, at.order.id).lines:
        raise Refused(N_("Customers wait for pieces that didn’t come; share out what came first"))
    came = at.arrived()
    if not said.note.strip() and any(came.get(line.line, 0) < line.units_ordered + line.units_extra for line in at.lines()):
        raise Invalid(N_("Pieces are missing; note why, then close"), field="note")


def change(at: Opened, extra: Units, reason: str) -> int:
    """Set the extra stock of lines; returns how many changed. Once the factory has the order that is a new revision with a reason.

    Raises Invalid for a line without pieces, fewer pieces than came already, and a revision without a reason; Refused once the order is
    closed. Customers' units never change here.
    """
    if at.order.state is ProductionOrderState.CLOSED:
        raise Refused(N_("%(number)s is closed"), number=at.order.number)
    came, changed = at.arrived(), []
    for line in at.lines():
        wanted = extra.get(line.line, line.units_extra)
        if wanted != line.units_extra:
            _enough(line, wanted, came.get(line.line, 0))
            changed.append((line, line.units_ordered + line.units_extra))
            line.units_extra = wanted
    if changed:
        at.revise(changed, reason)
        at.log(
            "production.change", {"revision": at.order.revision, "extra": {str(one.line): one.units_extra for one, _ in changed}}, reason
        )
    return len(changed)


def _enough(line: ProductionOrderLine, extra: int, came: int) -> None:
    if extra < 0 or line.units_ordered + extra == 0:
        raise Invalid(N_("Line %(line)s would have no pieces left"), field=f"extra-{line.line}", line=line.line)
    if line.units_ordered + extra < came:
        raise Invalid(N_("Line %(line)s: %(came)s pieces came already"), field=f"extra-{line.line}", line=line.line, came=came)


def receive(at: Opened, units: Mapping[tuple[int, Grade], int], *, on: date, note: str = "") -> int:
    """Enter a delivery: units by line number and grade; returns its key. The first one makes the order received.

    Raises Invalid without a piece, for a line that doesn't exist, or for more good pieces than are still to come; Refused before the order
    was sent and after it was closed.
    """
    _require_open(at)
    brought = {key: count for key, count in units.items() if count}
    lines = {line.line: line for line in at.lines()}
    _fits(lines, brought, at.arrived())
    made = Receipt(production_order_id=at.order.id, arrived=on, note=note.strip(), at=at.now, actor=at.actor)
    at.session.add(made)
    at.session.flush()
    rows = (ReceiptLine(receipt_id=made.id, line_id=lines[line].id, grade=grade, units=count) for (line, grade), count in brought.items())
    at.session.add_all(rows)
    if at.order.state is not ProductionOrderState.RECEIVED:
        at.step(ProductionOrderState.RECEIVED, Words())
    at.session.flush()
    at.log("production.receive", {"delivery": made.id, "units": sum(brought.values())}, note)
    return made.id


def _require_open(at: Opened) -> None:
    if not takes_goods(at.order.state):
        early = N_("%(number)s is “%(state)s”; goods come once it is sent and before it is closed")
        raise Refused(early, number=at.order.number, state=at.order.state.value)


def _fits(lines: Mapping[int, ProductionOrderLine], brought: Mapping[tuple[int, Grade], int], came: Units) -> None:
    if not brought:
        raise Invalid(N_("Enter at least one piece"), field="arrived")
    wrong = [number for (number, _grade), count in brought.items() if number not in lines or count < 0]
    if wrong:
        raise Invalid(N_("Line %(line)s can’t be delivered like that"), field=f"a-{wrong[0]}", line=wrong[0])
    for number in dict(brought.keys()):
        good = brought.get((number, Grade.A), 0) + brought.get((number, Grade.B), 0)
        _not_too_much(lines[number], good, came.get(number, 0))


def _not_too_much(line: ProductionOrderLine, good: int, came: int) -> None:
    left = line.units_ordered + line.units_extra - came
    if good > left:
        more = N_("Line %(line)s: only %(left)s pieces are still to come; if the factory made more, raise its extra stock first")
        raise Invalid(more, field=f"a-{line.line}", line=line.line, left=left)


def take_back(at: Opened, receipt: int) -> None:
    """Take back a delivery that was entered wrongly; raises NotFound, Refused where it was taken back already or the order is closed."""
    found = at.session.scalars(select(Receipt).where(Receipt.id == receipt, Receipt.production_order_id == at.order.id)).one_or_none()
    if found is None or found.voids_id is not None:
        raise NotFound(N_("There is no such delivery"))
    _require_open(at)
    if at.session.scalars(select(Receipt.id).where(Receipt.voids_id == receipt)).first():
        raise Refused(N_("This delivery was taken back already"))
    at.session.add(Receipt(production_order_id=at.order.id, arrived=found.arrived, voids_id=receipt, at=at.now, actor=at.actor))
    at.session.flush()
    at.log("production.take_back", {"delivery": receipt})
