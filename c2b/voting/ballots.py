"""A ballot as a row: made, locked before anything is decided about it, and bound to its picks after each change."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, literal, null, select, union_all, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.voting import tree
from c2b.voting.models import Ballot, Pick

_CHUNK = 2000
_BETWEEN = ","
"""Stands in no code."""


def new_ballot(campaign_id: int, person_id: int, votes_each: int, now: datetime) -> dict[str, Any]:
    """Return the values of an empty ballot, with a random public name and a nonce of its own."""
    serial, nonce = secrets.token_urlsafe(12), secrets.token_bytes(16)
    return {
        "campaign_id": campaign_id,
        "person_id": person_id,
        "votes_each": votes_each,
        "serial": serial,
        "nonce": nonce,
        "version": 0,
        "commitment": tree.commitment(nonce=nonce, serial=serial, version=0, codes=()),
        "held_reason": "",
        "created_at": now,
    }


COLUMNS = (Ballot.person_id, Ballot.version, Ballot.source, Ballot.held_at, Ballot.serial, Ballot.nonce, Ballot.created_at)
"""What a change of a ballot goes by, beside its campaign's number of votes."""
_OWN = (Ballot.campaign_id == bindparam("campaign")) & (Ballot.person_id == bindparam("person"))
_LOCKED = select(Ballot.votes_each).add_columns(*COLUMNS).where(_OWN).with_for_update()
_PICKS = select(Pick.candidate_id).add_columns(Candidate.code, Pick.slot).join(Candidate, Candidate.id == Pick.candidate_id)
_OWN_PICKS = _PICKS.where(Pick.campaign_id == bindparam("campaign"), Pick.person_id == bindparam("person"))
_NAMED = select(Candidate.id.label("candidate_id")).add_columns(Candidate.code, literal(0).label("slot"), Candidate.withdrawn_at)
_PICKS_AND_NAMED = union_all(
    _OWN_PICKS.add_columns(null().label("withdrawn_at")),
    _NAMED.where(Candidate.campaign_id == bindparam("campaign"), Candidate.code == bindparam("code")),
)


def locked(session: Session, campaign_id: int, person_id: int) -> Row[Any] | None:
    """Lock the ballot before deciding: a statement of its own, so that what follows sees what others wrote before."""
    return session.connection().execute(_LOCKED, {"campaign": campaign_id, "person": person_id}).one_or_none()


def picks(session: Session, campaign_id: int, person_id: int) -> Sequence[Row[Any]]:
    """Return what is on a ballot, locked by the caller: candidates' keys, codes and slots."""
    return session.connection().execute(_OWN_PICKS, {"campaign": campaign_id, "person": person_id}).all()


def picks_and(session: Session, campaign_id: int, person_id: int, code: str) -> tuple[list[Row[Any]], Row[Any] | None]:
    """Return what `picks` does, and the candidate with this code and its `withdrawn_at`, None if there is none: one statement.

    It begins after the caller has locked the campaign, so a withdrawal has either ended, and is seen, or waits until we end.
    """
    given = {"campaign": campaign_id, "person": person_id, "code": code}
    rows = session.connection().execute(_PICKS_AND_NAMED, given).all()
    return [row for row in rows if row.slot], next((row for row in rows if not row.slot), None)


def renew(session: Session, campaign_id: int, people: Sequence[int]) -> None:
    """Give the ballots of `people`, whose picks or source changed, their next version and its commitment.

    A constant number of statements for each 2,000; the ballots are locked by the caller.
    """
    for start in range(0, len(people), _CHUNK):
        some = Ballot.person_id.in_(people[start : start + _CHUNK])
        rows = [
            {
                "campaign_id": campaign_id,
                "person_id": row.person_id,
                "version": row.version + 1,
                "commitment": _opened(row, row.version + 1),
            }
            for row in _with_codes(session, (Ballot.campaign_id == campaign_id) & some)
        ]
        if rows:
            session.execute(update(Ballot), rows)


def mismatched(session: Session, campaign_id: int) -> Iterator[str]:
    """Yield the serials of the ballots whose commitment isn't the one that their picks give."""
    for row in _with_codes(session, Ballot.campaign_id == campaign_id):
        if row.commitment != _opened(row, row.version):
            yield row.serial


def _with_codes(session: Session, which: ColumnElement[bool]) -> Iterator[Row[Any]]:
    columns = (Ballot.person_id, Ballot.serial, Ballot.nonce, Ballot.version, Ballot.commitment)
    query = (
        select(*columns, func.aggregate_strings(Candidate.code, _BETWEEN).label("codes"))
        .outerjoin(Pick, (Pick.campaign_id == Ballot.campaign_id) & (Pick.person_id == Ballot.person_id))
        .outerjoin(Candidate, Candidate.id == Pick.candidate_id)
        .where(which)
        .group_by(Ballot.campaign_id, Ballot.person_id)
        .execution_options(yield_per=_CHUNK)
    )
    return iter(session.execute(query))


def _opened(row: Row[Any], version: int) -> str:
    codes = row.codes.split(_BETWEEN) if row.codes else []
    return tree.commitment(nonce=row.nonce, serial=row.serial, version=version, codes=codes)
