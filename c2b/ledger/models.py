"""Where every fen is: immutable transfers, and the database's guard against taking out more than came in."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import TRIGGERS, Base, Trigger, append_only


class Transfer(Base):
    """One movement of money in minor units, balanced by construction."""

    __tablename__ = "transfer"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("debit <> credit", name="moves"),
        Index("ix_transfer_debit", "debit"),
        Index("ix_transfer_credit", "credit"),
    )

    id: Mapped[str] = mapped_column(String(120), primary_key=True)
    """Deterministic (`cap:<payment>:<line>`): the same event applied twice is refused by the key."""
    debit: Mapped[str] = mapped_column(String(80))
    credit: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    event: Mapped[str] = mapped_column(String(40))
    campaign: Mapped[str] = mapped_column(String(60))
    """Slug: the books of one campaign are one export."""
    at: Mapped[datetime]


class GuardedAccount(Base):
    """Running sums of the accounts that may never be overdrawn: `dep:`, `ship:` and `hold:`.

    Accounts that all captures share carry none, so that captures don't queue at one hot row.
    """

    __tablename__ = "guarded_account"
    __table_args__ = (CheckConstraint("credits >= debits", name="never_overdrawn"),)

    account: Mapped[str] = mapped_column(String(80), primary_key=True)
    credits: Mapped[int]
    debits: Mapped[int]


append_only("transfer")
_GUARDED = "({side} LIKE 'dep:%' OR {side} LIKE 'ship:%' OR {side} LIKE 'hold:%')"
_CREDIT = (
    "INSERT INTO guarded_account (account, credits, debits) VALUES (NEW.credit, NEW.amount, 0) "
    "ON CONFLICT (account) DO UPDATE SET credits = guarded_account.credits + excluded.credits"
)
_DEBIT = "UPDATE guarded_account SET debits = debits + NEW.amount WHERE account = NEW.debit"
_OVERDRAWN = "overdrawn: nothing came in on this account"
TRIGGERS.append(
    Trigger(
        "transfer_guard",
        sqlite=(
            f"CREATE TRIGGER transfer_guard_credit AFTER INSERT ON transfer WHEN {_GUARDED.format(side='NEW.credit')} BEGIN {_CREDIT}; END",
            f"CREATE TRIGGER transfer_guard_debit AFTER INSERT ON transfer WHEN {_GUARDED.format(side='NEW.debit')} BEGIN {_DEBIT}; "
            f"SELECT RAISE(ABORT, '{_OVERDRAWN}') WHERE NOT EXISTS (SELECT 1 FROM guarded_account WHERE account = NEW.debit); END",
        ),
        postgresql=(
            "CREATE OR REPLACE FUNCTION transfer_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {_GUARDED.format(side='NEW.credit')} THEN {_CREDIT}; END IF; "
            f"IF {_GUARDED.format(side='NEW.debit')} THEN {_DEBIT}; "
            f"IF NOT FOUND THEN RAISE EXCEPTION '{_OVERDRAWN}'; END IF; END IF; RETURN NULL; END $$",
            "CREATE TRIGGER transfer_guard AFTER INSERT ON transfer FOR EACH ROW EXECUTE FUNCTION transfer_guard()",
        ),
    )
)
