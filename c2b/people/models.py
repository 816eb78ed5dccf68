"""Customers, staff, and how they prove who they are."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from c2b.db import Base, Key, Reference, choice
from c2b.people.rules import AddressKind, LostState, Role


class Person(Base):
    """A voter and customer; without a verified address a guest, whose picks are a draft."""

    __tablename__ = "person"

    id: Mapped[Key]
    ref: Mapped[Reference]
    name: Mapped[str] = mapped_column(String(100), default="")
    locale: Mapped[str] = mapped_column(String(16), default="")
    viewer: Mapped[int]
    """The viewer number of the first browser: decides the gallery's order wherever they sign in."""
    size: Mapped[str] = mapped_column(String(40), default="", server_default=text("''"))
    """The size they usually wear, as they said once; empty if they didn't."""
    created_at: Mapped[datetime]


class Address(Base):
    """A verified or imported address of a person; the keyed hash of its normal form is unique."""

    __tablename__ = "address"
    __table_args__ = (UniqueConstraint("kind", "digest"),)  # one person, one address; so one person, one ballot

    id: Mapped[Key]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind))
    value: Mapped[str] = mapped_column(String(254))
    """As the person typed it: where mail goes."""
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    verified_at: Mapped[datetime | None]

    person: Mapped[Person] = relationship()


class OneTimeCode(Base):
    """Six digits sent to an address: ten minutes, five tries, once."""

    __tablename__ = "one_time_code"
    __table_args__ = (
        UniqueConstraint("kind", "digest", "day", "number"),  # five a day: the limit is the size of the key space
        CheckConstraint("number BETWEEN 1 AND 5", name="codes_a_day"),
        CheckConstraint("tries BETWEEN 0 AND 5", name="tries"),
    )

    id: Mapped[Key]
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    day: Mapped[date]
    """UTC."""
    number: Mapped[int]
    """Of this address and day; sent whether or not anybody is known by the address."""
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    sent_at: Mapped[datetime]
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None]


class LostAddress(Base):
    """A request to move an account from an address that can't be reached any more to one that was proved by a code."""

    __tablename__ = "lost_address"
    __table_args__ = (
        CheckConstraint("approved_by = '' OR approved_by <> proposed_by", name="second_person"),
        CheckConstraint("(approved_at IS NULL) = (approved_by = '')", name="approved_by_somebody"),
    )

    id: Mapped[Key]
    ref: Mapped[Reference]
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind))
    """Of both addresses: an account stays known by what its campaigns know it by."""
    old_value: Mapped[str] = mapped_column(String(254))
    """As it was typed; whether anybody is known by it is looked up when staff look."""
    old_digest: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    new_value: Mapped[str] = mapped_column(String(254))
    new_digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    words: Mapped[str] = mapped_column(Text)
    """What the customer says for themselves."""
    locale: Mapped[str] = mapped_column(String(16))
    asked_at: Mapped[datetime]
    state: Mapped[LostState] = mapped_column(choice(LostState))
    reason: Mapped[str] = mapped_column(Text, default="")
    """Of the proposal, or of the refusal."""
    proposed_by: Mapped[str] = mapped_column(String(200), default="")
    approved_by: Mapped[str] = mapped_column(String(200), default="")
    """Always somebody else."""
    approved_at: Mapped[datetime | None]
    stop_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32), unique=True)
    """Of the token in the message to the old address, by which its reader objects."""


class RetiredAddress(Base):
    """An address that an account was moved away from; barred for everybody else while its former owner's ballots are being cast."""

    __tablename__ = "retired_address"
    __table_args__ = (UniqueConstraint("kind", "digest"),)

    id: Mapped[Key]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    """Whose it was."""
    kind: Mapped[AddressKind] = mapped_column(choice(AddressKind))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    retired_at: Mapped[datetime]


class Staff(Base):
    """A member of staff."""

    __tablename__ = "staff"

    id: Mapped[Key]
    email: Mapped[str] = mapped_column(String(254), unique=True)
    """In lower case."""
    name: Mapped[str] = mapped_column(String(100), default="")
    role: Mapped[Role] = mapped_column(choice(Role))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    """argon2id; empty until the set-up link was used."""
    setup_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    """Of the one-time set-up link's token."""
    setup_expires_at: Mapped[datetime | None]
    disabled_at: Mapped[datetime | None]
    wrong_passwords: Mapped[int] = mapped_column(default=0)
    """Since the last right one."""
    wrong_password_at: Mapped[datetime | None]
    """The last one that was looked at."""
    created_at: Mapped[datetime]


class Login(Base):
    """A browser that is signed in, as a customer (guests too) or as staff; revoked on the server."""

    __tablename__ = "login"
    __table_args__ = (CheckConstraint("(person_id IS NULL) <> (staff_id IS NULL)", name="of_one"),)

    id: Mapped[Key]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"), index=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class ViewerCounter(Base):
    """How many viewer numbers were given out, in blocks, so that a first visit writes nothing."""

    __tablename__ = "viewer_counter"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    reserved: Mapped[int]
