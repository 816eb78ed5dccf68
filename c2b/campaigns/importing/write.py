"""Checked candidates to tables, by sets: as many statements for a thousand rows as for one."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import count, pairwise
from operator import itemgetter
from typing import Any, cast

from sqlalchemy import Column, Executable, Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.importing.columns import COLUMNS, Level
from c2b.campaigns.importing.pictures import Shots
from c2b.campaigns.importing.shapes import CandidateIn, PictureIn, VariantIn
from c2b.campaigns.models import Candidate, Offer, OptionValue, Picture, Supplier, Variant
from c2b.db import Base
from c2b.errors import N_, Refused

Record = dict[str, Any]
Options = Mapping[tuple[int, int, str], int]
"""Keys of option values by candidate, axis and value."""
_CANDIDATE = tuple(name for name, column in COLUMNS.items() if column.level is Level.CANDIDATE)
_BLANK = {name: COLUMNS[name].blank for name in _CANDIDATE}
_OFFER = ("minimum", "cap", "tier2_units", "tier3_units", "supplier_id", "unit_cost", "lead_days", "tax_rate")
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
    name_of = itemgetter(*key)
    there = {name_of(row): dict(row) for row in have}
    new = [blank | row for row in want if name_of(row) not in there]
    kept = [(there.pop(name_of(row)), row) for row in want if name_of(row) in there]
    return Difference(new, [old | row for old, row in kept if old != old | row], list(there.values()))


@dataclass
class Written:
    """Which candidates an import made or changed, by key, and how many pictures it added."""

    new: set[int] = field(default_factory=set)
    changed: set[int] = field(default_factory=set)
    variants: int = 0
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
        have = self._rows(Candidate)
        known = dict(map(itemgetter("code", "position"), have))
        positions = count(start=max(known.values(), default=0) + 1)
        want = [
            {"campaign_id": self.campaign_id, "code": each.code, "position": known.get(each.code) or next(positions)}
            | _only(columns, each.values)
            for each in self.candidates
        ]
        found = difference(have, want, key=("code",), blank=_BLANK)
        apply(self.session, Candidate, found.keeping())
        self.ids = dict(map(itemgetter("code", "id"), self._rows(Candidate)))
        self.written.new = {self.ids[row["code"]] for row in found.new}
        self.written.changed = {row["id"] for row in found.changed}

    def _write_options(self) -> tuple[Options, list[Record]]:
        """Return the keys of all wanted values, and the rows that nothing wants any more."""
        want = [
            {"candidate_id": self.ids[each.code], "axis": option.axis, "value": option.value, "position": option.position, **option.values}
            for each in self.candidates
            for option in each.options
        ]
        blank: Record = {"value_en": "", "swatch": "", "minimum": None}
        found = self._differ(OptionValue, want, key=("candidate_id", "axis", "value"), blank=blank)
        self._note(found.gone)
        apply(self.session, OptionValue, found.keeping())
        return {(row["candidate_id"], row["axis"], row["value"]): row["id"] for row in self._rows(OptionValue)}, found.gone

    def _write_variants(self, options: Options) -> None:
        skus = {(row["candidate_id"], row["option1_id"], row["option2_id"]): row["sku"] for row in self._rows(Variant)}
        want = [self._variant(each, variant, options, skus) for each in self.candidates for variant in each.variants]
        self.written.variants = len(want)
        blank = {"minimum": None, "barcode": "", "weight_g": None, "price": None, "tier2_price": None, "tier3_price": None}
        # The SKU is part of the key: a variant with another one is another variant, so that two may swap theirs.
        found = self._differ(Variant, want, key=("candidate_id", "option1_id", "option2_id", "sku"), blank=blank)
        for new in (*found.new, *found.changed):
            _refuse_rising(new["sku"], new["price"], new["tier2_price"], new["tier3_price"])
        self._note(found.gone)
        apply(self.session, Variant, found)

    def _variant(
        self, of: CandidateIn, variant: VariantIn, options: Options, skus: Mapping[tuple[int, int | None, int | None], str]
    ) -> Record:
        key = self.ids[of.code]
        first, second = (options.get((key, axis, value)) for axis, value in enumerate(variant.options, start=1))
        row = {"campaign_id": self.campaign_id, "candidate_id": key, "position": variant.position, **variant.values}
        kept = variant.sku if variant.sku_given else skus.get((key, first, second), variant.sku)
        return row | {"option1_id": first, "option2_id": second, "sku": kept}

    def _write_offers(self) -> None:
        rows: Sequence[Any] = self.session.execute(select(Supplier.code, Supplier.id)).all()
        suppliers: dict[str, int] = dict(map(tuple, rows))
        have = set(map(itemgetter("candidate_id"), self._rows(Offer)))
        want = [self._offer(each, suppliers) for each in self.candidates if self.ids[each.code] in have or any(each.offer.values())]
        blank: Record = {"pack": 1} | dict.fromkeys(_OFFER)
        found = self._differ(Offer, want, key=("candidate_id",), blank=blank)
        codes = dict(zip(self.ids.values(), self.ids, strict=True))
        for row in (*found.new, *found.changed):  # more units, less to pay: the same ladder upside down
            _refuse_rising(codes[row["candidate_id"]], row["tier3_units"] and row["tier3_units"] - 1, row["tier2_units"])
        apply(self.session, Offer, found.keeping())

    def _offer(self, of: CandidateIn, suppliers: Mapping[str, int]) -> Record:
        row: Record = {"candidate_id": self.ids[of.code]} | dict(of.offer)
        if "supplier" in row:
            row["supplier_id"] = suppliers.get(row.pop("supplier"))
        if "pack" in row:
            row["pack"] = row["pack"] or 1
        return row

    def _write_pictures(self, options: Options) -> None:
        known = {(row["candidate_id"], row["source"]): row["position"] for row in self._rows(Picture)}
        ends = _last_positions(known)
        want = []
        for each in self.candidates:
            key = self.ids[each.code]
            positions = count(start=ends.get(key, 0) + 1)
            for picture in each.pictures:
                position = known.get((key, picture.source)) or next(positions)
                shown: Record = {"position": position, "option_value_id": options.get((key, 1, picture.shows))}
                want.append({"candidate_id": key, "source": picture.source} | shown | self._shot(picture))
        found = self._differ(Picture, want, key=("candidate_id", "source"), blank={"file": "", "width": 0, "height": 0})
        apply(self.session, Picture, found.keeping())
        self.written.pictures = len(found.new)

    def _shot(self, picture: PictureIn) -> Record:
        shot = self.shots.get(picture.source)
        return asdict(shot) if shot else {}

    def _forget_options(self, stale: Sequence[Record]) -> None:
        lose = update(Picture).where(Picture.option_value_id == bindparam("stale")).values(option_value_id=None)
        _run(self.session, lose, [{"stale": row["id"]} for row in stale])
        apply(self.session, OptionValue, Difference([], [], list(stale)))

    def _rows(self, model: type[Base]) -> Sequence[Mapping[str, Any]]:
        return rows(self.session, model, self.campaign_id)

    def _differ(self, model: type[Base], want: Sequence[Record], *, key: Sequence[str], blank: Record) -> Difference:
        """Compare the rows of the file's own candidates, and note which of those differ."""
        mine = {self.ids[each.code] for each in self.candidates}
        have = [row for row in self._rows(model) if row["candidate_id"] in mine]
        found = difference(have, want, key=key, blank=blank)
        self._note((*found.new, *found.changed))
        return found

    def _note(self, rows: Iterable[Record]) -> None:
        """Count the candidates of `rows` among the changed ones."""
        self.written.changed |= {row["candidate_id"] for row in rows}


def _last_positions(known: Mapping[tuple[int, str], int]) -> dict[int, int]:
    """Return where the pictures of each candidate end, by candidate and source of each."""
    ends: dict[int, int] = {}
    for (candidate_id, _), position in known.items():
        ends[candidate_id] = max(position, ends.get(candidate_id, 0))
    return ends


def rows(session: Session, model: type[Base], campaign_id: int) -> Sequence[Mapping[str, Any]]:
    """Return all rows of a table that belong to a campaign, or to its candidates."""
    columns = _table(model).c
    mine = select(Candidate.id).where(Candidate.campaign_id == campaign_id)
    where = columns.campaign_id == campaign_id if "campaign_id" in columns else columns.candidate_id.in_(mine)
    found: Sequence[Any] = session.connection().execute(select(_table(model)).where(where)).mappings().all()
    return found


def primary(model: type[Base]) -> Column[Any]:
    """Return the key of a table that has one column as its key."""
    return next(iter(_table(model).primary_key))


def apply(session: Session, model: type[Base], found: Difference) -> None:
    """Take away first, then change, then add, so that a unique value can move from one row to another: three statements."""
    table, key = _table(model), primary(model)
    values: Record = {column.name: bindparam(f"to_{column.name}") for column in table.columns if column is not key}
    _run(session, delete(table).where(key == bindparam("gone")), [{"gone": row[key.name]} for row in found.gone])
    change = update(table).where(key == bindparam("which")).values(values)
    _run(session, change, [{"which": row[key.name]} | {f"to_{name}": row[name] for name in values} for row in found.changed])
    _run(session, insert(table), found.new)


def _run(session: Session, statement: Executable, rows: Sequence[Record]) -> None:
    if rows:
        session.connection().execute(statement, rows)


def _only(names: Collection[str], values: Mapping[str, Any]) -> Record:
    return {name: value for name, value in values.items() if name in names}


def _table(model: type[Base]) -> Table:
    return cast("Table", model.__table__)
