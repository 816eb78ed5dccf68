"""The campaign, what it shows, and what it sells it at."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from c2b.campaigns.rules import CampaignState, LegalProfile
from c2b.db import TRIGGERS, Base, Key, Trigger, choice
from c2b.people.rules import AddressKind


class Campaign(Base):
    """One round: candidates, rules, timetable, currency, legal profile. Amounts are minor units of its currency."""

    __tablename__ = "campaign"
    __table_args__ = (
        UniqueConstraint("id", "votes_each"),  # the target of the ballot's composite key, which carries the limit to each pick
        CheckConstraint("votes_each >= 1 AND places >= 1 AND min_votes >= 0 AND max_per_category >= 0", name="voting_rules"),
        CheckConstraint("(deposit_percent IS NULL) <> (deposit_amount IS NULL)", name="one_deposit_rule"),
        CheckConstraint("deposit_percent BETWEEN 1 AND 100", name="deposit_percent"),
        CheckConstraint("deposit_amount > 0", name="deposit_amount"),
    )

    id: Mapped[Key]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    title: Mapped[str] = mapped_column(String(200))
    title_en: Mapped[str] = mapped_column(String(200), default="")
    currency: Mapped[str] = mapped_column(String(3))
    time_zone: Mapped[str] = mapped_column(String(60))
    legal_profile: Mapped[LegalProfile] = mapped_column(choice(LegalProfile))
    state: Mapped[CampaignState] = mapped_column(choice(CampaignState), default=CampaignState.DRAFT)
    paused: Mapped[bool] = mapped_column(default=False)
    """Stops votes and orders; shown publicly."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """Public: why it is paused or was cancelled."""
    secret: Mapped[bytes] = mapped_column(LargeBinary(32))
    """Decides the gallery's order and, with the ballots' root, the lots; published with the result only."""
    rules_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]

    voting_opens: Mapped[datetime | None]
    """Empty with `voting_closes`: the campaign starts at pre-order."""
    voting_closes: Mapped[datetime | None]
    votes_each: Mapped[int]
    places: Mapped[int]
    min_votes: Mapped[int] = mapped_column(default=1)
    max_per_category: Mapped[int] = mapped_column(default=0)
    """0: no limit."""
    identity: Mapped[AddressKind] = mapped_column(choice(AddressKind), default=AddressKind.EMAIL)
    count: Mapped[list[str]] = mapped_column(JSON)
    """Which sources of ballots count: verified, store, imported."""
    publish_ballots: Mapped[bool] = mapped_column(default=False)

    ordering_opens: Mapped[datetime]
    ordering_closes: Mapped[datetime]
    deposit_percent: Mapped[int | None]
    """Of the lowest tier's price."""
    deposit_amount: Mapped[int | None]
    """Fixed, a unit."""
    minimum: Mapped[int]
    """Units a product needs, unless its offer says otherwise."""
    max_products: Mapped[int] = mapped_column(default=0)
    """The best so many of those that reached are made; 0: all."""
    per_customer: Mapped[int] = mapped_column(default=0)
    """Units of one candidate a customer may order; 0: no limit."""
    settle_hours: Mapped[int] = mapped_column(default=24)
    two_person: Mapped[bool] = mapped_column(default=False)

    balance_opens: Mapped[datetime | None]
    balance_due: Mapped[datetime | None]
    grace_days: Mapped[int] = mapped_column(default=7)

    delivery_expected: Mapped[date | None]
    shipping: Mapped[int] = mapped_column(default=0)
    countries: Mapped[list[str]] = mapped_column(JSON)

    edition: Mapped[int] = mapped_column(server_default=text("0"))
    """A random number, another one after every change of the campaign, its candidates or their pictures, whoever made it: what a
    process keeps of them is good as long as the number stands. The database sets it."""


class Supplier(Base):
    """A factory; global to the brand."""

    __tablename__ = "supplier"

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    contact: Mapped[str] = mapped_column(String(200), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    capacity_units: Mapped[int | None]
    lead_days: Mapped[int | None]


class Candidate(Base):
    """A product shown for the vote."""

    __tablename__ = "candidate"
    __table_args__ = (
        UniqueConstraint("campaign_id", "code"),
        UniqueConstraint("campaign_id", "id"),  # the target of composite keys: "only this campaign's candidates"
        CheckConstraint("price_from <= price_to", name="price_range"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"))
    code: Mapped[str] = mapped_column(String(60))
    position: Mapped[int]
    """Order in the file; staff's lists use it, the gallery never does."""
    name: Mapped[str] = mapped_column(String(200))
    name_en: Mapped[str] = mapped_column(String(200), default="")
    category: Mapped[str] = mapped_column(String(100), default="")
    category_en: Mapped[str] = mapped_column(String(100), default="")
    description: Mapped[str] = mapped_column(Text, default="")
    description_en: Mapped[str] = mapped_column(Text, default="")
    composition: Mapped[str] = mapped_column(String(300), default="")
    composition_en: Mapped[str] = mapped_column(String(300), default="")
    care: Mapped[str] = mapped_column(String(300), default="")
    care_en: Mapped[str] = mapped_column(String(300), default="")
    price_from: Mapped[int | None]
    """Estimate shown while voting, minor units."""
    price_to: Mapped[int | None]
    option1_name: Mapped[str] = mapped_column(String(60), default="")
    option1_name_en: Mapped[str] = mapped_column(String(60), default="")
    option2_name: Mapped[str] = mapped_column(String(60), default="")
    option2_name_en: Mapped[str] = mapped_column(String(60), default="")
    withdrawn_at: Mapped[datetime | None]
    withdrawn_reason: Mapped[str] = mapped_column(Text, default="")
    """Public."""

    campaign: Mapped[Campaign] = relationship()


class OptionValue(Base):
    """One value of a candidate's first or second option ("M", "Indigo"), in the order of the file."""

    __tablename__ = "option_value"
    __table_args__ = (
        UniqueConstraint("candidate_id", "axis", "value"),
        UniqueConstraint("candidate_id", "id"),  # so that a variant takes only its own candidate's values
        CheckConstraint("axis IN (1, 2)", name="axis"),
    )

    id: Mapped[Key]
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    axis: Mapped[int]
    position: Mapped[int]
    value: Mapped[str] = mapped_column(String(100))
    value_en: Mapped[str] = mapped_column(String(100), default="")
    swatch: Mapped[str] = mapped_column(String(7), default="")
    """A colour as #rrggbb, or empty."""
    minimum: Mapped[int | None]
    """Units this value needs for itself (a dye lot)."""


class Variant(Base):
    """A size/colour combination with its SKU; prices in minor units, empty until offered."""

    __tablename__ = "variant"
    __table_args__ = (
        UniqueConstraint("campaign_id", "sku"),
        UniqueConstraint("candidate_id", "option1_id", "option2_id"),
        UniqueConstraint("candidate_id", "id"),
        ForeignKeyConstraint(["campaign_id", "candidate_id"], ["candidate.campaign_id", "candidate.id"]),
        ForeignKeyConstraint(["candidate_id", "option1_id"], ["option_value.candidate_id", "option_value.id"]),
        ForeignKeyConstraint(["candidate_id", "option2_id"], ["option_value.candidate_id", "option_value.id"]),
        CheckConstraint("tier2_price <= price AND tier3_price <= tier2_price AND tier3_price <= price", name="prices_fall"),
    )

    id: Mapped[Key]
    campaign_id: Mapped[int]
    candidate_id: Mapped[int]
    position: Mapped[int]
    option1_id: Mapped[int | None]
    option2_id: Mapped[int | None]
    minimum: Mapped[int | None]
    """Units it needs for itself."""
    sku: Mapped[str] = mapped_column(String(80))
    barcode: Mapped[str] = mapped_column(String(40), default="")
    weight_g: Mapped[int | None]
    price: Mapped[int | None]
    """The first tier's: what is promised at order."""
    tier2_price: Mapped[int | None]
    tier3_price: Mapped[int | None]

    candidate: Mapped[Candidate] = relationship(viewonly=True)
    option1: Mapped[OptionValue | None] = relationship(
        foreign_keys="Variant.option1_id", viewonly=True, primaryjoin="Variant.option1_id == OptionValue.id"
    )
    option2: Mapped[OptionValue | None] = relationship(
        foreign_keys="Variant.option2_id", viewonly=True, primaryjoin="Variant.option2_id == OptionValue.id"
    )


class Offer(Base):
    """What a candidate is sold at, besides its variants' prices; frozen when ordering opens."""

    __tablename__ = "offer"
    __table_args__ = (
        CheckConstraint("minimum >= 1", name="minimum"),
        CheckConstraint("pack >= 1", name="pack"),
        CheckConstraint("cap >= 1", name="cap"),
        CheckConstraint("tier2_units > 1 AND (tier3_units IS NULL OR tier3_units > tier2_units)", name="tiers_rise"),
    )

    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"), primary_key=True)
    minimum: Mapped[int | None]
    """Empty: the campaign's."""
    pack: Mapped[int] = mapped_column(default=1)
    """Production comes in multiples of so many."""
    cap: Mapped[int | None]
    """Units that can be taken at most; empty: no limit."""
    tier2_units: Mapped[int | None]
    """Captured units of the candidate from which the second price holds."""
    tier3_units: Mapped[int | None]
    supplier_id: Mapped[int | None] = mapped_column(ForeignKey("supplier.id"))
    unit_cost: Mapped[int | None]
    lead_days: Mapped[int | None]
    tax_rate: Mapped[int | None]
    """Basis points: 13 % is 1300."""

    candidate: Mapped[Candidate] = relationship()
    supplier: Mapped[Supplier | None] = relationship()


class Picture(Base):
    """A picture of a candidate; of one option value where it shows that colour."""

    __tablename__ = "picture"
    __table_args__ = (
        UniqueConstraint("candidate_id", "source"),
        ForeignKeyConstraint(["candidate_id", "option_value_id"], ["option_value.candidate_id", "option_value.id"]),
    )

    id: Mapped[Key]
    candidate_id: Mapped[int] = mapped_column(ForeignKey("candidate.id"))
    option_value_id: Mapped[int | None]
    position: Mapped[int]
    source: Mapped[str] = mapped_column(String(500))
    """File name or address in the import: the same file twice is one picture."""
    file: Mapped[str] = mapped_column(String(60), default="")
    """Random name in `media/` of the data folder; empty: not fetched, only its address is known."""
    width: Mapped[int] = mapped_column(default=0)
    height: Mapped[int] = mapped_column(default=0)


class ImportUndo(Base):
    """The way back from a campaign's last import of candidates."""

    __tablename__ = "import_undo"

    campaign_id: Mapped[int] = mapped_column(ForeignKey("campaign.id"), primary_key=True, autoincrement=False)
    at: Mapped[datetime]
    actor: Mapped[str] = mapped_column(String(200))
    offers_only: Mapped[bool]
    """It was an import after the selection, which sets nothing but offers."""
    added: Mapped[int]
    changed: Mapped[int]
    back: Mapped[dict[str, dict[str, list[Any]]]] = mapped_column(JSON)
    """By table: rows to add again (`new`), rows as they were (`changed`), keys of rows to take away (`gone`)."""
    after: Mapped[str] = mapped_column(String(64))
    """Hash of what the import left: where that has changed, the way back is closed."""


def _sqlite(table: str, campaign: str) -> tuple[str, ...]:
    """Return the triggers of a table whose rows belong to a `campaign`."""
    new = f"UPDATE campaign SET edition = random() WHERE id = {campaign}"
    made = []
    for verb, row in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        body = new.format(row=row)
        made.append(f"CREATE TRIGGER {table}_edition_{verb} AFTER {verb.upper()} ON {table} BEGIN {body}; END")
    return tuple(made)


def _postgresql(table: str, campaign: str) -> tuple[str, ...]:
    """Return the triggers of a table whose rows, `changed`, belong to a `campaign`; one update however many rows there are."""
    function = (
        f"CREATE OR REPLACE FUNCTION {table}_edition() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"UPDATE campaign SET edition = 0 WHERE id IN ({campaign}); RETURN NULL; END $$"
    )
    made = [function]
    for verb, rows in (("insert", "NEW"), ("update", "NEW"), ("delete", "OLD")):
        made.append(
            f"CREATE TRIGGER {table}_edition_{verb} AFTER {verb.upper()} ON {table} REFERENCING {rows} TABLE AS changed "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_edition()"
        )
    return tuple(made)


_OF_CANDIDATE = "SELECT campaign_id FROM candidate WHERE id"
TRIGGERS += [
    Trigger(
        "campaign_edition",
        sqlite=(
            "CREATE TRIGGER campaign_edition_insert AFTER INSERT ON campaign "
            "BEGIN UPDATE campaign SET edition = random() WHERE id = NEW.id; END",
            "CREATE TRIGGER campaign_edition_update AFTER UPDATE ON campaign WHEN NEW.edition IS OLD.edition "
            "BEGIN UPDATE campaign SET edition = random() WHERE id = NEW.id; END",
        ),
        postgresql=(
            "CREATE OR REPLACE FUNCTION campaign_edition() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN NEW.edition = floor(random() * 9007199254740992); RETURN NEW; END $$",
            "CREATE TRIGGER campaign_edition BEFORE INSERT OR UPDATE ON campaign FOR EACH ROW EXECUTE FUNCTION campaign_edition()",
        ),
    ),
    Trigger(
        "candidate_edition",
        sqlite=_sqlite("candidate", "{row}.campaign_id"),
        postgresql=_postgresql("candidate", "SELECT campaign_id FROM changed"),
    ),
    Trigger(
        "picture_edition",
        sqlite=_sqlite("picture", f"({_OF_CANDIDATE} = {{row}}.candidate_id)"),
        postgresql=_postgresql("picture", f"{_OF_CANDIDATE} IN (SELECT candidate_id FROM changed)"),
    ),
]
