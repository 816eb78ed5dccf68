"""Bank transfers and cash: what came and what was paid out by hand."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "manual_receipt",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("payment_key", sa.String(length=24), nullable=False),
        sa.Column("amount", _KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("how", sa.Enum("transfer", "cash", name="how", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("entered_by", sa.String(length=200), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_manual_receipt_amount")),
        sa.CheckConstraint("how = 'cash' OR reference <> ''", name=op.f("ck_manual_receipt_transfer_has_reference")),
        sa.ForeignKeyConstraint(["payment_key"], ["payment.key"], name=op.f("fk_manual_receipt_payment_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_receipt")),
        sa.UniqueConstraint("payment_key", name=op.f("uq_manual_receipt_payment_key")),
    )
    op.create_table(
        "manual_payout",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("refund_key", sa.String(length=24), nullable=False),
        sa.Column("amount", _KEY, nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("paid_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entered_by", sa.String(length=200), nullable=False),
        sa.Column("entered_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_manual_payout_amount")),
        sa.CheckConstraint("reference <> ''", name=op.f("ck_manual_payout_payout_has_reference")),
        sa.ForeignKeyConstraint(["refund_key"], ["refund.key"], name=op.f("fk_manual_payout_refund_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_payout")),
        sa.UniqueConstraint("refund_key", name=op.f("uq_manual_payout_refund_key")),
    )
