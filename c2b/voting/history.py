"""How the votes came in, day by day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from c2b.voting import counting
from c2b.voting.queries import counted_sources


@dataclass(frozen=True)
class DayVotes:
    """Votes of the ballots that were begun on one day of the campaign's calendar, as they stand now."""

    day: date
    counted: int
    held: int


def votes_by_day(session: Session, campaign_id: int, *, time_zone: str) -> list[DayVotes]:
    """Return the days on which ballots were begun, oldest first; their sums are the turnout's.

    Until voting closes only staff with `counts` may see this. Counted by the hour as votes came in, and grouped by the day here:
    zones are Python's to know.
    """
    sources = counted_sources(session, campaign_id)
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for (hour, source, held), cast in counting.hours(session, campaign_id).items():
        if source in sources:
            days[datetime.fromtimestamp(hour, UTC).astimezone(ZoneInfo(time_zone)).date()][bool(held)] += cast.votes
    return [DayVotes(day, *days[day]) for day in sorted(days)]
