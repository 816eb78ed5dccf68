"""How far a production order is: its steps with their days, its revisions, and what came of it."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Variant
from c2b.production.models import ProductionOrderLine, ProductionRevision, ProductionStep, Receipt, ReceiptLine
from c2b.production.rules import Grade, ProductionOrderState


@dataclass(frozen=True)
class Step:
    """A state that was reached; `expected`: the day that the supplier promised with it."""

    state: ProductionOrderState
    at: datetime
    actor: str
    expected: date | None
    note: str


@dataclass(frozen=True)
class Revision:
    """What one revision changed: SKU, units before and after of each line."""

    number: int
    at: datetime
    actor: str
    reason: str
    lines: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True)
class Delivery:
    """What came at once: SKU, grade and units; `taken_back` where it was entered wrongly."""

    id: int
    arrived: date
    actor: str
    note: str
    taken_back: bool
    lines: tuple[tuple[str, Grade, int], ...]

    @property
    def good(self) -> int:
        """Pieces that customers or the stock can have."""
        return sum(units for _sku, grade, units in self.lines if grade is not Grade.REJECT)

    @property
    def rejected(self) -> int:
        """Pieces that go back to the factory."""
        return sum(units for _sku, grade, units in self.lines if grade is Grade.REJECT)


@dataclass(frozen=True)
class Progress:
    """Everything about one production order besides its lines."""

    steps: tuple[Step, ...]
    revisions: tuple[Revision, ...]
    deliveries: tuple[Delivery, ...]
    arrived: dict[int, int]
    """Good pieces so far, by the number of a line."""

    @property
    def promised(self) -> date | None:
        """The last day that the supplier promised."""
        return next((step.expected for step in reversed(self.steps) if step.expected), None)

    def reached(self, state: ProductionOrderState) -> datetime | None:
        """Return when a state was reached; None where it wasn't."""
        return next((step.at for step in self.steps if step.state is state), None)


def progress(session: Session, order_id: int) -> Progress:
    """Return a production order's progress: five statements."""
    steps = session.scalars(select(ProductionStep).where(ProductionStep.production_order_id == order_id).order_by(ProductionStep.id))
    return Progress(
        tuple(Step(each.state, each.at, each.actor, each.expected, each.note) for each in steps),
        tuple(_revisions(session, order_id)),
        tuple(_deliveries(session, order_id)),
        arrived(session, order_id),
    )


def _revisions(session: Session, order_id: int) -> Iterable[Revision]:
    query = (
        select(ProductionRevision, Variant.sku)
        .join(ProductionOrderLine, ProductionOrderLine.id == ProductionRevision.line_id)
        .join(Variant, Variant.id == ProductionOrderLine.variant_id)
        .where(ProductionOrderLine.production_order_id == order_id)
        .order_by(ProductionRevision.revision.desc(), ProductionOrderLine.line)
    )
    for number, group in groupby(session.execute(query).all(), key=lambda row: row[0].revision):
        rows = list(group)
        first = rows[0][0]
        yield Revision(number, first.at, first.actor, first.reason, tuple((sku, each.before, each.after) for each, sku in rows))


def _deliveries(session: Session, order_id: int) -> Iterable[Delivery]:
    later = aliased(Receipt)
    query = select(Receipt, later.id.is_not(None)).outerjoin(later, later.voids_id == Receipt.id)
    found = session.execute(query.where(Receipt.production_order_id == order_id, Receipt.voids_id.is_(None)).order_by(Receipt.id)).all()
    brought = defaultdict[int, list[tuple[str, Grade, int]]](list)
    lines = (
        select(ReceiptLine.receipt_id, Variant.sku, ReceiptLine.grade, ReceiptLine.units)
        .join(ProductionOrderLine, ProductionOrderLine.id == ReceiptLine.line_id)
        .join(Variant, Variant.id == ProductionOrderLine.variant_id)
        .where(ProductionOrderLine.production_order_id == order_id)
        .order_by(ProductionOrderLine.line, ReceiptLine.grade)
    )
    for receipt, sku, grade, units in session.execute(lines):
        brought[receipt].append((sku, grade, units))
    for each, taken_back in found:
        yield Delivery(each.id, each.arrived, each.actor, each.note, taken_back, tuple(brought[each.id]))


def counts() -> ColumnElement[bool]:
    """Say that a row of a delivery counts: its pieces are good, and it wasn't taken back."""
    later = aliased(Receipt)
    voided = select(later.id).where(later.voids_id == ReceiptLine.receipt_id).exists()
    return (ReceiptLine.grade != Grade.REJECT) & ~voided


def arrived(session: Session, order_id: int) -> dict[int, int]:
    """Return the good pieces that came so far, by the number of a line; one statement."""
    query = (
        select(ProductionOrderLine.line, func.sum(ReceiptLine.units))
        .join(ReceiptLine, ReceiptLine.line_id == ProductionOrderLine.id)
        .where(ProductionOrderLine.production_order_id == order_id, counts())
        .group_by(ProductionOrderLine.line)
    )
    return {line: int(units) for line, units in session.execute(query)}
