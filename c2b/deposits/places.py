"""Places of capped products: captured units and live places together never exceed a cap.

A place is taken when a payment starts and lasts as long as its customer may take to pay,
longer while nobody knows what became of the payment.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Candidate, Offer
from c2b.db import insert_into
from c2b.deposits.models import Obligation, OrderLine, PaymentPart, Place
from c2b.deposits.rules import Outcome
from c2b.errors import N_, Refused
from c2b.payments.models import Payment
from c2b.payments.rules import OPEN, UNHEARD, PaymentState


def free(session: Session, candidate_ids: Collection[int], *, besides: int | None, now: datetime) -> dict[int, int]:
    """Return the units that are left of each capped candidate, not counting the places of the order `besides`.

    An uncapped candidate isn't in the answer.
    """
    capped = select(Offer.candidate_id, Offer.cap).where(Offer.candidate_id.in_(candidate_ids), Offer.cap.is_not(None))
    caps: dict[int, Any] = dict(session.execute(capped).all())
    if not caps:
        return {}
    taken = captured(session, caps)
    live = (
        select(Place.candidate_id, func.sum(Place.units))
        .join(OrderLine, OrderLine.id == Place.line_id)
        .where(Place.candidate_id.in_(caps), OrderLine.order_id != (besides or 0), is_live(now))
        .group_by(Place.candidate_id)
    )
    left = Counter(caps)
    left.subtract(taken)
    left.subtract({candidate_id: int(units) for candidate_id, units in session.execute(live)})
    return dict(left)


def captured(session: Session, candidate_ids: Collection[int]) -> dict[int, int]:
    """Return the captured units of each candidate that has any: what counts towards minimum, tiers and cap."""
    counted = OrderLine.reserved_at.is_not(None) & OrderLine.outcome.in_((Outcome.OPEN, Outcome.ALLOCATED))
    rows = session.execute(
        select(OrderLine.candidate_id, func.sum(OrderLine.units))
        .where(OrderLine.candidate_id.in_(candidate_ids), counted)
        .group_by(OrderLine.candidate_id)
    )
    return {candidate_id: int(units) for candidate_id, units in rows}


def lock(session: Session, candidate_ids: Collection[int]) -> None:
    """Let one at a time decide about the places of these candidates, in the order of their ids."""
    offers = select(Offer.candidate_id).where(Offer.candidate_id.in_(candidate_ids)).order_by(Offer.candidate_id)
    session.execute(offers.with_for_update())


def require(session: Session, wanted: Mapping[int, int], *, besides: int | None, now: datetime) -> Collection[int]:
    """Raise Refused, naming the product, if fewer units are left than `wanted` by candidate; returns which of them are capped."""
    found = free(session, wanted.keys(), besides=besides, now=now)
    for candidate_id, left in sorted(found.items()):
        if left < wanted[candidate_id]:
            code = session.get_one(Candidate, candidate_id).code
            raise Refused(N_("Only %(left)s of %(code)s are left; order fewer or take it out"), left=max(left, 0), code=code)
    return found.keys()


def take(session: Session, lines: Collection[OrderLine], *, until: datetime) -> None:
    """Keep places for lines of capped candidates; a place that a line had before is renewed. Locked and required by the caller."""
    rows = [{"line_id": line.id, "candidate_id": line.candidate_id, "units": line.units, "expires_at": until} for line in lines]
    if rows:
        new = insert_into(session, Place)
        renewed = new.on_conflict_do_update(index_elements=["line_id"], set_={"expires_at": new.excluded.expires_at})
        session.execute(renewed, rows)


def release(session: Session, line_ids: Collection[int]) -> None:
    """Give the places of lines back, but for those that another payment still runs for."""
    session.execute(delete(Place).where(Place.line_id.in_(line_ids), ~_has_payment(OPEN)))


def is_live(now: datetime) -> ColumnElement[bool]:
    """A place that hasn't expired, or whose payment nobody knows about."""
    return or_(Place.expires_at > now, _has_payment(UNHEARD))


def _has_payment(states: Collection[PaymentState]) -> ColumnElement[bool]:
    of_line = (
        select(PaymentPart.payment_id)
        .join(Obligation, Obligation.id == PaymentPart.obligation_id)
        .join(Payment, Payment.id == PaymentPart.payment_id)
        .where(Obligation.line_id == Place.line_id, Payment.state.in_(states))
        .correlate(Place)
    )
    return of_line.exists()
