"""Loads what is known of a campaign's ballots and looks for stuffed ones."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from itertools import groupby
from typing import Any

from disposable_email_domains import blocklist
from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.people.models import Address
from c2b.people.rules import AddressKind
from c2b.voting.detection.addresses import mail_stem, phone_stem
from c2b.voting.detection.facts import BallotFacts, Cluster
from c2b.voting.detection.search import find
from c2b.voting.models import Ballot, Pick, VoteEvent
from c2b.voting.queries import counted_sources
from c2b.voting.rules import BallotSource

Query = Select[*tuple[Any, ...]]
ROWS = 10_000
"""Rows that are fetched at a time: a million ballots are never held as rows."""


def look(session: Session, campaign: Campaign) -> list[Cluster]:
    """Return the suspicious groups among the campaign's ballots that count or are held; writes nothing.

    Their evidence names candidates by code. Imported ballots, which have no taps, are compared with each other only. Ten statements,
    whatever the number of ballots; a million ballots take half a gigabyte and minutes.
    """
    counted = counted_sources(session, campaign.id)
    codes = dict(session.execute(select(Candidate.id, Candidate.code).where(Candidate.campaign_id == campaign.id)).all())
    sources = ([source for source in counted if source is not BallotSource.IMPORTED], [BallotSource.IMPORTED])
    clusters = [
        cluster for group in sources if set(group) <= set(counted) for cluster in find(_facts(session, campaign, group), one_time=blocklist)
    ]
    return [replace(cluster, evidence=cluster.evidence | {"candidates": _named(cluster, codes)}) for cluster in clusters]


def _named(cluster: Cluster, codes: dict[int, str]) -> list[dict[str, Any]]:
    return [{"code": codes[each["candidate"]], "votes": each["votes"], "of": each["of"]} for each in cluster.evidence["candidates"]]


def _facts(session: Session, campaign: Campaign, sources: Sequence[BallotSource]) -> Iterator[BallotFacts]:
    """Yield what is known of each ballot with a pick, in the order of persons: four streams, read side by side."""
    here = (Ballot.campaign_id == campaign.id) & Ballot.source.in_(sources)
    mine = (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id)
    ballots = select(Ballot.person_id, Ballot.source).where(here)
    picks = select(Pick.person_id, Pick.candidate_id).join(Ballot, mine).where(here)
    addresses = _addresses(campaign).join(Ballot, Ballot.person_id == Address.person_id).where(here)
    with (
        closing(_Side(session, picks)) as picks_of,
        closing(_Side(session, _taps(campaign))) as taps_of,
        closing(_Side(session, addresses)) as addresses_of,
    ):
        for person, source in session.execute(ballots.order_by(Ballot.person_id).execution_options(yield_per=ROWS)):
            if picked := tuple(row.candidate_id for row in picks_of(person)):
                known = _tapped(taps_of(person), by_staff=source is BallotSource.STORE) | _reached(addresses_of(person))
                yield BallotFacts(person, picked, **known)


def _taps(campaign: Campaign) -> Query:
    """Return each person's taps by what they came from."""
    columns = (VoteEvent.person_id, VoteEvent.device, VoteEvent.agent, VoteEvent.referrer)
    figures = (func.min(VoteEvent.at).label("first"), func.max(VoteEvent.at).label("last"), func.count().label("taps"))
    return select(*columns, *figures).where(VoteEvent.campaign_id == campaign.id).group_by(*columns)


def _addresses(campaign: Campaign) -> Query:
    """Return the addresses by which people vote in the campaign."""
    return select(Address.person_id, Address.kind, Address.value).where(Address.kind == campaign.identity)


def _tapped(rows: Sequence[Row[Any]], *, by_staff: bool) -> dict[str, Any]:
    """Return when and whence a ballot was filled. Taps without a device were made at once, by us; staff copy from paper."""
    if not rows:
        return {}
    began = {"began": min(row.first for row in rows).timestamp()}
    own = [row for row in rows if row.device]
    if by_staff or not own:
        return began
    most = min(own, key=lambda row: (-row.taps, row.first, row.device))
    lasted = (max(row.last for row in own) - min(row.first for row in own)).total_seconds()
    return began | {
        "lasted": lasted,
        "taps": sum(row.taps for row in own),
        "device": most.device,
        "agent": most.agent,
        "referrer": most.referrer,
    }


def _reached(rows: Sequence[Row[Any]]) -> dict[str, Any]:
    if not rows:
        return {}
    value = min(row.value for row in rows)
    if rows[0].kind is AddressKind.EMAIL:
        domain, stem, number = mail_stem(value)
        return {"domain": domain, "stem": stem, "number": number}
    stem, number = phone_stem(value) if rows[0].kind is AddressKind.PHONE else ("", -1)
    return {"stem": stem, "number": number}


class _Side:
    """Rows in the order of persons, their first column, read along with another stream in that order."""

    def __init__(self, session: Session, query: Query) -> None:
        self._rows = session.execute(query.order_by(query.selected_columns.person_id).execution_options(yield_per=ROWS))
        self._groups = groupby(self._rows, key=lambda row: int(row.person_id))
        self._next = next(self._groups, None)

    def __call__(self, person: int) -> list[Row[Any]]:
        """Return the person's rows; must be asked for in ascending order."""
        while self._next and self._next[0] < person:
            self._next = next(self._groups, None)
        return list(self._next[1]) if self._next and self._next[0] == person else []

    def close(self) -> None:
        """Give the database's cursor back."""
        self._rows.close()
