"""Where customers want money that can't go back the way it came."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    way = sa.Enum("alipay", "wechat", "bank", "iban", name="payout_way", native_enum=False, create_constraint=True, length=24)
    op.create_table(
        "payout_account",
        sa.Column("order_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("way", way, nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("bank", sa.String(length=100), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", _KEY, nullable=False),
        sa.CheckConstraint("holder <> '' AND account <> ''", name=op.f("ck_payout_account_complete")),
        sa.CheckConstraint("changes BETWEEN 1 AND 5", name=op.f("ck_payout_account_changes_a_day")),
        sa.ForeignKeyConstraint(["order_id"], ["customer_order.id"], name=op.f("fk_payout_account_order_id")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_payout_account")),
    )
