"""Stripe's events: who may have sent them, and which of our payments or refunds they are about."""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from stripe import SignatureVerificationError, WebhookSignature

from c2b.payments.gateways.stripe.answers import OURS
from c2b.payments.protocol import About, Call, Forged, Notice

TOLERANCE = 300
"""Seconds between the signature and our clock, in either direction; what Stripe itself recommends."""
_KINDS = (
    ("checkout.session.", About.PAYMENT),
    ("payment_intent.", About.PAYMENT),
    ("charge.dispute.", About.PAYMENT),
    ("charge.refund.updated", About.REFUND),
    ("refund.", About.REFUND),
)
_KEY = re.compile(r"[A-Za-z0-9_-]{1,40}")


def read(call: Call, secret: str) -> Mapping[str, Any]:
    """Return the event that `call` brings, signed with `secret` within the last five minutes; raises Forged."""
    header = call.headers.get("stripe-signature", "")
    try:
        WebhookSignature.verify_header(call.body, header, secret)  # without its tolerance, which knows the wall clock only
        event = json.loads(call.body)
        signed_at = int(next(part[2:] for part in header.split(",") if part.startswith("t=")))
    except (SignatureVerificationError, ValueError):
        raise Forged from None
    if not isinstance(event, dict) or abs(call.at.timestamp() - signed_at) > TOLERANCE:
        raise Forged
    return event


def notice(event: Mapping[str, Any], key_of: Callable[[str], str]) -> Notice | None:
    """Say what an event is about; None if it isn't about anything of ours. A dispute doesn't name our key: its payment intent does."""
    kind, about = str(event["type"]), _about(str(event["type"]))
    if about is None:
        return None
    said = event["data"]["object"]
    key = key_of(said["payment_intent"] or "") if kind.startswith("charge.dispute.") else (said.get("metadata") or {}).get(OURS, "")
    return Notice(str(event["id"]), kind, about, key) if _KEY.fullmatch(key) else None


def _about(kind: str) -> About | None:
    return next((about for beginning, about in _KINDS if kind.startswith(beginning)), None)
