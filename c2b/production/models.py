"""The decision and what it asks the factories to make."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, ForeignKeyConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from c2b.campaigns.models import Candidate, Supplier, Variant
from c2b.db import Base, Key, append_only, choice
from c2b.production.rules import Grade, ProductionOrderState, ProductOutcome


class Decision(Base):
    """The run after ordering closed that decided every product; one a campaign, never changed."""

    __tablename__ = "decision"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    input_hash: Mapped[str] = mapped_column(String(64))
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The document that `c2b decide --json` prints."""


class DecisionLine(Base):
    """What was decided of one product."""

    __tablename__ = "decision_line"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        UniqueConstraint("campaign_id", "candidate_id", "made"),  # the target of the production line's key
        CheckConstraint("made = (outcome = 'reached' OR reason <> '')", name="made_with_cause"),
        CheckConstraint("outcome <> 'reached' OR units >= minimum", name="reached"),
    )

    campaign_id: Mapped[int] = mapped_column(ForeignKey("decision.campaign_id"), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    units: Mapped[int]
    """Captured when it was decided."""
    minimum: Mapped[int]
    outcome: Mapped[ProductOutcome] = mapped_column(choice(ProductOutcome))
    made: Mapped[bool]
    reason: Mapped[str] = mapped_column(Text, default="")
    """Public, where it is made although it missed."""
    tier: Mapped[int]
    """1 to 3: whose price everybody pays."""


class DecisionOverride(Base):
    """A product that is made although it missed its minimum, once two people agreed; its reason is public."""

    __tablename__ = "decision_override"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        CheckConstraint("reason <> ''", name="has_reason"),
        CheckConstraint("approved_by <> proposed_by", name="second_person"),
        CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name="approved_by_somebody"),
    )

    campaign_id: Mapped[int] = mapped_column(primary_key=True)
    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    proposed_by: Mapped[str] = mapped_column(String(200))
    proposed_at: Mapped[datetime]
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    """Somebody else; empty while it waits, and it has no effect then."""
    approved_at: Mapped[datetime | None]


class ProductionOrder(Base):
    """What one supplier is asked to make for one campaign."""

    __tablename__ = "production_order"
    __table_args__ = (UniqueConstraint("campaign_id", "supplier_id"), UniqueConstraint("campaign_id", "id"))

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("decision.campaign_id"))
    supplier_id: Mapped[int] = mapped_column(ForeignKey("supplier.id"))
    number: Mapped[str] = mapped_column(String(80), unique=True)
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[ProductionOrderState] = mapped_column(choice(ProductionOrderState), default=ProductionOrderState.DRAFT)
    due_date: Mapped[date | None]
    created_at: Mapped[datetime]

    supplier: Mapped[Supplier] = relationship()


class ProductionOrderLine(Base):
    """Units of one variant; exists only for a product decided as made, by the composite key."""

    __tablename__ = "production_order_line"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "production_order_id"], ["production_order.campaign_id", "production_order.id"]),
        ForeignKeyConstraint(
            ["campaign_id", "candidate_id", "made"],
            ["decision_line.campaign_id", "decision_line.candidate_id", "decision_line.made"],
        ),
        ForeignKeyConstraint(["candidate_id", "variant_id"], ["variant.candidate_id", "variant.id"]),
        UniqueConstraint("production_order_id", "variant_id"),
        CheckConstraint("made", name="made"),
        CheckConstraint("units_ordered >= 0 AND units_extra >= 0 AND units_ordered + units_extra > 0", name="units"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int]
    production_order_id: Mapped[int]
    line: Mapped[int]
    """1, 2, 3 ... in the order's own list."""
    candidate_id: Mapped[int]
    variant_id: Mapped[int]
    made: Mapped[bool] = mapped_column(default=True)
    units_ordered: Mapped[int]
    """Sum of the customers' allocated units."""
    units_extra: Mapped[int] = mapped_column(default=0)
    """Explicit extra stock."""
    unit_cost: Mapped[int | None]
    tax_rate: Mapped[int | None]
    """Basis points."""

    candidate: Mapped[Candidate] = relationship(
        viewonly=True, primaryjoin="ProductionOrderLine.candidate_id == Candidate.id", foreign_keys="ProductionOrderLine.candidate_id"
    )
    variant: Mapped[Variant] = relationship(
        viewonly=True, primaryjoin="ProductionOrderLine.variant_id == Variant.id", foreign_keys="ProductionOrderLine.variant_id"
    )


class ProductionStep(Base):
    """A production order reached a state; never changed."""

    __tablename__ = "production_step"

    id: Mapped[Key]
    production_order_id: Mapped[int] = mapped_column(ForeignKey("production_order.id"))
    state: Mapped[ProductionOrderState] = mapped_column(choice(ProductionOrderState))
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    expected: Mapped[date | None]
    """The day that the supplier promised with it."""
    note: Mapped[str] = mapped_column(Text, default="")


class ProductionRevision(Base):
    """What a revision changed of one line after the order was sent: its extra stock; never changed."""

    __tablename__ = "production_revision"
    __table_args__ = (CheckConstraint("before >= 0 AND after >= 0 AND before <> after", name="changes"),)

    line_id: Mapped[int] = mapped_column(ForeignKey("production_order_line.id"), primary_key=True, autoincrement=False)
    revision: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    before: Mapped[int]
    """All units of the line, customers' and extra."""
    after: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))


class Receipt(Base):
    """A delivery from a factory, or the taking back of one that was entered wrongly; never changed."""

    __tablename__ = "receipt"

    id: Mapped[Key]
    production_order_id: Mapped[int] = mapped_column(ForeignKey("production_order.id"))
    arrived: Mapped[date]
    note: Mapped[str] = mapped_column(Text, default="")
    voids_id: Mapped[int | None] = mapped_column(ForeignKey("receipt.id"), unique=True)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))


class ReceiptLine(Base):
    """Units of one line and grade that a delivery brought."""

    __tablename__ = "receipt_line"
    __table_args__ = (CheckConstraint("units > 0", name="units"),)

    receipt_id: Mapped[int] = mapped_column(ForeignKey("receipt.id"), primary_key=True, autoincrement=False)
    line_id: Mapped[int] = mapped_column(ForeignKey("production_order_line.id"), primary_key=True, autoincrement=False)
    grade: Mapped[Grade] = mapped_column(choice(Grade), primary_key=True)
    units: Mapped[int]


append_only("production_step")
append_only("production_revision")
append_only("receipt")
append_only("receipt_line")
append_only("decision")
append_only("decision_line")
