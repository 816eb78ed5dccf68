"""The way back from an import of candidates."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "import_undo",
        sa.Column("campaign_id", _KEY, autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("offers_only", sa.Boolean(), nullable=False),
        sa.Column("added", _KEY, nullable=False),
        sa.Column("changed", _KEY, nullable=False),
        sa.Column("back", sa.JSON(), nullable=False),
        sa.Column("after", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaign.id"], name=op.f("fk_import_undo_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_import_undo")),
    )
