"""Checked candidates to tables, by sets: as many statements for a thousand rows as for one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.importing.assemble import CandidateIn
from c2b.campaigns.importing.columns import COLUMNS, Level
from c2b.campaigns.importing.pictures import Shots
from c2b.campaigns.models import Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.db import Base
from c2b.errors import N_, Refused

Record = dict[str, Any]
_CANDIDATE = tuple(name for name, column in COLUMNS.items() if column.level is Level.CANDIDATE)
_OPTION_NAMES = ("option1_name", "option1_name_en", "option2_name", "option2_name_en")


@dataclass(frozen=True)
class Difference:
    """What separates the rows that a table has from those that it should have."""

    new: list[Record]
    changed: list[Record]
    gone: list[Record]

    def keeping(self) -> "Difference":
        """Return the same without what is gone: a file that doesn't mention a row doesn't remove it."""
        return Difference(self.new, self.changed, [])


def difference(have: Iterable[Mapping[str, Any]], want: Sequence[Record], *, key: Sequence[str], blank: Record) -> Difference:
    """Compare rows by `key`; a wanted row says only what it knows, the rest stays, or is `blank` in a new one."""
    there = {tuple(row[name] for name in key): dict(row) for row in have}
    new, changed = [], []
    for row in want:
        old = there.pop(tuple(row[name] for name in key), None)
        if old is None:
            new.append(blank | row)
        elif any(old[name] != value for name, value in row.items()):
            changed.append(old | row)
    return Difference(new, changed, list(there.values()))


@dataclass
class Written:
    """Which candidates an import made or changed, by key, and how many pictures it added."""

    new: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    pictures: int = 0


def _refuse_rising(name: str, *ladder: int | None) -> None:
    """Refuse what would contradict the tiers that an earlier file set and this one doesn't mention."""
    steps = [step for step in ladder if step is not None]
    if any(later > earlier for earlier, later in pairwise(steps)):
        raise Refused(N_("%(name)s: the tiers that are stored don't fit the new ones; put all tier columns into the file"), name=name)


class Writer:
    """Brings the tables of one campaign up to date with the candidates of a file."""

    def __init__(self, session: Session, *, campaign_id: int, candidates: Sequence[CandidateIn], shots: Shots) -> None:
        self.session, self.campaign_id, self.candidates, self.shots = session, campaign_id, candidates, shots
        self.ids: dict[str, int] = {}
        self.written = Written()

    def write(self, *, offers_only: bool) -> Written:
        """Write everything, or what may still change after the selection: offers, variants and their prices."""
        self._write_candidates(_OPTION_NAMES if offers_only else _CANDIDATE)
        options, stale = self._write_options()
        self._write_variants(options)
        self._write_offers()
        if not offers_only:
            self._write_pictures(options)
        self._forget_options(stale)
        self.written.changed -= self.written.new
        return self.written

    def _write_candidates(self, columns: Collection[str]) -> None:
        have = self._rows(Candidate, Candidate.campaign_id == self.campaign_id)
        end = max((row["position"] for row in have), default=0)
        blank: Record = {name: COLUMNS[name].blank for name in _CANDIDATE}
        want = [
            {"campaign_id": self.campaign_id, "code": each.code} | {name: each.values[name] for name in columns if name in each.values}
            for each in self.candidates
        ]
        found = difference(have, want, key=("code",), blank=blank)
        for position, row in enumerate(found.new, start=end + 1):
            row["position"] = position
        self._apply(Candidate, found.keeping())
        self.ids = {row.code: row.id for row in self._all(Candidate, Candidate.campaign_id == self.campaign_id)}
        self.written.new = {self.ids[row["code"]] for row in found.new}
        self.written.changed = {row["id"] for row in found.changed}

    def _write_options(self) -> tuple[dict[tuple[int, int, str], int], list[Record]]:
        """Return the keys of all wanted values, and the rows that nothing wants any more."""
        want = [
            {"candidate_id": self.ids[each.code], "axis": option.axis, "value": option.value, "position": option.position, **option.values}
            for each in self.candidates
            for option in each.options
        ]
        found = self._differ(
            OptionValue, want, key=("candidate_id", "axis", "value"), blank={"value_en": "", "swatch": "", "minimum": None}
        )
        self.written.changed |= {row["candidate_id"] for row in found.gone}
        self._apply(OptionValue, found.keeping())
        after = self._all(OptionValue, *self._of_campaign(OptionValue))
        return {(row.candidate_id, row.axis, row.value): row.id for row in after}, found.gone

    def _write_variants(self, options: Mapping[tuple[int, int, str], int]) -> None:
        have = {
            (row["candidate_id"], row["option1_id"], row["option2_id"]): row["sku"]
            for row in self._rows(Variant, Variant.campaign_id == self.campaign_id)
        }
        want = []
        for each in self.candidates:
            key = self.ids[each.code]
            for variant in each.variants:
                first, second = (options.get((key, axis, value)) for axis, value in enumerate(variant.options, start=1))
                row = {
                    "campaign_id": self.campaign_id,
                    "candidate_id": key,
                    "position": variant.position,
                    "option1_id": first,
                    "option2_id": second,
                }
                kept = None if variant.sku_given else have.get((key, first, second))
                want.append(row | {"sku": kept or variant.sku, **variant.values})
        blank = {"barcode": "", "weight_g": None, "price": None, "tier2_price": None, "tier3_price": None}
        # The SKU is part of the key: a variant with another one is another variant, so that two may swap theirs.
        found = self._differ(Variant, want, key=("candidate_id", "option1_id", "option2_id", "sku"), blank=blank)
        for new in (*found.new, *found.changed):
            _refuse_rising(new["sku"], new["price"], new["tier2_price"], new["tier3_price"])
        self.written.changed |= {row["candidate_id"] for row in found.gone}
        self._apply(Variant, found)

    def _write_offers(self) -> None:
        suppliers = {row.code: row.id for row in self._all(Supplier)}
        have = {row["candidate_id"] for row in self._rows(Offer, *self._of_campaign(Offer))}
        want = []
        for each in self.candidates:
            row = dict(each.offer)
            if "supplier" in row:
                row["supplier_id"] = suppliers.get(row.pop("supplier"))
            if "pack" in row:
                row["pack"] = row["pack"] or 1
            if self.ids[each.code] in have or any(value for value in each.offer.values()):
                want.append({"candidate_id": self.ids[each.code], **row})
        blank: Record = dict.fromkeys(("minimum", "cap", "tier2_units", "tier3_units", "supplier_id", "unit_cost", "lead_days", "tax_rate"))
        found = self._differ(Offer, want, key=("candidate_id",), blank=blank | {"pack": 1})
        codes = {key: code for code, key in self.ids.items()}
        for row in (*found.new, *found.changed):  # more units, less to pay: the same ladder upside down
            most = row["tier3_units"] - 1 if row["tier3_units"] else None
            _refuse_rising(codes[row["candidate_id"]], most, row["tier2_units"])
        self._apply(Offer, found.keeping())

    def _write_pictures(self, options: Mapping[tuple[int, int, str], int]) -> None:
        ends: dict[int, int] = {}
        known = {(row["candidate_id"], row["source"]): row["position"] for row in self._rows(Picture, *self._of_campaign(Picture))}
        for (candidate_id, _), position in known.items():
            ends[candidate_id] = max(position, ends.get(candidate_id, 0))
        want = []
        for each in self.candidates:
            key = self.ids[each.code]
            for picture in each.pictures:
                row: Record = {"candidate_id": key, "source": picture.source, "option_value_id": options.get((key, 1, picture.shows))}
                if (key, picture.source) not in known:
                    ends[key] = row["position"] = ends.get(key, 0) + 1
                if shot := self.shots.get(picture.source):
                    row |= {"file": shot.file, "width": shot.width, "height": shot.height}
                want.append(row)
        found = self._differ(Picture, want, key=("candidate_id", "source"), blank={"file": "", "width": 0, "height": 0})
        self._apply(Picture, found.keeping())
        self.written.pictures = len(found.new)

    def _forget_options(self, stale: Sequence[Record]) -> None:
        if stale:
            pictures = Picture.__table__.c
            lose = update(Picture.__table__).where(pictures.option_value_id == bindparam("stale")).values(option_value_id=None)  # type: ignore[arg-type]  # a declared table is a Table
            self.session.connection().execute(lose, [{"stale": row["id"]} for row in stale])
            self._apply(OptionValue, Difference([], [], list(stale)))

    def _of_campaign(self, model: type[Base]) -> tuple[Any, ...]:
        return (model.__table__.c.candidate_id.in_(select(Candidate.id).where(Candidate.campaign_id == self.campaign_id)),)

    def _rows(self, model: type[Base], *where: Any) -> list[Mapping[str, Any]]:
        return [row._mapping for row in self._all(model, *where)]  # noqa: SLF001  the documented way to a row's mapping

    def _all(self, model: type[Base], *where: Any) -> Sequence[Any]:
        return self.session.connection().execute(select(model.__table__).where(*where)).all()

    def _differ(self, model: type[Base], want: Sequence[Record], *, key: Sequence[str], blank: Record) -> Difference:
        """Compare the rows of the file's own candidates, and note which of those differ."""
        mine = {self.ids[each.code] for each in self.candidates}
        have = [row for row in self._rows(model, *self._of_campaign(model)) if row["candidate_id"] in mine]
        found = difference(have, want, key=key, blank=blank)
        self.written.changed |= {row["candidate_id"] for row in (*found.new, *found.changed)}
        return found

    def _apply(self, model: type[Base], found: Difference) -> None:
        """Take away first, then change, then add, so that a unique value can move from one row to another."""
        table = model.__table__
        assert isinstance(table, Table)
        primary = next(iter(table.primary_key))
        connection = self.session.connection()
        if found.gone:
            connection.execute(delete(table).where(primary == bindparam("gone")), [{"gone": row[primary.name]} for row in found.gone])
        if found.changed:
            columns: Record = {name: bindparam(f"to_{name}") for name in found.changed[0] if name != primary.name}
            change = update(table).where(primary == bindparam("which")).values(columns)
            connection.execute(
                change, [{"which": row[primary.name], **{f"to_{name}": row[name] for name in columns}} for row in found.changed]
            )
        if found.new:
            connection.execute(insert(table), found.new)
