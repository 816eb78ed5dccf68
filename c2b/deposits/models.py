"""Pre-orders: what a customer takes, what they owe for it, and what came back. Amounts are minor units."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from c2b.campaigns.models import Campaign, Candidate, Variant
from c2b.campaigns.rules import LegalProfile
from c2b.db import Base, Key, Reference, choice
from c2b.deposits.payout_ways import PayoutWay
from c2b.deposits.rights import Right
from c2b.deposits.rules import Fulfilment, ObligationKind, ObligationState, Outcome, RefundReason
from c2b.people.models import Person
from c2b.stores.models import Store


class Order(Base):
    """One customer's pre-order of one or more products in one campaign."""

    __tablename__ = "customer_order"  # "order" is a word of SQL
    __table_args__ = (
        UniqueConstraint("person_id", "idempotency_key"),  # the same form sent twice is one order
        UniqueConstraint("campaign_id", "id"),
    )

    id: Mapped[Key]
    ref: Mapped[Reference]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    idempotency_key: Mapped[str] = mapped_column(String(64))
    placed_at: Mapped[datetime]
    legal_profile: Mapped[LegalProfile] = mapped_column(choice(LegalProfile))
    terms: Mapped[str] = mapped_column(Text)
    """The text that was accepted, in the customer's language."""
    terms_hash: Mapped[str] = mapped_column(String(64))
    terms_accepted_at: Mapped[datetime]
    recipient: Mapped[str] = mapped_column(String(100), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    country: Mapped[str] = mapped_column(String(2), default="")
    postal_code: Mapped[str] = mapped_column(String(20), default="")
    address: Mapped[str] = mapped_column(String(300), default="")

    campaign: Mapped[Campaign] = relationship()
    person: Mapped[Person] = relationship()


class OrderLine(Base):
    """Units of one variant, at the promised price; its outcome, money and fulfilment are three separate things."""

    __tablename__ = "order_line"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "order_id"], ["customer_order.campaign_id", "customer_order.id"]),
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        ForeignKeyConstraint(["candidate_id", "variant_id"], ["variant.candidate_id", "variant.id"]),
        ForeignKeyConstraint(["candidate_id", "second_id"], ["variant.candidate_id", "variant.id"]),
        ForeignKeyConstraint(["candidate_id", "first_id"], ["variant.candidate_id", "variant.id"]),
        UniqueConstraint("order_id", "variant_id"),
        UniqueConstraint("order_id", "second_id"),
        CheckConstraint("second_id <> coalesce(first_id, variant_id)", name="another_second"),
        CheckConstraint("first_id IS NULL OR second_id = variant_id", name="first_or_second"),
        CheckConstraint("units > 0", name="units"),
        CheckConstraint("deposit >= 0 AND unit_price >= 0 AND deposit <= units * unit_price", name="deposit_within_price"),
        CheckConstraint("final_unit_price <= unit_price", name="never_above_the_promise"),
        CheckConstraint("outcome NOT IN ('allocated', 'missed') OR reserved_at IS NOT NULL", name="decided_if_reserved"),
        Index("ix_order_line_candidate", "campaign_id", "candidate_id", "outcome"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int]
    order_id: Mapped[int] = mapped_column(index=True)
    candidate_id: Mapped[int]
    variant_id: Mapped[int]
    second_id: Mapped[int | None]
    """What the customer takes instead if its colour misses a minimum of its own."""
    first_id: Mapped[int | None]
    """What was ordered, where the decision gave the second choice."""
    units: Mapped[int]
    unit_price: Mapped[int]
    """Promised: the first tier's."""
    deposit: Mapped[int]
    """Of the whole line."""
    final_unit_price: Mapped[int | None]
    """Set by the decision, never above the promise."""
    outcome: Mapped[Outcome] = mapped_column(choice(Outcome), default=Outcome.OPEN)
    fulfilment: Mapped[Fulfilment] = mapped_column(choice(Fulfilment), default=Fulfilment.NONE)
    reserved_at: Mapped[datetime | None]
    """When its deposit was captured; only such lines count towards a minimum."""
    cancel_requested_at: Mapped[datetime | None]
    """Cancelled by the customer while its payment was unknown; done when the answer is there."""
    ended_at: Mapped[datetime | None]
    handed_over_at: Mapped[datetime | None]
    """When the customer had the goods: from then on their money is ours, and the days to send them back run."""

    order: Mapped[Order] = relationship(viewonly=True, primaryjoin="OrderLine.order_id == Order.id", foreign_keys="OrderLine.order_id")
    candidate: Mapped[Candidate] = relationship(
        viewonly=True, primaryjoin="OrderLine.candidate_id == Candidate.id", foreign_keys="OrderLine.candidate_id"
    )
    variant: Mapped[Variant] = relationship(
        viewonly=True, primaryjoin="OrderLine.variant_id == Variant.id", foreign_keys="OrderLine.variant_id"
    )
    second: Mapped[Variant | None] = relationship(
        viewonly=True, primaryjoin="OrderLine.second_id == Variant.id", foreign_keys="OrderLine.second_id"
    )
    first: Mapped[Variant | None] = relationship(
        viewonly=True, primaryjoin="OrderLine.first_id == Variant.id", foreign_keys="OrderLine.first_id"
    )


class Place(Base):
    """Units of a capped candidate taken while a payment runs; gone when captured, failed or expired."""

    __tablename__ = "place"

    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), index=True)
    units: Mapped[int]
    expires_at: Mapped[datetime]


class Obligation(Base):
    """What a customer owes: amounts to pay come from here only."""

    __tablename__ = "obligation"
    __table_args__ = (
        UniqueConstraint("line_id", "kind"),
        CheckConstraint("amount > 0", name="amount"),
        CheckConstraint("(line_id IS NULL) = (kind = 'shipping')", name="shipping_is_the_orders"),
    )

    id: Mapped[Key]
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"))
    kind: Mapped[ObligationKind] = mapped_column(choice(ObligationKind))
    amount: Mapped[int]
    due_at: Mapped[datetime]
    state: Mapped[ObligationState] = mapped_column(choice(ObligationState), default=ObligationState.DUE)


class PaymentPart(Base):
    """Which obligations a payment is for."""

    __tablename__ = "payment_part"

    payment_id: Mapped[int] = mapped_column(ForeignKey("payment.id"), primary_key=True)
    obligation_id: Mapped[int] = mapped_column(ForeignKey("obligation.id"), primary_key=True, index=True)
    amount: Mapped[int]
    applied: Mapped[bool] = mapped_column(default=False)
    """The capture went to the line's account; without it the money is owed back, or never came."""


class RefundLine(Base):
    """Which lines a refund returns money of; a refund is one call per payment and carries lines."""

    __tablename__ = "refund_line"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    id: Mapped[Key]
    refund_id: Mapped[int] = mapped_column(ForeignKey("refund.id"), index=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("order_line.id"), index=True)
    """Empty: money that came late, twice or too much."""
    amount: Mapped[int]
    reason: Mapped[RefundReason] = mapped_column(choice(RefundReason))


class PayoutAccount(Base):
    """Where an order's customer wants money that can't go back the way it came; no log, message or address ever holds it."""

    __tablename__ = "payout_account"
    __table_args__ = (
        CheckConstraint("holder <> '' AND account <> ''", name="complete"),
        CheckConstraint("changes BETWEEN 1 AND 5", name="changes_a_day"),
    )

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), primary_key=True)
    way: Mapped[PayoutWay] = mapped_column(choice(PayoutWay))
    holder: Mapped[str] = mapped_column(String(100))
    bank: Mapped[str] = mapped_column(String(100), default="")
    """Name and branch or code, where the way asks for it."""
    account: Mapped[str] = mapped_column(String(100))
    given_at: Mapped[datetime]
    changes: Mapped[int]
    """On the day (UTC) of `given_at`."""


class DisputeLine(Base):
    """What a dispute took from the account of a line."""

    __tablename__ = "dispute_line"
    __table_args__ = (CheckConstraint("amount > 0", name="amount"),)

    dispute_id: Mapped[int] = mapped_column(ForeignKey("dispute.id"), primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True, index=True)
    amount: Mapped[int]


class Withdrawal(Base):
    """A line that its customer left without giving a reason; before the goods came, or to send them back."""

    __tablename__ = "withdrawal"

    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), index=True)
    right: Mapped[Right] = mapped_column(choice(Right))
    received_at: Mapped[datetime]
    came_back_at: Mapped[datetime | None]
    """When staff entered that the goods are here: then the money goes back."""


class Parcel(Base):
    """A parcel on its way to a customer; an order may come in several."""

    __tablename__ = "parcel"
    __table_args__ = (
        UniqueConstraint("order_id", "carrier", "number"),
        CheckConstraint("carrier <> '' AND number <> ''", name="named"),
        CheckConstraint("delivered_on >= sent_on", name="delivered_later"),
    )

    id: Mapped[Key]
    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"))
    carrier: Mapped[str] = mapped_column(String(60))
    number: Mapped[str] = mapped_column(String(60))
    sent_on: Mapped[date]
    delivered_on: Mapped[date | None]
    entered_at: Mapped[datetime] = mapped_column(index=True)
    """The very instant of its import: its customers are told from there."""


class ParcelLine(Base):
    """Units of an order's line that a parcel holds."""

    __tablename__ = "parcel_line"
    __table_args__ = (CheckConstraint("units > 0", name="units"),)

    parcel_id: Mapped[int] = mapped_column(ForeignKey("parcel.id"), primary_key=True, autoincrement=False)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True, autoincrement=False, index=True)
    units: Mapped[int]


class Pickup(Base):
    """An order that its customer collects in a store; whoever shows its code there gets the goods, each line once."""

    __tablename__ = "pickup"

    order_id: Mapped[int] = mapped_column(ForeignKey("customer_order.id"), primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(ForeignKey(Store.id), index=True)
    code: Mapped[str] = mapped_column(String(8), unique=True)
    """Shown to the customer once goods are in the store."""
    chosen_at: Mapped[datetime]
    arrived_at: Mapped[datetime | None] = mapped_column(index=True)
    """The very instant of the last arrival of its goods: its customer is told from there."""


class SellerDefault(Base):
    """A confirmed product that we can't deliver, to all or to some, with the reason that its customers read; never changed."""

    __tablename__ = "seller_default"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        CheckConstraint("reason <> ''", name="has_reason"),
    )

    candidate_id: Mapped[int] = mapped_column(primary_key=True)
    campaign_id: Mapped[int]
    reason: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(primary_key=True)
    """The very instant at which its lines ended: so they are told from lines that ended otherwise."""


class Delay(Base):
    """A product's new expected day, with the reason that customers read; never changed, a further delay is a new one."""

    __tablename__ = "delay"
    __table_args__ = (
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        CheckConstraint("expected > promised", name="later"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int]
    candidate_id: Mapped[int] = mapped_column(index=True)
    promised: Mapped[date]
    """The day that held before."""
    expected: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    announced_at: Mapped[datetime]
    answer_by: Mapped[datetime | None]
    """Until when customers can answer; empty: they are told only."""
    silence_agrees: Mapped[bool] = mapped_column(default=True)
    settled_at: Mapped[datetime | None]
    """When what silence means was carried out."""


class DelayAnswer(Base):
    """What a customer said to a delay of one line."""

    __tablename__ = "delay_answer"

    delay_id: Mapped[int] = mapped_column(ForeignKey("delay.id"), primary_key=True)
    line_id: Mapped[int] = mapped_column(ForeignKey("order_line.id"), primary_key=True, index=True)
    agrees: Mapped[bool]
    at: Mapped[datetime]
