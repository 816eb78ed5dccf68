"""An import of candidates taken back: what it changed is kept for a day, and put back while nothing else has changed since."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from c2b.audit.actions import record
from c2b.campaigns.actions import locked
from c2b.campaigns.importing.write import Difference, Record, apply, difference, primary, rows
from c2b.campaigns.models import Campaign, Candidate, ImportUndo, Offer, OptionValue, Picture, Variant
from c2b.campaigns.rules import CATALOGUE_OPEN, CampaignState
from c2b.db import Base
from c2b.errors import N_, Refused

KEPT = timedelta(hours=24)
_MODELS: dict[str, type[Base]] = {model.__tablename__: model for model in (Candidate, OptionValue, Variant, Offer, Picture)}
State = Mapping[str, list[Record]]
"""All rows of a campaign that an import can touch, by table, each table's in the order of its key."""


def state(session: Session, campaign_id: int) -> State:
    """Return the campaign's candidates with everything that belongs to them: a statement a table."""
    found = {name: [dict(row) for row in rows(session, model, campaign_id)] for name, model in _MODELS.items()}
    return {name: sorted(those, key=lambda row: row[primary(_MODELS[name]).name]) for name, those in found.items()}


def keep(session: Session, campaign: Campaign, before: State, *, counts: Mapping[str, int], actor: str, now: datetime) -> None:
    """Keep the way back to `before`, in place of that of an earlier import; an import that changed nothing leaves that one alone.

    `counts` are the candidates that it made (`added`) and changed (`changed`).
    """
    after = state(session, campaign.id)
    if after == before:
        return
    back = {name: _back(_MODELS[name], after[name], before[name]) for name in _MODELS}
    known = session.get(ImportUndo, campaign.id)
    if known is not None:
        session.delete(known)
        session.flush()
    offers_only = campaign.state is CampaignState.SELECTED
    kept = {"at": now, "actor": actor, "back": back, "after": _fingerprint(after), "offers_only": offers_only}
    session.add(ImportUndo(campaign_id=campaign.id, **kept, **counts))
    session.flush()


def _back(model: type[Base], after: list[Record], before: list[Record]) -> dict[str, list[Any]]:
    """Return what leads from `after` to `before`: rows to add again, rows as they were, and the keys of those to take away."""
    key = primary(model).name
    found = difference(after, before, key=(key,), blank={})
    return {"new": [*map(_plain, found.new)], "changed": [*map(_plain, found.changed)], "gone": [row[key] for row in found.gone]}


def _plain(row: Record) -> Record:
    """Return a row without its instants: of those no import changes any."""
    return {name: value for name, value in row.items() if not isinstance(value, datetime)}


def _fingerprint(of: State) -> str:
    return hashlib.sha256(json.dumps(of, default=str, sort_keys=True).encode()).hexdigest()


def undoable(session: Session, campaign: Campaign, now: datetime) -> ImportUndo | None:
    """Return the import that can be taken back: the last one, of the last 24 hours, while what it set can still be set."""
    found = session.get(ImportUndo, campaign.id)
    stands = found is not None and now < found.at + KEPT and campaign.state in CATALOGUE_OPEN
    return found if found and stands and found.offers_only == (campaign.state is CampaignState.SELECTED) else None


def undo(session: Session, *, slug: str, actor: str, now: datetime) -> list[str]:
    """Take the last import back, all of it; returns the files of pictures that nothing shows any more.

    Raises NotFound; Refused where there is none of the last 24 hours, and where candidates have changed since.
    """
    campaign = locked(session, slug)
    found = undoable(session, campaign, now)
    if found is None:
        raise Refused(N_("There is no import of the last 24 hours that can be taken back"))
    there = state(session, campaign.id)
    if _fingerprint(there) != found.after:
        raise Refused(N_("Candidates have changed since this import; import a corrected file instead"))
    ways = {name: _difference(_MODELS[name], found.back[name], there[name]) for name in _MODELS}
    _put_back(session, ways)
    counts = {"added": found.added, "changed": found.changed}
    session.delete(found)
    session.flush()
    session.expire_all()
    record(session, actor=actor, action="candidates.undo_import", campaign=slug, before=counts, now=now)
    files = {row["file"] for row in there[Picture.__tablename__] if row["file"]}
    return sorted(files.difference(session.scalars(select(Picture.file).where(Picture.file.in_(files)))))


def _difference(model: type[Base], back: Mapping[str, list[Any]], there: list[Record]) -> Difference:
    """Return what was kept as whole rows."""
    key = primary(model).name
    by_key = {row[key]: row for row in there}
    changed = [by_key[row[key]] | row for row in back["changed"]]
    return Difference(back["new"], changed, [by_key[gone] for gone in back["gone"]])


def _put_back(session: Session, ways: Mapping[str, Difference]) -> None:
    """Bring every table back, each row after those that it names; raises Refused where something else names what would go."""
    candidates, options, variants, offers, pictures = ways.values()
    # Variants that changed are taken away and written anew: two of them may have swapped their SKUs.
    anew = Difference([*variants.changed, *variants.new], [], [*variants.changed, *variants.gone])
    savepoint = session.begin_nested()
    try:
        apply(session, Candidate, candidates.keeping())
        apply(session, OptionValue, options.keeping())
        apply(session, Variant, anew)
        apply(session, Offer, offers)
        apply(session, Picture, pictures)
        apply(session, OptionValue, Difference([], [], options.gone))
        apply(session, Candidate, Difference([], [], candidates.gone))
    except IntegrityError as error:
        savepoint.rollback()
        raise Refused(N_("Something uses a candidate of this import already; import a corrected file instead")) from error
    savepoint.commit()
