"""What probes of the machines around us ask: is the process there, can it do its work?"""

from datetime import datetime, timedelta

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import SQLAlchemyError

from c2b import migrations
from c2b.db import Database
from c2b.jobs import queries
from c2b.ui.access import public
from c2b.ui.shell import now, parts

bp = Blueprint("health", __name__)
SILENT = timedelta(minutes=1)
"""After so long without a beat the worker counts as gone; it beats every ten seconds."""


@bp.get("/healthz")
@public
def alive() -> ResponseReturnValue:
    """Answer, which says that the process does."""
    return jsonify(status="ok")


@bp.get("/readyz")
@public
def ready() -> ResponseReturnValue:
    """Say what is ready and what isn't: 200, or 503 when anything isn't."""
    checks = _checks(parts().database, now())
    fine = set(checks.values()) == {"ok"}
    return jsonify(status="ok" if fine else "not ready", checks=checks), 200 if fine else 503


def _checks(database: Database, now: datetime) -> dict[str, str]:
    try:
        if not migrations.is_current(database):
            return {"database": "ok", "migrations": "another version: run c2b init"}
        with database.reading() as session:
            beat = queries.last_beat(session)
    except SQLAlchemyError:  # what it says may name hosts and users
        return {"database": "can't be reached"}
    return {"database": "ok", "migrations": "ok", "worker": _worker(beat, now)}


def _worker(beat: datetime | None, now: datetime) -> str:
    if beat is None:
        return "never seen: run c2b work"
    return "ok" if now - beat <= SILENT else f"last seen {beat.isoformat()}"
