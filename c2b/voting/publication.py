"""What is published of a selection: a document, frozen with it, and versions: one more whenever an override begins or ends.

Each version's hash binds the document and, by the hash before it, every version before. So nothing that the bundle says of the
result (names, counts, ranks, what was held and why, overrides and why) can be changed once somebody has noted down a hash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.rules import commitment
from c2b.voting import groups, queries, statement, tree
from c2b.voting.models import Ballot, Publication, PublishedVersion, Selection, SelectionLine
from c2b.voting.rules import SelectionResult

_MARGIN = ("last_selected", "first_not_selected", "tie", "held_would_add", "held_would_drop")


@dataclass(frozen=True)
class Version:
    """A version of what is published; its first has the hash that comes with the selection."""

    number: int
    at: datetime
    changes: list[dict[str, Any]]
    """Overrides that began or ended, as `statement.change` writes them."""
    hash: str

    def told(self) -> dict[str, Any]:
        """Return it as the bundle tells it."""
        return {"version": self.number, "at": _text(self.at), "changes": self.changes, "hash": self.hash}


@dataclass(frozen=True)
class Published:
    """Everything that is published besides the ballots themselves, oldest version first."""

    document: dict[str, Any]
    versions: list[Version]

    @property
    def hash(self) -> str:
        """The hash that binds all of it."""
        return self.versions[-1].hash


def begin(session: Session, campaign: Campaign, run: Selection, *, now: datetime) -> None:
    """Freeze what is published of a selection that has just been made."""
    made = _composed(session, campaign, run, now)
    first = made.versions[0]
    document = statement.document_hash(made.document)
    session.execute(insert(Publication).values(campaign_id=campaign.id, document=made.document, hash=document))
    _add(session, campaign.id, first)


def follow(session: Session, campaign: Campaign, change: Mapping[str, Any], *, now: datetime) -> None:
    """Publish an override's beginning or end as the next version; the caller holds the campaign's lock."""
    document = session.scalars(select(Publication.hash).where(Publication.campaign_id == campaign.id)).one_or_none()
    if document is None:  # selected before results were frozen: what is in effect by now is its first version
        begin(session, campaign, session.get_one(Selection, campaign.id), now=now)
        return
    *_, last = _stored(session, campaign.id)
    _add(session, campaign.id, _version(last.number + 1, now, [dict(change)], document, last.hash))


def published(session: Session, campaign: Campaign, run: Selection) -> Published:
    """Return what is published of a selection."""
    document = session.scalars(select(Publication.document).where(Publication.campaign_id == campaign.id)).one_or_none()
    if document is None:
        return _composed(session, campaign, run, run.at)
    return Published(document, _stored(session, campaign.id))


def versions(session: Session, campaign: Campaign) -> list[Version]:
    """Return the versions of what is published, oldest first; none before the selection."""
    if stored := _stored(session, campaign.id):
        return stored
    run = session.get(Selection, campaign.id)
    return _composed(session, campaign, run, run.at).versions if run else []


def _stored(session: Session, campaign_id: int) -> list[Version]:
    columns = (PublishedVersion.version, PublishedVersion.at, PublishedVersion.changes, PublishedVersion.hash)
    query = select(*columns).where(PublishedVersion.campaign_id == campaign_id).order_by(PublishedVersion.version)
    return [Version(*row) for row in session.execute(query)]


def _add(session: Session, campaign_id: int, new: Version) -> None:
    values = {"campaign_id": campaign_id, "version": new.number, "at": new.at, "changes": new.changes, "hash": new.hash}
    session.execute(insert(PublishedVersion).values(values))


def _version(number: int, at: datetime, changes: list[dict[str, Any]], document: str, previous: str) -> Version:
    told = statement.version(number=number, at=_text(at), changes=changes, document=document, previous=previous)
    return Version(number, at, changes, told["hash"])


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def _composed(session: Session, campaign: Campaign, run: Selection, at: datetime) -> Published:
    document = _document(session, campaign, run)
    changes = [
        statement.change(code=each.code, change=statement.MADE if each.made else statement.DROPPED, reason=each.reason)
        for each in sorted(queries.overrides(session, campaign.id), key=lambda override: override.code)
    ]
    return Published(document, [_version(1, at, changes, statement.document_hash(document), "")])


def _document(session: Session, campaign: Campaign, run: Selection) -> dict[str, Any]:
    frozen = statement.rules_of(campaign)
    return {
        "format": statement.FORMAT,
        "campaign": campaign.slug,
        "title": campaign.title,
        "title_en": campaign.title_en,
        "time_zone": campaign.time_zone,
        "voting_opens": campaign.voting_opens.isoformat() if campaign.voting_opens else "",
        "voting_closes": campaign.voting_closes.isoformat() if campaign.voting_closes else "",
        "selected_at": run.at.isoformat(),
        "rules": frozen,
        "rules_hash": tree.digest(frozen),
        "commitment": commitment(campaign.secret),
        "secret": campaign.secret.hex(),
        "ballots": _ballots(session, campaign.id) | {"root": run.ballot_root},
        "voters": run.voters,
        "votes": run.votes,
        "held_votes": run.held_votes,
        "seed": run.seed,
        "candidates": _candidates(session, campaign),
        "lines": _lines(session, campaign),
        "margin": {name: run.margin[name] for name in _MARGIN},
        "holds": held_for(session, campaign.id),
        "input_hash": run.input_hash,
        "output_hash": run.output_hash,
    }


def _ballots(session: Session, campaign_id: int) -> dict[str, int]:
    held, counts = func.count(Ballot.held_at), Ballot.source.in_(queries.counted_sources(session, campaign_id))
    of_ballots = select(func.count() - held, held).select_from(Ballot)
    counted, of_held = session.execute(of_ballots.where(Ballot.campaign_id == campaign_id, counts)).one()
    return {"counted": counted, "held": of_held}


def _candidates(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    """Return the candidates by code; withdrawn is who was so at the selection, whatever was withdrawn later."""
    columns = (Candidate.code, Candidate.name, Candidate.name_en, Candidate.category, Candidate.withdrawn_reason, SelectionLine.result)
    query = select(*columns).join(SelectionLine, SelectionLine.candidate_id == Candidate.id).where(SelectionLine.campaign_id == campaign.id)
    return [
        {
            "code": code,
            "name": name,
            "name_en": name_en,
            "category": category,
            "withdrawn": result is SelectionResult.WITHDRAWN,
            "reason": reason if result is SelectionResult.WITHDRAWN else "",
        }
        for code, name, name_en, category, reason, result in sorted(session.execute(query))
    ]


def _lines(session: Session, campaign: Campaign) -> list[dict[str, Any]]:
    run = queries.selection(session, campaign.id)
    return [
        statement.line(rank=each.rank, code=each.code, votes=each.votes, held=each.held, result=each.result.value, tie_key=each.tie_key)
        for each in (run.lines if run else ())
    ]


def held_for(session: Session, campaign_id: int) -> list[dict[str, Any]]:
    """Return what was held and why, one entry a decision, as the page of results has it: ballots and votes add up to all held ones."""
    return [
        {"rule": each.rule.value, "reason": each.reason, "ballots": each.ballots, "votes": each.votes}
        for each in groups.holds(session, campaign_id)
    ]
