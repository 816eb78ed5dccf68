"""Parcels to customers, with what they hold."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "parcel",
        sa.Column("id", _KEY, nullable=False),
        sa.Column("order_id", _KEY, nullable=False),
        sa.Column("carrier", sa.String(length=60), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=False),
        sa.Column("sent_on", sa.Date(), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=True),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("carrier <> '' AND number <> ''", name=op.f("ck_parcel_named")),
        sa.CheckConstraint("delivered_on >= sent_on", name=op.f("ck_parcel_delivered_later")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_parcel_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_parcel")),
        sa.UniqueConstraint("order_id", "carrier", "number", name=op.f("uq_parcel_order_id_carrier_number")),
    )
    op.create_index(op.f("ix_parcel_entered_at"), "parcel", ["entered_at"])
    op.create_table(
        "parcel_line",
        sa.Column("parcel_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("line_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("units", _KEY, nullable=False),
        sa.CheckConstraint("units > 0", name=op.f("ck_parcel_line_units")),
        sa.ForeignKeyConstraint(["line_id"], ["order_line.id"], name=op.f("fk_parcel_line_line_id")),
        sa.ForeignKeyConstraint(["parcel_id"], ["parcel.id"], name=op.f("fk_parcel_line_parcel_id")),
        sa.PrimaryKeyConstraint("parcel_id", "line_id", name=op.f("pk_parcel_line")),
    )
    op.create_index(op.f("ix_parcel_line_line_id"), "parcel_line", ["line_id"])
