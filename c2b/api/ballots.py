"""A customer's whole ballot in one request."""

from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from c2b.api import problems
from c2b.errors import N_, Invalid
from c2b.ui.access import declare
from c2b.ui.security import csrf
from c2b.ui.shell import now, transaction, visitor
from c2b.ui.touches import touch
from c2b.voting.casting import cast, cast_as

bp = Blueprint("api_ballots", __name__, url_prefix="/api/v1")
problems.set_up(bp)
csrf.exempt(bp)  # no form of another site can send what `_codes` asks for: a JSON body makes browsers ask first, and nobody says yes


@bp.put("/campaigns/<slug>/ballot")
def put_ballot(slug: str) -> ResponseReturnValue:
    """Make the codes in the body the signed-in customer's ballot, and return it."""
    codes = _codes()
    asked: dict[str, Any] = {"slug": slug, "codes": codes, "touch": touch(), "now": now()}
    with transaction() as session:
        ballot = cast_as(session, token=cookie.get("customer", ""), **asked) or cast(session, person_id=_customer(session), **asked)
    return jsonify(campaign=slug, codes=sorted(codes), left=ballot.left, serial=ballot.serial, version=ballot.version)


declare(put_ballot, "customer")


def _customer(session: Session) -> int:
    known = visitor(session)
    if known is None or not known.verified:
        abort(401, _("Sign in first; a ballot is a signed-in customer's"))
    return known.person_id


def _codes() -> list[str]:
    if request.mimetype != "application/json":
        abort(415, _("Send JSON, with Content-Type: application/json"))
    match request.get_json(silent=True):
        case {"codes": [*codes]} if all(isinstance(code, str) for code in codes):
            return codes
    raise Invalid(N_('Send {"codes": [...]}, a list of the products’ codes'), field="codes")
