"""What is published of a selection, frozen with it, and its versions."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "publication",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("document", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["selection.campaign_id"], name=op.f("fk_publication_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_publication")),
    )
    op.create_table(
        "published_version",
        sa.Column("campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_published_version_counted_from_one")),
        sa.ForeignKeyConstraint(["campaign_id"], ["publication.campaign_id"], name=op.f("fk_published_version_campaign_id")),
        sa.PrimaryKeyConstraint("campaign_id", "version", name=op.f("pk_published_version")),
    )
