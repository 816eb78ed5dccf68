"""Intents and refunds: what was asked of a gateway, and what it answered. Knows money, not goods."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from c2b.db import TRIGGERS, Base, Key, Reference, Trigger, append_only, choice
from c2b.payments.protocol import About, Entry
from c2b.payments.rules import CaseKind, How, PaymentState, RefundState


class Payment(Base):
    """An intent to take money once, written before the gateway is called; amounts in minor units."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("captured >= 0", name="captured"),
        CheckConstraint("refunded BETWEEN 0 AND captured", name="refunded_at_most_captured"),
        Index("ix_payment_open", "state", "checked_at"),
    )

    id: Mapped[Key]
    key: Mapped[Reference]
    """Idempotency key at the gateway and the public reference in `/pay/<ref>`."""
    payer: Mapped[str] = mapped_column(String(24), index=True)
    """Reference of the order it pays for."""
    gateway: Mapped[str] = mapped_column(String(16))
    merchant: Mapped[str] = mapped_column(String(60))
    """Account at the gateway: ledger account `psp:<gateway>:<merchant>`."""
    amount: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    state: Mapped[PaymentState] = mapped_column(choice(PaymentState), default=PaymentState.STARTED)
    provider_reference: Mapped[str | None] = mapped_column(String(80), unique=True)
    page: Mapped[str] = mapped_column(Text, default="", server_default=text("''"))
    """Where the customer pays."""
    handle: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    """What the gateway calls it; given back with each later call."""
    minutes: Mapped[int] = mapped_column(default=30, server_default=text("30"))
    """How long the customer may take to pay, as the gateway says."""
    note: Mapped[str] = mapped_column(String(300), default="")
    """Why it failed, or what didn't match."""
    captured: Mapped[int] = mapped_column(default=0)
    refunded: Mapped[int] = mapped_column(default=0)
    """Begun or settled refunds, kept by a trigger."""
    created_at: Mapped[datetime]
    checked_at: Mapped[datetime]
    """Last time the gateway was asked: the sweeper takes the longest unasked."""
    settled_at: Mapped[datetime | None]

    @property
    def expires_at(self) -> datetime:
        """When it can't be paid any more; money that comes all the same is late."""
        return self.created_at + timedelta(minutes=self.minutes)


class Refund(Base):
    """Money on its way back by the payment it came with."""

    __tablename__ = "refund"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        Index("ix_refund_open", "state", "next_attempt_at"),
    )

    id: Mapped[Key]
    key: Mapped[Reference]
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    amount: Mapped[int]
    state: Mapped[RefundState] = mapped_column(choice(RefundState), default=RefundState.QUEUED)
    provider_reference: Mapped[str | None] = mapped_column(String(80), unique=True)
    handle: Mapped[str] = mapped_column(String(200), default="", server_default=text("''"))
    """What the gateway calls it."""
    attempts: Mapped[int] = mapped_column(default=0)
    queued_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]
    """The first time: the gateway may forget the key some time after."""
    settled_at: Mapped[datetime | None]
    withheld_at: Mapped[datetime | None]
    """The bank took its payment back before it was sent: it waits for the dispute; a failed one: the bank's money stands for it."""
    bounced_at: Mapped[datetime | None]
    """It was settled, and then the money came back: it is owed to the customer."""
    resolved_at: Mapped[datetime | None]
    """A failed one: what it owed was sent anew or paid out by hand."""
    last_error: Mapped[str] = mapped_column(Text, default="")

    payment: Mapped[Payment] = relationship()


class Dispute(Base):
    """Money of a captured payment that the customer's bank took back; closed when it was won or accepted."""

    __tablename__ = "dispute"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[Key]
    reference: Mapped[str] = mapped_column(String(80), unique=True)
    """The gateway's."""
    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), index=True)
    amount: Mapped[int]
    opened_at: Mapped[datetime]
    won_at: Mapped[datetime | None]
    """The money is ours again."""
    lost_at: Mapped[datetime | None]
    """The bank decided for its customer, or we accepted it: the money stays gone."""


class Pace(Base):
    """How far ahead of the clock calls to a gateway have been promised: all workers together keep to its rate."""

    __tablename__ = "pace"

    gateway: Mapped[str] = mapped_column(String(16), primary_key=True)
    merchant: Mapped[str] = mapped_column(String(60), primary_key=True)
    until: Mapped[datetime]
    """When the last promised call is due."""


class InboxEvent(Base):
    """A gateway's event, verified and stored before it is answered; what it is about is asked for afterwards, once for each event."""

    __tablename__ = "inbox_event"
    __table_args__ = (
        UniqueConstraint("gateway", "event"),  # the same event delivered again is this one
        Index("ix_inbox_event_open", "applied_at", "next_attempt_at"),
    )

    id: Mapped[Key]
    gateway: Mapped[str] = mapped_column(String(16))
    event: Mapped[str] = mapped_column(String(120))
    """The gateway's name for it."""
    kind: Mapped[str] = mapped_column(String(80))
    about: Mapped[About] = mapped_column(choice(About))
    key: Mapped[str] = mapped_column(String(40), index=True)
    """Ours, of a payment or refund; one that we don't know may still appear."""
    received_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime]
    applied_at: Mapped[datetime | None]


class Statement(Base):
    """One file of a provider about one of our accounts there; its lines stand beside it, each once however many files have it."""

    __tablename__ = "statement"
    __table_args__ = (
        UniqueConstraint("gateway", "merchant", "sha256"),  # the same file again is this one
        CheckConstraint("repeated BETWEEN 0 AND lines", name="repeated_lines"),
    )

    id: Mapped[Key]
    gateway: Mapped[str] = mapped_column(String(16))
    merchant: Mapped[str] = mapped_column(String(60))
    sha256: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    """Of the file, as it was given to us."""
    lines: Mapped[int]
    """In the file."""
    repeated: Mapped[int]
    """How many of them another file had brought already."""
    sums: Mapped[dict[str, dict[str, int]]] = mapped_column(JSON)
    """What its new lines add up to, in minor units: by currency, then by kind of entry, with `fee` for what was taken of the lines."""
    begins_at: Mapped[datetime | None]
    """The first instant in the file; empty where it has no line."""
    ends_at: Mapped[datetime | None]
    imported_at: Mapped[datetime]
    imported_by: Mapped[str] = mapped_column(String(200))
    matched_at: Mapped[datetime | None]
    """When it was first compared with our books."""


class StatementRow(Base):
    """One movement that a provider's statement names; signs as in `protocol.StatementLine`."""

    __tablename__ = "statement_line"
    __table_args__ = (
        # Overlapping files bring a movement twice. The amount belongs to its name: a dispute and its end share a reference.
        UniqueConstraint("gateway", "merchant", "entry", "reference", "amount"),
        Index("ix_statement_line_entry_key", "entry", "key"),
    )

    id: Mapped[Key]
    statement_id: Mapped[int] = mapped_column(ForeignKey("statement.id"), index=True)
    line: Mapped[int]
    gateway: Mapped[str] = mapped_column(String(16))
    merchant: Mapped[str] = mapped_column(String(60))
    entry: Mapped[Entry] = mapped_column(choice(Entry))
    key: Mapped[str] = mapped_column(String(40))
    """Ours, of a payment or refund; where the file has none it is found by the reference, as soon as we know that one."""
    reference: Mapped[str] = mapped_column(String(80))
    amount: Mapped[int]
    fee: Mapped[int]
    currency: Mapped[str] = mapped_column(String(3))
    at: Mapped[datetime]


class MoneyCase(Base):
    """A difference about money that waits for a person; it opens and closes by itself, or a person closes it with a note."""

    __tablename__ = "money_case"
    __table_args__ = (
        Index(
            "ix_money_case_open",
            "kind",
            "gateway",
            "subject",
            unique=True,  # one open case about one thing
            sqlite_where=text("closed_at IS NULL"),
            postgresql_where=text("closed_at IS NULL"),
        ),
        CheckConstraint("(closed_at IS NULL) = (closed_by = '')", name="closed_by_somebody"),
        CheckConstraint("gone_at IS NULL OR closed_at IS NOT NULL", name="gone_is_closed"),
    )

    id: Mapped[Key]
    kind: Mapped[CaseKind] = mapped_column(Enum(CaseKind, native_enum=False, length=24, values_callable=lambda e: [v.value for v in e]))
    """Without a CHECK: a new kind of difference needs no new table."""
    gateway: Mapped[str] = mapped_column(String(16))
    """Empty where it is about our own books."""
    subject: Mapped[str] = mapped_column(String(120))
    """What it is about: our key of a payment or refund, the provider's reference, an event, a finding."""
    payer: Mapped[str] = mapped_column(String(24), index=True)
    """Reference of the order, or empty."""
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Named values for the page, amounts in minor units; as long as they stay the same it is the same case."""
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[str] = mapped_column(String(200), default="")
    note: Mapped[str] = mapped_column(Text, default="")
    gone_at: Mapped[datetime | None]
    """When the difference itself was gone; until then one that a person closed stays closed."""


_TAKE = "UPDATE payment SET refunded = refunded + NEW.amount WHERE id = NEW.payment_id"
_GIVE = "UPDATE payment SET refunded = refunded - NEW.amount WHERE id = NEW.payment_id"
_BROKEN = "(OLD.state = 'failed' AND NEW.state <> 'failed') OR NEW.amount <> OLD.amount OR NEW.payment_id <> OLD.payment_id"
_FIXED = "a refund keeps its amount, and a failed one is final"
TRIGGERS.append(
    Trigger(
        "refund_guard",
        sqlite=(
            f"CREATE TRIGGER refund_guard_new AFTER INSERT ON refund WHEN NEW.state <> 'failed' BEGIN {_TAKE}; END",
            f"CREATE TRIGGER refund_guard_failed AFTER UPDATE OF state ON refund "
            f"WHEN NEW.state = 'failed' AND OLD.state <> 'failed' BEGIN {_GIVE}; END",
            f"CREATE TRIGGER refund_guard_final BEFORE UPDATE ON refund WHEN {_BROKEN} BEGIN SELECT RAISE(ABORT, '{_FIXED}'); END",
            "CREATE TRIGGER refund_guard_stays BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'a refund stays'); END",
        ),
        postgresql=(
            "CREATE OR REPLACE FUNCTION refund_guard() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            "IF TG_OP = 'DELETE' THEN RAISE EXCEPTION 'a refund stays'; END IF; "
            f"IF TG_OP = 'INSERT' THEN IF NEW.state <> 'failed' THEN {_TAKE}; END IF; RETURN NEW; END IF; "
            f"IF {_BROKEN} THEN RAISE EXCEPTION '{_FIXED}'; END IF; "
            f"IF NEW.state = 'failed' AND OLD.state <> 'failed' THEN {_GIVE}; END IF; RETURN NEW; END $$",
            "CREATE TRIGGER refund_guard BEFORE INSERT OR UPDATE OR DELETE ON refund FOR EACH ROW EXECUTE FUNCTION refund_guard()",
        ),
    )
)


class ManualReceipt(Base):
    """Money by bank transfer or cash, as a person entered it: the books of the gateway `manual`, which has no others."""

    __tablename__ = "manual_receipt"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("how = 'cash' OR reference <> ''", name="transfer_has_reference"),
    )

    id: Mapped[Key]
    payment_key: Mapped[str] = mapped_column(String(24), ForeignKey("payment.key"), unique=True)
    """One for each payment: two people who enter the same cash enter it once."""
    amount: Mapped[int]
    """What really came; not always what was asked for."""
    currency: Mapped[str] = mapped_column(String(3))
    received_at: Mapped[datetime]
    """Beginning of the day on which it came, in the campaign's zone."""
    reference: Mapped[str] = mapped_column(String(80))
    """The bank's, or a cash receipt's number."""
    how: Mapped[How] = mapped_column(choice(How))
    entered_by: Mapped[str] = mapped_column(String(200))
    entered_at: Mapped[datetime]


class ManualPayout(Base):
    """Money that a person sent back by hand, the whole of one refund."""

    __tablename__ = "manual_payout"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("reference <> ''", name="payout_has_reference"),
    )

    id: Mapped[Key]
    refund_key: Mapped[str] = mapped_column(String(24), ForeignKey("refund.key"), unique=True)
    amount: Mapped[int]
    reference: Mapped[str] = mapped_column(String(80))
    """The bank's, or the number of the receipt that the customer signed."""
    paid_at: Mapped[datetime]
    """Beginning of the day on which it left."""
    entered_by: Mapped[str] = mapped_column(String(200))
    entered_at: Mapped[datetime]


append_only("manual_receipt")
append_only("manual_payout")
