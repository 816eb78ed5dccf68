"""Made-up buyers: orders with captured deposits, in the books as the program itself would leave them, written over sets."""

import random
import secrets
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, groupby
from math import inf
from operator import attrgetter
from typing import Any

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session, aliased

from c2b.campaigns.models import Campaign, Offer, OptionValue, Variant
from c2b.demo.voters import arrivals, long_tail
from c2b.deposits import legal
from c2b.deposits.models import Obligation, Order, OrderLine, PaymentPart, Pickup
from c2b.deposits.pickups import new_code
from c2b.deposits.rules import ObligationKind, ObligationState, Prices, deposit_per_unit
from c2b.ledger import rules as accounts
from c2b.ledger.models import Transfer
from c2b.payments.models import Payment
from c2b.payments.rules import PaymentState, new_key

GATEWAY, MERCHANT = "sandbox", "main"
PAID_AFTER = timedelta(minutes=2)
COMMON_SIZES = (1, 4, 6, 5, 3, 1)
"""How often each of six sizes is taken."""


@dataclass(frozen=True)
class Paid:
    """One payment, as the gateway's own books need it; the amount in minor units."""

    key: str
    amount: int
    currency: str
    at: datetime


@dataclass(frozen=True)
class Basket:
    """What one made-up person orders: units by variant."""

    ref: str
    person: int
    at: datetime
    units: dict[Variant, int]


def order(session: Session, campaign: Campaign, *, offered: Sequence[int], buyers: Sequence[int], until: datetime, seed: str) -> list[Paid]:
    """Write one paid order for each of `buyers` of the candidates `offered`, best liked first, between the opening and `until`.

    A constant number of statements. Returns the payments, for the gateway's books.
    """
    dice = random.Random(seed)  # noqa: S311  made-up orders, no secret
    moments = arrivals(len(buyers), campaign.ordering_opens, until, dice)
    caps = {key: cap for key, cap in session.execute(select(Offer.candidate_id, Offer.cap)) if cap is not None}
    choice = _variants(session, campaign, offered)
    baskets = list(fill_baskets(choice, caps, list(zip(buyers, moments, strict=True)), dice))
    session.execute(insert(Order), [_order(campaign, basket) for basket in baskets])
    orders = _keys(session, campaign)
    session.execute(insert(OrderLine), list(chain.from_iterable(_lines(campaign, orders[basket.ref], basket) for basket in baskets)))
    lines = session.execute(
        select(OrderLine.id, OrderLine.order_id, OrderLine.deposit, OrderLine.reserved_at)
        .where(OrderLine.campaign_id == campaign.id)
        .order_by(OrderLine.id)
    ).all()
    session.execute(insert(Obligation), [_obligation(line) for line in lines])
    return _pay(session, campaign)


def collect(session: Session, campaign: Campaign, *, stores: Sequence[int]) -> None:
    """Let one in five of the campaign's orders be collected in one of `stores`, since it was placed."""
    orders = session.execute(select(Order.id, Order.placed_at).where(Order.campaign_id == campaign.id).order_by(Order.id)).all()
    rows = [
        {"order_id": order.id, "store_id": stores[number % len(stores)], "code": new_code(), "chosen_at": order.placed_at}
        for number, order in enumerate(orders[::5])
    ]
    session.execute(insert(Pickup), rows)


def name_seconds(session: Session, campaign: Campaign) -> None:
    """Let two of three who took a colour with a minimum of its own name another colour in their size."""
    other = aliased(Variant)
    same = (
        (other.candidate_id == Variant.candidate_id) & (other.option2_id == Variant.option2_id) & (other.option1_id != Variant.option1_id)
    )
    first = select(func.min(other.id)).join(Variant, same).where(Variant.id == OrderLine.variant_id).correlate(OrderLine)
    rare = select(Variant.id).join(OptionValue, OptionValue.id == Variant.option1_id).where(OptionValue.minimum.is_not(None))
    theirs = (OrderLine.campaign_id == campaign.id) & OrderLine.variant_id.in_(rare) & (OrderLine.order_id % 3 != 0)
    session.execute(update(OrderLine).where(theirs).values(second_id=first.scalar_subquery()).execution_options(synchronize_session=False))


def fill_baskets(
    choice: Sequence[Sequence[Variant]], caps: dict[int, int], people: Sequence[tuple[int, datetime]], dice: random.Random
) -> Iterator[Basket]:
    """Put one to three products into each person's basket, the best liked most often; never more of one than its cap."""
    weights = long_tail(len(choice), shift=2, steepness=0.95)
    left = defaultdict[int, float](lambda: inf, caps)
    for person, at in people:
        units: dict[Variant, int] = {}
        for rank in dict.fromkeys(dice.choices(range(len(choice)), cum_weights=weights, k=dice.choice((1, 1, 2, 2, 3)))):
            candidate, wanted = choice[rank][0].candidate_id, dice.choice((1, 1, 1, 1, 2))
            if left[candidate] >= wanted:
                left[candidate] -= wanted
                units[_one_of(choice[rank], dice)] = wanted
        if units:
            yield Basket(secrets.token_urlsafe(12), person, at, units)


def _one_of(variants: Sequence[Variant], dice: random.Random) -> Variant:
    sizes = len(COMMON_SIZES)
    weights = [COMMON_SIZES[number % sizes] for number in range(len(variants))] if len(variants) % sizes == 0 else None
    return dice.choices(variants, weights=weights)[0]


def _variants(session: Session, campaign: Campaign, offered: Sequence[int]) -> list[list[Variant]]:
    found: dict[int, list[Variant]] = {candidate: [] for candidate in offered}
    query = select(Variant).where(Variant.campaign_id == campaign.id, Variant.candidate_id.in_(offered))
    for variant in session.scalars(query.order_by(Variant.candidate_id, Variant.position)):
        found[variant.candidate_id].append(variant)
    return list(found.values())


def _keys(session: Session, campaign: Campaign) -> dict[str, int]:
    return {row.ref: row.id for row in session.execute(select(Order.ref, Order.id).where(Order.campaign_id == campaign.id))}


def _order(campaign: Campaign, basket: Basket) -> dict[str, Any]:
    terms = legal.terms(
        campaign.legal_profile,
        closes=campaign.ordering_closes,
        time_zone=campaign.time_zone,
        grace_days=campaign.grace_days,
        locale="zh_Hans_CN",
    )
    return {
        "ref": basket.ref,
        "campaign_id": campaign.id,
        "person_id": basket.person,
        "idempotency_key": secrets.token_urlsafe(12),
        "placed_at": basket.at,
        "legal_profile": campaign.legal_profile,
        "terms": terms,
        "terms_hash": legal.digest(terms),
        "terms_accepted_at": basket.at,
        "country": "CN",
    }


def _lines(campaign: Campaign, order_id: int, basket: Basket) -> Iterator[dict[str, Any]]:
    by = {"percent": campaign.deposit_percent, "amount": campaign.deposit_amount}
    for variant, units in basket.units.items():
        assert variant.price is not None
        prices = Prices(variant.price, variant.tier2_price, variant.tier3_price)
        yield {
            "campaign_id": campaign.id,
            "order_id": order_id,
            "candidate_id": variant.candidate_id,
            "variant_id": variant.id,
            "units": units,
            "unit_price": variant.price,
            "deposit": deposit_per_unit(prices, profile=campaign.legal_profile, currency=campaign.currency, **by) * units,
            "reserved_at": basket.at + PAID_AFTER,
        }


def _obligation(line: Any) -> dict[str, Any]:
    owed = {"order_id": line.order_id, "line_id": line.id, "amount": line.deposit, "due_at": line.reserved_at}
    return owed | {"kind": ObligationKind.DEPOSIT, "state": ObligationState.PAID}


def _pay(session: Session, campaign: Campaign) -> list[Paid]:
    """Capture everything that is owed: a payment an order, its parts, and the transfers."""
    query = select(Order.ref, Order.placed_at, Obligation.id, Obligation.line_id, Obligation.amount).join(
        Order, Order.id == Obligation.order_id
    )
    owed = session.execute(query.where(Order.campaign_id == campaign.id).order_by(Order.id, Obligation.id)).all()
    paid = {ref: _paid(campaign, list(parts)) for ref, parts in groupby(owed, key=attrgetter("ref"))}
    session.execute(insert(Payment), [_payment(ref, each) for ref, each in paid.items()])
    keys = dict(session.execute(select(Payment.payer, Payment.id).where(Payment.payer.in_(list(paid)))).all())
    parts = [{"payment_id": keys[part.ref], "obligation_id": part.id, "amount": part.amount, "applied": True} for part in owed]
    session.execute(insert(PaymentPart), parts)
    session.execute(insert(Transfer), [_transfer(campaign, paid[part.ref], part) for part in owed])
    return list(paid.values())


def _paid(campaign: Campaign, owed: Sequence[Any]) -> Paid:
    return Paid(new_key(), sum(part.amount for part in owed), campaign.currency, owed[0].placed_at + PAID_AFTER)


def _payment(ref: str, paid: Paid) -> dict[str, Any]:
    return {
        "key": paid.key,
        "payer": ref,
        "gateway": GATEWAY,
        "merchant": MERCHANT,
        "amount": paid.amount,
        "currency": paid.currency,
        "state": PaymentState.CAPTURED,
        "provider_reference": f"SBX-{paid.key}",
        "captured": paid.amount,
        "created_at": paid.at - PAID_AFTER,
        "checked_at": paid.at,
        "settled_at": paid.at,
    }


def _transfer(campaign: Campaign, paid: Paid, part: Any) -> dict[str, Any]:
    return {
        "id": f"cap:{paid.key}:{part.line_id}",
        "debit": accounts.provider(GATEWAY, MERCHANT),
        "credit": accounts.deposit(part.line_id),
        "amount": part.amount,
        "currency": paid.currency,
        "event": "captured",
        "campaign": campaign.slug,
        "at": paid.at,
    }
