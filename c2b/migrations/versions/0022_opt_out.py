"""Who wants no news; which order a message is about; that one worker alone sends it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

_STATES = ("queued", "sent", "failed", "dropped")
_ORDER = {"sqlite": "json_extract(fields, '$.order')", "postgresql": "fields ->> 'order'"}


def _one_of(states: tuple[str, ...]) -> str:
    return "state IN ({})".format(", ".join(f"'{state}'" for state in states))


def upgrade() -> None:
    """Make the table and the columns."""
    with op.batch_alter_table("message") as message:
        message.drop_constraint(op.f("ck_message_message_state"), type_="check")
        message.create_check_constraint(op.f("ck_message_message_state"), _one_of(_STATES))
        message.add_column(sa.Column("about", sa.String(length=24), server_default=sa.text("''"), nullable=False))
        message.add_column(sa.Column("reader", sa.String(length=24), server_default=sa.text("''"), nullable=False))
        message.add_column(sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
    op.execute(f"UPDATE message SET about = substr(coalesce({_ORDER[op.get_bind().dialect.name]}, ''), 1, 24)")
    op.create_index(op.f("ix_message_about"), "message", ["about"], unique=False)
    op.create_index("ix_message_state", "message", ["state", "id"], unique=False)
    op.create_table(
        "opt_out",
        sa.Column("reader", sa.String(length=24), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("reader", name=op.f("pk_opt_out")),
    )
