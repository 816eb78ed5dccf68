"""What counting costs when there are millions of votes."""

import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign
from c2b.campaigns.rules import CampaignState
from c2b.db import Database
from c2b.voting import queries, selecting
from c2b.voting.models import CandidateTally
from tests import make
from tests.benchmarks import population, servers
from tests.benchmarks.figures import Figure, Scale, compared

_PART = 20
"""The leaderboard is timed at a twentieth of the votes first."""


def large(scale: Scale, folder: Path) -> list[Figure]:
    """Measure the leaderboard at a twentieth of the votes and at all, and the selection with its proof."""
    with servers.postgresql(folder) as (database, _):
        population.open_poll(database)
        population.enter(database, first=1, last=scale.voters)
        few = scale.voters // _PART
        population.vote(database, first=1, last=few)
        at_few = _leaderboard(database)
        population.vote_more(database, first=few + 1, last=scale.voters)
        at_all, look_up = _leaderboard(database), _timed(database, _one_row, 200)
        votes = scale.voters * population.VOTES_EACH
        runs = [(_selection(database), _timed(database, _bare, 1) / 1000) for _ in range(scale.runs)]
    return [
        compared(
            f"leaderboard of 500: {votes:,} votes against {votes // _PART:,}",
            "the same; < 2 ms",
            "ms",
            [(at_all, at_few)],
            f"look-up of one row by its primary key: {look_up:.2f} ms",
        ),
        compared(f"selection and recount, {scale.voters:,} voters x {population.VOTES_EACH}", "<= 2.0", "s", runs),
    ]


def _timed(database: Database, act: Callable[[Session], object], times: int) -> float:
    """Return the median of so many runs in one transaction, in milliseconds."""
    took = []
    with database.reading() as session:
        act(session)
        for _ in range(times):
            begun = time.perf_counter()
            act(session)
            took.append(time.perf_counter() - begun)
    return median(took) * 1000


def _leaderboard(database: Database) -> float:
    return _timed(database, lambda session: queries.counts(session, population.CAMPAIGN), 200)


def _one_row(session: Session) -> object:
    key = (CandidateTally.campaign_id == population.CAMPAIGN) & (CandidateTally.candidate_id == 7)
    return session.execute(select(CandidateTally.votes).where(key)).all()


def _bare(session: Session) -> object:
    bare = text("SELECT candidate_id, count(*) FROM pick WHERE campaign_id = :campaign GROUP BY candidate_id")
    return session.execute(bare, {"campaign": population.CAMPAIGN}).all()


def _selection(database: Database) -> float:
    """Return the seconds that the selection takes, and undo it."""
    with database.transaction() as session:
        session.execute(update(Campaign).values(state=CampaignState.TALLY))
    with database.engine.connect() as connection, Session(connection) as session:
        begun = time.perf_counter()
        selecting.select_winners(session, slug=population.SLUG, actor="cli:bench", now=make.CLOSES)
        took = time.perf_counter() - begun
        session.rollback()
    return took
