"""Voters by the million, made by the database itself."""

import hashlib
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from c2b.db import Database
from c2b.people.models import Login
from c2b.voting import counting
from tests import make

SLUG = "bench"
CAMPAIGN = 9001
"""No other number in a vote's statements is the same, so that they can be told apart."""
CANDIDATES = 500
VOTES_EACH = 20
NOW = make.OPENS + timedelta(days=1)

_WORDS = {
    "postgresql": {"bytes": "convert_to({0}, 'UTF8')", "digits": "lpad({0}::text, 64, '0')"},
    "sqlite": {"bytes": "CAST({0} AS BLOB)", "digits": "printf('%064d', {0})"},
}
_SERIES = "WITH RECURSIVE s(n) AS (SELECT {first} UNION ALL SELECT n + 1 FROM s WHERE n < {last}) "
_AT = "'2027-03-01 02:00:00.000000'"
_BEGUN = datetime(2027, 3, 1, 2, tzinfo=UTC)
"""The same instant: when all ballots were begun."""


def _run(session: Session, first: int, last: int, statement: str) -> None:
    words = _WORDS[session.get_bind().dialect.name]
    name = "'p' || n"
    filled = statement.format(
        name=words["bytes"].format(name), nonce=words["bytes"].format("'nonce'"), digits=words["digits"].format("n"), at=_AT
    )
    session.execute(text(_SERIES.format(first=first, last=last) + filled))


def open_poll(database: Database) -> None:
    """Make the campaign and its candidates, K1 to K500, whose keys are their numbers."""
    with database.transaction() as session:
        make.campaign(session, id=CAMPAIGN, slug=SLUG, votes_each=VOTES_EACH, places=50)
        columns = "id, campaign_id, code, position, name, name_en, category, category_en, price_from, price_to, description, description_en"
        texts = "composition, composition_en, care, care_en, option1_name, option1_name_en, option2_name, option2_name_en, withdrawn_reason"
        values = f"n, {CAMPAIGN}, 'K' || n, n, 'Name ' || n, 'Name ' || n, 'C' || n % 9, 'C' || n % 9, 29900, 29900, '', ''"
        blank = ", ".join(["''"] * 9)
        _run(session, 1, CANDIDATES, f"INSERT INTO candidate ({columns}, {texts}) SELECT {values}, {blank} FROM s")


def enter(database: Database, *, first: int, last: int) -> None:
    """Make the voters with these keys: verified addresses, and empty ballots."""
    with database.transaction() as session:
        _run(
            session,
            first,
            last,
            "INSERT INTO person (id, ref, name, locale, viewer, created_at) SELECT n, 'p' || n, '', 'en', n, {at} FROM s",
        )
        columns = "(person_id, kind, value, digest, verified_at)"
        _run(session, first, last, f"INSERT INTO address {columns} SELECT n, 'email', 'p' || n || '@example.com', {{name}}, {{at}} FROM s")
        columns = "(campaign_id, person_id, votes_each, source, serial, version, nonce, commitment, held_reason, created_at)"
        values = f"{CAMPAIGN}, n, {VOTES_EACH}, 'verified', 's' || n, 0, {{nonce}}, {{digits}}, '', {{at}}"
        _run(session, first, last, f"INSERT INTO ballot {columns} SELECT {values} FROM s")


def token(person: int) -> str:
    """Return the token of a voter's login."""
    return f"t{person}"


def sign_in(database: Database, *, first: int, last: int) -> None:
    """Start a login for each of these voters."""
    with database.transaction() as session:
        times = {"created_at": make.OPENS, "expires_at": NOW + timedelta(days=90)}
        session.execute(
            insert(Login),
            [{"token_hash": hashlib.sha256(token(n).encode()).digest(), "person_id": n} | times for n in range(first, last + 1)],
        )


def vote(database: Database, *, first: int, last: int) -> None:
    """Let each of these voters give all votes; the indexes that only taps and exports need are left out, for they take longest."""
    if not database.is_sqlite:
        with database.transaction() as session:
            session.execute(text("DROP INDEX ix_pick_candidate_id"))
            session.execute(text("ALTER TABLE pick DROP CONSTRAINT uq_pick_campaign_id_person_id_candidate_id"))
    vote_more(database, first=first, last=last)


def vote_more(database: Database, *, first: int, last: int) -> None:
    """Let further voters give all votes; counted anew, and folded in."""
    with database.transaction() as session:
        if not database.is_sqlite:  # keys that point somewhere by construction need no look each
            session.execute(text("SET LOCAL session_replication_role = replica"))
        _run(session, 1, VOTES_EACH, _picks(first, last))
        session.execute(text("DELETE FROM candidate_tally"))
        columns = "(campaign_id, candidate_id, source, held, votes)"
        counted = f"SELECT {CAMPAIGN}, candidate_id, 'verified', 1 = 0, count(*) FROM pick GROUP BY candidate_id"
        session.execute(text(f"INSERT INTO candidate_tally {columns} {counted}"))
        session.execute(text("DELETE FROM hour_tally"))
        columns, hour = "(campaign_id, hour, source, held, votes, ballots)", counting.hour_of(_BEGUN)
        whole = f"SELECT {CAMPAIGN}, {hour}, 'verified', 1 = 0, count(*), count(*) / {VOTES_EACH} FROM pick"
        session.execute(text(f"INSERT INTO hour_tally {columns} {whole}"))
    if not database.is_sqlite:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in ("pick", "ballot", "candidate_tally"):
                connection.execute(text(f"VACUUM ANALYZE {table}"))


def _picks(first: int, last: int) -> str:
    """Each voter's votes lie far apart, and every candidate gets some: 31 and 500 have no common factor."""
    columns = "(campaign_id, person_id, slot, votes_each, candidate_id)"
    wanted = f"(ballot.person_id * 7 + s.n * 31) % {CANDIDATES} + 1"
    values = f"ballot.campaign_id, ballot.person_id, s.n, ballot.votes_each, {wanted}"
    return f"INSERT INTO pick {columns} SELECT {values} FROM ballot CROSS JOIN s WHERE ballot.person_id BETWEEN {first} AND {last}"
