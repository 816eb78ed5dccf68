"""The decision and production orders."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "decision",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("input_hash", sa.String(length=64), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_decision_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_decision")),
    )
    op.create_table(
        "decision_line",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("units", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("minimum", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum("reached", "missed", name="product_outcome", native_enum=False, create_constraint=True, length=24),
            nullable=False,
        ),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("tier", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("made = (outcome = 'reached' OR reason <> '')", name=op.f("ck_decision_line_made_with_cause")),
        sa.CheckConstraint("outcome <> 'reached' OR units >= minimum", name=op.f("ck_decision_line_reached")),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id"],
            ["candidate.campaign_id", "candidate.id"],
            name=op.f("fk_decision_line_campaign_id_candidate_id"),
        ),
        sa.ForeignKeyConstraint(["campaign_id"], ["decision.campaign_id"], name=op.f("fk_decision_line_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "candidate_id", name=op.f("pk_decision_line")),
        sa.UniqueConstraint("campaign_id", "candidate_id", "made", name=op.f("uq_decision_line_campaign_id_candidate_id_made")),
    )
    op.create_table(
        "production_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("supplier_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.String(length=80), nullable=False),
        sa.Column("revision", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "approved",
                "sent",
                "acknowledged",
                "producing",
                "received",
                "closed",
                name="production_order_state",
                native_enum=False,
                create_constraint=True,
                length=24,
            ),
            nullable=False,
        ),
        sa.Column("due_date", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["decision.campaign_id"], name=op.f("fk_production_order_campaign_id")),
        sa.ForeignKeyConstraint(["supplier_id"], ["supplier.id"], name=op.f("fk_production_order_supplier_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_order")),
        sa.UniqueConstraint("campaign_id", "id", name=op.f("uq_production_order_campaign_id_id")),
        sa.UniqueConstraint("campaign_id", "supplier_id", name=op.f("uq_production_order_campaign_id_supplier_id")),
        sa.UniqueConstraint("number", name=op.f("uq_production_order_number")),
    )
    op.create_table(
        "production_order_line",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("production_order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("line", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("candidate_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("variant_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("units_ordered", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("units_extra", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit_cost", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("tax_rate", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint("made", name=op.f("ck_production_order_line_made")),
        sa.CheckConstraint(
            "units_ordered >= 0 AND units_extra >= 0 AND units_ordered + units_extra > 0", name=op.f("ck_production_order_line_units")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "candidate_id", "made"],
            ["decision_line.campaign_id", "decision_line.candidate_id", "decision_line.made"],
            name=op.f("fk_production_order_line_campaign_id_candidate_id_made"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id", "production_order_id"],
            ["production_order.campaign_id", "production_order.id"],
            name=op.f("fk_production_order_line_campaign_id_production_order_id"),
        ),
        sa.ForeignKeyConstraint(
            ["candidate_id", "variant_id"],
            ["variant.candidate_id", "variant.id"],
            name=op.f("fk_production_order_line_candidate_id_variant_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_production_order_line")),
        sa.UniqueConstraint("production_order_id", "variant_id", name=op.f("uq_production_order_line_production_order_id_variant_id")),
    )
