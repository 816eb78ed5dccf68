"""All tables."""

from alembic import op

from c2b.migrations import METADATA

revision = "0001"
down_revision = None


def upgrade() -> None:
    METADATA.create_all(op.get_bind())
