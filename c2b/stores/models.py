"""Stores."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Double, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from c2b.db import Base, Key
from c2b.people.models import Staff


class Store(Base):
    """A shop of the brand where customers vote at the counter and collect their orders; global to the brand."""

    __tablename__ = "store"
    __table_args__ = (CheckConstraint("(latitude IS NULL) = (longitude IS NULL)", name="a_place_has_both"),)

    id: Mapped[Key]
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    address: Mapped[str] = mapped_column(String(300), default="")
    city: Mapped[str] = mapped_column(String(100), default="")
    latitude: Mapped[float | None] = mapped_column(Double)
    longitude: Mapped[float | None] = mapped_column(Double)
    """Degrees, WGS 84; both or neither."""
    hours: Mapped[str] = mapped_column(String(200), default="")
    """When it is open, as the brand writes it."""
    phone: Mapped[str] = mapped_column(String(40), default="")
    closed_at: Mapped[datetime | None]
    """From then on nobody can choose it; what waits there can still be collected."""


class StoreAssistant(Base):
    """The store that a member of staff works in: they hand over there and nowhere else."""

    __tablename__ = "store_assistant"

    staff_id: Mapped[int] = mapped_column(ForeignKey(Staff.id), primary_key=True, autoincrement=False)
    store_id: Mapped[int] = mapped_column(ForeignKey(Store.id), index=True)
