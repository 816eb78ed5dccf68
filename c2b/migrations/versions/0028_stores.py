"""Stores, who works there, and orders that are collected there."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _stores()
    op.create_table(
        "store_assistant",
        sa.Column("staff_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("store_id", _KEY, nullable=False),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_store_assistant_staff_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_store_assistant_store_id")),
        sa.PrimaryKeyConstraint("staff_id", name=op.f("pk_store_assistant")),
    )
    op.create_index(op.f("ix_store_assistant_store_id"), "store_assistant", ["store_id"])
    op.create_table(
        "pickup",
        sa.Column("order_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("store_id", _KEY, nullable=False),
        sa.Column("code", sa.String(length=8), nullable=False),
        sa.Column("chosen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrived_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_pickup_order_id")),
        sa.ForeignKeyConstraint(["store_id"], ["store.id"], name=op.f("fk_pickup_store_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_pickup")),
        sa.UniqueConstraint("code", name=op.f("uq_pickup_code")),
    )
    op.create_index(op.f("ix_pickup_store_id"), "pickup", ["store_id"])
    op.create_index(op.f("ix_pickup_arrived_at"), "pickup", ["arrived_at"])


def _stores() -> None:
    op.create_table(
        "store",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=300), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("hours", sa.String(length=200), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name=op.f("ck_store_a_place_has_both")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_store")),
        sa.UniqueConstraint("code", name=op.f("uq_store_code")),
    )
