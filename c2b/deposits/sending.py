"""Sending refunds that are due, within what each gateway lets us do; may be killed anywhere."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import takewhile

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from c2b.db import Database
from c2b.deposits.apply_refund import apply_refund
from c2b.deposits.pay import refund_facts
from c2b.deposits.withholding import LATER_DISPUTE
from c2b.errors import Refused
from c2b.jobs.rules import describe
from c2b.payments import pace
from c2b.payments.models import Payment, Refund
from c2b.payments.protocol import Answer, Gateway, Gateways, Heard, Limits, RefundFacts, Way, ask, way
from c2b.payments.rules import RefundState, wait

_BATCH = 20
_WAITS = (RefundState.QUEUED, RefundState.UNKNOWN)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Claimed:
    """A refund that this worker sends now; `refused`: why the gateway would refuse it, so that it isn't even asked."""

    facts: RefundFacts
    sent_before: bool
    is_forgotten: bool
    """It was sent so long ago that the gateway may have forgotten its key: the same call could pay twice, so a person sends it anew."""
    is_disputed: bool
    """The bank has taken its payment back since: it is asked for, and not sent if it never was."""
    refused: str


def send_refunds(
    database: Database, gateways: Gateways, now: datetime, limit: int = 100, *, go_on: Callable[[], bool] = lambda: True
) -> int:
    """Send refunds that are due, in short transactions that may be killed anywhere, as long as `go_on`; returns how many were taken.

    One that was sent before is asked for by its key first, and sent again with the same key only if the gateway surely hasn't it.
    """
    return sum(_send_by(database, gateways, name, now, limit=limit, go_on=go_on) for name in gateways)


def _send_by(database: Database, gateways: Gateways, name: str, now: datetime, *, limit: int, go_on: Callable[[], bool]) -> int:
    try:
        by = way(gateways, name)
    except Refused as problem:  # it can't even say who we are there; the other gateways don't wait for it
        _log.warning("gateway %s: %s", name, problem)
        return 0
    done = 0
    while done < limit and go_on():
        wanted = min(_BATCH, limit - done)
        with database.transaction() as session:
            claimed = _claim(session, by, now, wanted)
        for each in takewhile(lambda _: go_on(), claimed):  # one that isn't reached is like one whose worker died: asked for first
            answer = _send(gateways[name], each)
            try:
                with database.transaction() as session:
                    apply_refund(session, key=each.facts.key, answer=answer, now=now)
            except Exception as error:  # noqa: BLE001  it is asked for by its key at its next attempt
                _log.error("refund %s: its answer can't be applied: %s", each.facts.key, describe(error))
        done += len(claimed)
        if len(claimed) < wanted:
            break
    return done


def _send(gateway: Gateway, claimed: Claimed) -> Answer:
    if claimed.refused:
        return Answer(Heard.FAILED, why=claimed.refused)
    known = ask(gateway.query_refund, claimed.facts) if claimed.sent_before else Answer(Heard.ABSENT)
    if known.heard is not Heard.ABSENT or claimed.is_disputed:
        return known
    if claimed.is_forgotten:
        return Answer(Heard.FAILED, why="the gateway doesn’t know it; it isn’t sent again by itself")
    return ask(gateway.refund, claimed.facts)


def _claim(session: Session, by: Way, now: datetime, limit: int) -> list[Claimed]:
    """Mark refunds as sent before they are: whoever dies in between leaves one to be asked for by key."""
    granted = pace.grant(session, gateway=by.gateway, merchant=by.merchant, wanted=limit, a_second=by.limits.refunds_a_second, now=now)
    due = (
        select(Refund, Payment, LATER_DISPUTE)
        .join(Payment, Payment.id == Refund.payment_id)
        .where(Refund.state.in_(_WAITS), Refund.withheld_at.is_(None), Refund.next_attempt_at <= now)
        .where(Payment.gateway == by.gateway, _alone(by.limits, now))
        .order_by(Refund.next_attempt_at, Refund.id)
        .limit(granted)
        .with_for_update(of=Refund, skip_locked=True)
    )
    return list(_marked(session, [(each[0], each[1], each[2]) for each in session.execute(due)], by.limits, now)) if granted else []


def _marked(session: Session, found: list[tuple[Refund, Payment, bool]], limits: Limits, now: datetime) -> Iterator[Claimed]:
    begun = _begun(session, [payment.id for _, payment, _ in found]) if limits.refunds_each else {}
    for refund, payment, disputed in found:
        first = refund.sent_at or now
        is_forgotten = limits.key_lasts is not None and now - first > limits.key_lasts
        refused = "" if refund.attempts else _refused(limits, payment, begun.get(payment.id, 0), now)
        yield Claimed(refund_facts(refund, payment), refund.attempts > 0, is_forgotten, bool(disputed and refund.attempts), refused)
        refund.state, refund.attempts, refund.sent_at = RefundState.UNKNOWN, refund.attempts + 1, first
        refund.next_attempt_at = now + wait(refund.attempts)


def _refused(limits: Limits, payment: Payment, sent: int, now: datetime) -> str:
    """Say why a refund that was never sent can't go by this gateway any more; empty: it can."""
    if limits.refunded_within and now - (payment.settled_at or now) > limits.refunded_within:
        return f"the gateway sends nothing back after {limits.refunded_within.days} days"
    if limits.refunds_each and sent >= limits.refunds_each:
        return f"the gateway allows {limits.refunds_each} refunds of one payment"
    return ""


def _begun(session: Session, payments: list[int]) -> dict[int, int]:
    """Count the refunds of each payment that the gateway was told of."""
    sent = select(Refund.payment_id, func.count()).where(Refund.payment_id.in_(payments), Refund.sent_at.is_not(None))
    return {payment: int(count) for payment, count in session.execute(sent.group_by(Refund.payment_id))}


def _alone(limits: Limits, now: datetime) -> ColumnElement[bool]:
    """Keep the gateway's distance between two refunds of one payment: of those that wait the first goes, the others later."""
    if not limits.refund_gap:
        return Refund.id.is_not(None)
    other = aliased(Refund)
    just_sent = other.sent_at > now - limits.refund_gap
    before = other.state.in_(_WAITS) & other.withheld_at.is_(None) & other.sent_at.is_(None) & (other.id < Refund.id)
    return ~select(other.id).where(other.payment_id == Refund.payment_id, other.id != Refund.id, just_sent | before).exists()
