"""A campaign's edition: what processes keep of it in memory is good as long as the number stands."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

_RANDOM = {"sqlite": "random()", "postgresql": "floor(random() * 9007199254740992)"}


def upgrade() -> None:
    """Add the column; every campaign begins with a number of its own."""
    edition = sa.Column("edition", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), server_default=sa.text("0"), nullable=False)
    op.add_column("campaign", edition)
    op.execute(f"UPDATE campaign SET edition = {_RANDOM[op.get_bind().dialect.name]}")
