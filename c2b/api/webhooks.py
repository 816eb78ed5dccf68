"""What gateways tell us by themselves: verified over the very bytes, committed, and only then answered."""

from flask import Blueprint, Response, abort, request

from c2b.payments import inbox
from c2b.payments.protocol import Call, Forged
from c2b.ui.access import public
from c2b.ui.security import csrf
from c2b.ui.shell import now, parts, transaction

bp = Blueprint("webhooks", __name__, url_prefix="/webhooks")
csrf.exempt(bp)  # no browser sends these; the gateway's signature is what counts
_LARGEST = 256 * 1024


@bp.post("/<gateway>")
@public
def receive(gateway: str) -> Response:
    """Keep an event of a gateway; what it is about is asked for by the worker. A forged one is refused and leaves nothing."""
    known = parts().gateways.get(gateway) or abort(404)
    request.max_content_length = _LARGEST
    headers = {name.lower(): value for name, value in request.headers.items()}
    try:
        notice = known.notice(Call(headers, request.get_data(cache=False), now()))
    except Forged:
        abort(400)
    if notice is not None:
        with transaction() as session:
            inbox.store(session, gateway=gateway, notice=notice, now=now())
    return Response(known.thanks, 200, mimetype="text/plain")
