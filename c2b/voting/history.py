"""How the votes came in, day by day."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from sqlalchemy import extract, func, select
from sqlalchemy.orm import Session

from c2b.voting.models import Ballot, Pick
from c2b.voting.queries import counted_sources

_HOUR = 3600


@dataclass(frozen=True)
class DayVotes:
    """Votes of the ballots that were begun on one day of the campaign's calendar, as they stand now."""

    day: date
    counted: int
    held: int


def votes_by_day(session: Session, campaign_id: int, *, time_zone: str) -> list[DayVotes]:
    """Return the days on which ballots were begun, oldest first; their sums are the turnout's.

    Until voting closes only staff with `counts` may see this. Grouped by the hour in the database, in one statement, and by
    the day here: zones are Python's to know.
    """
    seconds = extract("epoch", Ballot.created_at)
    hour = seconds - seconds % _HOUR
    held = Ballot.held_at.is_not(None)
    query = (
        select(hour, held, func.count())
        .join(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .where(Ballot.campaign_id == campaign_id, Ballot.source.in_(counted_sources(session, campaign_id)))
        .group_by(hour, held)
    )
    days: dict[date, list[int]] = defaultdict(lambda: [0, 0])
    for begun, is_held, votes in session.execute(query):
        days[datetime.fromtimestamp(int(begun), UTC).astimezone(ZoneInfo(time_zone)).date()][bool(is_held)] += votes
    return [DayVotes(day, *days[day]) for day in sorted(days)]
