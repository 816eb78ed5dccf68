"""Requests to move an account from an address that can't be reached any more, and the addresses that accounts were moved from."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

_KINDS = ("email", "phone", "wechat", "imported")
_STATES = ("asked", "proposed", "waiting", "done", "refused", "stopped")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "lost_address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("ref", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.Enum(*_KINDS, name="address_kind", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("old_value", sa.String(length=254), nullable=False),
        sa.Column("old_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("new_value", sa.String(length=254), nullable=False),
        sa.Column("new_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("locale", sa.String(length=16), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Enum(*_STATES, name="lost_state", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("proposed_by", sa.String(length=200), nullable=False),
        sa.Column("approved_by", sa.String(length=200), nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_hash", sa.LargeBinary(length=32), nullable=True),
        sa.CheckConstraint("approved_by = '' OR approved_by <> proposed_by", name=op.f("ck_lost_address_second_person")),
        sa.CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name=op.f("ck_lost_address_approved_by_somebody")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_address")),
        sa.UniqueConstraint("ref", name=op.f("uq_lost_address_ref")),
        sa.UniqueConstraint("stop_hash", name=op.f("uq_lost_address_stop_hash")),
    )
    op.create_index(op.f("ix_lost_address_old_digest"), "lost_address", ["old_digest"], unique=False)
    op.create_table(
        "retired_address",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.Enum(*_KINDS, name="address_kind", native_enum=False, create_constraint=True, length=24), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_retired_address_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retired_address")),
        sa.UniqueConstraint("kind", "digest", name=op.f("uq_retired_address_kind_digest")),
    )
    op.create_index(op.f("ix_retired_address_person_id"), "retired_address", ["person_id"], unique=False)
