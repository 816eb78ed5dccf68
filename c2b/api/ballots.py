"""A customer's whole ballot in one request."""

from typing import Any

from flask import Blueprint, abort, jsonify, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from c2b.api import problems
from c2b.errors import N_, Invalid
from c2b.ui.access import declare
from c2b.ui.security import csrf
from c2b.ui.shell import now, transaction, visitor
from c2b.ui.touches import touch
from c2b.voting.casting import cast

bp = Blueprint("api_ballots", __name__, url_prefix="/api/v1")
problems.set_up(bp)
csrf.exempt(bp)  # no form of another site can send what `_codes` asks for: a JSON body makes browsers ask first, and nobody says yes


@bp.put("/campaigns/<slug>/ballot")
def put_ballot(slug: str) -> ResponseReturnValue:
    """Make the codes in the body the signed-in customer's ballot, and return it."""
    codes = _codes()
    known = visitor()
    if known is None or not known.verified:
        abort(401, _("Sign in first; a ballot is a signed-in customer's"))
    with transaction() as session:
        ballot = cast(session, slug=slug, codes=codes, person_id=known.person_id, touch=touch(), now=now())
    return jsonify(campaign=slug, codes=sorted(codes), left=ballot.left, serial=ballot.serial, version=ballot.version)


declare(put_ballot, "customer")


def _codes() -> list[str]:
    if request.mimetype != "application/json":
        abort(415, _("Send JSON, with Content-Type: application/json"))
    body: Any = request.get_json(silent=True)
    codes = body.get("codes") if isinstance(body, dict) else None
    if not isinstance(codes, list) or not all(isinstance(code, str) for code in codes):
        raise Invalid(N_('Send {"codes": [...]}, a list of the products’ codes'), field="codes")
    return codes
