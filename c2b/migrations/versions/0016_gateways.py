"""What real gateways need to be told again, their events, and what customers' banks take back."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and columns."""
    op.add_column("payment", sa.Column("handle", sa.String(length=200), server_default=sa.text("''"), nullable=False))
    op.add_column("payment", sa.Column("minutes", _KEY, server_default=sa.text("30"), nullable=False))
    op.add_column("refund", sa.Column("handle", sa.String(length=200), server_default=sa.text("''"), nullable=False))
    op.add_column("refund", sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refund", sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True))
    op.execute("ALTER TABLE payment RENAME COLUMN page TO short_page")  # a signed address is longer than it was
    op.add_column("payment", sa.Column("page", sa.Text(), server_default=sa.text("''"), nullable=False))
    op.execute("UPDATE payment SET page = short_page")
    op.execute("ALTER TABLE payment DROP COLUMN short_page")
    op.create_table(
        "dispute",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("payment_id", _KEY, nullable=False),
        sa.Column("amount", _KEY, nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("won_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_dispute_amount")),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_dispute_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute")),
        sa.UniqueConstraint("reference", name=op.f("uq_dispute_reference")),
    )
    op.create_index(op.f("ix_dispute_payment_id"), "dispute", ["payment_id"], unique=False)
    op.create_table(
        "inbox_event",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("event", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=80), nullable=False),
        sa.Column(
            "about",
            sa.Enum("payment", "refund", name="about", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_event")),
        sa.UniqueConstraint("gateway", "event", name=op.f("uq_inbox_event_gateway_event")),
    )
    op.create_index(op.f("ix_inbox_event_key"), "inbox_event", ["key"], unique=False)
    op.create_index("ix_inbox_event_open", "inbox_event", ["applied_at", "next_attempt_at"], unique=False)
