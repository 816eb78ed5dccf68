"""What pages and exports read of pre-orders: basket, orders, refunds. Amounts are minor units."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from c2b.campaigns import queries as campaigns
from c2b.campaigns.models import Campaign, Candidate
from c2b.campaigns.queries import CandidateDetail, VariantRow
from c2b.campaigns.rules import ordering_is_open
from c2b.deposits import legal, places
from c2b.deposits.legal import Consequence
from c2b.deposits.models import Obligation, Order, PaymentPart
from c2b.deposits.order_view import OrderView, views
from c2b.deposits.payment_view import PaymentView, payment_view
from c2b.deposits.rules import (
    ObligationKind,
    Prices,
    deposit_per_unit,
    tier,
    units_to_next_tier,
)
from c2b.errors import N_, NotFound
from c2b.payments.models import Payment
from c2b.voting.queries import ballot, selected_ids


@dataclass(frozen=True)
class Choice:
    """One variant in the basket, by the unit: promised price, the price if ordering closed now, deposit."""

    variant: VariantRow
    promised: int
    now: int
    deposit: int


@dataclass(frozen=True)
class BasketItem:
    """A selected product as the basket shows it; `units` are captured ones."""

    product: CandidateDetail
    picked: bool
    added: bool
    choices: tuple[Choice, ...]
    units: int
    minimum: int
    tier: int
    to_next_tier: int | None
    left: int | None
    """Units that a cap leaves; None: no cap."""

    @property
    def is_reached(self) -> bool:
        """Whether it would be made if ordering closed now."""
        return self.units >= self.minimum

    @property
    def to_minimum(self) -> int:
        """Units that are missing to be made."""
        return max(self.minimum - self.units, 0)


@dataclass(frozen=True)
class Basket:
    """Everything that can be ordered: what was asked for first, then the person's own picks, then the rest."""

    items: tuple[BasketItem, ...]
    is_open: bool
    consequences: tuple[Consequence, ...]
    terms: str


def basket(session: Session, *, campaign: Campaign, person_id: int | None, add: str, locale: str, now: datetime) -> Basket:
    """Return what a person may order in `campaign`: the product `add` (a code) first, then their picks, then all others selected."""
    selected = selected_ids(session, campaign)
    wanted = select(Candidate).where(Candidate.id.in_(selected), Candidate.withdrawn_at.is_(None)).order_by(Candidate.position)
    products = [each for each in campaigns.details(session, list(session.scalars(wanted)), locale=locale) if each.offer]
    ids = [each.card.id for each in products]
    picks = ballot(session, campaign_id=campaign.id, person_id=person_id).picked if person_id else frozenset()
    units, left = places.captured(session, ids), places.free(session, ids, besides=None, now=now)
    items = [
        _item(campaign, each, picked=each.card.id in picks, added=each.card.code == add, units=units.get(each.card.id, 0), left=left)
        for each in products
    ]
    shown = sorted((item for item in items if item.choices), key=lambda item: (not item.added, not item.picked))
    facts = legal.facts(campaign, locale)
    return Basket(
        tuple(shown),
        ordering_is_open(campaign, now),
        legal.consequences(campaign.legal_profile, **facts),
        legal.terms(campaign.legal_profile, **facts),
    )


def order(session: Session, *, ref: str, person_id: int, locale: str, now: datetime) -> OrderView:
    """Return a customer's own order; raises NotFound for somebody else's."""
    found = views(session, select(Order).where(Order.ref == ref, Order.person_id == person_id), locale=locale, now=now)
    if not found:
        raise NotFound(N_("There is no such order"))
    return found[0]


def my_orders(session: Session, *, person_id: int, locale: str, now: datetime) -> list[OrderView]:
    """Return all orders of a customer, the newest first; the number of statements doesn't depend on how many."""
    mine = select(Order).where(Order.person_id == person_id)
    return views(session, mine.order_by(Order.placed_at.desc(), Order.id.desc()), locale=locale, now=now)


def payment(session: Session, *, key: str, person_id: int) -> PaymentView:
    """Return a customer's own payment, for the page that waits for it; raises NotFound for somebody else's."""
    row = session.execute(
        select(Payment, Campaign.slug)
        .join(Order, Order.ref == Payment.payer)
        .join(Campaign, Campaign.id == Order.campaign_id)
        .where(Payment.key == key, Order.person_id == person_id)
    ).first()
    if row is None:
        raise NotFound(N_("There is no such payment"))
    return payment_view(row[0], row[1])


def is_for_deposit(session: Session, *, key: str) -> bool:
    """Say whether the payment `key` is for deposits; else it is for a balance."""
    parts = select(PaymentPart.obligation_id).join(Payment, Payment.id == PaymentPart.payment_id).where(Payment.key == key)
    deposits = select(Obligation.id).where(Obligation.id.in_(parts), Obligation.kind == ObligationKind.DEPOSIT)
    return session.scalars(deposits.limit(1)).first() is not None


def _item(campaign: Campaign, product: CandidateDetail, *, picked: bool, added: bool, units: int, left: dict[int, int]) -> BasketItem:
    offer = product.offer
    assert offer is not None
    reached = tier(units, offer.tier2_units, offer.tier3_units)
    choices = tuple(_choice(campaign, variant, reached) for variant in product.variants if variant.price)
    free = left.get(product.card.id)
    return BasketItem(
        product=product,
        picked=picked,
        added=added,
        choices=choices,
        units=units,
        minimum=offer.minimum or campaign.minimum,
        tier=reached,
        to_next_tier=units_to_next_tier(units, offer.tier2_units, offer.tier3_units),
        left=max(free, 0) if free is not None else None,
    )


def _choice(campaign: Campaign, variant: VariantRow, reached: int) -> Choice:
    prices = Prices(variant.price or 0, variant.tier2_price, variant.tier3_price)
    rule = {"percent": campaign.deposit_percent, "amount": campaign.deposit_amount}
    deposit = deposit_per_unit(prices, profile=campaign.legal_profile, currency=campaign.currency, **rule)
    return Choice(variant, prices.first, prices.at(reached), deposit)
