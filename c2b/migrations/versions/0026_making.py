"""Production orders' way from the factory: steps, revisions, deliveries; and several defaults of one product, each with its instant."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_STATES = ("draft", "approved", "sent", "acknowledged", "producing", "received", "closed")


def upgrade() -> None:
    """Make the tables."""
    _steps()
    _revisions()
    _receipts()
    with op.batch_alter_table("seller_default") as table:
        table.drop_constraint("pk_seller_default", type_="primary")
        table.create_primary_key("pk_seller_default", ["candidate_id", "at"])


def _steps() -> None:
    state = sa.Enum(*_STATES, name="production_order_state", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "production_step",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("production_order_id", _KEY, nullable=False),
        sa.Column("state", state, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("expected", sa.Date(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["production_order_id"], ["production_order.id"], name=op.f("fk_production_step_production_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_step")),
    )


def _revisions() -> None:
    op.create_table(
        "production_revision",
        sa.Column("line_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("revision", _KEY, autoincrement=False, nullable=False),
        sa.Column("before", _KEY, nullable=False),
        sa.Column("after", _KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.CheckConstraint("before >= 0 AND after >= 0 AND before <> after", name=op.f("ck_production_revision_changes")),
        sa.ForeignKeyConstraint(["line_id"], ["production_order_line.id"], name=op.f("fk_production_revision_line_id")),
        sa.PrimaryKeyConstraint("line_id", "revision", name=op.f("pk_production_revision")),
    )


def _receipts() -> None:
    grade = sa.Enum("a", "b", "reject", name="grade", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "receipt",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("production_order_id", _KEY, nullable=False),
        sa.Column("arrived", sa.Date(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("voids_id", _KEY, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["production_order_id"], ["production_order.id"], name=op.f("fk_receipt_production_order_id")),
        sa.ForeignKeyConstraint(["voids_id"], ["receipt.id"], name=op.f("fk_receipt_voids_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("voids_id", name=op.f("uq_receipt_voids_id")),
    )
    op.create_table(
        "receipt_line",
        sa.Column("receipt_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("line_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("grade", grade, nullable=False),
        sa.Column("units", _KEY, nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_receipt_line_units")),
        sa.ForeignKeyConstraint(["line_id"], ["production_order_line.id"], name=op.f("fk_receipt_line_line_id")),
        sa.ForeignKeyConstraint(["receipt_id"], ["receipt.id"], name=op.f("fk_receipt_line_receipt_id")),
        sa.PrimaryKeyConstraint("receipt_id", "line_id", "grade", name=op.f("pk_receipt_line")),
    )
