"""Where customers want money that can't go back the way it came; why a product can't be delivered; refunds that wait for a dispute."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0023"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables and the columns."""
    op.add_column("dispute", sa.Column("lost_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("refund", sa.Column("withheld_at", sa.DateTime(timezone=True), nullable=True))
    _payout_accounts()
    _seller_defaults()


def _payout_accounts() -> None:
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


def _seller_defaults() -> None:
    product = (["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"])
    op.create_table(
        "seller_default",
        sa.Column("candidate_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("campaign_id", _KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_seller_default_has_reason")),
        sa.ForeignKeyConstraint(*product, name=op.f("fk_seller_default_campaign_id_candidate_id")),
        sa.PrimaryKeyConstraint("candidate_id", name=op.f("pk_seller_default")),
    )
