"""A viewer's gallery before it is a page: every candidate in their own order, and which of them the filters leave."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from c2b.campaigns.kept import Bits, Kept
from c2b.voting.order import FIRST_PAGE
from c2b.web import filtering
from c2b.web.filtering import Filters

PAGE = FIRST_PAGE


@dataclass(frozen=True)
class Shelf:
    """What a viewer's gallery holds before anything is left out, and what they know of it."""

    kept: Kept
    order: Sequence[int]
    """Each candidate's number in the file, in the viewer's own order."""
    seen: Bits
    picked: Bits

    def having(self, kind: str, since: str = "") -> Bits:
        """Return the candidates that were seen and not picked, picked, or neither (when the filter was chosen, if `since` says)."""
        if kind == filtering.PICKED:
            return self.picked
        if kind == filtering.SEEN:
            return self.seen & ~self.picked
        return self.kept.all & ~(filtering.unpacked(since) if since else self.seen | self.picked)

    def left_by(self, filters: Filters) -> Bits:
        """Return the candidates that category, price, words and `seen` leave."""
        found, band = self.kept.all, filters.band(self.kept.campaign.currency)
        if filters.category:
            found &= self.kept.where(lambda each: filters.category in (each.category, each.category_en))
        if band:
            found &= self.kept.where(lambda each: each.price_from in band)
        if filters.search.split():
            found &= self.kept.matching(filters.search)
        return found & self.having(filters.seen, filters.since) if filters.seen else found

    def listed(self, among: Bits) -> Sequence[int]:
        """Return the numbers of the candidates `among`, in the viewer's order."""
        return self.order if among == self.kept.all else [number for number in self.order if among >> number & 1]

    def go_on_at(self, page: int) -> int:
        """Return the first page with something not seen, where the viewer comes back to one that they know; else 0."""
        if self.kept.numbered(self.order[(page - 1) * PAGE : page * PAGE]) & ~self.seen:
            return 0
        news = next((place for place, number in enumerate(self.order) if not self.seen >> number & 1), None)
        return 0 if news is None else news // PAGE + 1

    def after(self, shown: Bits) -> "Shelf":
        """Return the shelf once these were shown too."""
        return replace(self, seen=self.seen | shown)
