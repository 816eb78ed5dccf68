"""Providers' statements, their lines, and the open cases about money."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "statement",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("merchant", sa.String(length=60), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("lines", _KEY, nullable=False),
        sa.Column("repeated", _KEY, nullable=False),
        sa.Column("sums", sa.JSON(), nullable=False),
        sa.Column("begins_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("imported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("imported_by", sa.String(length=200), nullable=False),
        sa.Column("matched_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("repeated BETWEEN 0 AND lines", name=op.f("ck_statement_repeated_lines")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement")),
        sa.UniqueConstraint("gateway", "merchant", "sha256", name=op.f("uq_statement_gateway_merchant_sha256")),
    )
    op.create_table(
        "statement_line",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("statement_id", _KEY, nullable=False),
        sa.Column("line", _KEY, nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("merchant", sa.String(length=60), nullable=False),
        sa.Column(
            "entry",
            sa.Enum(
                "payment", "refund", "fee", "payout", "dispute", "other", name="entry", native_enum=False, create_constraint=True, length=24
            ),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=80), nullable=False),
        sa.Column("amount", _KEY, nullable=False),
        sa.Column("fee", _KEY, nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["statement_id"], ["statement.id"], name=op.f("fk_statement_line_statement_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_statement_line")),
        sa.UniqueConstraint(
            "gateway",
            "merchant",
            "entry",
            "reference",
            "amount",
            name=op.f("uq_statement_line_gateway_merchant_entry_reference_amount"),
        ),
    )
    op.create_index(op.f("ix_statement_line_statement_id"), "statement_line", ["statement_id"], unique=False)
    op.create_index("ix_statement_line_entry_key", "statement_line", ["entry", "key"], unique=False)
    op.create_table(
        "money_case",
        sa.Column("id", _KEY, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("gateway", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=120), nullable=False),
        sa.Column("payer", sa.String(length=24), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_by", sa.String(length=200), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("gone_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(closed_at IS NULL) = (closed_by = '')", name=op.f("ck_money_case_closed_by_somebody")),
        sa.CheckConstraint("gone_at IS NULL OR closed_at IS NOT NULL", name=op.f("ck_money_case_gone_is_closed")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_money_case")),
    )
    op.create_index(op.f("ix_money_case_payer"), "money_case", ["payer"], unique=False)
    op.create_index(
        "ix_money_case_open",
        "money_case",
        ["kind", "gateway", "subject"],
        unique=True,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
