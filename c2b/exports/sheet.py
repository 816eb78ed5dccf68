"""A sheet: what every export is before it has a format."""

import enum
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Select, case
from sqlalchemy.orm import InstrumentedAttribute, Session

from c2b.campaigns.models import Campaign

Row = Sequence[Any]
Rows = Generator[Row, None, None]
"""Rows that come one by one; closing them closes the database's cursor."""
BATCH = 1000
"""Rows that are in memory at once."""


class Cell(enum.StrEnum):
    """What the values of a column are; money in minor units, instants in UTC, rates in basis points (shown in per cent)."""

    TEXT = "text"
    INTEGER = "integer"
    MONEY = "money"
    INSTANT = "instant"
    DATE = "date"
    RATE = "rate"


@dataclass(frozen=True)
class Column:
    """One column; `name` is public, programs rely on it."""

    name: str
    zh: str
    cell: Cell = Cell.TEXT
    total: bool = False
    """Its sum says something: units and amounts, not prices."""

    def header(self, locale: str) -> str:
        """Return what stands above it in files that people open."""
        return self.name.replace("_", " ").capitalize() if locale == "en" else self.zh


@dataclass(frozen=True)
class About:
    """What every file says about itself."""

    campaign: str
    title: str
    currency: str
    zone: ZoneInfo
    locale: str
    made_at: datetime
    counts: bool
    """Votes may be shown: voting has closed, or the reader may look at counts."""

    @classmethod
    def of(cls, campaign: Campaign, *, locale: str, counts: bool, now: datetime) -> Self:
        """Return the facts of a campaign as they stand in its files."""
        title = campaign.title_en if locale == "en" and campaign.title_en else campaign.title
        return cls(campaign.slug, title, campaign.currency, ZoneInfo(campaign.time_zone), locale, now, counts)

    def local(self, instant: datetime) -> datetime:
        """Return an instant in the campaign's zone."""
        return instant.astimezone(self.zone)

    def word(self, zh: str, en: str) -> str:
        """Return the word in the file's language."""
        return en if self.locale == "en" else zh

    def column(self, zh: InstrumentedAttribute[str], en: InstrumentedAttribute[str]) -> ColumnElement[str]:
        """Return the column in the file's language; what isn't translated stands in the other one."""
        return case((en != "", en), else_=zh) if self.locale == "en" else zh.expression


@dataclass
class Tally:
    """Counts rows and adds up columns while they stream by; complete when the last row has passed."""

    columns: tuple[Column, ...]
    rows: int = 0
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def amounts(self) -> tuple[str, ...]:
        """Names of the totals that are amounts."""
        return tuple(column.name for column in self.columns if column.total and column.cell is Cell.MONEY)

    def watch(self, rows: Rows) -> Rows:
        """Pass the rows on."""
        watched = {column.name: index for index, column in enumerate(self.columns) if column.total}
        totals = dict.fromkeys(watched, 0)
        with closing(rows):
            for row in rows:
                self.rows += 1
                for name, index in watched.items():
                    totals[name] += int(row[index] or 0)  # PostgreSQL adds up to decimals
                yield row
        self.totals = totals


@dataclass
class Sheet:
    """Title, columns and rows that come one by one; can be written once."""

    name: str
    """The kind of export: `deposits`, or a part of one."""
    title: str
    columns: tuple[Column, ...]
    rows: Rows
    about: About
    run: str = ""
    """Hash of the selection or decision that these rows come from."""
    beside: tuple["Sheet", ...] = ()
    """What formats of more than one part write too: accounts of a ledger, candidates of an election, sizes of a grid."""
    tally: Tally = field(init=False)

    def __post_init__(self) -> None:
        self.tally = Tally(self.columns)
        self.rows = self.tally.watch(self.rows)

    @property
    def place(self) -> dict[str, int]:
        """Where in a row each column stands."""
        return {column.name: index for index, column in enumerate(self.columns)}

    def shown(self, way: Callable[[Cell, About], Callable[[Any], object]]) -> Iterator[list[object]]:
        """Yield the rows as a format has them: each value in its cell's `way`; nothing stays nothing."""
        ways = [way(column.cell, self.about) for column in self.columns]
        for row in self.rows:
            yield [None if value is None else show(value) for show, value in zip(ways, row, strict=True)]


def stream(session: Session, statement: Select[*tuple[Any, ...]]) -> Rows:
    """Run `statement` when the first row is asked for, and fetch its rows in batches from a cursor of the server."""
    with session.execute(statement, execution_options={"yield_per": BATCH}) as result:
        yield from result
