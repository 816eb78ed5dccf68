"""The demo's three campaigns: one that votes, one that takes orders, one that is decided; their instants follow the clock."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from c2b.demo.catalogue import Product, products

MORNING, NIGHT = time(2, 0, tzinfo=UTC), time(14, 0, tzinfo=UTC)
"""10:00 and 22:00 in Shanghai."""


@dataclass(frozen=True)
class Season:
    """A campaign to be made up; the days count from today."""

    slug: str
    title: str
    title_en: str
    candidates: int
    places: int
    votes_each: int
    voters: int
    orders: int
    voting: tuple[int, int]
    ordering: tuple[int, int]
    balance: tuple[int, int]
    delivery: int
    minimum: int
    minimums: tuple[int, ...]
    ring: int = 0
    """How many more ballots come from somebody who wants some candidates in."""

    def products(self) -> list[Product]:
        """Return its catalogue, the same every time."""
        return products(self.candidates, seed=self.slug, minimums=self.minimums)

    def document(self, now: datetime) -> dict[str, Any]:
        """Return its campaign file as it would be parsed."""
        return {
            "slug": self.slug,
            "title": self.title,
            "title_en": self.title_en,
            "currency": "CNY",
            "time_zone": "Asia/Shanghai",
            "legal_profile": "CN_DINGJIN",
            "voting": {
                "opens": self.opens(now),
                "closes": _at(now, self.voting[1], NIGHT),
                "votes_each": self.votes_each,
                "places": self.places,
            },
            "ordering": {
                "opens": _at(now, self.ordering[0], MORNING),
                "closes": _at(now, self.ordering[1], NIGHT),
                "deposit_percent": 20,
                "minimum": self.minimum,
            },
            "balance": {"opens": _at(now, self.balance[0], MORNING), "due": _at(now, self.balance[1], NIGHT)},
            "delivery": {"expected": (now + timedelta(days=self.delivery)).date(), "countries": ["CN"]},
        }

    def opens(self, now: datetime) -> datetime:
        """Return when voting opens."""
        return _at(now, self.voting[0], MORNING)


def _at(now: datetime, days: int, clock: time) -> datetime:
    return datetime.combine((now.astimezone(UTC) + timedelta(days=days)).date(), clock)


def voting(candidates: int) -> Season:
    """Return the campaign that takes votes now, with so many candidates."""
    return Season(
        slug="autumn",
        title=f"秋冬新款：{candidates} 款，由你选",
        title_en=f"Autumn: {candidates} designs, you choose",
        candidates=candidates,
        places=max(1, min(150, candidates * 3 // 10)),
        votes_each=min(15, candidates),
        voters=3200,
        orders=0,
        voting=(-8, 6),
        ordering=(9, 23),
        balance=(26, 41),
        delivery=85,
        minimum=50,
        minimums=(30, 50, 50, 80, 100),
        ring=50,
    )


ORDERING = Season(
    slug="summer",
    title="夏季：60 款选 24，正在预订",
    title_en="Summer: 24 of 60, open for pre-order",
    candidates=60,
    places=24,
    votes_each=8,
    voters=700,
    orders=420,
    voting=(-32, -18),
    ordering=(-9, 5),
    balance=(8, 23),
    delivery=60,
    minimum=20,
    minimums=(12, 16, 20, 30),
)
DECIDED = Season(
    slug="spring",
    title="春季：40 款选 16，已定案",
    title_en="Spring: 16 of 40, decided",
    candidates=40,
    places=16,
    votes_each=6,
    voters=500,
    orders=260,
    voting=(-47, -33),
    ordering=(-26, -3),
    balance=(1, 16),
    delivery=45,
    minimum=15,
    minimums=(10, 15, 20, 25),
)
