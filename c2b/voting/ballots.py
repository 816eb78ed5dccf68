"""A ballot as a row: made, locked before anything is decided about it, and bound to its picks after each change."""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, func, select, update
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate
from c2b.people.queries import person_of_login
from c2b.people.rules import token_hash
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


_FOUND = select(Ballot.person_id, Ballot.votes_each, Ballot.version, Ballot.source).add_columns(Ballot.held_at, Ballot.serial, Ballot.nonce)
_LOCKED = _FOUND.where(Ballot.campaign_id == bindparam("campaign")).with_for_update()
_OF_PERSON = _LOCKED.where(Ballot.person_id == bindparam("person"))
_OF_LOGIN = _LOCKED.where(Ballot.person_id == person_of_login())


def locked(session: Session, campaign_id: int, person_id: int) -> Row[Any] | None:
    """Lock the ballot before deciding: a statement of its own, so that what follows sees what others wrote before."""
    return session.connection().execute(_OF_PERSON, {"campaign": campaign_id, "person": person_id}).one_or_none()


def locked_of_login(session: Session, campaign_id: int, token: str, now: datetime) -> Row[Any] | None:
    """Lock the ballot of the person whose login `token` is; None if it is nobody's any more, or they have none."""
    given = {"campaign": campaign_id, "token_hash": token_hash(token), "now": now}
    return session.connection().execute(_OF_LOGIN, given).one_or_none()


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
