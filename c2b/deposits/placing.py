"""What a customer asks for, held against what is offered: the checks before an order is written."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, fields

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, Variant
from c2b.deposits.models import Order, OrderLine
from c2b.deposits.rules import Outcome, Prices, deposit_per_unit
from c2b.errors import N_, Invalid, Refused
from c2b.voting.queries import selected_ids

MOST_UNITS = 999
MOST_LINES = 200
LONGEST_KEY = 64


@dataclass(frozen=True)
class ShippingAddress:
    """Where the goods go; may be empty until the balance is paid. `country` is a two-letter code."""

    recipient: str = ""
    phone: str = ""
    country: str = ""
    postal_code: str = ""
    address: str = ""


ADDRESS = tuple(each.name for each in fields(ShippingAddress))
"""The fields' names."""
_MOST = {name: getattr(Order.__table__.c[name].type, "length", 0) for name in ADDRESS}
"""Letters that each field has room for."""


@dataclass(frozen=True)
class Wanted:
    """Units of an offered variant with the promised price and the deposit of one unit, minor units."""

    variant_id: int
    candidate_id: int
    code: str
    units: int
    unit_price: int
    deposit_per_unit: int


def check_address(campaign: Campaign, address: ShippingAddress) -> None:
    """Raise Invalid for a country that the campaign doesn't ship to, and for what is too long to be kept."""
    if address.country and address.country not in campaign.countries:
        raise Invalid(
            N_("We don’t ship to %(country)s; choose one of %(countries)s"),
            field="country",
            country=address.country,
            countries=", ".join(campaign.countries),
        )
    for field, most in _MOST.items():
        if len(getattr(address, field)) > most:
            raise Invalid(N_("This is too long; there is room for %(most)s characters"), field=field, most=most)


def sent_before(session: Session, person_id: int, idempotency_key: str, lines: Sequence[tuple[int, int]]) -> str | None:
    """Return the order that this form of a customer made already, or None; the customer is locked.

    Raises Refused if it was made of other units: whoever went back and changed the form must not take the old order for the new one.
    """
    sent = select(Order).where(Order.person_id == person_id, Order.idempotency_key == idempotency_key)
    known = session.scalars(sent).one_or_none()
    if known is None:
        return None
    asked: Counter[int] = Counter()
    for variant_id, units in lines:
        asked[variant_id] += units
    ordered = func.coalesce(OrderLine.first_id, OrderLine.variant_id)
    made = select(ordered, OrderLine.units).where(OrderLine.order_id == known.id)
    if dict(session.execute(made).all()) != asked:
        raise Refused(
            N_("This form was sent before and made order %(ref)s of other products or pieces; to make a second order, send it again"),
            ref=known.ref,
        )
    return known.ref


def wanted(session: Session, campaign: Campaign, lines: Sequence[tuple[int, int]]) -> list[Wanted]:
    """Return what `lines` (variant, units) ask for, equal variants added up, in the order of the variants' ids.

    Raises Invalid for unreadable units or nothing at all; Refused for a variant that can't be ordered, naming it.
    """
    units = _added_up(lines)
    rows = session.execute(
        select(Variant, Candidate, Offer.candidate_id)
        .join(Candidate, Candidate.id == Variant.candidate_id)
        .outerjoin(Offer, Offer.candidate_id == Candidate.id)
        .where(Variant.id.in_(units), Variant.campaign_id == campaign.id)
        .order_by(Variant.id)
    ).all()
    if len(rows) != len(units):
        raise Refused(N_("One of these products isn’t part of this campaign; choose again"))
    selected = set(selected_ids(session, campaign))
    return [
        _offered(campaign, variant, candidate, units[variant.id], offered=offer is not None and candidate.id in selected)
        for variant, candidate, offer in rows
    ]


def _added_up(lines: Sequence[tuple[int, int]]) -> Counter[int]:
    units: Counter[int] = Counter()
    for variant_id, wished in lines:
        if wished < 1:
            raise Invalid(N_("Order at least one piece of each"), field="units")
        units[variant_id] += wished
    if not units:
        raise Invalid(N_("Choose at least one product, with its size"), field="lines")
    if _is_too_much(units):
        limit = N_("At most %(lines)s kinds and %(units)s pieces of each in one order")
        raise Invalid(limit, field="units", lines=MOST_LINES, units=MOST_UNITS)
    return units


def _is_too_much(units: Counter[int]) -> bool:
    """Say whether these units, by variant, are more than one order takes."""
    return len(units) > MOST_LINES or max(units.values()) > MOST_UNITS


def within_limit(session: Session, campaign: Campaign, person_id: int, asked: Sequence[Wanted]) -> None:
    """Raise Refused if a customer would have more units of one candidate than the campaign allows; the person is locked."""
    if not campaign.per_customer:
        return
    mine = session.execute(
        select(OrderLine.candidate_id, func.sum(OrderLine.units))
        .join(Order, Order.id == OrderLine.order_id)
        .where(Order.campaign_id == campaign.id, Order.person_id == person_id, OrderLine.outcome.in_((Outcome.OPEN, Outcome.ALLOCATED)))
        .group_by(OrderLine.candidate_id)
    )
    have = Counter({candidate_id: int(units) for candidate_id, units in mine})
    for each in asked:
        have[each.candidate_id] += each.units
        if have[each.candidate_id] > campaign.per_customer:
            limit = campaign.per_customer
            raise Refused(N_("At most %(limit)s of %(code)s per customer, other orders included"), limit=limit, code=each.code)


def by_candidate(asked: Sequence[Wanted | OrderLine]) -> dict[int, int]:
    """Add the units up by candidate."""
    units: Counter[int] = Counter()
    for each in asked:
        units[each.candidate_id] += each.units
    return dict(units)


def _offered(campaign: Campaign, variant: Variant, candidate: Candidate, units: int, *, offered: bool) -> Wanted:
    if candidate.withdrawn_at is not None:
        raise Refused(N_("%(code)s was withdrawn and can’t be ordered; take it out"), code=candidate.code)
    if not offered or not variant.price:
        raise Refused(N_("%(code)s isn’t offered for pre-order; take it out"), code=candidate.code)
    prices = Prices(variant.price, variant.tier2_price, variant.tier3_price)
    rule = {"percent": campaign.deposit_percent, "amount": campaign.deposit_amount}
    deposit = deposit_per_unit(prices, profile=campaign.legal_profile, currency=campaign.currency, **rule)
    if deposit == 0:
        raise Refused(N_("%(code)s costs too little for a deposit and can’t be ordered; take it out"), code=candidate.code)
    return Wanted(variant.id, candidate.id, candidate.code, units, variant.price, deposit)
