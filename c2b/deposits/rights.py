"""What a law lets customers do after they paid: leave the contract, send goods back, refuse a delay. Pure data and deadlines.

Sources: Directive 2011/83/EU, art. 9 to 14, with art. 11a as inserted by Directive 2023/2673; Regulation 1182/71, art. 3;
Consumer Protection Law of China, art. 25; Civil Code of China, art. 201 to 203; 16 CFR 435.2.
"""

import enum
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo


class Right(enum.StrEnum):
    """By which right a customer leaves."""

    WITHDRAWAL = "withdrawal"
    """Without a reason, from the contract, before the goods come too (EU)."""
    RETURN = "return"
    """Without a reason, once the goods are there (CN)."""


@dataclass(frozen=True)
class Source:
    """Where a rule stands, as people cite it in both languages."""

    zh: str
    en: str


@dataclass(frozen=True)
class Leaving:
    """How a customer leaves without giving a reason."""

    right: Right
    days: int
    """After the day on which the goods were handed over."""
    before: bool
    """Also before the goods come: then everything comes back at once."""
    shipping: bool
    """What was paid for delivery comes back too when the whole order goes back."""
    without_login: bool
    zones: tuple[str, ...]
    """A day ends when it has ended here and in the campaign's zone: nobody loses hours to where the shop is."""
    source: Source


@dataclass(frozen=True)
class DelayRule:
    """What silence means when customers are asked whether they wait longer."""

    silence_days: int
    """A first delay of at most so many days: who says nothing agrees. A longer one ends so many days after the old date without a yes."""
    least: timedelta
    """There is always so much time to answer."""
    source: Source


@dataclass(frozen=True)
class Question:
    """Until when a customer can answer, and what silence means then."""

    answer_by: datetime
    silence_agrees: bool


_MEMBERS = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
EU_COUNTRIES = frozenset(_MEMBERS.split())
"""Member states, Treaty on European Union, art. 52, without the United Kingdom (left 31 January 2020)."""
EEA_COUNTRIES = EU_COUNTRIES | {"IS", "LI", "NO"}
"""And those where the Directive holds by the Agreement on the European Economic Area (annex XIX)."""

EU_WITHDRAWAL = Leaving(
    right=Right.WITHDRAWAL,
    days=14,
    before=True,
    shipping=True,
    without_login=True,
    zones=("Atlantic/Azores",),  # the westernmost of the European territories
    source=Source("2011/83/EU 指令第九至十四条、第十一条之二（2023/2673）", "Directive 2011/83/EU, art. 9 to 14 and 11a (2023/2673)"),
)
CN_RETURN = Leaving(
    right=Right.RETURN,
    days=7,
    before=False,
    shipping=False,
    without_login=False,
    zones=("Asia/Shanghai",),
    source=Source("《消费者权益保护法》第二十五条", "Consumer Protection Law of China, art. 25"),
)
US_DELAY = DelayRule(silence_days=30, least=timedelta(days=3), source=Source("16 CFR 435.2（b）", "16 CFR 435.2(b)"))
_SATURDAY = 5


def leaves_until(leaving: Leaving, handed_over_at: datetime, time_zone: str) -> datetime:
    """Return the first instant at which goods can't be sent back any more.

    The day on which they came isn't counted, and a last day on a weekend ends with the next Monday (Regulation 1182/71, art. 3;
    Civil Code of China, art. 201 and 203). Public holidays aren't known here; staff can take goods back later than the law asks.
    """
    return max(_ends(_workday(_day(handed_over_at, zone) + timedelta(days=leaving.days)), zone) for zone in (time_zone, *leaving.zones))


def question(rule: DelayRule, *, is_first: bool, old: date, new: date, time_zone: str, now: datetime) -> Question:
    """Return what is asked when goods promised for the day `old` come on the day `new` (16 CFR 435.2(b)(1)).

    A first, short delay: silence agrees, and one can still cancel until the new day. A first, long one: cancelled without a yes within
    30 days of the old day. Every further one: cancelled without a yes by the old day.
    """
    short = is_first and new - old <= timedelta(days=rule.silence_days)
    last = new if short else old + timedelta(days=rule.silence_days) if is_first else old
    return Question(max(_ends(last, time_zone), now + rule.least), short)


def _day(at: datetime, zone: str) -> date:
    return at.astimezone(ZoneInfo(zone)).date()


def _workday(day: date) -> date:
    return day + timedelta(days=max(7 - day.weekday(), 0)) if day.weekday() >= _SATURDAY else day


def _ends(day: date, zone: str) -> datetime:
    """Return the first instant after a day."""
    return datetime.combine(day + timedelta(days=1), time(), ZoneInfo(zone)).astimezone(ZoneInfo("UTC"))


def as_list(countries: Iterable[str]) -> str:
    """Return countries as a page lists them."""
    return " ".join(sorted(countries))
