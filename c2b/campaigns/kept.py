"""What a process keeps of a campaign: its row and its candidates, read once for each edition, so that no page asks for them again."""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns import queries
from c2b.campaigns.finding import containing, texts_of
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import CandidateCard, PictureRow
from c2b.campaigns.rules import text
from c2b.db import Database

T = TypeVar("T")
Bits = int
"""Some of a campaign's candidates: a bit for each in the order of the file, the first candidate's the lowest."""


class Memo(Generic[T]):
    """What is made of values, each made once; with `most` of them it begins anew."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: dict[Hashable, T] = {}

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what belongs to `key`, and depends on nothing else; `make` makes it the first time."""
        found = self._known.get(key)
        if found is None:
            found = make()
            if len(self._known) >= self._most:
                self._known.clear()
            self._known[key] = found
        return found


@dataclass(frozen=True, eq=False)
class Kept:
    """A campaign and its candidates, withdrawn ones too, as they are in one edition; for reading, by all threads alike."""

    campaign: Campaign
    candidates: tuple[Candidate, ...]
    """In the order of the file."""
    pictures: dict[int, PictureRow]
    """Each candidate's first, by the candidate's key."""
    shown: dict[tuple[int, str, str, bool], bytes] = field(default_factory=dict)
    """The cards as HTML, by the candidate's number, what it offers, language, and whether its picture loads at once."""
    pages: Memo[tuple[bytes, bytes]] = field(default_factory=lambda: Memo(1_000))
    """What stands around them: before and after."""
    _cards: Memo[tuple[CandidateCard, ...]] = field(default_factory=lambda: Memo(10))

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """The candidates' keys."""
        return tuple(each.id for each in self.candidates)

    @cached_property
    def prices(self) -> tuple[int | None, ...]:
        """The candidates' lower estimates, in minor units."""
        return tuple(each.price_from for each in self.candidates)

    @cached_property
    def all(self) -> Bits:
        """Every candidate."""
        return (1 << len(self.ids)) - 1

    @cached_property
    def _bit(self) -> dict[int, Bits]:
        return {key: 1 << number for number, key in enumerate(self.ids)}

    @cached_property
    def _words(self) -> tuple[str, ...]:
        return tuple(map(texts_of, self.candidates))

    @staticmethod
    def numbered(numbers: Iterable[int]) -> Bits:
        """Return the candidates with these numbers in the file."""
        return sum(1 << number for number in numbers)

    def bits(self, ids: Iterable[int]) -> Bits:
        """Return the candidates with these keys; whose key isn't one of theirs is left out."""
        found, bit = 0, self._bit
        for key in ids:
            found |= bit.get(key, 0)
        return found

    def where(self, fits: Callable[[Candidate], bool]) -> Bits:
        """Return the candidates that fit."""
        return self.bits(each.id for each in self.candidates if fits(each))

    def matching(self, search: str) -> Bits:
        """Return the candidates in which every word of `search` stands somewhere, in either language."""
        fits = containing(search)
        return self.bits(key for key, words in zip(self.ids, self._words, strict=True) if fits(words))

    def cards(self, locale: str) -> tuple[CandidateCard, ...]:
        """Return the candidates as lists show them in a language."""
        return self._cards.of(locale, lambda: tuple(queries.card(each, locale, self.pictures.get(each.id)) for each in self.candidates))

    def categories(self, locale: str) -> list[tuple[str, str, int]]:
        """Return key, shown name and number of candidates of each category, in the order of the file."""
        names: dict[str, str] = {}
        counts: dict[str, int] = {}
        for each in self.candidates:
            if each.category:
                names[each.category] = max(names.get(each.category, ""), each.category_en)
                counts[each.category] = counts.get(each.category, 0) + 1
        return [(key, text(key, names[key], locale), count) for key, count in counts.items()]


_KEPT: dict[int, tuple[int, Kept]] = {}
"""By campaign: the edition that was read last, and what was read. Editions are random, so that no other database's fits."""


def read(session: Session, campaign_id: int) -> Kept:
    """Read a campaign and its candidates, by three statements."""
    campaign = session.scalars(select(Campaign).where(Campaign.id == campaign_id)).one()
    return Kept(campaign, *queries.candidates_with_pictures(session, campaign_id))


def kept(database: Database, campaign_id: int, edition: int) -> Kept:
    """Return what is kept of a campaign in the edition that a statement has just named.

    Read where it isn't. What changes between the two is kept too early, never too late: who sees the change
    sees another edition.
    """
    known, found = _KEPT.get(campaign_id, (0, None))
    if found is None or known != edition:
        with database.reading() as session:
            found = read(session, campaign_id)
        _KEPT[campaign_id] = edition, found
    return found
