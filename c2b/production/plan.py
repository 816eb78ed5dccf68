"""What a decision would do now: a constant number of statements, whatever the number of orders."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain

from sqlalchemy import ColumnElement, Row, false, func, select, tuple_
from sqlalchemy.orm import Session

from c2b.campaigns.models import Campaign, Candidate, Offer, OptionValue, Supplier, Variant
from c2b.deposits.models import OrderLine
from c2b.deposits.refunds import RefundFigures, refund_figures
from c2b.deposits.rules import Outcome
from c2b.production import rules
from c2b.production.models import DecisionOverride
from c2b.production.rules import Captured, DecisionFigures, Product, ProductDecision, ProductFigures
from c2b.voting.queries import selected_ids


@dataclass(frozen=True)
class Offered:
    """A product to decide, with what its production order says; costs in minor units, tax in basis points."""

    candidate: int
    supplier: int | None
    supplier_code: str
    lead_days: int | None
    unit_cost: int | None
    tax_rate: int | None
    product: Product


@dataclass(frozen=True)
class Plan:
    """What is decided of every product, and the figures of it."""

    offered: list[Offered]
    decisions: list[ProductDecision]
    figures: DecisionFigures

    @property
    def pairs(self) -> list[tuple[Offered, ProductDecision]]:
        """Every product with what is decided of it."""
        return list(zip(self.offered, self.decisions, strict=True))

    @property
    def made(self) -> list[tuple[Offered, ProductDecision]]:
        """The products of which pieces are made."""
        return [(one, decision) for one, decision in self.pairs if decision.make]


def reserved(campaign: Campaign) -> ColumnElement[bool]:
    """Choose the campaign's lines that wait for the decision: their deposit is captured and they weren't cancelled."""
    return (OrderLine.campaign_id == campaign.id) & (OrderLine.outcome == Outcome.OPEN) & OrderLine.reserved_at.is_not(None)


def takes_second(decisions: Iterable[ProductDecision]) -> ColumnElement[bool]:
    """Choose the lines that get their second choice by these decisions, among those that are reserved."""
    pairs = [(one.variant, one.second) for decision in decisions for one in decision.moved]
    return tuple_(OrderLine.variant_id, func.coalesce(OrderLine.second_id, 0)).in_(pairs) if pairs else false()


def misses(decisions: Collection[ProductDecision]) -> ColumnElement[bool]:
    """Choose the lines that get nothing by these decisions: neither what was ordered nor a second choice."""
    making = {one.variant for decision in decisions for one in decision.make}
    return OrderLine.variant_id.not_in(making) & ~takes_second(decisions)


def plan(session: Session, campaign: Campaign) -> Plan:
    """Return what deciding `campaign` now would do."""
    found = offered(session, campaign)
    agreed = overridden(session, campaign)
    decisions = rules.decide([one.product for one in found], campaign.max_products, agreed)
    making = list(chain.from_iterable(decision.make for decision in decisions))
    back = refund_figures(session, lines=select(OrderLine.id).where(reserved(campaign), misses(decisions)))
    suppliers = {one.supplier for one, decision in zip(found, decisions, strict=True) if decision.make}
    made = DecisionFigures(
        products=tuple(map(_figures, decisions)),
        production_orders=len(suppliers),
        pieces=sum(one.ordered + one.extra for one in making),
        refunds=back.count,
        refund_amount=back.amount,
        currency=campaign.currency,
        input_hash=_input_hash(campaign, found, back, agreed),
    )
    return Plan(found, decisions, made)


def overridden(session: Session, campaign: Campaign) -> dict[str, str]:
    """Return the codes of what is made although it missed, with the public reasons, as far as two people agreed."""
    query = select(Candidate.code, DecisionOverride.reason).join(Candidate, Candidate.id == DecisionOverride.candidate_id)
    agreed = (DecisionOverride.campaign_id == campaign.id) & DecisionOverride.approved_at.is_not(None)
    return dict(session.execute(query.where(agreed).order_by(Candidate.code)).all())


def _input_hash(campaign: Campaign, offered: list[Offered], back: RefundFigures, agreed: Mapping[str, str]) -> str:
    """Return what tells decisions on different facts apart."""
    given = [campaign.slug, campaign.max_products, back.count, back.amount, [asdict(one) for one in offered], agreed]
    return hashlib.sha256(json.dumps(given, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _figures(decision: ProductDecision) -> ProductFigures:
    return ProductFigures(
        code=decision.code,
        units=decision.units,
        minimum=decision.minimum,
        outcome=decision.outcome.value,
        tier=decision.tier,
        missed_units=decision.missed,
        extra=sum(one.extra for one in decision.make),
        second=sum(one.units for one in decision.moved),
        reason=decision.reason,
    )


def offered(session: Session, campaign: Campaign) -> list[Offered]:
    """Return the products to decide, in the order of the file, with the units whose deposits are captured."""
    variants, minimums = _captured(session, campaign), _value_minimums(session, campaign)
    query = (
        select(Candidate.id, Candidate.code, Offer, Supplier.code.label("supplier_code"), Supplier.lead_days)
        .outerjoin(Offer, Offer.candidate_id == Candidate.id)
        .outerjoin(Supplier, Supplier.id == Offer.supplier_id)
        .where(Candidate.id.in_(selected_ids(session, campaign)))
        .order_by(Candidate.position, Candidate.id)
    )
    return [_one(campaign, row, variants[row.id], minimums[row.id]) for row in session.execute(query)]


def _one(campaign: Campaign, row: Row[int, str, Offer, str, int | None], variants: list[Captured], minimums: dict[int, int]) -> Offered:
    offer = row.Offer or Offer(pack=1)
    return Offered(
        candidate=row.id,
        supplier=offer.supplier_id,
        supplier_code=row.supplier_code or "",
        lead_days=offer.lead_days or row.lead_days,
        unit_cost=offer.unit_cost,
        tax_rate=offer.tax_rate,
        product=Product(
            code=row.code,
            minimum=offer.minimum or campaign.minimum,
            variants=variants,
            pack=offer.pack,
            tiers=(offer.tier2_units, offer.tier3_units),
            value_minimums=minimums,
        ),
    )


def _captured(session: Session, campaign: Campaign) -> dict[int, list[Captured]]:
    units, seconds = _ordered(session, campaign)
    found: dict[int, list[Captured]] = defaultdict(list)
    columns = (Variant.candidate_id, Variant.id, Variant.minimum, Variant.option1_id, Variant.option2_id)
    query = select(*columns).where(Variant.campaign_id == campaign.id).order_by(Variant.candidate_id, Variant.position)
    for candidate, variant, minimum, *values in session.execute(query):
        mine = tuple(value for value in values if value is not None)
        found[candidate].append(Captured(variant, units[variant], mine, minimum or 0, tuple(seconds[variant])))
    return found


def _ordered(session: Session, campaign: Campaign) -> tuple[Counter[int], dict[int, list[tuple[int, int]]]]:
    """Return captured units by variant, and of those with a second choice how many want which."""
    by = (OrderLine.variant_id, OrderLine.second_id)
    units, seconds = Counter[int](), defaultdict[int, list[tuple[int, int]]](list)
    for variant, second, total in session.execute(
        select(*by, func.sum(OrderLine.units)).where(reserved(campaign)).group_by(*by).order_by(*by)
    ):
        units[variant] += int(total)
        if second is not None:
            seconds[variant].append((second, int(total)))
    return units, seconds


def _value_minimums(session: Session, campaign: Campaign) -> dict[int, dict[int, int]]:
    found: dict[int, dict[int, int]] = defaultdict(dict)
    query = select(OptionValue.candidate_id, OptionValue.id, OptionValue.minimum).join(Candidate, Candidate.id == OptionValue.candidate_id)
    for candidate, value, minimum in session.execute(query.where(Candidate.campaign_id == campaign.id, OptionValue.minimum > 0)):
        found[candidate][value] = minimum or 0
    return found
