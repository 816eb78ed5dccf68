"""What customers take instead where a colour misses a minimum of its own; a minimum of a single variant."""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the columns."""
    op.add_column("variant", sa.Column("minimum", _KEY, nullable=True))
    with op.batch_alter_table("order_line") as line:
        for name in ("second_id", "first_id"):
            line.add_column(sa.Column(name, _KEY, nullable=True))
            line.create_foreign_key(op.f(f"fk_order_line_candidate_id_{name}"), "variant", ["candidate_id", name], ["candidate_id", "id"])
        line.create_unique_constraint(op.f("uq_order_line_order_id_second_id"), ["order_id", "second_id"])
        line.create_check_constraint(op.f("ck_order_line_another_second"), "second_id <> coalesce(first_id, variant_id)")
        line.create_check_constraint(op.f("ck_order_line_first_or_second"), "first_id IS NULL OR second_id = variant_id")
